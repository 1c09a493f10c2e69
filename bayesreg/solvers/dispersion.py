"""The joint mode over coefficients, intercept and a dispersion d with a prior.

    F(d) = min_v J(v; d) - log p(d),      the density taken in d itself, not in log d

For each d the problem in v is solved to rounding, warm-started from its neighbour; by the envelope
theorem

    dF / d log d = sum_i s_i d nll_i / d log d  -  d log p / d log d     at the minimising v.

Every sign change of this slope from - to + along a logarithmic grid encloses a local mode of the
joint density; each is refined to a root of the slope.  Modes closer together than the grid
(a factor of about 2) may be missed: the certificate says "local".

Under a Student-t likelihood, and beside Student-t and Cauchy priors, the problem in v is not
convex: the profile then follows one valley up the grid and one down it (from where it is nearly
convex), under such a likelihood also the best one that many starts find at the best knot. A valley
that ends between two knots is no mode. Under an asymmetric Laplace likelihood the slope jumps where
the fitted rows change, downwards as d grows: a sign change from - to + is a root.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, pairwise
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import ModelError, NoModeError
from bayesreg.likelihoods import Dispersed, estimated_dispersion, is_smooth
from bayesreg.model import Model
from bayesreg.problem import Problem, bind
from bayesreg.proof.certificate import local_certificate
from bayesreg.proof.existence import why_no_mode
from bayesreg.proof.scalar_stationarity import scalar_residual
from bayesreg.solvers.choice import Options
from bayesreg.solvers.conditional import (
    conditional_estimate,
    conditional_mode,
    require_solvable,
)
from bayesreg.solvers.dispersion_range import Knots, knots
from bayesreg.solvers.estimate import LocalMode, MapEstimate
from bayesreg.solvers.local import local_modes
from bayesreg.solvers.local_starts import starting_points
from bayesreg.solvers.noise_at_zero import prior_power, why_unbounded
from bayesreg.solvers.start import starting_point

# A slope at the end of the grid that no rounding explains: F falls without bound.
_FALLING = 1e-3
_PRIOR_STEP = 1e-3
# Of the slopes at the ends of a bracket: what is left at a root that is none.
_JUMP = 1e-6
# Scales of noise, of a typical target and of the largest.
_NARROW, _WIDE = 1e-4, 30.0
# Of the largest target: the rounding of residuals.
_ROUNDING = 1e-12
# Two modes whose linear predictors and log dispersions differ by less are one.
_SAME = 1e-4


def find_with_dispersion(model: Model, data: Data, options: Options) -> MapEstimate:
    """The best joint mode; ``model`` of the result has the dispersion as the number found."""
    likelihood = model.likelihood
    prior = estimated_dispersion(likelihood)
    assert isinstance(likelihood, Dispersed)
    assert prior is not None
    _require_joint(options.target, model.likelihood, likelihood.dispersion_name)
    profile = _Profile(model, data, likelihood, prior, options.max_iterations)
    places = _distinct(profile, _modes(profile))
    found = sorted((profile.local_mode(place) for place in places), key=_height, reverse=True)
    return _certified(profile, found, options)


def _height(mode: LocalMode) -> float:
    return mode.log_density


@dataclass
class _Point:
    """The conditional problem at one dispersion, solved."""

    log_d: float
    v: FloatArray
    slope: float
    value: float


@dataclass
class _Profile:
    """F and its slope, each evaluation warm-started from the last."""

    model: Model
    data: Data
    likelihood: Dispersed
    prior: Any
    max_iterations: int
    settled: bool = True
    iterations: int = 0
    _v: FloatArray | None = None
    _problem: Problem = field(init=False)

    def __post_init__(self) -> None:
        self._problem = bind(self.model_at(1.0), self.data)
        require_solvable(self._problem)
        reason = why_no_mode(self._problem, self.data.names)
        if reason is not None:
            raise NoModeError(f"no mode: {reason}")
        unbounded = why_unbounded(self._problem, self.prior)
        if unbounded is not None:
            raise NoModeError(f"no joint mode: {unbounded}")

    @property
    def name(self) -> str:
        return self.likelihood.dispersion_name

    @property
    def convex(self) -> bool:
        """Whether the problem in v is convex at every dispersion."""
        return self._problem.convex

    @property
    def robust(self) -> bool:
        """Whether rows may leave a fit: then modes differ by the rows that they believe."""
        return self._problem.majorised is not None

    @property
    def of_noise(self) -> bool:
        """Whether the dispersion is a scale of y - eta."""
        return self.robust or not is_smooth(self._problem.likelihood)

    @property
    def sizes_of_noise(self) -> tuple[float, float]:
        """log of the least and the largest scale that is looked at before a slope asks for more.

        Beyond many times the largest target the density falls; below a small share of a typical
        one it does unless most rows are fitted that closely, which the slope there tells.
        """
        distance = np.abs(self._problem.y - self._problem.offset)
        typical, largest = float(np.mean(distance)), float(np.max(distance))
        if not self.of_noise or typical == 0:
            return -math.inf, math.inf
        return math.log(_NARROW * typical), math.log(_WIDE * largest)

    @property
    def rounding(self) -> float:
        """The log scale of noise below which residuals are nothing but rounding.

        What stops a scale there on its way to 0 are not the data.
        """
        if not self.of_noise or not math.isfinite(prior_power(self.prior)):
            return -math.inf
        largest = float(np.max(np.abs(self._problem.y - self._problem.offset)))
        return math.log(_ROUNDING * largest) if largest > 0 else -math.inf

    def model_at(self, d: float) -> Model:
        return replace(self.model, likelihood=self.likelihood.with_dispersion(d))

    def problem_at(self, d: float) -> Problem:
        return replace(self._problem, likelihood=self.likelihood.with_dispersion(d))

    def linear_predictor(self, v: FloatArray) -> FloatArray:
        return self._problem.linear_predictor(v)

    def followed_from(self, v: FloatArray | None) -> None:
        """Where the next problem is started."""
        self._v = v

    def best_start(self, point: _Point) -> FloatArray | None:
        """A better mode at the same dispersion, from many starts; None where there is none."""
        problem, names = self.problem_at(math.exp(point.log_d)), self.data.names
        starts = chain([point.v], starting_points(problem, names))
        modes = local_modes(problem, starts, self.max_iterations)
        here = problem.value(point.v)
        better = modes[0].settled and modes[0].value < here - 1e-9 * (1.0 + abs(here))
        return modes[0].v if better else None

    def log_prior(self, d: float) -> float:
        return float(np.ravel(self.prior.log_density(np.array([d])))[0])

    def at(self, log_d: float) -> _Point:
        """Solve the conditional problem."""
        d = math.exp(log_d)
        problem = self.problem_at(d)
        names = self.data.names
        start = self._first_start(problem) if self._v is None else self._v
        solution = conditional_mode(problem, names, start, self.max_iterations)
        self.settled = self.settled and solution.settled
        self.iterations += solution.iterations
        self._v = v = solution.v
        eta = problem.linear_predictor(v)
        value = problem.value(v, eta) + problem.constants - self.log_prior(d)
        return _Point(log_d, v, self._slope(problem, eta, d), value)

    def _first_start(self, problem: Problem) -> FloatArray:
        if not is_smooth(problem.likelihood):
            return problem.start  # the interior point method has its own
        names = self.data.names
        return (
            next(starting_points(problem, names))
            if self.robust
            else (starting_point(problem, names))
        )

    def _slope(self, problem: Problem, eta: FloatArray, d: float) -> float:
        likelihood = problem.likelihood
        assert isinstance(likelihood, Dispersed)
        by_row = likelihood.dispersion_slope(problem.y, eta)
        return float(problem.weights @ by_row) - self._prior_slope(d)

    def _prior_slope(self, d: float) -> float:
        """d log p / d log d by differences, one-sided at an end of the support."""
        steps = np.arange(-4, 5)
        f = np.array([self.log_prior(d * math.exp(k * _PRIOR_STEP)) for k in steps])
        if np.all(np.isfinite(f[2:7])):
            return float(f[2] - 8 * f[3] + 8 * f[5] - f[6]) / (12 * _PRIOR_STEP)
        if np.all(np.isfinite(f[4:])):
            return float(-25 * f[4] + 48 * f[5] - 36 * f[6] + 16 * f[7] - 3 * f[8]) / (
                12 * _PRIOR_STEP
            )
        return float(25 * f[4] - 48 * f[3] + 36 * f[2] - 16 * f[1] + 3 * f[0]) / (12 * _PRIOR_STEP)

    def local_mode(self, point: _Point) -> LocalMode:
        d = math.exp(point.log_d)
        coef, intercept = self.problem_at(d).coefficients(point.v)
        return LocalMode(coef, intercept, {self.name: d}, -point.value)


def _modes(profile: _Profile) -> list[_Point]:
    """Every local minimum of F that the grid shows."""
    grid = knots(profile.prior, repr(profile.model.likelihood), profile.name)
    grid = grid.about(*profile.sizes_of_noise)
    sweeps = [list(_swept(profile, grid))]
    if not profile.convex:
        sweeps.append(list(_swept(profile, grid, downwards=True)))
    if profile.robust:
        sweeps += _believing_others(profile, grid, list(chain(*sweeps)))
    found = [point for points in sweeps for point in _minima(profile, grid, points)]
    if any(point.log_d < profile.rounding for point in found):
        raise NoModeError(_runaway(profile, "0"))
    best = min((point.value for point in found), default=np.inf)
    for points in sweeps if profile.settled else []:
        first, last = points[0], points[-1]
        runs_down = first.slope > 0 and not grid.low_is_bound
        if runs_down and (first.slope > _FALLING or first.value < best):
            raise NoModeError(_runaway(profile, "0"))
        runs_up = last.slope < 0 and not grid.high_is_bound
        if runs_up and (last.slope < -_FALLING or last.value < best):
            raise NoModeError(_runaway(profile, "infinity"))
    return found or [min(chain(*sweeps), key=_value)]


def _value(point: _Point) -> float:
    return point.value


def _believing_others(profile: _Profile, grid: Knots, points: list[_Point]) -> list[list[_Point]]:
    """A sweep both ways from the best knot, if there is a better valley at it."""
    best = min(points, key=_value)
    start = profile.best_start(best)
    if start is None:
        return []
    core = grid.logs[grid.core]
    sweep = []
    for logs in (core[core < best.log_d][::-1], core[core >= best.log_d]):
        profile.followed_from(start)
        sweep += [profile.at(x) for x in logs]
    return [sorted(sweep, key=lambda point: point.log_d)]


def _distinct(profile: _Profile, points: list[_Point]) -> list[_Point]:
    """Each mode once, though two sweeps came by; eta and log d are in natural units."""
    kept: list[_Point] = []
    etas: list[FloatArray] = []
    for point in points:
        eta = np.append(profile.linear_predictor(point.v), point.log_d)
        if not any(float(np.max(np.abs(eta - other))) <= _SAME for other in etas):
            kept.append(point)
            etas.append(eta)
    return kept


def _minima(profile: _Profile, grid: Knots, points: list[_Point]) -> list[_Point]:
    """The local minima along one sweep."""
    found = [root for low, high in _brackets(points) for root in _refined(profile, low, high)]
    first, last = points[0], points[-1]
    if first.slope >= 0 and (grid.low_is_bound or first.slope == 0):
        found.append(first)
    if last.slope < 0 and grid.high_is_bound:
        found.append(last)
    return found


def _swept(profile: _Profile, grid: Knots, downwards: bool = False) -> Iterator[_Point]:
    """The profile over the grid's core, and beyond it while a slope asks for it, in order.

    Each point follows the mode of its neighbour. Where there are several, one sweep down finds the
    valleys that one up has left, and the other way round.
    """
    logs = grid.logs
    profile._v = None
    core = [profile.at(x) for x in logs[grid.core][:: -1 if downwards else 1]]
    core = core[::-1] if downwards else core
    above, below = [], []
    last = core[-1]
    profile._v = last.v
    for x in logs[grid.core.stop :]:
        if last.slope >= 0:
            break
        last = profile.at(x)
        above.append(last)
    first = core[0]
    profile._v = first.v
    for x in logs[: grid.core.start][::-1]:
        if first.slope <= 0:
            break
        first = profile.at(x)
        below.append(first)
    return iter([*below[::-1], *core, *above])


def _brackets(points: list[_Point]) -> list[tuple[_Point, _Point]]:
    return [(low, high) for low, high in pairwise(points) if low.slope < 0 <= high.slope]


def _refined(profile: _Profile, low: _Point, high: _Point) -> list[_Point]:
    """The root of the slope between two knots, none where it jumps from one valley to another."""
    from scipy.optimize import brentq

    known = {point.log_d: point for point in (low, high)}

    def at(log_d: float) -> _Point:
        if log_d not in known:
            nearest = min(known, key=lambda other: abs(other - log_d))
            profile._v = known[nearest].v
            known[log_d] = profile.at(log_d)
        return known[log_d]

    ends = low.log_d, high.log_d
    root = at(float(brentq(lambda x: at(x).slope, *ends, xtol=1e-14, rtol=1e-15, maxiter=200)))
    least = min(known.values(), key=lambda point: abs(point.slope))
    jumps = not profile.convex and abs(least.slope) > _JUMP * max(abs(low.slope), abs(high.slope))
    return [] if jumps else [root]


def _certified(profile: _Profile, found: list[LocalMode], options: Options) -> MapEstimate:
    """The best mode as an estimate whose certificate counts the dispersion as a coordinate."""
    best = found[0]
    d = best.scalars[profile.name]
    problem, model, names = profile.problem_at(d), profile.model_at(d), profile.data.names
    start = problem.extended(best.coef, best.intercept)
    estimate = conditional_estimate(
        problem, model, names, start, options.tol, options.max_iterations
    )
    v = problem.extended(estimate.coef, estimate.intercept)
    eta = problem.linear_predictor(v)

    def objective(value: float) -> float:
        log_prior = profile.log_prior(value)
        if not np.isfinite(log_prior):
            return np.inf
        at_value = profile.problem_at(value)
        return at_value.value(v, eta) + at_value.constants - log_prior

    conditional = estimate.certificate
    residual = max(conditional.kkt_residual, scalar_residual(objective, d))
    log_density = estimate.log_density + profile.log_prior(d)
    first = LocalMode(estimate.coef, estimate.intercept, best.scalars, log_density)
    return replace(
        estimate,
        certificate=local_certificate(
            residual,
            conditional.half_null_deviance,
            options.tol,
            conditional.least_curvature,
        ),
        log_density=log_density,
        iterations=estimate.iterations + profile.iterations,
        settled=estimate.settled and profile.settled,
        scalars=best.scalars,
        modes=(first, *found[1:]),
        target=options.target,
        conditional=conditional,
    )


def _require_joint(target: str | None, likelihood: object, name: str) -> None:
    if target == "joint":
        return
    asked = "there is more than one MAP" if target is None else f"target={target!r} is not for it"
    raise ModelError(
        f'{likelihood!r} leaves {name} to be found, so {asked}: pass target="joint" for the mode '
        f"over coefficients, intercept and {name} (the density taken in {name} itself, not in its "
        f"logarithm), or state {name} as a number for the conditional mode"
    )


_VANISHING = (
    "coefficients fit rows exactly, or its prior is infinite at 0. Give it a prior that vanishes "
    "at 0, such as InverseGamma(shape, scale) or Uniform(lower, upper) with lower > 0, or state it"
)
_REASONS = {
    ("sigma", "0"): _VANISHING,
    ("s", "0"): _VANISHING,
    ("phi", "0"): "the coefficients can fit y exactly, or the prior is infinite at 0. Give phi a "
    "prior that ends above 0, such as Uniform(0.01, 10), the coefficients a tighter one, or state "
    "phi",
    (
        "alpha",
        "infinity",
    ): "the counts vary no more than Poisson's, and its prior does not end. "
    "Use Poisson(), or a prior that falls off, such as HalfNormal(scale=10)",
    (
        "alpha",
        "0",
    ): "the rows with y > 0 are too few to hold it. Give alpha a prior that ends "
    "above 0, such as Uniform(0.01, 100), or state alpha",
}


def _runaway(profile: _Profile, end: str) -> str:
    name = profile.name
    reason = _REASONS.get((name, end), f"give {name} a prior that falls off there, or state it")
    return f"no mode: {name} of {profile.model.likelihood!r} runs to {end}: {reason}"
