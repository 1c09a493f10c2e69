"""Model: a likelihood, a prior on the coefficients and a prior on the intercept.

    log p(y, a, w) = log p(y | offset + a + X w) + log p(w) + log p(a)

Names, globs, standardisation and priors relative to the noise are resolved here, against Data,
into a :class:`~bayesreg.penalty.Penalty` on the coefficients of the original columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bayesreg import _checks, design
from bayesreg._frames import require_column_order
from bayesreg._text import dataclass_text
from bayesreg._types import BoolArray, FloatArray, ScalarOrVector
from bayesreg.coefficients import (
    class_differences,
    class_intercepts,
    coefficient_matrix,
    coefficient_vector,
)
from bayesreg.columns import mapped_penalty, prior_columns
from bayesreg.covariance import AnyPenalty
from bayesreg.data import Data
from bayesreg.errors import DataTypeError, ModelError, ModelTypeError
from bayesreg.likelihoods import (
    LIKELIHOODS,
    ClassLikelihood,
    Gaussian,
    Likelihood,
    estimated_dispersion,
    known_noise,
    likelihood_of_rows,
    noise_prior,
    require_numbers,
)
from bayesreg.penalty import Penalty
from bayesreg.priors import PRIORS, SCALE_PRIORS, Flat, Prior
from bayesreg.priors.student_t import StudentT, in_place


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A Bayesian regression, stated once.

    Parameters
    ----------
    likelihood : Gaussian, Bernoulli, Binomial, Poisson, NegativeBinomial, Gamma, Multinomial, \
StudentT, AsymmetricLaplace
    prior : Prior or mapping of column name (or glob) to Prior
        One prior for every coefficient, or one per column; a mapping must give every column
        exactly one, where a column's own name comes before any glob: ``{"age": Flat(), "*":
        Laplace(1.0)}``. The columns of one key share a GroupLaplace or MultivariateNormal prior.
    intercept : Prior or None
        Prior of the intercept, flat by default; ``None`` for a model without one.
    standardize : bool
        The prior is stated for the coefficients of the standardised columns (weighted
        population sd). Data are never changed; constant columns stay at ``loc``; an intercept
        prior stays at x = 0 of the original columns.

    Notes
    -----
    Two models are equal when their texts are. Under a likelihood of K classes (``Multinomial``)
    every class has a vector of coefficients and an intercept under the same priors: ``coef`` has
    shape (K, p) and ``intercept`` (K,) wherever they appear.
    """

    likelihood: Likelihood | ClassLikelihood
    prior: Prior | Mapping[str, Prior]
    intercept: Prior | None = field(default_factory=Flat)
    standardize: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if not _is_a(self.likelihood, LIKELIHOODS, Likelihood, ClassLikelihood):
            raise ModelTypeError(_not_a("likelihood", self.likelihood, LIKELIHOODS))
        object.__setattr__(self, "likelihood", in_place(self.likelihood, "likelihood"))
        if isinstance(self.prior, Mapping):
            object.__setattr__(self, "prior", dict(self.prior))
            if not self.prior:
                raise ModelError("prior is an empty mapping; name a prior for every column")
            for key in self.prior:
                if not isinstance(key, str):
                    raise ModelTypeError(
                        f"prior is keyed by column name or glob; got {_checks.shown(key)}"
                    )
        for where, prior in self._priors().items():
            if not _is_a(prior, PRIORS, Prior):
                raise ModelTypeError(_why_no_prior(prior, where) or _not_a(where, prior, PRIORS))
            in_place(prior, "prior")
            if prior.relative_to_noise and not isinstance(self.likelihood, Gaussian):
                raise ModelError(
                    f"{where} has relative_to_noise=True, but {self.likelihood!r} has no noise "
                    "sd; state the scale in absolute units"
                )
        standardize = _checks.flag(self.standardize, "standardize")
        object.__setattr__(self, "standardize", standardize)

    @property
    def log_concave(self) -> bool:
        """True when the posterior density is: then a mode is global and can be certified.

        False under a StudentT likelihood, a StudentT or Cauchy prior: modes are local.
        """
        parts = (self.likelihood, *self.priors)
        return all(getattr(part, "log_concave", True) for part in parts)

    @property
    def priors(self) -> tuple[Prior, ...]:
        """Every prior that the model states, that of the intercept last."""
        return tuple(self._priors().values())

    def _priors(self) -> dict[str, Any]:
        priors = self.prior if isinstance(self.prior, dict) else {"": self.prior}
        named = {f"prior[{key!r}]" if key else "prior": value for key, value in priors.items()}
        return named if self.intercept is None else {**named, "intercept": self.intercept}

    __repr__ = dataclass_text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def at_sigma(self, sigma: float) -> Model:
        """The same model with sigma stated as a number.

        Raises
        ------
        ModelError, ModelTypeError
            For a likelihood without sigma, or a sigma that is not a positive number.
        """
        sigma = _checks.noise(sigma, "sigma")
        if isinstance(self.likelihood, StudentT):
            return replace(self, likelihood=self.likelihood.with_dispersion(sigma))
        if not isinstance(self.likelihood, Gaussian):
            raise ModelError(f"{self.likelihood!r} has no sigma that a prior could leave open")
        return replace(self, likelihood=Gaussian(sigma=sigma))

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

    def coefficient_penalty(self, data: Data) -> AnyPenalty:
        """The prior on the coefficients of the original columns, in nats."""
        require_model_and_data(self, data)
        penalty = self._stated_penalty(data, known_noise(self.likelihood))
        if not self.standardize:
            return penalty
        deviation = column_deviation(data)
        constant = deviation == 0
        return penalty.in_units(np.where(constant, 1.0, deviation), data.names).pinned(constant)

    def intercept_penalty(self) -> Penalty | None:
        """The prior on the intercept, in nats; None without an intercept."""
        if self.intercept is None:
            return None
        penalty = self.intercept.penalty(1, known_noise(self.likelihood))
        if not isinstance(penalty, Penalty):
            raise ModelError(f"the intercept is one number; {self.intercept!r} is a joint density")
        return penalty

    def number_of_classes(self, data: Data) -> int:
        """K of a likelihood of classes, whose target and offset are checked; 0 for any other."""
        if not isinstance(self.likelihood, ClassLikelihood):
            return 0
        self.likelihood.check_target(data.y)
        if data.offset is not None:
            raise ModelError(
                f"{self.likelihood!r} cannot use an offset: one number added to all linear "
                "predictors of a row cancels in the softmax. Leave it out"
            )
        used = slice(None) if data.weights is None else data.weights > 0
        return self.likelihood.number_of_classes(data.y[used])

    def _parameters(self, data: Data, coef: Any, intercept: Any) -> tuple[FloatArray, Any]:
        """coef (p,) and a float, or for K classes coef (K, p) and intercepts (K,), checked."""
        require_model_and_data(self, data)
        require_column_order(coef, data.names, "coef")
        classes = self.number_of_classes(data)
        if not classes:
            return coefficient_vector(coef, data.p), float(intercept)
        return coefficient_matrix(coef, classes, data.p), class_intercepts(intercept, classes)

    def linear_predictor(
        self, data: Data, coef: ScalarOrVector, intercept: ScalarOrVector = 0.0
    ) -> FloatArray:
        """offset + intercept + X coef; (n, K) for a likelihood of K classes."""
        coef, intercept = self._parameters(data, coef, intercept)
        eta: FloatArray = data.X @ coef.T + intercept
        return eta if data.offset is None else eta + data.offset

    def _as_the_likelihood_sees_it(self, data: Data, coef: Any, intercept: Any) -> FloatArray:
        """The linear predictor; of K classes less a shift of each row that they share."""
        coef, intercept = self._parameters(data, coef, intercept)
        if coef.ndim == 2:
            coef = class_differences(coef)
        return self.linear_predictor(data, coef, intercept)

    def log_likelihood(
        self, data: Data, coef: ScalarOrVector, intercept: ScalarOrVector = 0.0
    ) -> FloatArray:
        """log p(y_i | coef, intercept) for each row, constants included; 0 for weight 0."""
        eta = self._as_the_likelihood_sees_it(data, coef, intercept)
        weights = np.ones(data.y.size) if data.weights is None else data.weights
        used = weights > 0
        likelihood = checked_likelihood(self, data, used)
        terms = np.zeros(data.y.size)
        y, eta, weights = data.y[used], eta[used], weights[used]
        loss = weights * likelihood.loss(y, eta)
        terms[used] = -(loss + likelihood.constant(y, weights))
        return terms

    def log_prior(self, data: Data, coef: ScalarOrVector, intercept: ScalarOrVector = 0.0) -> float:
        """log p(coef) + log p(intercept); flat parts count 0."""
        coef, intercept = self._parameters(data, coef, intercept)
        total = float(np.sum(self.coefficient_penalty(data).log_density(coef)))
        on_intercept = self.intercept_penalty()
        if on_intercept is None:
            return total
        return total + float(np.sum(on_intercept.log_density(np.atleast_1d(intercept))))

    def log_density(
        self,
        data: Data,
        coef: ScalarOrVector,
        intercept: ScalarOrVector = 0.0,
        *,
        sigma: float | None = None,
    ) -> float:
        """log p(y, coef, intercept) in nats: the posterior density but for the evidence.

        With sigma unknown, ``sigma`` is where to take it, and the result is
        log p(y, coef, intercept, sigma), the density taken in sigma.

        Raises
        ------
        DataError, ModelError
            When model and data do not fit together.
        """
        if sigma is not None:
            return self._joint_log_density(data, coef, intercept, sigma)
        terms = self.log_likelihood(data, coef, intercept)
        return float(np.sum(terms)) + self.log_prior(data, coef, intercept)

    def _joint_log_density(
        self, data: Data, coef: ScalarOrVector, intercept: ScalarOrVector, sigma: float
    ) -> float:
        prior = noise_prior(self.likelihood)
        if isinstance(self.likelihood, StudentT):
            prior = estimated_dispersion(self.likelihood)
        if prior is None:
            raise ModelError(f"sigma is given, but {self.likelihood!r} has no unknown sigma")
        stated = self.at_sigma(sigma)
        of_sigma = float(np.ravel(prior.log_density(np.array([float(sigma)])))[0])
        return stated.log_density(data, coef, intercept) + of_sigma

    def gradient(
        self, data: Data, coef: ScalarOrVector, intercept: ScalarOrVector = 0.0
    ) -> tuple[FloatArray, Any]:
        """Derivative of :meth:`log_density` in coef and intercept (0 taken at a kink)."""
        eta = self._as_the_likelihood_sees_it(data, coef, intercept)
        coef, intercept = self._parameters(data, coef, intercept)
        weights = np.ones(data.y.size) if data.weights is None else data.weights
        used = weights > 0
        by_row = np.zeros(eta.shape)
        # Transposed, so that weights meet rows whether a row has one predictor or K.
        likelihood = checked_likelihood(self, data, used)
        slopes = likelihood.gradient(data.y[used], eta[used])
        by_row[used] = (weights[used] * slopes.T).T
        in_coef = -(data.X.T @ by_row).T - self.coefficient_penalty(data).slope(coef)
        on_intercept = self.intercept_penalty()
        classes = coef.ndim == 2
        if on_intercept is None:
            return in_coef, np.zeros(len(coef)) if classes else 0.0
        slope = on_intercept.slope(np.atleast_1d(intercept))
        in_intercept = -np.sum(by_row, axis=0) - slope
        return in_coef, in_intercept if classes else float(in_intercept[0])

    def axis(self, data: Data) -> tuple[str, float, float]:
        """What a scale axis shows: a column's name, its prior scale, its canonical lambda.

        The column is the first, in the order of the data, whose prior has an L1 part, or where
        none has, whose prior is not flat; both numbers are those of the prior as stated (with
        ``standardize``, of the standardised column). Where StudentT and Cauchy priors are all
        there is, lambda is NaN: they have none.
        """
        stated = self._stated_penalty(data, known_noise(self.likelihood))
        part = stated.l1 if np.any(stated.l1 > 0) else stated.l2
        tails = getattr(stated, "tails", None)
        if tails is not None and not np.any(part > 0):
            part = np.where(tails.present, np.nan, 0.0)
        penalised = np.flatnonzero(part != 0)
        if not penalised.size:
            raise ModelError("every coefficient has a flat prior; there is no scale to vary")
        j = int(penalised[0])
        variance = known_noise(self.likelihood) ** 2
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

    def stated_penalty(self, data: Data) -> AnyPenalty:
        """The coefficient priors in nats; with ``standardize``, of the standardised columns."""
        return self._stated_penalty(data, known_noise(self.likelihood))

    def _stated_penalty(self, data: Data, noise: float) -> AnyPenalty:
        """The coefficient priors as penalties in the units they are stated in."""
        if isinstance(self.prior, Mapping):
            return mapped_penalty(self.prior, data.names, noise)
        return self.prior.penalty(data.p, noise)


def checked_likelihood(model: Model, data: Data, used: BoolArray) -> Any:
    """The likelihood bound to the rows that are used, once every target is possible under it.

    Raises
    ------
    DataError
        An impossible target, or no trials where the likelihood counts them.
    ModelError
        Trials that the likelihood would ignore; a parameter that is no number.
    """
    require_numbers(model.likelihood)
    likelihood_of_rows(model.likelihood, data.trials).check_target(data.y)
    return likelihood_of_rows(model.likelihood, None if data.trials is None else data.trials[used])


def column_deviation(data: Data) -> FloatArray:
    """Weighted population standard deviation of each column; exactly 0 for constant ones."""
    weights = np.ones(data.y.size) if data.weights is None else data.weights
    used = weights > 0
    rows = data.X if used.all() else design.used_rows(data.X, used)
    return design.column_deviation(rows, weights[used])


def unknown_scales(model: Model) -> dict[str, Any]:
    """The densities that stand for a scale, by where they stand."""
    inner = {
        where: getattr(prior, "prior", prior)  # Truncated holds another prior
        for where, prior in model._priors().items()
    }
    found = {where: getattr(prior, "scale", None) for where, prior in inner.items()}
    return {where: scale for where, scale in found.items() if hasattr(scale, "log_density")}


def relative_to_noise(model: Model, data: Data) -> BoolArray:
    """Which coefficients, and last the intercept where there is one, move with sigma."""
    relative = np.zeros(data.p, dtype=bool)
    for prior, columns in prior_columns(model.prior, data.names):
        relative[columns] = prior.relative_to_noise
    if model.intercept is None:
        return relative
    return np.append(relative, model.intercept.relative_to_noise)


def _why_no_prior(found: object, where: str) -> str:
    """Why a density of a positive number is no prior of a coefficient; empty for the rest."""
    if type(found) not in SCALE_PRIORS.values():
        return ""
    return (
        f"{where} is {found!r}, a density of a positive number such as sigma: "
        f"Gaussian(sigma={found!r}). It is not a prior of a coefficient: minus its logarithm is "
        "not convex (Jeffreys is even infinite at 0), so that no mode could be proved. For "
        "positive coefficients take HalfNormal(scale) or Exponential(scale)"
    )


def _is_a(part: object, known: Mapping[str, type], *protocols: Any) -> bool:
    """One of ours, which is quick to see, or what behaves like it."""
    if known.get(type(part).__name__) is type(part):
        return True
    # A class has its instances' attributes, so that the protocol alone would accept it.
    return not isinstance(part, type) and any(isinstance(part, kind) for kind in protocols)


def _not_a(where: str, found: object, known: dict[str, type]) -> str:
    kind = "likelihood" if where == "likelihood" else "prior"
    hint = f"; call it: {found.__name__}(...)" if isinstance(found, type) else ""
    if where == "intercept" and isinstance(found, bool):
        hint = "; None is a model without intercept, Flat() (the default) one with"
    return (
        f"{where} must be a {kind} ({', '.join(sorted(known))}); "
        f"got {_checks.shown(found)} of type {type(found).__name__}{hint}"
    )


def require_model_and_data(model: object, data: object) -> None:
    """The two arguments of nearly every public function, in this order."""
    if not isinstance(model, Model):
        library = type(model).__module__.split(".")[0]
        if library in ("pymc", "bambi"):
            raise ModelTypeError(
                f"model must be a bayesreg.Model; got {library}.{type(model).__name__}. Read it: "
                f"model, data = bayesreg.from_{library}(...)"
            )
        raise ModelTypeError(f"model must be a bayesreg.Model; got {type(model).__name__}")
    if not isinstance(data, Data):
        raise DataTypeError(
            f"data must be a bayesreg.Data; got {type(data).__name__}. Wrap X and y: Data(X, y)"
        )
