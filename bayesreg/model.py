"""Model: a likelihood, a prior on the coefficients and a prior on the intercept.

    log p(y, a, w) = log p(y | offset + a + X w) + log p(w) + log p(a)

Names, globs, standardisation and priors relative to the noise are resolved here, against Data,
into a :class:`~bayesreg.penalty.Penalty` on the coefficients of the original columns.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bayesreg import _checks, design
from bayesreg._text import dataclass_text, nearest
from bayesreg._types import FloatArray, IntArray, ScalarOrVector
from bayesreg.data import Data
from bayesreg.errors import DataError, DataTypeError, ModelError, ModelTypeError
from bayesreg.likelihoods import LIKELIHOODS, Gaussian, Likelihood
from bayesreg.penalty import Penalty
from bayesreg.priors import PRIORS, Flat, Prior


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A Bayesian regression, stated once.

    Parameters
    ----------
    likelihood : Gaussian, Bernoulli, Poisson, AsymmetricLaplace
    prior : Prior or mapping of column name (or glob) to Prior
        One prior for every coefficient, or one per column; a mapping must reach every column
        exactly once.
    intercept : Prior or None
        Prior of the intercept, flat by default; ``None`` for a model without one.
    standardize : bool
        The prior is stated for the coefficients of the standardised columns (weighted
        population sd). Data are never changed; constant columns stay at ``loc``; an intercept
        prior stays at x = 0 of the original columns.

    Notes
    -----
    Two models are equal when their texts are.
    """

    likelihood: Likelihood
    prior: Prior | Mapping[str, Prior]
    intercept: Prior | None = field(default_factory=Flat)
    standardize: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        # A class has its instances' attributes, so that the protocol alone would accept it.
        if isinstance(self.likelihood, type) or not isinstance(self.likelihood, Likelihood):
            raise ModelTypeError(_not_a("likelihood", self.likelihood, LIKELIHOODS))
        if isinstance(self.prior, Mapping):
            object.__setattr__(self, "prior", dict(self.prior))
            if not self.prior:
                raise ModelError("prior is an empty mapping; name a prior for every column")
            for key in self.prior:
                if not isinstance(key, str):
                    raise ModelTypeError(f"prior is keyed by column name or glob; got {key!r}")
        for where, prior in self._priors().items():
            if isinstance(prior, type) or not isinstance(prior, Prior):
                raise ModelTypeError(_not_a(where, prior, PRIORS))
            if prior.relative_to_noise and not isinstance(self.likelihood, Gaussian):
                raise ModelError(
                    f"{where} has relative_to_noise=True, but {self.likelihood!r} has no noise "
                    "sd; state the scale in absolute units"
                )
        standardize = _checks.flag(self.standardize, "standardize")
        object.__setattr__(self, "standardize", standardize)

    def _priors(self) -> dict[str, Any]:
        priors = self.prior if isinstance(self.prior, dict) else {"": self.prior}
        named = {f"prior[{key!r}]" if key else "prior": value for key, value in priors.items()}
        return named if self.intercept is None else {**named, "intercept": self.intercept}

    __repr__ = dataclass_text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def rescaled(self, factor: float) -> Model:
        """The model with every coefficient prior at ``factor`` times its scale.

        All l1 rates are divided by the factor and all l2 precisions by one common factor: the
        same one where there is any l1 (so that an elastic net keeps its ratio), else its square.
        """
        _checks.positive_number(factor, "factor")
        parts = dict(self.prior) if isinstance(self.prior, Mapping) else {"": self.prior}
        common = factor if any(part.has_kink for part in parts.values()) else factor**2
        rescaled = {key: part.rescaled(factor, common) for key, part in parts.items()}
        if isinstance(self.prior, Mapping):
            return replace(self, prior=rescaled)
        return replace(self, prior=rescaled[""])

    def coefficient_penalty(self, data: Data) -> Penalty:
        """The prior on the coefficients of the original columns, in nats."""
        require_model_and_data(self, data)
        penalty = self._stated_penalty(data, self.likelihood.noise)
        if not self.standardize:
            return penalty
        deviation = column_deviation(data)
        constant = deviation == 0
        return penalty.in_units(np.where(constant, 1.0, deviation)).pinned(constant)

    def intercept_penalty(self) -> Penalty | None:
        """The prior on the intercept, in nats; None without an intercept."""
        return None if self.intercept is None else self.intercept.penalty(1, self.likelihood.noise)

    def linear_predictor(
        self, data: Data, coef: ScalarOrVector, intercept: float = 0.0
    ) -> FloatArray:
        """offset + intercept + X coef."""
        require_model_and_data(self, data)
        coef = coefficient_vector(coef, data.p)
        eta = data.X @ coef + float(intercept)
        return eta if data.offset is None else eta + data.offset

    def log_likelihood(
        self, data: Data, coef: ScalarOrVector, intercept: float = 0.0
    ) -> FloatArray:
        """log p(y_i | coef, intercept) for each row, constants included; 0 for weight 0."""
        require_model_and_data(self, data)
        self.likelihood.check_target(data.y)
        eta = self.linear_predictor(data, coef, intercept)
        weights = np.ones(data.y.size) if data.weights is None else data.weights
        used = weights > 0
        terms = np.zeros(data.y.size)
        y, eta, weights = data.y[used], eta[used], weights[used]
        loss = weights * self.likelihood.loss(y, eta)
        terms[used] = -(loss + self.likelihood.constant(y, weights))
        return terms

    def log_prior(self, data: Data, coef: ScalarOrVector, intercept: float = 0.0) -> float:
        """log p(coef) + log p(intercept); flat parts count 0."""
        penalty = self.coefficient_penalty(data)
        total = float(np.sum(penalty.log_density(coefficient_vector(coef, data.p))))
        on_intercept = self.intercept_penalty()
        if on_intercept is None:
            return total
        return total + float(on_intercept.log_density(np.array([float(intercept)]))[0])

    def log_density(self, data: Data, coef: ScalarOrVector, intercept: float = 0.0) -> float:
        """log p(y, coef, intercept) in nats: the posterior density but for the evidence.

        Raises
        ------
        DataError, ModelError
            When model and data do not fit together.
        """
        terms = self.log_likelihood(data, coef, intercept)
        return float(np.sum(terms)) + self.log_prior(data, coef, intercept)

    def gradient(
        self, data: Data, coef: ScalarOrVector, intercept: float = 0.0
    ) -> tuple[FloatArray, float]:
        """Derivative of :meth:`log_density` in coef and intercept (0 taken at a kink)."""
        eta = self.linear_predictor(data, coef, intercept)
        coef = coefficient_vector(coef, data.p)
        weights = np.ones(data.y.size) if data.weights is None else data.weights
        used = weights > 0
        by_row = np.zeros(data.y.size)
        by_row[used] = weights[used] * self.likelihood.gradient(data.y[used], eta[used])
        in_coef = -data.X.T @ by_row - self.coefficient_penalty(data).slope(coef)
        on_intercept = self.intercept_penalty()
        if on_intercept is None:
            return in_coef, 0.0
        slope = on_intercept.slope(np.array([float(intercept)]))[0]
        return in_coef, float(-np.sum(by_row) - slope)

    def axis(self, data: Data) -> tuple[str, float, float]:
        """What a scale axis shows: a column's name, its prior scale, its canonical lambda.

        The column is the first, in the order of the data, whose prior has an L1 part, or where
        none has, whose prior is not flat; both numbers are those of the prior as stated (with
        ``standardize``, of the standardised column).
        """
        stated = self._stated_penalty(data, self.likelihood.noise)
        part = stated.l1 if np.any(stated.l1 > 0) else stated.l2
        penalised = np.flatnonzero(part > 0)
        if not penalised.size:
            raise ModelError("every coefficient has a flat prior; there is no scale to vary")
        j = int(penalised[0])
        variance = self.likelihood.noise**2
        return data.names[j], self._stated_scale(data, j), float(variance * part[j])

    def axis_scale(self, data: Data) -> float:
        """The prior scale that :meth:`axis` shows."""
        return self.axis(data)[1]

    def _stated_scale(self, data: Data, j: int) -> float:
        """The scale of column j as written: that of the L1 part, or of the L2 part alone."""
        for prior, columns in prior_columns(self.prior, data.names):
            for scale in (prior.axis_scale, getattr(prior, "normal_scale", np.inf)):
                scales = np.broadcast_to(np.asarray(scale, dtype=np.float64), columns.shape)
                if j in columns and np.isfinite(scales[columns == j][0]):
                    return float(scales[columns == j][0])
        raise ModelError(f"the prior of column {data.names[j]!r} has no scale to vary")

    def _stated_penalty(self, data: Data, noise: float) -> Penalty:
        """The coefficient priors as penalties in the units they are stated in."""
        if isinstance(self.prior, Mapping):
            return _mapped_penalty(self.prior, data.names, noise)
        return self.prior.penalty(data.p, noise)


def column_deviation(data: Data) -> FloatArray:
    """Weighted population standard deviation of each column; exactly 0 for constant ones."""
    weights = np.ones(data.y.size) if data.weights is None else data.weights
    used = weights > 0
    rows = data.X if used.all() else design.used_rows(data.X, used)
    return design.column_deviation(rows, weights[used])


def coefficient_vector(coef: Any, p: int, argument: str = "coef") -> FloatArray:
    """``coef`` as an array of length p."""
    array = np.ma.asanyarray(coef) if isinstance(coef, np.ma.MaskedArray) else np.asarray(coef)
    if array.shape == (1, p) and p > 1:
        array = array[0]  # as scikit-learn's classifiers have it
    if isinstance(array, np.ma.MaskedArray) or array.dtype.kind not in "biuf":
        raise DataTypeError(f"{argument} must be real numbers; got {_checks.shown(coef)}")
    if array.shape != (p,):
        raise DataError(
            f"{argument} must have shape ({p},), one entry per column; got {array.shape}"
        )
    return np.asarray(array, dtype=np.float64)


def prior_columns(
    prior: Prior | Mapping[str, Prior], names: tuple[str, ...]
) -> list[tuple[Prior, IntArray]]:
    """Which columns each prior governs; every column must be reached exactly once."""
    if not isinstance(prior, Mapping):
        return [(prior, np.arange(len(names)))]
    owner: dict[int, str] = {}
    resolved = []
    for key, part in prior.items():
        columns = [j for j, name in enumerate(names) if name == key]
        columns = columns or [j for j, name in enumerate(names) if fnmatch.fnmatchcase(name, key)]
        if not columns:
            raise ModelError(f"prior names the unknown column {key!r}.{nearest(key, names)}")
        for j in columns:
            if j in owner:
                raise ModelError(
                    f"column {names[j]!r} is reached by both {owner[j]!r} and {key!r}; "
                    "every column needs exactly one prior"
                )
            owner[j] = key
        resolved.append((part, np.array(columns)))
    missing = [name for j, name in enumerate(names) if j not in owner]
    if missing:
        raise ModelError(
            f"no prior for column {missing[0]!r} ({len(missing)} such columns); "
            "add it by name, or with a glob that reaches no other prior's columns"
        )
    return resolved


def _mapped_penalty(prior: Mapping[str, Prior], names: tuple[str, ...], noise: float) -> Penalty:
    resolved = prior_columns(prior, names)
    joined = Penalty.joined([part.penalty(columns.size, noise) for part, columns in resolved])
    order = np.argsort(np.concatenate([columns for _, columns in resolved]))
    return joined.take(order)


def _not_a(where: str, found: object, known: dict[str, type]) -> str:
    kind = "likelihood" if where == "likelihood" else "prior"
    hint = f"; call it: {found.__name__}(...)" if isinstance(found, type) else ""
    return (
        f"{where} must be a {kind} ({', '.join(sorted(known))}); "
        f"got {found!r} of type {type(found).__name__}{hint}"
    )


def require_model_and_data(model: object, data: object) -> None:
    """The two arguments of nearly every public function, in this order."""
    if not isinstance(model, Model):
        raise ModelTypeError(f"model must be a bayesreg.Model; got {type(model).__name__}")
    if not isinstance(data, Data):
        raise DataTypeError(
            f"data must be a bayesreg.Data; got {type(data).__name__}. Wrap it: Data(X, y)"
        )
