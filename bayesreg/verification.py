"""verify: every independent check that applies to a model and its data.

Each check reaches the mode or the density by another road: differences, duality, another library,
random points.  One that does not apply says why and counts neither way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg._json import json_text, plain
from bayesreg._tables import Table
from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import (
    ConversionError,
    DataError,
    DataTypeError,
    ImproperPosteriorError,
    ModelError,
)
from bayesreg.likelihoods import is_smooth, known_noise, require_numbers
from bayesreg.model import Model, require_model_and_data
from bayesreg.problem import Problem, bind
from bayesreg.proof.certify import certify
from bayesreg.solvers import MapEstimate, find_map
from bayesreg.verification_classes import class_checks

if TYPE_CHECKING:
    import xarray as xr

#: A relative difference that rounding alone may reach says nothing about a gradient.
_HIDDEN = 0.05


@dataclass(frozen=True)
class Check:
    """One check: what was measured against which limit.

    ``passed`` is None where the check does not apply.
    """

    name: str
    passed: bool | None
    figure: float | None
    limit: float | None
    detail: str


@dataclass(frozen=True)
class Report:
    """The checks of one model on one data set."""

    model: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """No check failed and at least one applied."""
        outcomes = [check.passed for check in self.checks]
        return True in outcomes and False not in outcomes

    def to_dict(self) -> dict[str, object]:
        """Plain values, for JSON; infinity and NaN become ``"inf"`` and ``"nan"``."""
        return {
            "model": self.model,
            "passed": self.passed,
            "checks": [plain(asdict(check)) for check in self.checks],
        }

    def to_json(self) -> str:
        return json_text(self.to_dict())

    def to_table(self) -> Table:
        outcome = {True: "passed", False: "FAILED", None: "n/a"}
        rows = tuple(
            (check.name, outcome[check.passed], _short(check.figure), _short(check.limit))
            for check in self.checks
        )
        return Table(("check", "outcome", "figure", "limit"), rows)

    def __str__(self) -> str:
        verdict = "all checks passed" if self.passed else "NOT all checks passed"
        details = "\n".join(f"  {check.name}: {check.detail}" for check in self.checks)
        return f"{self.model}\n{self.to_table()}\n{details}\n{verdict}"

    def _repr_html_(self) -> str:
        return self.to_table().to_html()


def verify(model: Model, data: Data, *, fit: MapEstimate | None = None, seed: int = 0) -> Report:
    """Check mode, density and conversion against independent computations.

    Parameters
    ----------
    model, data
        The posterior.
    fit : MapEstimate, optional
        The mode to check; found here by default.
    seed : int
        Of the random points and posterior draws.

    Returns
    -------
    Report
        ``.passed``, ``.checks``, ``.to_json()``; print it for the details.

    Raises
    ------
    DataError, DataTypeError, ModelError, ModelTypeError
        For arguments that do not fit together.
    """
    from bayesreg.posterior.order import checked_seed

    require_model_and_data(model, data)
    known_noise(model.likelihood)
    require_numbers(model.likelihood)
    _require_fit_of(fit, model, data)
    seed = checked_seed(seed)
    found = find_map(model, data, on_failure="return") if fit is None else fit
    rng = np.random.default_rng(seed)
    if found.classes:
        outcomes = class_checks(model, data, found, rng)
        return Report(repr(model), tuple(Check(*outcome) for outcome in outcomes))
    checks = {
        "certificate": lambda: _certificate(model, data, found),
        "gradient by differences": lambda: _gradient_by_differences(model, data, found, rng),
        "scikit-learn twin": lambda: _twin(model, data, found),
        "no draw beats the mode": lambda: _segments(model, data, found, seed),
        "PyMC log density": lambda: _pymc_density(model, data, found, rng),
    }
    return Report(repr(model), tuple(_or_why_not(name, check) for name, check in checks.items()))


def _or_why_not(name: str, check: Callable[[], Check]) -> Check:
    """The check; where a part of the package refuses the model, its reason instead."""
    try:
        return check()
    except (ConversionError, ImproperPosteriorError, ModelError) as reason:
        return Check(name, None, None, None, f"does not apply: {reason}")


def _require_fit_of(fit: Any, model: Model, data: Data) -> None:
    if fit is None:
        return
    if not isinstance(fit, MapEstimate):
        raise DataTypeError(
            f"fit must be a MapEstimate from find_map, or None to find it here; got "
            f"{type(fit).__name__}"
        )
    if fit.model != model:
        raise ModelError(f"fit is for {fit.model!r}, not for {model!r}; pass the fit of this model")
    if fit.names != data.names:
        raise DataError("fit and data have different columns; pass the fit of these data")


def _certificate(model: Model, data: Data, fit: MapEstimate) -> Check:
    found = certify(model, data, fit.coef, fit.intercept, tol=fit.certificate.tol)
    if found.local:
        allowed = float(np.sqrt(2 * found.tol * (found.half_null_deviance or 1.0)))
        return Check("certificate", found.holds, found.kkt_residual, allowed, str(found))
    return Check("certificate", found.holds, found.relative_gap, found.tol, str(found))


def _gradient_by_differences(
    model: Model, data: Data, fit: MapEstimate, rng: np.random.Generator
) -> Check:
    """model.gradient against central differences at a random point off every kink.

    Differences are relative to ``|gradient_j| + 1 / spread_j``. The step balances truncation,
    (step / spread)^2, with rounding / step; what rounding may do is allowed for, and where that
    is much the coefficient is left out.
    """
    name, problem = "gradient by differences", bind(model, data)
    point, spread = _near(problem, fit, rng), _spread(problem, fit)
    exact = _gradient(model, data, problem, point)
    of_density, of_gradient = _rounding(problem, point)
    share = float(np.clip(np.cbrt(of_density), 1e-4, 1e-2))
    worst, worst_limit, hidden = 0.0, 1e-5, 0
    for j in np.flatnonzero(~problem.penalty.is_pinned).tolist():
        size = min(share * spread[j], 0.1 * _distance_to_kink(problem, point, j))
        up, down = point.copy(), point.copy()
        up[j] += size
        down[j] -= size
        between = up[j] - down[j]  # as rounded, and exact where it is not 0
        terms = abs(exact[j]) + 1.0 / spread[j]
        if between == 0 or of_density + of_gradient[j] * between > _HIDDEN * between * terms:
            hidden += 1
            continue
        numeric = _log_density(model, data, problem, up) - _log_density(model, data, problem, down)
        figure = abs(numeric / between - exact[j]) / terms
        limit = 1e-5 + share**2 + (of_density / between + of_gradient[j]) / terms
        if figure * worst_limit >= worst * limit:
            worst, worst_limit = figure, limit
    if hidden and hidden == np.count_nonzero(~problem.penalty.is_pinned):
        reason = (
            "no difference can be told from rounding, or taken beside a kink or bound; bring the "
            "columns near 0 and their spread near 1"
        )
        return Check(name, None, None, None, reason)
    detail = f"largest relative difference over {problem.size - hidden} coefficients {worst:.1e}"
    if hidden:
        detail += f"; {hidden} more left out: at a kink or bound, or hidden by rounding"
    return Check(name, bool(worst <= worst_limit), worst, worst_limit, detail)


def _gradient(model: Model, data: Data, problem: Problem, point: FloatArray) -> FloatArray:
    """model.gradient in the coordinates of the problem."""
    exact = np.append(*model.gradient(data, *problem.coefficients(point)))[: problem.size]
    if problem.has_intercept:
        exact[: problem.p] -= problem.shift * exact[-1]
    for block in problem.blocks:
        exact[block.columns] = exact[block.columns] @ block.factor
    exact[: problem.p] *= problem.unit
    return exact


def _rounding(problem: Problem, v: FloatArray) -> tuple[float, FloatArray]:
    """What rounding may do to a difference of two log densities near v, and to the gradient.

    eta_i is a sum of terms of total size E_i, so off by about eps E_i; hence the density by
    g_i eps E_i and the gradient by x_ij h_i eps E_i, beside the rounding of their own sums.
    """
    shift = np.abs(problem.shift * problem.unit)
    w, X = np.abs(v[: problem.p]), abs(problem.X)
    eta = problem.linear_predictor(v)
    sizes = X @ w + np.abs(problem.offset) + 2 * (shift @ w)
    sizes = sizes + abs(v[-1]) if problem.has_intercept else sizes
    g, h = np.abs(problem.gradient_rows(eta)), problem.majorising_rows(eta)
    density = problem.weights @ np.abs(problem.likelihood.loss(problem.y, eta)) + g @ sizes
    density += np.sum(np.abs(problem.likelihood.constant(problem.y, problem.weights)))
    density += np.sum(problem.penalty.values(v) + np.abs(problem.penalty.log_normaliser()))
    rows = h * sizes + g
    gradient = np.abs(problem.penalty.slope(v))
    gradient[: problem.p] += X.T @ rows + shift * np.sum(g)
    if problem.has_intercept:
        gradient[-1] += np.sum(rows)
    unit = 4 * np.finfo(np.float64).eps
    return float(unit * density), unit * gradient


def _distance_to_kink(problem: Problem, point: FloatArray, j: int) -> float:
    """To the next point where the density has no derivative: a kink, a bound, a row's corner."""
    penalty = problem.penalty
    to_kink = abs(point[j] - penalty.loc[j]) if penalty.l1[j] > 0 else np.inf
    to_corner = np.inf if is_smooth(problem.likelihood) else _distance_to_corner(problem, point, j)
    to_bound = min(point[j] - penalty.lower[j], penalty.upper[j] - point[j])
    return float(min(to_kink, to_corner, to_bound))


def _distance_to_corner(problem: Problem, point: FloatArray, j: int) -> float:
    """How far coefficient j may move before some row crosses y_i = eta_i."""
    column = np.abs(problem.block(np.array([j]))[:, 0])
    residual = np.abs(problem.y - problem.linear_predictor(point))
    crossing = column > 0
    return float(np.min(residual[crossing] / column[crossing], initial=np.inf))


def _twin(model: Model, data: Data, fit: MapEstimate) -> Check:
    """scikit-learn at the converted penalty lands on the same point, and not below it."""
    from bayesreg.twin import fit_twin

    name, twin = "scikit-learn twin", fit_twin(model, data, fit)
    scale = fit.certificate.half_null_deviance or 1.0
    limit = 1e-6 * scale
    below = max(fit.certificate.gap, 1e-12 * scale)
    parameters = ", ".join(f"{key}={value!r}" for key, value in twin.penalised.parameters.items())
    detail = (
        f"{twin.penalised.target}({parameters}): objective {twin.excess:+.1e} nats from the mode, "
        f"largest coefficient difference {twin.largest_difference:.1e}"
    )
    if not twin.converged and twin.excess > limit:
        detail += "; its own solver did not converge"
        return Check(name, None, twin.excess, limit, detail)
    return Check(name, bool(-below <= twin.excess <= limit), twin.excess, limit, detail)


def _segments(model: Model, data: Data, fit: MapEstimate, seed: int) -> Check:
    """No point between the mode and a posterior draw is better by more than the gap."""
    from bayesreg.posterior import sample

    name = "no draw beats the mode"
    post = _quiet_sample(lambda: sample(model, data, draws=25, chains=4, seed=seed,
                                        progress=False))  # fmt: skip
    problem = bind(model, data)
    mode = problem.extended(fit.coef, fit.intercept)
    at_mode = problem.value(mode)
    best = np.inf
    draws = _extended_draws(problem, post)
    shares = np.geomspace(1e-4, 1.0, 9)
    for draw in draws:
        for share in shares:
            best = min(best, problem.value(mode + share * (draw - mode)) - at_mode)
    gap = 0.0 if fit.certificate.local else fit.certificate.gap
    limit = gap + 1e-13 * abs(at_mode)
    detail = (
        f"of {len(draws) * len(shares)} points between the mode and posterior draws the best lies "
        f"{best:.2e} nats below the mode's log posterior (above it by at most {limit:.1e} allowed)"
    )
    return Check(name, bool(best >= -limit), -best, limit, detail)


def _quiet_sample(draw: Callable[[], xr.DataTree]) -> xr.DataTree:
    """A short run is enough here: its convergence is not what is being checked."""
    import warnings

    from bayesreg.errors import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return draw()


def _extended_draws(problem: Problem, post: xr.DataTree) -> list[FloatArray]:
    group = post["posterior"]
    coef = group["coef"].transpose("chain", "draw", "feature").values.reshape(-1, problem.p)
    if not problem.has_intercept:
        return [problem.extended(w, 0.0) for w in coef]
    intercept = group["intercept"].transpose("chain", "draw").values.ravel()
    return [problem.extended(w, a) for w, a in zip(coef, intercept, strict=True)]


def _pymc_density(model: Model, data: Data, fit: MapEstimate, rng: np.random.Generator) -> Check:
    """PyMC's joint log density equals ours at 20 random points."""
    from bayesreg.pymc import log_density_function

    problem = bind(model, data)
    density = log_density_function(model, data)
    worst = 0.0
    for _ in range(20):
        coef, intercept = problem.coefficients(_near(problem, fit, rng))
        ours = model.log_density(data, coef, intercept)
        worst = max(worst, abs(density(coef, intercept) - ours) / max(1.0, abs(ours)))
    detail = f"largest relative difference at 20 random points {worst:.1e}"
    return Check("PyMC log density", bool(worst <= 1e-10), worst, 1e-10, detail)


def _spread(problem: Problem, fit: MapEstimate) -> FloatArray:
    """One over the root curvature at the mode: the unit of a natural step."""
    v = problem.extended(fit.coef, fit.intercept)
    h = problem.majorising_rows(problem.linear_predictor(v))
    from_prior = problem.penalty.l1**2 + problem.penalty.majorant(v).l2
    curvature = problem.column_squares(h) + from_prior
    return 1.0 / np.sqrt(np.where(curvature > 0, curvature, 1.0))


def _near(problem: Problem, fit: MapEstimate, rng: np.random.Generator) -> FloatArray:
    """A random point about one natural step from the mode, inside the bounds."""
    v = problem.extended(fit.coef, fit.intercept)
    moved = v + rng.normal(size=problem.size) * _spread(problem, fit)
    return np.clip(moved, problem.penalty.lower, problem.penalty.upper)


def _log_density(model: Model, data: Data, problem: Problem, v: FloatArray) -> float:
    return model.log_density(data, *problem.coefficients(v))


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.2g}"
