"""The distribution of the eigenvalues of a matrix that is too large to factorise.

From a random vector of signs z, k steps of Lanczos' method give the k-point Gauss quadrature of
sum_i (u_i' z)^2 f(lambda_i), whose mean is the trace of f.  Golub and Meurant (2010), Matrices,
moments and quadrature, 11; Ubaru, Chen and Saad (2017), Fast estimation of tr(f(A)) via stochastic
Lanczos quadrature.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.problem import Problem

_VECTORS, _STEPS = 4, 60


def information_spectrum(problem: Problem, h: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of the spectrum of X'hX in units of the prior's sd, in falling order.

    Over columns with a prior, a flat intercept eliminated; the matrix of the rows where these are
    fewer has the same eigenvalues but for zeros.
    """
    p = problem.p
    penalised = problem.penalty.l2[:p] > 0
    with np.errstate(divide="ignore"):
        deviation = np.where(penalised, 1.0 / np.sqrt(problem.penalty.l2[:p]), 0.0)
    root = np.sqrt(h)
    flat = root / np.linalg.norm(root) if problem.flat_intercept else np.zeros(root.size)

    def to_rows(d: FloatArray) -> FloatArray:
        rows = root * (problem.X @ (deviation * d))
        return np.asarray(rows - flat * (flat @ rows))

    def to_columns(u: FloatArray) -> FloatArray:
        return np.asarray(deviation * (problem.X.T @ (root * (u - flat * (flat @ u)))))

    if problem.n < p:
        return quadrature(lambda u: to_rows(to_columns(u)), problem.n)
    return quadrature(lambda d: to_columns(to_rows(d)), p)


def quadrature(
    product: Callable[[FloatArray], FloatArray], size: int
) -> tuple[FloatArray, FloatArray]:
    """Nodes, in falling order, and weights that sum to ``size``, for a symmetric product."""
    from scipy.linalg import eigh_tridiagonal

    rng = np.random.default_rng(0)
    nodes, weights = [], []
    for _ in range(_VECTORS):
        signs = rng.choice([-1.0, 1.0], size)
        values, vectors = eigh_tridiagonal(*_tridiagonal(product, signs / np.sqrt(size)))
        nodes.append(values)
        weights.append(vectors[0] ** 2 * (size / _VECTORS))
    found, counts = np.concatenate(nodes), np.concatenate(weights)
    order = np.argsort(-found, kind="stable")
    return found[order], counts[order]


def _tridiagonal(
    product: Callable[[FloatArray], FloatArray], here: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Lanczos' matrix from a vector of length 1: its diagonal and the entries beside it."""
    diagonal: list[float] = []
    beside: list[float] = []
    before, length = np.zeros(here.size), 0.0
    while True:
        ahead = product(here)
        diagonal.append(float(here @ ahead))
        ahead = ahead - diagonal[-1] * here - length * before
        length = float(np.linalg.norm(ahead))
        # Rounding is no further direction.
        if len(diagonal) == min(_STEPS, here.size) or length <= 1e-12 * max(diagonal):
            return np.array(diagonal), np.array(beside)
        beside.append(length)
        before, here = here, ahead / length
