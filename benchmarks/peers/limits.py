"""Costs that no solver of its kind avoids: one Gram matrix by BLAS, for a path with n >= p."""

from __future__ import annotations

from benchmarks.peers import Solution, Solver
from benchmarks.problems import Problem

DISTRIBUTION = "scipy"


def _one_gram(problem: Problem, tolerance: float) -> Solution:
    from scipy.linalg.blas import dsyrk

    dsyrk(1.0, problem.X, trans=1)
    return None, None


SOLVERS = (
    Solver(
        "limit: one dsyrk of X",
        lambda problem: (
            problem.k > 1 and not problem.sparse and problem.n >= 10 * problem.p >= 1000
        ),
        _one_gram,
        (0.0,),
        role="limit",
    ),
)
