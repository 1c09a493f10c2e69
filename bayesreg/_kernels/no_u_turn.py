"""The no-U-turn sampler in coordinates q of unit scale:  u = centre + T q,  kinetic energy p'p / 2.

Hoffman and Gelman (2014, JMLR 15:1593) with multinomial weights, biased progression between
subtrees and the generalised criterion of Betancourt (2017, arXiv:1701.02434): a span turns when
its summed momentum rho has  p'rho <= 0  at either end. Two spans that are joined are also checked
across the joint, as Stan does: on nearly normal targets a whole trajectory can close a loop unseen.

A subtree of 2^k steps is built leaf by leaf. Spans of equal length are joined as the carries of a
binary counter, so that ``depth`` spans are held at a time, and no recursion is needed.

A step is half a kick by the gradient of the remainder, the exact flow of the reference
(:mod:`bayesreg._kernels.piecewise_flow`), and half a kick.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bayesreg._kernels.compiling import compiled
from bayesreg._kernels.piecewise_flow import Flow, apply, apply_transposed, flow, flow_workspace
from bayesreg._kernels.posterior_density import Target, Workspace, potential, workspace
from bayesreg._kernels.vector_functions import add, add_both, copy, dot

#: Columns of ``statistics``.
DIVERGING, TREE_DEPTH, N_STEPS, ACCEPTANCE_RATE, STEP_SIZE, ENERGY = range(6)
#: Entries of the state of dual averaging.
LOG_STEP, LOG_STEP_MEAN, ERROR_MEAN, SHRINK_TO, COUNT = range(5)
_LARGEST_ERROR = 1000.0
_DEEPEST = 10
# The reference alone is periodic in 2 pi: a step near a whole part of that would come back to
# itself.
_LONGEST_STEP, _JITTER = 1.4, 0.1
# Hoffman and Gelman (2014), section 3.2: gamma, t0, kappa.
_SHRINK, _DELAY, _FORGET = 0.05, 10.0, 0.75


class Coordinates(NamedTuple):
    """u = centre + T q, and the reference in q; see ``piecewise_flow``."""

    centre: np.ndarray
    T: np.ndarray  # (D, D), or (1, D): a diagonal
    pull: np.ndarray
    kink: np.ndarray  # (D,): l1 of each coordinate of u at its reference, 0 for none


class Tree(NamedTuple):
    """Vectors of a trajectory: position, momentum, gradient at both ends; the spans being built."""

    q: np.ndarray  # (2, D): backward end, forward end
    p: np.ndarray
    gradient: np.ndarray
    near: np.ndarray  # momentum at the end that is being extended, before that
    rho: np.ndarray
    first: np.ndarray  # (levels, D): momentum at the first step of a span
    last: np.ndarray
    sums: np.ndarray
    across: np.ndarray
    candidate_q: np.ndarray
    candidate_gradient: np.ndarray
    u: np.ndarray
    gradient_u: np.ndarray


@compiled
def iterate(
    t: Target,
    z: Coordinates,
    q: np.ndarray,
    averaging: np.ndarray,
    tuning: bool,
    target: float,
    rng: np.random.Generator,
    draws: np.ndarray,
    statistics: np.ndarray,
) -> None:
    """Fill ``draws`` (count, D) with u after each iteration; q and ``averaging`` move on."""
    w, f, size = workspace(t), flow_workspace(z.centre, z.T, z.kink), q.size
    tree = Tree(
        np.zeros((2, size)), np.zeros((2, size)), np.zeros((2, size)), np.zeros(size),
        np.zeros(size), np.zeros((_DEEPEST + 1, size)), np.zeros((_DEEPEST + 1, size)),
        np.zeros((_DEEPEST + 1, size)), np.zeros(size), np.zeros(size), np.zeros(size),
        np.zeros(size), np.zeros(size),
    )  # fmt: skip
    gradient = np.zeros(size)
    value = potential_at(t, w, z, q, tree.u, tree.gradient_u, gradient)
    for i in range(draws.shape[0]):
        step = np.exp(averaging[LOG_STEP] if tuning else averaging[LOG_STEP_MEAN])
        step *= 1.0 + _JITTER * (2.0 * rng.random() - 1.0)
        value = _transition(t, w, z, f, tree, q, gradient, value, step, rng, statistics[i])
        if tuning:
            _adapt(averaging, target - statistics[i, ACCEPTANCE_RATE])
        apply(z.T, q, draws[i])
        add(z.centre, draws[i])


@compiled
def potential_at(
    t: Target,
    w: Workspace,
    z: Coordinates,
    q: np.ndarray,
    u: np.ndarray,
    gradient_u: np.ndarray,
    gradient: np.ndarray,
) -> float:
    """Minus the log density at q, and the gradient of what the reference leaves of it."""
    apply(z.T, q, u)
    add(z.centre, u)
    value = potential(t, w, u, gradient_u)
    for j in range(q.size):
        gradient_u[j] -= z.kink[j] * np.sign(u[j])
    apply_transposed(z.T, gradient_u, gradient)
    for j in range(q.size):
        gradient[j] -= q[j] + z.pull[j]
    return value


@compiled
def _adapt(averaging: np.ndarray, error: float) -> None:
    """Dual averaging of log(step): equations (6) of Hoffman and Gelman (2014)."""
    averaging[COUNT] += 1.0
    count = averaging[COUNT]
    share = 1.0 / (count + _DELAY)
    averaging[ERROR_MEAN] += share * (error - averaging[ERROR_MEAN])
    log_step = averaging[SHRINK_TO] - np.sqrt(count) / _SHRINK * averaging[ERROR_MEAN]
    averaging[LOG_STEP] = min(log_step, np.log(_LONGEST_STEP))
    share = count**-_FORGET
    averaging[LOG_STEP_MEAN] += share * (averaging[LOG_STEP] - averaging[LOG_STEP_MEAN])


@compiled
def _transition(
    t: Target,
    w: Workspace,
    z: Coordinates,
    f: Flow,
    tree: Tree,
    q: np.ndarray,
    gradient: np.ndarray,
    value: float,
    step: float,
    rng: np.random.Generator,
    statistics: np.ndarray,
) -> float:
    """One iteration: q and gradient become those of the new state, whose value is returned."""
    size = q.size
    for j in range(size):
        tree.p[0, j] = rng.standard_normal()
    copy(tree.p[0], tree.p[1])
    copy(tree.p[0], tree.rho)
    for end in range(2):
        copy(q, tree.q[end])
        copy(gradient, tree.gradient[end])
    start = value + 0.5 * dot(tree.rho, tree.rho)
    log_weight, acceptance, steps, depth = 0.0, 0.0, 0, 0
    diverging = False
    statistics[ENERGY] = start
    while depth < _DEEPEST:
        forward = 1 if rng.random() < 0.5 else 0
        copy(tree.p[forward], tree.near)
        log_new, candidate, candidate_energy, turned = -np.inf, value, start, False
        for leaf in range(1 << depth):
            found = _step(t, w, z, f, tree, forward, step if forward == 1 else -step)
            energy = found + 0.5 * dot(tree.p[forward], tree.p[forward])
            gain = start - energy
            steps += 1
            if not gain > -_LARGEST_ERROR:
                diverging = True
                break
            acceptance += min(1.0, np.exp(gain))
            log_new = _log_sum(log_new, gain)
            if rng.random() < np.exp(gain - log_new):
                copy(tree.q[forward], tree.candidate_q)
                copy(tree.gradient[forward], tree.candidate_gradient)
                candidate, candidate_energy = found, energy
            if _turned(tree, tree.p[forward], leaf):
                turned = True
                break
        if diverging or turned:
            break
        depth += 1
        if rng.random() < np.exp(log_new - log_weight):
            copy(tree.candidate_q, q)
            copy(tree.candidate_gradient, gradient)
            value, statistics[ENERGY] = candidate, candidate_energy
        log_weight = _log_sum(log_weight, log_new)
        if _joined_turns(tree, forward, depth - 1):
            break
    statistics[DIVERGING], statistics[TREE_DEPTH], statistics[N_STEPS] = diverging, depth, steps
    statistics[ACCEPTANCE_RATE], statistics[STEP_SIZE] = acceptance / steps, step
    return value


@compiled
def _step(
    t: Target, w: Workspace, z: Coordinates, f: Flow, tree: Tree, end: int, step: float
) -> float:
    q, p, gradient = tree.q[end], tree.p[end], tree.gradient[end]
    for j in range(q.size):
        p[j] -= 0.5 * step * gradient[j]
    flow(z.centre, z.T, z.pull, z.kink, f, q, p, step)
    value = potential_at(t, w, z, q, tree.u, tree.gradient_u, gradient)
    for j in range(q.size):
        p[j] -= 0.5 * step * gradient[j]
    return value


@compiled
def _turned(tree: Tree, p: np.ndarray, leaf: int) -> bool:
    """Add a step to the spans of the subtree, joining equal ones; True when one of them turns."""
    level, carries = 0, leaf
    while carries & 1:
        level, carries = level + 1, carries >> 1
    # The new span grows in place at its final level; before that it is the step alone.
    first, last, rho = tree.first[level], tree.last[level], tree.sums[level]
    if level == 0:
        copy(p, first)
        copy(p, last)
        copy(p, rho)
        return False
    newer_first, newer = p, p
    for k in range(level):
        older_first, older_last, older = tree.first[k], tree.last[k], tree.sums[k]
        if _spans_turn(tree, older_first, older_last, older, newer_first, p, newer):
            return True
        add_both(older, newer, rho)
        newer_first, newer = older_first, rho
    copy(newer_first, first)
    copy(p, last)
    return False


@compiled
def _joined_turns(tree: Tree, forward: int, level: int) -> bool:
    """The old trajectory and the whole subtree, which is the span at ``level``."""
    newer_first, newer_last, newer = tree.first[level], tree.last[level], tree.sums[level]
    far = tree.p[1 - forward]
    turns = _spans_turn(tree, far, tree.near, tree.rho, newer_first, newer_last, newer)
    add(newer, tree.rho)
    return turns


@compiled
def _spans_turn(
    tree: Tree,
    older_first: np.ndarray,
    older_last: np.ndarray,
    older: np.ndarray,
    newer_first: np.ndarray,
    newer_last: np.ndarray,
    newer: np.ndarray,
) -> bool:
    """Whether two spans turn as one, or either with the nearest step of the other."""
    across = tree.across
    add_both(older, newer, across)
    if dot(older_first, across) <= 0.0 or dot(newer_last, across) <= 0.0:
        return True
    add_both(older, newer_first, across)
    if dot(older_first, across) <= 0.0 or dot(newer_first, across) <= 0.0:
        return True
    add_both(older_last, newer, across)
    return bool(dot(older_last, across) <= 0.0 or dot(newer_last, across) <= 0.0)


@compiled
def _log_sum(x: float, y: float) -> float:
    larger = max(x, y)
    if larger == -np.inf:
        return larger
    return larger + np.log1p(np.exp(-abs(x - y)))
