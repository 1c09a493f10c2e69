"""The penalised quadratic subproblem, solved exactly.

Coordinate descent finds the signs, a Newton step on the identified signs finishes; the two
alternate until no sign changes and no coefficient at its kink wants to leave.  Every step lowers
the objective, so the alternation cannot cycle.  Where it creeps, an active-set method takes over.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.penalty import Penalty

# The active-set method factorises once per coefficient that changes: affordable up to this size,
# and otherwise only after many rounds.
_SMALL = 300
_ASTRAY = 8
_EPOCHS = 12
# Of a Newton step that changes signs, the first multiple past the best is the last to be tried.
_SHARES = (1.0, 0.7, 0.5, 0.35, 0.25, 0.12, 0.06)


@dataclass(frozen=True)
class Quadratic:
    """gradient' d + d' H d / 2 around ``point``."""

    H: FloatArray
    gradient: FloatArray
    point: FloatArray

    @cached_property
    def diagonal(self) -> FloatArray:
        return np.diagonal(self.H).copy()

    def slope(self, v: FloatArray) -> FloatArray:
        """The gradient of the quadratic at v."""
        return self.gradient + self.H @ (v - self.point)

    def noise(self, v: FloatArray) -> FloatArray:
        """The size of the terms that the gradient at v is the sum of."""
        return np.abs(self.gradient) + self._sizes @ np.abs(v - self.point)

    @cached_property
    def _sizes(self) -> FloatArray:
        return np.abs(self.H)


def minimise_quadratic(
    quadratic: Quadratic, penalty: Penalty, one_at_a_time: bool = False
) -> FloatArray:
    """argmin of the quadratic plus the penalty."""
    from bayesreg._kernels.quadratic_descent import quadratic_descent

    H = quadratic.H
    start = np.clip(quadratic.point, penalty.lower, penalty.upper)
    v = start.copy()
    if one_at_a_time:
        return _without_rounding_zeros(quadratic, penalty, _active_set(quadratic, penalty, v))
    dependent = 0
    for _ in range(25 if v.size <= _SMALL else 200):
        r = quadratic.slope(v)
        used = quadratic_descent(
            H, r, v, penalty.l1, penalty.l2, penalty.loc, penalty.lower, penalty.upper,
            _EPOCHS, 1e-20,
        )  # fmt: skip
        moved = _newton_on_signs(quadratic, penalty, v)
        if moved is None:
            # More free columns than the data tell apart: descent has gone astray.
            dependent += 1
            if v.size <= _SMALL or dependent > _ASTRAY:
                v = _active_set(quadratic, penalty, v if v.size <= _SMALL else start)
                break
            continue
        v, settled = moved
        if settled or (used == 1 and not np.any(_free(penalty, v))):
            break
    else:
        if v.size <= _SMALL:
            v = _active_set(quadratic, penalty, v)
    return _without_rounding_zeros(quadratic, penalty, v)


def _free(penalty: Penalty, v: FloatArray) -> BoolArray:
    """Coefficients off their kink and off their bounds."""
    at_kink = (v == penalty.loc) & (penalty.l1 > 0)
    return ~at_kink & (v > penalty.lower) & (v < penalty.upper)


def _newton_on_signs(
    quadratic: Quadratic, penalty: Penalty, v: FloatArray
) -> tuple[FloatArray, bool] | None:
    """One Newton step with the current signs held; True when the result is optimal.

    None where the free columns are dependent.

    Coefficients that would change sign are put on their kink, those that would leave their
    bounds on the bound; if that does not lower the objective, the step ends at the first of them.
    """
    free = np.flatnonzero(_free(penalty, v))
    r = quadratic.slope(v)
    if not free.size:
        return v, _is_optimal(quadratic, penalty, v)
    on_free = penalty.take(free)
    slope = r[free] + on_free.slope(v[free])
    step, rest = _solve_free(quadratic, on_free.l2, free, -slope, free.size <= _SMALL)
    if rest is not None:
        return None
    full = _projected(on_free, v[free], step)
    if np.array_equal(full, v[free] + step):
        v = v.copy()
        v[free] = full
        return v, _is_optimal(quadratic, penalty, v)
    before = penalty.value(v)
    best, least = v, 0.0
    for factor in (*_SHARES, min(1.0, _first_break(on_free, v[free], step)[0])):
        moved = v.copy()
        moved[free] = _projected(on_free, v[free], factor * step)
        d = moved - v
        change = float(r @ d + 0.5 * (d @ (quadratic.H @ d))) + penalty.value(moved) - before
        if change < least:
            best, least = moved, change
        elif least < 0:
            break
    return best, False


def _projected(penalty: Penalty, v: FloatArray, step: FloatArray) -> FloatArray:
    moved = v + step
    crossed = (penalty.l1 > 0) & ((moved - penalty.loc) * (v - penalty.loc) < 0)
    return np.clip(np.where(crossed, penalty.loc, moved), penalty.lower, penalty.upper)


def _first_break(penalty: Penalty, v: FloatArray, step: FloatArray) -> tuple[float, FloatArray]:
    """The multiple of the step at which the first sign changes or bound is met.

    With it, for each coefficient, the point where its own break lies.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        to_kink = np.where(penalty.l1 > 0, (penalty.loc - v) / step, np.inf)
        bound = np.where(step > 0, penalty.upper, penalty.lower)
        to_bound = (bound - v) / step
    to_kink = np.where(to_kink > 0, to_kink, np.inf)
    to_bound = np.where(to_bound > 0, to_bound, np.inf)
    share = float(np.min(np.minimum(to_kink, to_bound), initial=np.inf))
    at_break = np.where(to_kink <= share, penalty.loc, np.where(to_bound <= share, bound, np.nan))
    return share, at_break


def _active_set(quadratic: Quadratic, penalty: Penalty, v: FloatArray) -> FloatArray:
    """Exact steps from one set of signs to the next, one coefficient in or out at a time.

    Each step minimises the quadratic over the free coefficients with their signs held, up to
    the first that would change; where the free columns are dependent it follows the direction
    in which only the penalty falls. The objective falls at every step, so no set recurs: slow
    but certain, for problems on which coordinate descent creeps.
    """
    v = v.copy()
    free = _free(penalty, v)
    sign = np.sign(v - penalty.loc)
    for _ in range(50 + 20 * v.size):
        S = np.flatnonzero(free)
        r = quadratic.slope(v)
        slope = r + penalty.l1 * sign + penalty.l2 * (v - penalty.loc)
        step, limit = _free_step(quadratic, penalty, S, slope[S])
        on_free = penalty.take(S)
        turned = (v[S] == on_free.loc) & (on_free.l1 > 0) & (step * sign[S] < 0)
        if turned.any():
            free[S[turned]] = False
            continue
        share, at_break = _first_break(on_free, v[S], step)
        if share < limit:
            broken = ~np.isnan(at_break)
            v[S] = np.where(broken, at_break, v[S] + share * step)
            free[S[broken]] = False
            continue
        if not np.isfinite(limit):
            break
        v[S] += step
        r = quadratic.slope(v)
        entering = _strongest_violator(quadratic, penalty, v, r, free)
        if entering is None:
            break
        free[entering] = True
        at_kink = v[entering] == penalty.loc[entering]
        sign[entering] = -np.sign(r[entering]) if at_kink else sign[entering]
    return v


def _free_step(
    quadratic: Quadratic, penalty: Penalty, S: IntArray, slope: FloatArray
) -> tuple[FloatArray, float]:
    """Newton step on the free set, to be taken once; or a direction without curvature."""
    if not S.size:
        return np.zeros(0), 1.0
    step, rest = _solve_free(quadratic, penalty.l2[S], S, -slope, True)
    return (step, 1.0) if rest is None else (rest, np.inf)


def _strongest_violator(
    quadratic: Quadratic, penalty: Penalty, v: FloatArray, r: FloatArray, free: BoolArray
) -> int | None:
    """The held coefficient that most wants to move; None when none does beyond rounding."""
    noise = 8e-16 * quadratic.noise(v)
    distance = penalty.subgradient_distance(v, r)
    scale = np.sqrt(quadratic.diagonal + penalty.l2)
    wanting = ~free & (distance > noise) & (scale > 0)
    if not wanting.any():
        return None
    return int(np.argmax(np.where(wanting, distance / np.where(scale > 0, scale, 1.0), -1.0)))


def _is_optimal(quadratic: Quadratic, penalty: Penalty, v: FloatArray) -> bool:
    """No coefficient off the free set wants to move, to rounding of the gradient itself."""
    held = ~_free(penalty, v)
    distance = penalty.subgradient_distance(v, quadratic.slope(v))[held]
    return bool(not distance.any() or np.all(distance <= 8e-16 * quadratic.noise(v)[held]))


def _without_rounding_zeros(quadratic: Quadratic, penalty: Penalty, v: FloatArray) -> FloatArray:
    """Put coefficients on their kink whose distance from it is rounding (a tie at a knot).

    (v_j - loc_j)(H_jj + l2_j) is by how much the pull on j exceeds l1_j.
    """
    excess = np.abs(v - penalty.loc) * (quadratic.diagonal + penalty.l2)
    may_tie = _free(penalty, v) & (penalty.l1 > 0)
    # |H_jk| <= root(H_jj H_kk) bounds the noise without forming |H|; few come that near.
    root = np.sqrt(quadratic.diagonal)
    bound = np.abs(quadratic.gradient) + root * (root @ np.abs(v - quadratic.point))
    if not np.any(may_tie & (excess <= 1e-14 * bound)):
        return v
    ties = may_tie & (excess <= 1e-14 * quadratic.noise(v))
    return np.where(ties, penalty.loc, v) if ties.any() else v


def _solve_free(
    quadratic: Quadratic, l2: FloatArray, free: IntArray, b: FloatArray, thorough: bool
) -> tuple[FloatArray, FloatArray | None]:
    """``_solve_with_rest`` for the block of the free coefficients plus diag(l2).

    Unless ``thorough``, dependent columns are only reported, as a rest of zeros.
    """
    from scipy.linalg.lapack import dpotrf, dpotrs

    from bayesreg._kernels.free_block import free_block

    diagonal = quadratic.diagonal[free] + l2
    size = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    if np.all(diagonal > 0):
        block = np.empty((free.size, free.size))
        free_block(quadratic.H, free, size, block)
        # What is the lower triangle here is the upper one for LAPACK.
        factor, failed = dpotrf(block.T, lower=0, overwrite_a=1, clean=0)
        if not failed and np.min(np.diagonal(factor)) > 1e-7:
            solved, _ = dpotrs(factor, b / size, lower=0)
            return solved / size, None
    if not thorough:
        return np.zeros(free.size), np.zeros(free.size)
    return _solve_with_rest(quadratic.H[np.ix_(free, free)] + np.diag(l2), b)


def solve_symmetric(A: FloatArray, b: FloatArray) -> FloatArray:
    """A^-1 b for a positive (semi)definite A; the least-norm solution where it is singular."""
    return _solve_with_rest(A, b)[0]


def _solve_with_rest(A: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray | None]:
    """A^-1 b, and where A is singular the direction of its null space along b.

    Along that direction a quadratic with matrix A and gradient -b falls without end.
    """
    from scipy.linalg import LinAlgError, cho_factor, cho_solve, eigh

    size = np.sqrt(np.diag(A))
    size = np.where(size > 0, size, 1.0)
    scaled = A / size / size[:, None]
    right = b / size
    try:
        factor = cho_factor(scaled, lower=True, check_finite=False)
        if np.min(np.diag(factor[0])) > 1e-7:
            return cho_solve(factor, right, check_finite=False) / size, None
    except LinAlgError:
        pass
    values, vectors = eigh(scaled, check_finite=False)
    kept = values > 1e-14 * values[-1] * len(values)
    coordinates = vectors.T @ right
    solution = vectors[:, kept] @ (coordinates[kept] / values[kept])
    rest = vectors[:, ~kept] @ coordinates[~kept]
    unbounded = np.linalg.norm(rest) > 1e-9 * np.linalg.norm(right)
    return solution / size, rest / size if unbounded else None
