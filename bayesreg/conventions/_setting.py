"""What a formula needs besides its own parameters: sigma, the sum of the weights, sd(y), ...

A quantity is asked for when a formula uses it: it is what the caller said, else what the data say,
else missing, and then asked for by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.conventions._quantities import QUANTITIES
from bayesreg.data import Data
from bayesreg.errors import ConversionError, NoEquivalentError

#: What the scale of the noise is called; a likelihood that is not here has none.
NOISE = {
    "Gaussian": "sigma",
    "Gamma": "phi",
    "AsymmetricLaplace": "s",
    # Losses without a likelihood here: what one nat of them is measured by.
    "Huber": "sigma",
    "SquaredEpsilonInsensitive": "sigma",
    "MultiTask": "sigma",
    "EpsilonInsensitive": "s",
    "Tweedie": "phi",
}


class MissingQuantityError(ConversionError):
    """A formula used a quantity that was not given; its name is in ``.quantity``."""

    def __init__(self, message: str, quantity: str) -> None:
        super().__init__(message)
        self.quantity = quantity


@dataclass(frozen=True, eq=False)
class Setting:
    """The circumstances of one conversion.

    Attributes
    ----------
    likelihood : str
        Name of the likelihood, a key of :data:`bayesreg.likelihoods.LIKELIHOODS`.
    known : mapping of str to float or array
        The quantities that were given, by their names in :data:`QUANTITIES`.
    data : Data or None
        Where further quantities come from.
    weighted : bool
        Whether the data have weights.
    shape : mapping
        Parameters of the likelihood besides the scale of its noise, where the caller said them.
    options : mapping
        What the caller wants of the target, such as ``solver``.
    target, formula, fixes : str
        Whose formula is being evaluated, for messages; see :class:`Convention`.
    """

    likelihood: str
    known: Mapping[str, Any]
    data: Data | None = None
    weighted: bool = False
    shape: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    target: str = ""
    formula: str = ""
    fixes: str = ""

    @property
    def sigma(self) -> float:
        """Noise standard deviation of a Gaussian likelihood."""
        return self.number("sigma")

    @property
    def total_weight(self) -> float:
        """N, the sum of the weights: the number of rows without weights."""
        return self.number("total_weight")

    @property
    def dispersion(self) -> float:
        """What one nat is in the loss that libraries are written in.

        RSS / 2 = sigma^2 nll for Gaussian, deviance / 2 = phi nll for Gamma, the pinball loss
        = s nll for AsymmetricLaplace; 1 for the likelihoods without noise of their own.
        """
        noise = NOISE.get(self.likelihood)
        if noise is None:
            return 1.0
        return self.sigma**2 if noise == "sigma" else self.number(noise)

    def number(self, name: str) -> float:
        """A quantity that is one number.

        Raises
        ------
        MissingQuantityError
            When it was not given and there are no data to say it.
        """
        return float(self.quantity(name))

    def per_column(self, name: str) -> FloatArray:
        """A quantity by which columns are scaled, an entry each.

        Raises
        ------
        MissingQuantityError
            As :meth:`number`.
        ConversionError
            As :meth:`fitting`.
        NoEquivalentError
            Where an entry is 0: such a column is in no library's penalty, and beside a flat
            intercept a flat coefficient of it has no value of its own.
        """
        values = self.fitting(
            np.asarray(self.quantity(name), dtype=np.float64), QUANTITIES[name].argument
        )
        if np.any(values == 0):
            column = int(np.argmax(values == 0))
            named = "" if self.data is None else f" ({self.data.names[column]!r})"
            raise NoEquivalentError(
                f"column {column}{named} has {name} = 0"
                f"{', for it is constant' if 'sd' in name else ''}, and {self.target} scales the "
                "strength of its prior by that: this coefficient has none, and libraries hold it "
                "at 0 or stop. Nearest: leave the column out"
            )
        return values

    @property
    def columns(self) -> int | None:
        """How many columns there are, as far as that is known."""
        if self.data is not None:
            return self.data.p
        if "p" in self.known:
            return int(self.known["p"])
        sizes = (np.size(value) for name, value in self.known.items() if name in QUANTITIES)
        return next((size for size in sizes if size > 1), None)

    def fitting(self, values: FloatArray, name: str) -> FloatArray:
        """The values, one for all columns or one per column.

        Raises
        ------
        ConversionError
            When there are other numbers of columns than of values.
        """
        if values.size == 1 or self.columns in (None, values.size):
            return values
        raise ConversionError(
            f"{self.target}: {name} has {values.size} entries, and there are {self.columns} "
            f"columns{' in data' if self.data is not None else ''}. Pass one entry per column, in "
            "the order of the columns"
        )

    def assuming(self, name: str, value: float) -> Setting:
        """The same with one more quantity known."""
        return replace(self, known={**self.known, name: value})

    def ordinary(self) -> Setting:
        """Every quantity 1: what is a penalty here is one anywhere."""
        ones = {name: np.ones(1) if q.per_column else 1.0 for name, q in QUANTITIES.items()}
        del ones["p"]  # a count, of which no penalty is a multiple
        return replace(self, known=ones | {k: v for k, v in self.known.items() if k == "p"})

    def on_behalf_of(self, convention: Any, options: Mapping[str, Any] | None = None) -> Setting:
        """The same for the formulas of this convention."""
        return replace(
            self,
            options=options or {},
            target=convention.name,
            formula=convention.formula,
            fixes=convention.fixes,
        )

    def quantity(self, name: str) -> Any:
        """What was said, else what the data say; raises as :meth:`number`."""
        if name in self.known:
            return self.known[name]
        quantity = QUANTITIES[name]
        if quantity.of_data is not None and self.data is not None:
            return quantity.of_data(self.data)
        alone = ""
        if name in NOISE.values():
            fixes = self.fixes or "the penalty, not the noise"
            alone = f", and its parameters alone fix only {fixes}"
        raise MissingQuantityError(
            f"{self.target} needs {quantity.argument}, which was not given: the formula is "
            f"{self.formula}{alone}. Pass {quantity.meaning}",
            name,
        )
