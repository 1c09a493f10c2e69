"""Ridge paths by one symmetric eigendecomposition of the smaller Gram matrix, in NumPy.

w(lambda) = V (D + lambda)^-1 V'X'y for X'X = V D V' (n >= p), and X'U (D + lambda)^-1 U'y for
X X' = U D U' (n < p), X and y centred.
"""

from __future__ import annotations

import numpy as np

from benchmarks.peers import Solution, Solver, centring_helps, uncentred
from benchmarks.problems import Problem

DISTRIBUTION = "numpy"


def _ridge_path(problem: Problem, tolerance: float) -> Solution:
    X, y = problem.X, problem.y
    means, mean = X.mean(axis=0), float(y.mean())
    if problem.n >= problem.p:
        gram = X.T @ X - problem.n * np.outer(means, means)
        values, vectors = np.linalg.eigh(gram)
        target = vectors.T @ (X.T @ (y - mean))
        coef = (target / (values + problem.lambda2[:, None])) @ vectors.T
    else:
        Z = X - means
        values, vectors = np.linalg.eigh(Z @ Z.T)
        dual = (vectors.T @ (y - mean)) / (values + problem.lambda2[:, None]) @ vectors.T
        coef = dual @ Z
    return uncentred(coef, means, mean)


SOLVERS = (
    Solver(
        "one eigendecomposition (numpy)",
        lambda problem: centring_helps(problem) and problem.penalty == "l2",
        _ridge_path,
        (0.0,),
    ),
)
