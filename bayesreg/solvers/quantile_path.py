"""Where a path starts when the loss has corners.

Up to t_min every coefficient with an l1 part stays at its loc: the null model (the rest at its
optimum) is the mode of the whole as long as one of its optimal dual points theta satisfies
|x_j'theta| <= l1_j / t for each of them.  Where the null model leaves theta a choice (ties, more
rows met than columns moved), the one with the least max_j |x_j'theta| / l1_j counts: a linear
programme over the rows that are met.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bayesreg._types import BoolArray, FloatArray
from bayesreg.likelihoods import AsymmetricLaplace
from bayesreg.problem import Problem
from bayesreg.proof.corner_limits import require_supported_penalty
from bayesreg.solvers.corner_uniqueness import met_rows
from bayesreg.solvers.quantile import CornerSolution, minimise_corners

_ITERATIONS = 300


def first_factor_of_corners(problem: Problem) -> float:
    """t_min, as a multiple of the scales of the problem."""
    require_supported_penalty(problem)
    penalty = problem.penalty
    kinked = (penalty.l1 > 0) & (np.arange(problem.size) < problem.p) & ~penalty.is_pinned
    held = replace(problem, penalty=penalty.pinned(kinked))
    null = minimise_corners(held, _ITERATIONS)
    met = met_rows(held, null.v)
    moved = np.count_nonzero(~held.penalty.is_pinned)
    pull = _steepest(problem, null, kinked)
    if np.count_nonzero(met) > moved:
        pull = min(pull, _least_pull(problem, held, null, kinked, met))
    return 1.0 / pull if pull > 0 else 1.0


def _steepest(problem: Problem, null: CornerSolution, kinked: BoolArray) -> float:
    c = -problem.transposed_product(null.theta)
    outward_low, outward_high = _ways_out(problem, null.v)
    pull = np.where(c > 0, outward_high, outward_low) * np.abs(c)
    return float(np.max(pull[kinked] / problem.penalty.l1[kinked], initial=0.0))


def _ways_out(problem: Problem, v: FloatArray) -> tuple[FloatArray, FloatArray]:
    """1 where a coefficient could move down, up; 0 where its bound forbids it."""
    penalty = problem.penalty
    return (v > penalty.lower).astype(float), (v < penalty.upper).astype(float)


def _least_pull(
    problem: Problem, held: Problem, null: CornerSolution, kinked: BoolArray, met: BoolArray
) -> float:
    """min over optimal theta of max_j |x_j'theta| / l1_j."""
    from scipy.optimize import linprog

    assert isinstance(problem.likelihood, AsymmetricLaplace)
    low, high = problem.likelihood.slopes
    rows = np.flatnonzero(met)
    weight = problem.weights[rows] * (high - low)
    fixed = np.where(met, 0.0, null.theta)
    at_fixed = problem.transposed_product(fixed)
    least, most = (-bound for bound in held.penalty.subdifferential(null.v)[::-1])
    down, up = _ways_out(problem, null.v)
    upper, limit, growth = [], [], []
    for j in np.flatnonzero(~problem.penalty.is_pinned):
        column = problem.block(np.array([j]))[rows, 0] * weight
        size = max(float(np.sum(np.abs(column))), abs(float(at_fixed[j])), 1e-300)
        l1 = problem.penalty.l1[j] if kinked[j] else 0.0
        # -c_j = x_j'theta: at most l1 t above where v_j may fall, at least -l1 t where it may rise.
        ends = ((1.0, 0.0 if kinked[j] else most[j], down[j]),
                (-1.0, 0.0 if kinked[j] else -least[j], up[j]))  # fmt: skip
        for sign, end, free in ends:
            if np.isfinite(end) and (free or not kinked[j]):
                upper.append(sign * column / size)
                limit.append((end - sign * at_fixed[j]) / size + 1e-13)
                growth.append(-l1 / size)
    cost = np.append(np.zeros(rows.size), 1.0)
    scale = max(_steepest(problem, null, kinked), 1e-300)
    found = linprog(
        cost,
        A_ub=np.column_stack([np.array(upper), np.array(growth) * scale]),
        b_ub=np.array(limit),
        bounds=[(low / (high - low), high / (high - low))] * rows.size + [(0.0, None)],
        method="highs",
    )
    return float(found.x[-1]) * scale if found.x is not None else np.inf
