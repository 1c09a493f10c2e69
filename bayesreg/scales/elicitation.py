"""elicit: from a belief about explained variance to a prior scale, with prior predictive draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg import _checks
from bayesreg._json import plain
from bayesreg._tables import Table, number, with_notes
from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import ModelError, ModelTypeError
from bayesreg.likelihoods import noise_prior
from bayesreg.model import Model, require_model_and_data
from bayesreg.posterior.order import seed_or_fresh
from bayesreg.posterior.target import with_unknowns_at_one
from bayesreg.priors.on_noise import noise_density
from bayesreg.scales.axis import Axis, make_axis
from bayesreg.scales.explained import rest_of_variance, variance_of_predictor
from bayesreg.scales.predictive_draws import observed_spread, predictive_draws, sigma_draws
from bayesreg.scales.prior_draws import prior_draws

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# Draws for the search times columns, at most; draws of whole data sets that are kept.
_MOST_NUMBERS, _FEWEST, _KEPT = 2 * 10**7, 200, 200


@dataclass(frozen=True, eq=False, repr=False)
class Elicited:
    """A prior scale from a belief about R2.

    Attributes
    ----------
    model : Model
        The model with every prior scale multiplied so that R2 is as believed.
    scale : float
        The prior scale of ``axis_column``; the others keep their ratio to it.
    lambda_ : float
        The canonical lambda beside it. Where sigma is unknown and lambda depends on it, that at
        sigma = 1.
    sigma, lambda_at_sigma : float
        The median of what an unknown sigma was taken to be, and the canonical lambda with it. NaN
        where sigma is a number.
    axis_column : str
    r2 : (low, high)
        The belief.
    probability : float
        How sure it was stated to be.
    achieved : float
        What the prior puts between the two; as much lies below as above.
    r2_draws : (draws,) array
    r2_quantiles : dict of probability to R2
    predictive : (200, n) array
        Data sets drawn from the prior: draws of y at the rows of positive weight.
    assumptions : tuple of str
    note : str
        Where belief and prior differ in width.
    """

    model: Model
    scale: float
    lambda_: float
    axis_column: str
    r2: tuple[float, float]
    probability: float
    achieved: float
    r2_draws: FloatArray
    r2_quantiles: dict[float, float]
    predictive: FloatArray
    observed_sd: float
    assumptions: tuple[str, ...]
    note: str
    sigma: float = float("nan")
    lambda_at_sigma: float = float("nan")

    def to_table(self) -> Table:
        """The scale, and what it implies."""
        low, high = (number(end, 3) for end in self.r2)
        quantiles = "  ".join(f"{100 * q:.0f}%: {value:.3f}"
                              for q, value in self.r2_quantiles.items())  # fmt: skip
        spread = np.quantile(self.predictive.std(axis=1), [0.05, 0.5, 0.95])
        of_y = f"{number(spread[1], 3)} ({number(spread[0], 3)} to {number(spread[2], 3)})"
        rows = (
            (f"scale of {self.axis_column}", number(self.scale, 6)),
            *self._lambda_rows(),
            (f"P({low} < R2 < {high})", f"{self.achieved:.2f}, stated {self.probability:g}"),
            ("R2", quantiles),
            ("sd of y under the prior (90%)", f"{of_y}, observed {number(self.observed_sd, 3)}"),
        )
        return Table(("elicited from R2", "value"), rows)

    def _lambda_rows(self) -> tuple[tuple[str, str], ...]:
        if noise_prior(self.model.likelihood) is None or self.lambda_at_sigma == self.lambda_:
            return (("lambda", number(self.lambda_, 6)),)
        at_one = ("lambda at sigma = 1", number(self.lambda_, 6))
        if np.isnan(self.sigma):
            return (at_one,)
        return at_one, (f"lambda at sigma = {number(self.sigma)}", number(self.lambda_at_sigma, 6))

    def to_dict(self) -> dict[str, object]:
        """Plain numbers and strings, without the draws."""
        names = ("scale", "lambda_", "axis_column", "r2", "probability", "achieved", "observed_sd",
                 "assumptions", "note", "sigma", "lambda_at_sigma")  # fmt: skip
        found: dict[str, Any] = {name.rstrip("_"): getattr(self, name) for name in names}
        found["model"] = repr(self.model)
        found["r2_quantiles"] = {str(q): value for q, value in self.r2_quantiles.items()}
        return {key: plain(value) for key, value in found.items()}

    def __str__(self) -> str:
        return "\n".join([str(self.to_table()), *self.assumptions, *filter(None, [self.note])])

    __repr__ = __str__

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from with_notes(self.to_table(), [*self.assumptions, *filter(None, [self.note])])

    def _repr_html_(self) -> str:
        from html import escape

        lines = "".join(f"<li>{escape(line)}</li>" for line in self.assumptions)
        return f"{self.to_table().to_html()}<ul>{lines}</ul><p>{escape(self.note)}</p>"


def elicit(
    model: Model,
    data: Data,
    r2: Sequence[float] | float = (0.1, 0.4),
    *,
    probability: float = 0.8,
    draws: int = 10_000,
    seed: int | None = None,
) -> Elicited:
    """The prior scale under which R2 is as believed, before y is seen.

    The scale is the one with P(R2 < low) = P(R2 > high); how much lies between follows from the
    prior's shape and the number of columns, and is reported beside what was stated.

    Parameters
    ----------
    model, data
        The scales in ``model`` fix ratios only. Of the data X, weights and offsets are used, and
        of y what ``assumptions`` says.
    r2 : (low, high) or one number
        Between which R2 is believed to lie, or its median. R2 is that of the rows of ``data``;
        see Notes.
    probability : float
        How surely it lies there.
    draws : int
        From the prior.
    seed : int, optional

    Returns
    -------
    Elicited
        ``.scale``, ``.model``, ``.r2_draws``, ``.predictive``.

    Raises
    ------
    ModelError, ModelTypeError
        Flat priors, likelihoods without R2, beliefs that are none, with the reason.

    Notes
    -----
    R2 = V / (V + e), with V the weighted variance of X w and e that of the noise: sigma^2 for a
    Gaussian likelihood, pi^2 / 3 for a logistic one (McKelvey and Zavoina), log(1 + 1/m) for
    Poisson counts and log(1 + 1/m + 1/alpha) for negative binomial ones. With sigma unknown, e is
    drawn from its prior; where that is improper and the prior of the coefficients not relative to
    it, sigma is taken to be sd(y) sqrt(1 - r) at the middle r of the belief. Counts use the mean
    of y; else y only sets the level of the predictive draws.

    Examples
    --------
    >>> import numpy as np, bayesreg as br
    >>> X = np.random.default_rng(0).normal(size=(50, 4))
    >>> model = br.Model(br.Gaussian(sigma=1.0), br.Normal(scale=1.0))
    >>> found = br.elicit(model, br.Data(X, X[:, 0]), r2=(0.1, 0.4), seed=1)
    >>> round(found.scale, 2)
    0.32
    """
    require_model_and_data(model, data)
    belief = _checked_belief(r2)
    probability = _checks.positive_number(probability, "probability")
    if probability >= 1:
        raise ModelError(f"probability must be below 1; got {probability!r}")
    _require_count(draws)
    axis = make_axis(model, data, None, 2)
    data = data.to_dense()
    entropy = seed_or_fresh(seed)
    search = _Search(
        model, data, belief, min(draws, max(_FEWEST, _MOST_NUMBERS // data.p)), entropy
    )
    log_t = search.solved()
    chosen = model.rescaled(float(np.exp(log_t)))
    shares = search.shares(log_t)
    low, high = belief
    achieved = float(np.mean((shares >= low) & (shares <= high)))
    rng = np.random.default_rng(np.random.SeedSequence(entropy).spawn(3)[2])
    sigma, on_sigma = _predictive_sigma(model, data, belief, search.sigma, rng)
    predictive, on_intercept = predictive_draws(chosen, data, sigma, _KEPT, rng)
    lambda_, middle = _lambda(axis, log_t), _middle(model, sigma)
    return Elicited(
        chosen, _axis_scale(axis) * float(np.exp(log_t)), lambda_, axis.column,
        belief, probability, achieved, shares,
        {q: float(np.quantile(shares, q)) for q in _QUANTILES}, predictive,
        observed_spread(data),
        (*search.assumptions, *filter(None, [on_sigma]), on_intercept),
        _width_note(achieved, probability) if low < high else "",
        middle, lambda_ * middle**axis.sigma_power,
    )  # fmt: skip


def _checked_belief(r2: Any) -> tuple[float, float]:
    if isinstance(r2, int | float | np.floating) and not isinstance(r2, bool):
        r2 = (r2, r2)
    try:
        low, high = (float(end) for end in r2)
    except (TypeError, ValueError):
        raise ModelTypeError(
            f"r2 must be two numbers, such as (0.1, 0.4), or one, its median; "
            f"got {_checks.shown(r2)}"
        ) from None
    if not 0 < low <= high < 1:
        raise ModelError(
            f"r2 must lie between 0 and 1, the smaller number first; got ({low:g}, {high:g})"
        )
    return low, high


def _require_count(draws: Any) -> None:
    whole = isinstance(draws, int | np.integer) and not isinstance(draws, bool)
    if not whole or draws < _FEWEST:
        raise ModelError(
            f"draws must be a whole number of at least {_FEWEST}; got {_checks.shown(draws)}"
        )


def _axis_scale(axis: Axis) -> float:
    return float(axis.scales[0] / axis.factors[0])


def _lambda(axis: Axis, log_t: float) -> float:
    return axis.reference_lambda * float(np.exp(-(1.0 if axis.kinked else 2.0) * log_t))


class _Search:
    """R2 as a function of log t, from the same random numbers at every t."""

    def __init__(
        self, model: Model, data: Data, belief: tuple[float, float], count: int, entropy: int
    ) -> None:
        self._model, self._data, self._belief = model, data, belief
        self._seeds = np.random.SeedSequence(entropy).spawn(3)
        self._count = count
        weights = np.ones(data.y.size) if data.weights is None else data.weights
        self._variance: Callable[[FloatArray], FloatArray] = lambda w: variance_of_predictor(
            data.X, weights, w
        )
        rest, meaning = rest_of_variance(model, data)
        self.sigma, said = _sigma(model, data, belief, count, np.random.default_rng(self._seeds[0]))
        self._rest = rest * (self.sigma**2 if noise_of_gaussian(model) else 1.0)
        self.assumptions = tuple(filter(None, [meaning, said]))
        self._scaling = self._as_scaling()

    def shares(self, log_t: float) -> FloatArray:
        """R2 at t, a value for each draw."""
        with np.errstate(over="ignore"):
            variance = (
                self._variance(self._draws(log_t))
                if self._scaling is None
                else np.exp(2 * log_t) * self._scaling
            )
            return 1.0 / (1.0 + self._rest / np.maximum(variance, np.finfo(float).tiny))

    def _draws(self, log_t: float) -> FloatArray:
        model = self._model.rescaled(float(np.exp(log_t)))
        rng = np.random.default_rng(self._seeds[1])
        return prior_draws(model, self._data, float(np.mean(self.sigma)), self._count, rng)

    def _as_scaling(self) -> FloatArray | None:
        """V at t = 1 where V = t^2 of it: every scale moves with t, about loc 0, without bounds."""
        penalty = with_unknowns_at_one(self._model).stated_penalty(self._data)
        heavy = getattr(penalty, "tails", None) is not None
        mixed = np.any(penalty.l1 > 0) and (np.any(penalty.l2 > 0) or heavy)
        bounds = np.concatenate([penalty.lower, penalty.upper])
        bounded = np.any(np.isfinite(bounds) & (bounds != 0))
        if mixed or bounded or np.any(penalty.loc != 0):
            return None
        return self._variance(self._draws(0.0))

    def solved(self) -> float:
        """log t with as much below the belief as above it."""
        low, high = self._belief

        def excess(log_t: float) -> float:
            shares = self.shares(log_t)
            return float(np.mean(shares > high) - np.mean(shares < low))

        from scipy.optimize import bisect

        bracket = next(
            ((-width, width) for width in (4.0, 12.0, 40.0, 120.0)
             if excess(-width) < 0 < excess(width)), None,
        )  # fmt: skip
        if bracket is None:
            raise ModelError(
                f"no scale gives R2 between {low:g} and {high:g}: the columns do not vary, or the "
                "prior's loc or its bounds explain more or less than that at every scale"
            )
        return float(bisect(excess, *bracket, xtol=1e-6))


def noise_of_gaussian(model: Model) -> bool:
    from bayesreg.likelihoods import Gaussian

    return isinstance(model.likelihood, Gaussian)


def _sigma(
    model: Model, data: Data, belief: tuple[float, float], count: int, rng: np.random.Generator
) -> tuple[FloatArray, str]:
    """sigma for each draw, or one for all, and what it rests on."""
    if not noise_of_gaussian(model):
        return np.ones(1), ""
    prior = noise_prior(model.likelihood)
    if prior is None:
        return np.array([model.likelihood.noise]), ""
    if all(_relative(model)):
        return np.ones(1), "sigma cancels: the prior scales are relative to it"
    if noise_density(prior).proper and not any(_relative(model)):
        return sigma_draws(prior, count, rng), f"sigma drawn from {prior!r}"
    return _typical_sigma(data, belief)


def _predictive_sigma(
    model: Model, data: Data, belief: tuple[float, float], sigma: FloatArray,
    rng: np.random.Generator,
) -> tuple[FloatArray, str]:  # fmt: skip
    """That of R2; where R2 does not depend on it, of its prior all the same."""
    prior = noise_prior(model.likelihood) if noise_of_gaussian(model) else None
    if prior is None or not all(_relative(model)):
        return sigma, ""
    if noise_density(prior).proper:
        return sigma_draws(prior, _KEPT, rng), f"prior predictive with sigma drawn from {prior!r}"
    typical, said = _typical_sigma(data, belief)
    return typical, f"prior predictive with {said}"


def _middle(model: Model, sigma: FloatArray) -> float:
    """The median of what an unknown sigma was taken to be; NaN where it is a number."""
    unknown = noise_of_gaussian(model) and noise_prior(model.likelihood) is not None
    return float(np.median(sigma)) if unknown else float("nan")


def _typical_sigma(data: Data, belief: tuple[float, float]) -> tuple[FloatArray, str]:
    middle = sum(belief) / 2
    sigma = observed_spread(data) * float(np.sqrt(1.0 - middle))
    return np.array([sigma]), (
        f"sigma taken to be sd(y) sqrt(1 - {middle:g}) = {sigma:.4g}: its own prior says too little"
    )


def _relative(model: Model) -> list[bool]:
    """Of each prior of coefficients, whether its scale is relative to the noise."""
    on_coef = model.priors if model.intercept is None else model.priors[:-1]
    return [part.relative_to_noise for part in on_coef]


def _width_note(achieved: float, probability: float) -> str:
    if achieved > probability + 0.05:
        return (
            "The prior is surer of R2 than you are: many independent coefficients add up to nearly "
            "the same variance every time. An unknown scale widens it: scale=HalfCauchy(...) with "
            "this scale as its median."
        )
    if achieved < probability - 0.05:
        return (
            "The prior is less sure of R2 than you are: a few coefficients, heavy tails or an "
            "unknown sigma spread it, and no scale changes that. Normal priors and a sigma stated "
            "as a number make it narrower."
        )
    return ""
