"""Coordinate-wise Gibbs sampling: Gaussian likelihood, coefficients between bounds.

HalfNormal, Exponential, Uniform and Truncated priors beside any others that are separable or
groups; sigma and scales are numbers or have any density of :mod:`bayesreg.priors.on_noise`. Each
coefficient is drawn from its exact conditional (:mod:`bayesreg._kernels.coordinate`) in the
contrasts of the rows; flat coefficients are integrated out.

A bound that is not the prior's loc makes the prior's mass within the bounds depend on its scale:
where that is random the mass enters the draws of the scale.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.errors import ImproperPosteriorError
from bayesreg.likelihoods import Gaussian
from bayesreg.penalty import Penalty
from bayesreg.posterior.contrasts import Contrasts, contrasts_of
from bayesreg.posterior.mixture import mixture_of, proper_columns, relative
from bayesreg.posterior.protocol import Block, Chain, Engine, Setup
from bayesreg.posterior.scalars import encode
from bayesreg.posterior.target import Posterior
from bayesreg.problem import Problem

if TYPE_CHECKING:
    from bayesreg._kernels.coordinate import Together

#: (first iteration, u, scalars, stream of random numbers, draws, draws of scalars).
Iterate = Callable[..., None]
# Operations that a draw from a normal distribution with a kink takes.
_DRAW_COST = 500.0
# A trajectory comes at least once in so many sweeps.
_RAREST = 50
# Total precision of what stands in for constant densities in a trajectory: weak enough to be
# taken back nearly always, see :mod:`bayesreg._kernels.bouncing`.
_PULL = 4.0


def unsuited(posterior: Posterior) -> str | None:
    """Why coordinates cannot be drawn one by one; None when they can."""
    problem = posterior.problem
    if not isinstance(problem.likelihood, Gaussian):
        return f"it needs a Gaussian likelihood; this one is {problem.likelihood!r}"
    if np.any(_varying(posterior) & _has_tails(posterior)):
        return (
            "a StudentT, Cauchy or Horseshoe prior is bounded off its loc, and its scale is random "
            "or a multiple of a random sigma: its mass between the bounds has no closed form. "
            "State a number for the scale, or put the bound at loc"
        )
    return None


def prepare(setup: Setup) -> Engine:
    """Contrasts of the rows, triangular where they outnumber the columns.

    Raises
    ------
    ImproperPosteriorError
        Flat priors with one bound, of columns that the rows do not tell apart.
    """
    return _Coordinate(setup)


class _Coordinate:
    """Chains from dispersed starts within the bounds."""

    statistics = ()

    def __init__(self, setup: Setup) -> None:
        posterior = setup.posterior
        proper = proper_columns(posterior)
        centred = _centred(posterior.problem)
        unit = _units(posterior.problem, proper)
        self._rows = contrasts_of(centred, proper, unit)
        penalty = centred.penalty.take(proper)
        own = posterior.problem.penalty.take(proper)
        self._bounds = posterior.problem.penalty.lower, posterior.problem.penalty.upper
        self._low, self._high = ((bound - penalty.loc) / unit for bound in (own.lower, own.upper))
        _require_proper(posterior, proper, self._rows)
        r, q = self._rows.design.shape
        self.cost = 6.0 * r * q + _DRAW_COST * q
        self._iterate = self._kernel(posterior, proper)
        self._starts = _typical_scalars(posterior, self._rows, proper)
        self._sigma_is_given = posterior.sigma is None

    def _kernel(self, posterior: Posterior, proper: IntArray) -> Iterate:
        from bayesreg._kernels.bounded_scales import Bounds
        from bayesreg._kernels.coordinate import Columns, coordinate_gibbs
        from bayesreg._kernels.scale_moves import GIVEN, Unknowns

        mixture, groups = mixture_of(posterior, proper, self._rows.whole.unit)
        encoded = encode(posterior.scalars.values())
        codes, parameters = encoded.codes, encoded.parameters
        if posterior.sigma is None:
            codes = np.append(GIVEN, codes)
            parameters = np.vstack([np.zeros((1, parameters.shape[1])), parameters])
        unknowns = Unknowns(codes, parameters)
        columns = np.ascontiguousarray(self._rows.design.T)
        rows = Columns(
            columns, _depth(columns), np.sum(columns**2, axis=1), self._rows.target,
            self._rows.rest, self._rows.contrasts,
        )  # fmt: skip
        varying = np.flatnonzero(_varying(posterior)[proper])
        bounds = Bounds(self._low, self._high, varying)
        together = self._together(posterior, proper)
        return lambda *state: coordinate_gibbs(
            rows, mixture, unknowns, bounds, together, groups, *state
        )

    def _together(self, posterior: Posterior, proper: IntArray) -> Together:
        """A trajectory as often as it takes as long as the sweeps in between."""
        from bayesreg._kernels.coordinate import Together

        A = self._rows.design
        r, q = A.shape
        box = _is_box(posterior.problem.penalty.take(proper))
        finite = np.isfinite(self._low), np.isfinite(self._high)
        bounded = np.flatnonzero(finite[0] | finite[1])
        share = _PULL / np.sqrt(max(1, int(np.sum(box))))
        pull = np.where(box & finite[0] & finite[1], share, 0.0)
        wide = q > r
        endless = np.any(box & (pull == 0.0))
        by_bounce = 2.0 * r * (r + q) if wide else 2.0 * q**2
        cost = (r**2 * q + r**3 / 3 if wide else q**3 / 3) + bounded.size * by_bounce
        every = int(np.clip(cost / self.cost, 1, _RAREST))
        gram = np.empty((0, 0)) if wide else A.T @ A
        return Together(0 if wide and endless else every, gram, bounded, pull)

    def begin(self, seed: np.random.SeedSequence) -> Chain:
        start, draws, completion = (np.random.default_rng(child) for child in seed.spawn(3))
        typical, lower, upper = self._starts
        scalars = np.clip(typical * np.exp(0.5 * start.standard_normal(typical.size)), lower, upper)
        state = {"u": _within(self._low, self._high, start), "scalars": scalars}
        return Chain(state, {"draws": draws, "completion": completion})

    def advance(self, chain: Chain, block: Block) -> None:
        from bayesreg._kernels.completion import complete

        u, scalars = chain.state["u"], chain.state["scalars"]
        kept = np.empty((block.count, u.size))
        scalar_draws = np.empty((block.count, scalars.size))
        self._iterate(chain.iteration, u, scalars, chain.streams["draws"], kept, scalar_draws)
        sigma = np.ascontiguousarray(scalar_draws[:, 0])
        complete(self._rows.whole, kept, sigma, chain.streams["completion"], block.v)
        # Adding loc has rounded.
        np.clip(block.v, self._bounds[0], self._bounds[1], out=block.v)
        block.scalars[:] = scalar_draws[:, 1:] if self._sigma_is_given else scalar_draws


def _has_tails(posterior: Posterior) -> BoolArray:
    tails = posterior.problem.penalty.tails
    return posterior.horseshoe if tails is None else posterior.horseshoe | tails.present


def _is_box(penalty: Penalty) -> BoolArray:
    """Bounds and nothing else."""
    box = (penalty.l1 == 0) & (penalty.l2 == 0) & ~penalty.is_flat & ~penalty.is_pinned
    return box if penalty.tails is None else box & ~penalty.tails.present


def _varying(posterior: Posterior) -> BoolArray:
    """Where the prior's mass between the bounds depends on a random factor."""
    penalty = posterior.problem.penalty
    random = relative(posterior) == 1
    for scale in posterior.scales:
        random = random | scale.columns
    off_loc = np.zeros(penalty.size, dtype=bool)
    for bound in (penalty.lower, penalty.upper):
        off_loc |= np.isfinite(bound) & (bound != penalty.loc)
    return random & off_loc & ~penalty.is_pinned & ~_is_box(penalty)


def _centred(problem: Problem) -> Problem:
    """The problem whose base point is loc, also where that is out of bounds; of a prior that is
    constant between its bounds, a finite one of them."""
    penalty = problem.penalty
    box, pinned = _is_box(penalty), penalty.is_pinned
    finite = np.where(np.isfinite(penalty.lower), penalty.lower, penalty.upper)
    return replace(
        problem,
        penalty=replace(
            penalty,
            l2=np.where(box, 1.0, penalty.l2),
            loc=np.where(box, finite, penalty.loc),
            lower=np.where(pinned, penalty.lower, -np.inf),
            upper=np.where(pinned, penalty.upper, np.inf),
        ),
    )


def _units(problem: Problem, proper: IntArray) -> FloatArray:
    """About one prior sd; of a box its width, of half a line what one sd of the noise moves."""
    penalty = problem.penalty
    tails = np.zeros(penalty.size, dtype=bool) if penalty.tails is None else penalty.tails.present
    box = _is_box(penalty)
    smooth = np.hypot(np.sqrt(penalty.l2), penalty.l1 / np.sqrt(2.0))
    with np.errstate(divide="ignore"):
        by_data = problem.likelihood.noise / np.sqrt(problem.column_squares(problem.weights))
        unit = np.where(box, penalty.upper - penalty.lower, 1.0 / smooth)
    if penalty.tails is not None:
        unit = np.where(tails, penalty.tails.scale, unit)
    unit = np.where(box & np.isinf(unit), by_data, unit)
    return np.where(np.isfinite(unit), unit, 1.0)[proper]


def _require_proper(posterior: Posterior, proper: IntArray, rows: Contrasts) -> None:
    """Half lines without a slope need rows that tell their columns apart."""
    penalty = posterior.problem.penalty.take(proper)
    endless = _is_box(penalty) & (np.isinf(penalty.lower) | np.isinf(penalty.upper))
    block = rows.design[:, endless]
    if block.shape[1] and np.linalg.matrix_rank(block) < block.shape[1]:
        raise ImproperPosteriorError(
            "the posterior may be improper: columns whose prior is Flat with one bound are a "
            "combination of each other (or of flat columns) on these rows, so that nothing keeps "
            "them from infinity. Give them a second bound, or a proper prior such as "
            "HalfNormal(scale=...)"
        )


def _depth(columns: FloatArray) -> IntArray:
    """How many leading entries of each row are needed: the rest is 0."""
    reversed_first = np.argmax(columns[:, ::-1] != 0, axis=1) if columns.size else np.zeros(0)
    depth = columns.shape[1] - reversed_first
    return np.where(np.any(columns != 0, axis=1), depth, 0).astype(np.int64)


def _within(low: FloatArray, high: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Dispersed points between the bounds: uniform, or up to about two prior sd from the end."""
    distance = 2.0 * rng.laplace(size=low.size) / np.sqrt(2.0)
    with np.errstate(invalid="ignore"):
        inside = low + (high - low) * rng.random(low.size)
    from_end = np.where(np.isfinite(low), low + np.abs(distance), high - np.abs(distance))
    whole = np.isinf(low) & np.isinf(high)
    both = np.isfinite(low) & np.isfinite(high)
    return np.where(both, inside, np.where(whole, distance, from_end))


def _typical_scalars(
    posterior: Posterior, rows: Contrasts, proper: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """About the size of sigma and of each scale by least squares; their bounds."""
    size = float(rows.target @ rows.target) + rows.rest
    sigma = np.sqrt(size / max(rows.contrasts, 1)) if posterior.sigma is not None else 1.0
    nearest = np.linalg.lstsq(rows.design, rows.target, rcond=None)[0]
    typical = [sigma if sigma > 0 else 1.0]
    for scale in posterior.scales:
        own = nearest[scale.columns[proper]]
        spread = np.sqrt(np.mean(own**2)) if own.size else 0.0
        typical.append(spread if np.isfinite(spread) and spread > 0 else 1.0)
    bounds = encode(posterior.scalars.values()).parameters[:, 3:5].reshape(-1, 2)
    if posterior.sigma is None:
        bounds = np.vstack([[1.0, 1.0], bounds])
    return np.array(typical), bounds[:, 0], bounds[:, 1]
