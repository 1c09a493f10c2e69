"""What a formula needs besides its own parameters: sigma, the sum of the weights, ...

A quantity is asked for when a formula uses it, and by name when it was not given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bayesreg.errors import ConversionError


@dataclass(frozen=True)
class _Quantity:
    """How a missing quantity is asked for: the argument, and what it is."""

    argument: str
    meaning: str


_QUANTITIES = {
    "sigma": _Quantity("sigma", "sigma=..., the noise standard deviation in units of y"),
    "total_weight": _Quantity(
        "n", "data, or n=... (with sample weights total_weight=..., their sum N; N = n without)"
    ),
}


class MissingQuantityError(ConversionError):
    """A formula used a quantity that was not given; its name is in ``.quantity``."""

    def __init__(self, message: str, quantity: str) -> None:
        super().__init__(message)
        self.quantity = quantity


@dataclass(frozen=True)
class Setting:
    """The circumstances of one conversion.

    Attributes
    ----------
    likelihood : str
        Name of the likelihood, a key of :data:`bayesreg.likelihoods.LIKELIHOODS`.
    known : mapping of str to float
        The quantities that were given.
    weighted : bool
        Whether the data have weights.
    options : mapping
        What the caller wants of the target, such as ``solver``.
    target, formula, fixes : str
        Whose formula is being evaluated, for messages; see :class:`Convention`.
    """

    likelihood: str
    known: Mapping[str, float]
    weighted: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    target: str = ""
    formula: str = ""
    fixes: str = ""

    @property
    def sigma(self) -> float:
        """Noise standard deviation of a Gaussian likelihood."""
        return self._quantity("sigma")

    @property
    def total_weight(self) -> float:
        """N, the sum of the weights: the number of rows without weights."""
        return self._quantity("total_weight")

    @property
    def dispersion(self) -> float:
        """phi: sigma^2 for Gaussian, 1 for Bernoulli and Poisson.

        The factor between the library's data term and nats: RSS / 2 = sigma^2 nll.
        """
        return self.sigma**2 if self.likelihood == "Gaussian" else 1.0

    def assuming(self, name: str, value: float) -> Setting:
        """The same with one more quantity known."""
        return replace(self, known={**self.known, name: value})

    def on_behalf_of(self, convention: Any, options: Mapping[str, Any] | None = None) -> Setting:
        """The same for the formulas of this convention."""
        return replace(
            self,
            options=options or {},
            target=convention.name,
            formula=convention.formula,
            fixes=convention.fixes,
        )

    def _quantity(self, name: str) -> float:
        if name in self.known:
            return self.known[name]
        asked = _QUANTITIES[name]
        alone = ""
        if name == "sigma":
            fixes = self.fixes or "the penalty, not the noise"
            alone = f", and its parameters alone fix only {fixes}"
        raise MissingQuantityError(
            f"{self.target} needs {asked.argument}, which was not given: the formula is "
            f"{self.formula}{alone}. Pass {asked.meaning}",
            name,
        )
