"""Leave-one-out log predictive densities in closed form: Gaussian likelihood, Normal priors.

With h the leverages and r the residuals of the posterior mean given sigma, in rows of unit noise
and weights s,

    p(y_i | y_-i, sigma) = Normal(y_i - r_i / (1 - h_i),  sigma^2 / (s_i (1 - h_i)))   at y_i

for every scale from one singular value decomposition. A sigma that is unknown is integrated:

    p(y_i | y_-i) = p(y) / p(y_-i),
    p(y_-i) = integral of p(sigma) p(y | sigma) / p(y_i | y_-i, sigma)

by the conjugate form where the prior scales are relative to it, else by quadrature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from bayesreg._types import BoolArray, FloatArray
from bayesreg.data import Data
from bayesreg.errors import ModelError
from bayesreg.model import Model
from bayesreg.posterior.components import Kind
from bayesreg.posterior.densities import used_rows
from bayesreg.posterior.marginal import GaussianMarginal, gaussian_marginal, why_no_marginal
from bayesreg.posterior.target import Posterior, RandomScale, pose
from bayesreg.posterior.unknown_scalars import sizes_under
from bayesreg.priors import Flat
from bayesreg.priors.on_noise import noise_density
from bayesreg.problem import Problem

# What is left of a row that nothing but itself determines.
_ALONE = 1e-12
# Nodes of the quadrature in log sigma, and how many nats below its peak it ends.
_NODES, _NEGLIGIBLE = 160, 40.0
_HALF_LOG_TWO_PI = 0.5 * float(np.log(2.0 * np.pi))


def exact_leave_one_out(model: Model, data: Data, factors: FloatArray) -> FloatArray | None:
    """log p(y_i | the other rows), shape (factors, rows used); None where there is no closed form.

    Parameters
    ----------
    model, data
    factors : (k,) array
        What the scales of the coefficients' priors are multiplied by.

    Raises
    ------
    ModelError
        Where some row alone determines a coefficient or sigma: it cannot be predicted.
    """
    posterior = pose(model, data)
    scaled = with_free_scale(posterior)
    if why_no_marginal(scaled) is not None:
        return None
    rows = _decomposed(posterior.problem, scaled.scales[0].columns)
    _require_company(rows, data)
    if posterior.sigma is None:
        return np.array([_given_sigma(rows, t) for t in factors])
    marginal = gaussian_marginal(scaled)
    if marginal.kind is Kind.SCALE:
        return np.array([_relative(rows, marginal, posterior, t) for t in factors])
    return np.array([_absolute(rows, marginal, posterior, t) for t in factors])


def with_free_scale(posterior: Posterior) -> Posterior:
    """The posterior with one unknown factor of every prior scale of the coefficients."""
    problem = posterior.problem
    scanned = ~(problem.penalty.is_flat | problem.penalty.is_pinned)
    scanned &= np.arange(problem.size) < problem.p
    return replace(posterior, scales=(RandomScale("scale", Flat(), scanned),))


@dataclass(frozen=True, eq=False)
class _Rows:
    """Residuals and leverages as functions of the ratio t of prior sd to noise.

        1 - h = alone + squares @ g,   r = beyond + products @ g,   g = 1 / (1 + t^2 d^2)

    Attributes
    ----------
    d : (r,) array
    alone, beyond, root : (n,) arrays
        ``root``: square root of the weight over the likelihood's number for sigma.
    squares, products : (n, r) arrays
        u^2 and u c of the left singular vectors.
    """

    d: FloatArray
    alone: FloatArray
    beyond: FloatArray
    root: FloatArray
    squares: FloatArray
    products: FloatArray

    def at(self, ratio: float | FloatArray) -> tuple[FloatArray, FloatArray]:
        """1 - h and r, shape (n,) or (n, ratios)."""
        shrunk = 1.0 / (1.0 + np.multiply.outer(self.d, ratio) ** 2)
        if np.ndim(ratio):
            left = self.alone[:, None] + self.squares @ shrunk
            return left, self.beyond[:, None] + self.products @ shrunk
        return self.alone + self.squares @ shrunk, self.beyond + self.products @ shrunk


def _decomposed(problem: Problem, scanned: BoolArray) -> _Rows:
    """Everything but the scanned columns projected out, then one decomposition.

    A column whose prior moves with the noise, such as that of the intercept, is a free one with
    an observation of its own: a row in which it is 0 with unit noise.
    """
    penalty, n = problem.penalty, problem.n
    root = np.sqrt(problem.weights) / problem.likelihood.noise
    base = np.where(penalty.is_flat, 0.0, problem.start)
    target = root * (problem.y - problem.linear_predictor(base))
    free = np.flatnonzero(penalty.is_flat)
    proper = np.flatnonzero(~penalty.is_flat & ~penalty.is_pinned & ~scanned)
    columns, own = np.flatnonzero(scanned), proper.size
    fixed = root[:, None] * problem.block(np.concatenate([free, proper]))
    fixed[:, free.size :] /= np.sqrt(penalty.l2[proper])
    fixed = np.vstack([fixed, np.zeros((own, fixed.shape[1]))])
    fixed[n:, free.size :] = np.eye(own)
    size = np.max(np.abs(fixed), axis=0, initial=0.0)
    Q = np.linalg.qr(fixed / np.where(size > 0, size, 1.0))[0]
    A = root[:, None] * problem.block(columns) / np.sqrt(penalty.l2[columns])
    A = _without(Q, np.vstack([A, np.zeros((own, columns.size))]))
    t = _without(Q, np.append(target, np.zeros(own)))
    U, d = _left_vectors(A)
    c = U.T @ t
    alone = 1.0 - np.sum(Q[:n] ** 2, axis=1) - np.sum(U[:n] ** 2, axis=1)
    return _Rows(
        d=d, alone=np.where(alone < _ALONE, 0.0, alone), beyond=(t - U @ c)[:n], root=root,
        squares=U[:n] ** 2, products=U[:n] * c,
    )  # fmt: skip


def _without(Q: FloatArray, columns: FloatArray) -> FloatArray:
    """(I - QQ') columns, twice, so that what is left is orthogonal to rounding."""
    for _ in range(2):
        columns = columns - Q @ (Q.T @ columns)
    return columns


def _left_vectors(A: FloatArray) -> tuple[FloatArray, FloatArray]:
    """U and d of A = U d V', without what is rounding."""
    if A.shape[0] > A.shape[1]:
        Q, R = np.linalg.qr(A)
        U, d, _ = np.linalg.svd(R)
        U = Q @ U
    else:
        U, d, _ = np.linalg.svd(A, full_matrices=False)
    kept = d > max(A.shape) * np.finfo(float).eps * np.max(d, initial=0.0)
    return U[:, kept], d[kept]


def _require_company(rows: _Rows, data: Data) -> None:
    """Every row can be predicted from the others at any scale."""
    left = rows.alone + np.sum(rows.squares, axis=1)
    lonely = np.flatnonzero(left <= _ALONE)
    if lonely.size:
        raise ModelError(
            f"row {used_rows(data)[lonely[0]]} alone determines a coefficient with a flat prior, "
            "so that the other rows cannot predict it: leave-one-out has no answer. Give that "
            "column a proper prior, or drop the row"
        )


def _given_sigma(rows: _Rows, ratio: float) -> FloatArray:
    left, r = rows.at(ratio)
    return 0.5 * np.log(left) - 0.5 * r**2 / left - _HALF_LOG_TWO_PI + np.log(rows.root)


def _relative(
    rows: _Rows, marginal: GaussianMarginal, posterior: Posterior, ratio: float
) -> FloatArray:
    """Prior scales relative to sigma: with S the residual square of all contrasts, m of them,

    p(y) = integral of p(sigma) sigma^-m exp(-S / (2 sigma^2)), and without row i the same of
    m - 1 and S - r_i^2 / (1 - h_i).
    """
    m = marginal.components.contrasts
    squares = marginal.components.determinant_and_squares(np.array([ratio]))[1]
    left, r = rows.at(ratio)
    without = squares[0] - r**2 / left
    if m < 2 or np.any(without <= 1e-14 * squares[0]):
        raise ModelError(_NO_RESIDUAL)
    sigma = posterior.sigma
    whole = sizes_under(1.0 - m, [sigma]).log_integrals(squares, np.ones(1))
    others = sizes_under(2.0 - m, [sigma]).log_integrals(without, np.ones(without.size))
    return whole[0] - others + 0.5 * np.log(left) - _HALF_LOG_TWO_PI + np.log(rows.root)


def _absolute(
    rows: _Rows, marginal: GaussianMarginal, posterior: Posterior, scale: float
) -> FloatArray:
    """Prior scales in units of their own: 1 / p(y_i | y_-i) is a mean over p(sigma | y)."""
    s, log_weight = noise_nodes(marginal, posterior, scale)
    total = np.logaddexp.reduce(log_weight)
    found = np.full(rows.root.size, -np.inf)
    for part in _parts(s.size, rows.root.size):
        sigma = np.exp(s[part])
        left, r = rows.at(scale / sigma)
        terms = 0.5 * np.log(left) - 0.5 * (r / sigma) ** 2 / left - s[part]
        found = np.logaddexp(found, np.logaddexp.reduce(log_weight[part] - terms, axis=1))
    return total - found - _HALF_LOG_TWO_PI + np.log(rows.root)


def _parts(count: int, rows: int) -> Iterator[slice]:
    step = max(1, 2**21 // rows)
    return (slice(first, first + step) for first in range(0, count, step))


def noise_nodes(
    marginal: GaussianMarginal, posterior: Posterior, scale: float
) -> tuple[FloatArray, FloatArray]:
    """Nodes in log sigma, and log of weight times p(sigma) sigma p(y | sigma, scale)."""
    low, high = noise_range(marginal, posterior, scale, _NEGLIGIBLE)
    x, weight = np.polynomial.legendre.leggauss(_NODES)
    s = 0.5 * (low + high) + 0.5 * (high - low) * x
    return s, np.log(0.5 * (high - low) * weight) + noise_log_density(marginal, posterior, scale)(s)


def noise_log_density(
    marginal: GaussianMarginal, posterior: Posterior, scale: float
) -> Callable[[FloatArray], FloatArray]:
    """s -> log of p(sigma) sigma p(y | sigma, scale) at sigma = exp(s)."""
    prior = noise_density(posterior.sigma)

    def log_f(s: FloatArray) -> FloatArray:
        sigma = np.exp(s)
        return marginal.log_likelihood(sigma, scale) + prior.log_density(sigma) + s

    return log_f


def noise_range(
    marginal: GaussianMarginal, posterior: Posterior, scale: float, nats: float
) -> tuple[float, float]:
    """Between which log sigma the posterior lies within so many nats of its peak."""
    prior = noise_density(posterior.sigma)
    problem = posterior.problem
    spread = float(np.std(problem.y - problem.offset)) or 1.0
    with np.errstate(divide="ignore"):
        bounds = np.log([prior.lower, prior.upper])
    low, high = np.clip(np.log(spread) + np.array([-25.0, 25.0]), *bounds)
    log_f = noise_log_density(marginal, posterior, scale)
    for _ in range(6):
        s = np.linspace(low, high, 401)[1:-1]
        values = log_f(s)
        near = np.flatnonzero(values > np.max(values) - nats)
        step = s[1] - s[0]
        low, high = max(low, s[near[0]] - step), min(high, s[near[-1]] + step)
        if near.size > 200:
            break
    return float(low), float(high)


_NO_RESIDUAL = (
    "without some row the others are fitted without residual, so that sigma is not determined: "
    "leave-one-out has no answer. State sigma, or give it a proper prior"
)
