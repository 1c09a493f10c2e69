"""What a convention is, and what a conversion returns.

A convention is one library's (or book's) way of writing a penalised regression, as a value: the
objective as text and the two formulas, ``encode`` from nats and ``decode`` to nats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bayesreg._text import nearest
from bayesreg._types import FloatArray
from bayesreg.conventions._nats import Nats
from bayesreg.conventions._parameters import plain
from bayesreg.conventions._setting import Setting
from bayesreg.data import Data
from bayesreg.errors import ConversionError
from bayesreg.priors import Prior


def _nothing_said(parameters: Mapping[str, Any]) -> dict[str, float]:
    return {}


def _left_open(parameters: Mapping[str, Any], data: Data | None) -> str | None:
    return None


@dataclass(frozen=True, eq=False, repr=False)
class Convention:
    """One way of writing a penalised regression.

    Attributes
    ----------
    name : str
        ``library.Estimator`` or ``textbook.form``.
    likelihoods, penalties : tuple of str
        What it can express.
    objective : str
        What is minimised, as implemented. w coefficients, s weights, N = sum(s).
    formula : str
        The parameters in terms of sigma, N, b (Laplace scale) and tau (Normal sd).
    fixes : str
        What the parameters fix when sigma is not known; empty where sigma plays no part.
    intercept : str
        How the intercept is treated.
    source : str
        Where the objective was read.
    defaults : mapping
        The parameters of the formulas, with the library's defaults (``...``: must be given).
    encode, decode : callables
        Nats -> parameters, parameters -> Nats.
    code, build : callables
        Parameters and settings -> program text, the same -> the library's own unfitted object.
    notes, settings : callables
        Pitfalls, and the solver settings that make the library's optimum exact.
    irrelevant : tuple of str
        Arguments of the library that do not move the optimum.
    options : tuple of str
        What a caller may ask of ``encode`` by keyword.
    penalises_intercept : bool
        Whether ``encode`` takes a proper intercept prior.
    relative_to_noise : bool
        The prior meant is stated in units of sigma.
    per_coefficient : bool
        Whether ``encode`` takes a strength per coefficient; where not, columns are rescaled.
    takes_weights, fits_intercept : bool
        Whether the library's fit takes weights of rows, and whether it can have an intercept.
    takes_positive : bool
        Whether it can hold all coefficients at or above 0 (``positive=True``).
    takes_sparse : bool
        Whether ``code`` runs with a scipy sparse X; where not, it is made dense first.
    solution : str
        Expression for the coefficients once ``code`` has run; empty where it fits nothing.
    learned : mapping
        What ``decode`` also reads and only a fitted estimator says (``alpha_``), with the value
        that means "not fitted". A caller may give it by name.
    usual : callable
        Parameters, data -> the likelihood meant when the caller says none; None: left open.
    says : callable
        Parameters -> the quantities that they say themselves, such as sigma.
    without_model : tuple of str
        Losses that bayesreg has no likelihood for: decoded to a prior alone.
    one_way : str
        Why nothing can be converted to this target, and what is nearest; empty where it can.
    prior : callable, optional
        Nats -> the prior, where it is of another kind than an entry per coefficient.
    """

    name: str
    likelihoods: tuple[str, ...]
    penalties: tuple[str, ...]
    objective: str
    formula: str
    fixes: str
    intercept: str
    source: str
    defaults: Mapping[str, Any]
    encode: Callable[[Nats, Setting], dict[str, Any]]
    decode: Callable[[Mapping[str, Any], Setting], Nats]
    code: Callable[[Mapping[str, Any], Setting], str]
    build: Callable[[Mapping[str, Any], Setting], Any]
    notes: Callable[[Mapping[str, Any], Setting], tuple[str, ...]]
    settings: Callable[[Mapping[str, Any]], dict[str, Any]] = lambda parameters: {}
    irrelevant: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    penalises_intercept: bool = False
    relative_to_noise: bool = False
    per_coefficient: bool = False
    takes_weights: bool = True
    fits_intercept: bool = True
    takes_sparse: bool = False
    takes_positive: bool = False
    solution: str = ""
    learned: Mapping[str, Any] = field(default_factory=dict)
    usual: Callable[[Mapping[str, Any], Data | None], str | None] = _left_open
    says: Callable[[Mapping[str, Any]], Mapping[str, float]] = _nothing_said
    without_model: tuple[str, ...] = ()
    one_way: str = ""
    prior: Callable[[Nats], Prior] | None = None

    def __repr__(self) -> str:
        return f"<{self.name}: {self.objective}>"

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.objective}\n"
            f"  {self.formula}\n"
            f"  likelihoods: {', '.join(self.losses)}; "
            f"penalties: {', '.join(self.penalties)}; intercept: {self.intercept}"
        )

    @property
    def losses(self) -> tuple[str, ...]:
        """The likelihoods, and the losses that are read as a prior alone."""
        return (*self.likelihoods, *(f"{name} (prior only)" for name in self.without_model))

    def complete(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters of the formulas: those given, the library's defaults for the rest.

        Raises
        ------
        ConversionError
            For a name the library does not have, or a value that has no default.
        """
        known = [*self.defaults, *self.irrelevant, *self.learned]
        for name in parameters:
            if name not in known:
                raise ConversionError(
                    f"{self.name} has no parameter {name!r}.{nearest(str(name), known)}"
                )
        standing = {**self.defaults, **self.learned}
        completed = {
            name: plain(parameters.get(name, value), name, self.name)
            for name, value in standing.items()
        }
        for name, value in completed.items():
            if value is ...:
                raise ConversionError(
                    f"{self.name} needs {name!r}: it is part of the objective {self.objective} "
                    f"and has no default. Pass parameters={{{name!r}: ...}}"
                )
        return completed


@dataclass(frozen=True, repr=False)
class Penalised:
    """The penalised twin of a model, in one library's own terms.

    Attributes
    ----------
    target : str
        Name of the convention.
    parameters : dict
        What defines the optimum, under the library's own argument names.
    settings : dict
        Solver settings that take the library to its optimum; they do not move it.
    objective, formula : str
        What the library minimises, and where the parameters come from.
    code : str
        Runs as printed, given X and y (and sample_weight where the data have weights).
    notes : tuple of str
        Intercept, standardisation, weights, version pitfalls.
    column_factors : (p,) array or None
        Where the library has one strength for all coefficients and the prior has not: fit on
        ``X * column_factors`` and multiply the coefficients by them. ``code`` does both. They are
        1 under the widest prior; 1 / sd where the strengths on standardised columns are equal.
    """

    target: str
    parameters: dict[str, Any]
    settings: dict[str, Any]
    objective: str
    formula: str
    code: str
    notes: tuple[str, ...]
    _builder: Callable[[], Any] = field(compare=False)
    column_factors: FloatArray | None = field(default=None, compare=False)

    def build(self) -> Any:
        """The library's own unfitted estimator.

        For a textbook form the objective itself, a function
        ``objective(coef, intercept, X, y, sample_weight=None)``.
        """
        return self._builder()

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.parameters.items())
        if self.column_factors is not None:
            inside += f"; on X * {self.column_factors.tolist()!r}"
        return f"<{self.target}: {inside}>"

    def __str__(self) -> str:
        lines = [f"{self.target} minimises {self.objective}"]
        lines += [f"  {name} = {value!r}" for name, value in self.parameters.items()]
        if self.column_factors is not None:
            lines.append(f"  on X * column_factors, {self.column_factors.tolist()!r}")
        lines += [f"  from {self.formula}", "", "Code:"]
        lines += ["  " + line if line else "" for line in self.code.splitlines()]
        lines += ["", "Notes:", *(f"  - {note}" for note in self.notes)]
        return "\n".join(lines)
