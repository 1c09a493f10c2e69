"""One file per library, one signature: solve(problem, tolerance) -> coef (k, p), intercept (k,).

A file has ``DISTRIBUTION``, the name whose installed version is reported, and ``SOLVERS``, a tuple
of :class:`Solver`.  It maps the canonical penalty (nats, sigma = 1) to its library's parameters by
the plain formula, in the open, and does nothing else that could be timed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.problems import Problem

#: Coefficients (k, p), dense or sparse, and intercepts (k,).
Solution = tuple[Any, Any]

#: File in this package -> the environment (a file in benchmarks/requirements) that it runs in.
ENVIRONMENTS = {
    "ours": "main",
    "limits": "main",
    "eigendecomposition": "main",
    "scikit_learn": "main",
    "celer_": "main",
    "skglm_": "main",
    "glum_": "main",
    "snapml_": "main",
    "pymc_": "main",
    "adelie_": "adelie",
    "python_glmnet": "glmnet",
}


@dataclass(frozen=True)
class Solver:
    """One way of one library to solve a problem.

    Attributes
    ----------
    applies : callable
        Whether this solver is meant for a problem.
    solve : callable
        (problem, tolerance) -> Solution. Everything from arrays to coefficients is timed.
    tolerances : tuple
        From loose to tight; one entry where there is nothing to choose.
    order : {"F", "C"}
        The layout in which it wants X (C: CSR where X is sparse); converted before timing.
    role : {"peer", "ours", "variant", "limit"}
        A variant is shown but not compared; a limit is a cost that no solver of its kind can avoid,
        and returns no coefficients.
    """

    name: str
    applies: Callable[[Problem], bool]
    solve: Callable[[Problem, float], Solution]
    tolerances: tuple[float, ...]
    order: str = "F"
    role: str = "peer"


def decades(loose: int, tight: int) -> tuple[float, ...]:
    """10^-loose, ..., 10^-tight."""
    return tuple(10.0**-digits for digits in range(loose, tight + 1))


def stacked(points: list[tuple[Any, Any]]) -> Solution:
    """A solution from one (coef, intercept) per point."""
    return (
        np.stack([np.ravel(coef) for coef, _ in points]),
        np.array([float(np.ravel(intercept)[0]) for _, intercept in points]),
    )


def centred(problem: Problem) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Centred copies of X and y, and their means, for solvers that know no intercept."""
    means, mean = problem.X.mean(axis=0), float(problem.y.mean())
    return np.asfortranarray(problem.X - means), problem.y - mean, means, mean


def centring_helps(problem: Problem) -> bool:
    """Whether solving without intercept on centred dense data is solving the problem."""
    return problem.likelihood == "gaussian" and problem.intercept and not problem.sparse


def uncentred(coef: np.ndarray, means: np.ndarray, mean: float) -> Solution:
    """Coefficients (k, p) on centred data with the intercept mean(y) - mean(x) w put back."""
    return coef, mean - coef @ means
