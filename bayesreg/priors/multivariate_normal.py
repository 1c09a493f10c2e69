"""Multivariate Normal prior: a full covariance between coefficients.

p(w) = exp(-(w - loc)' S^-1 (w - loc) / 2) / sqrt(det(2 pi S))        S is the covariance
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesreg import _checks
from bayesreg._text import dataclass_text
from bayesreg._types import FloatArray, ScalarOrVector
from bayesreg.covariance import AnyPenalty, CorrelatedPenalty, CovarianceBlock
from bayesreg.errors import ModelError, ModelTypeError
from bayesreg.penalty import unbounded

# Entries of the covariance of two coefficients may differ by rounding from one another.
_ASYMMETRY = 1e-12


@dataclass(frozen=True, repr=False)
class MultivariateNormal:
    """Normal prior with a full covariance: a Gaussian process, a random walk, old estimates.

    Parameters
    ----------
    covariance : (k, k) array or nested lists
        S, symmetric and positive definite, of the k coefficients that the prior governs, in the
        order of their columns in the data. The penalty is (w - loc)' S^-1 (w - loc) / 2 nats.
    loc : float or one per coefficient
        Centre, towards which coefficients shrink.
    relative_to_noise : bool
        The covariance is ``covariance * sigma^2``; Gaussian likelihood only.

    Raises
    ------
    ModelError, ModelTypeError
        For a covariance that is not square, finite, symmetric and positive definite.

    Notes
    -----
    With S = L L' everything is computed for z = L^-1 (w - loc) and the columns X L. Of a sparse X
    the k columns are made dense. A coefficient that is held at ``loc`` (a constant column under
    ``standardize``) drops out: the others have their marginal distribution.
    """

    covariance: Any
    loc: ScalarOrVector = 0.0
    relative_to_noise: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "covariance", _matrix(self.covariance))
        object.__setattr__(self, "loc", _checks.location(self.loc, "MultivariateNormal loc"))
        relative = _checks.flag(self.relative_to_noise, "MultivariateNormal relative_to_noise")
        object.__setattr__(self, "relative_to_noise", relative)
        _factor(np.asarray(self.covariance))

    __repr__ = dataclass_text

    def log_density(self, w: ScalarOrVector) -> FloatArray:
        """log p(w_j | w_1 ... w_(j-1)) for each entry: the sum is the log density of the vector.

        -z_j^2 / 2 - log L_jj - log(2 pi) / 2 with z = L^-1 (w - loc).
        """
        L = _factor(np.asarray(self.covariance))
        deviation = np.asarray(w, dtype=np.float64) - np.asarray(self.loc)
        z = np.linalg.solve(L, deviation.reshape(-1, L.shape[0]).T).T.reshape(deviation.shape)
        return -0.5 * z**2 - np.log(np.diag(L)) - 0.5 * math.log(2 * math.pi)

    def penalty(self, size: int, noise: float = 1.0) -> AnyPenalty:
        """l2 = 1 in the standard coordinates, and the block that maps them to w."""
        loc = _checks.per_coefficient(self.loc, size, "MultivariateNormal loc")  # type: ignore[arg-type]
        k = len(self.covariance)
        if k != size:
            raise ModelError(
                f"MultivariateNormal covariance is {k} x {k} but applies to {size} coefficients; "
                "give a row and a column for each of them, in the order of the data"
            )
        L = _factor(np.asarray(self.covariance)) * (noise if self.relative_to_noise else 1.0)
        zero, one = np.zeros(size), np.ones(size)
        if size == 1:
            return unbounded(zero, one / L[0] / L[0], loc)
        return CorrelatedPenalty(
            unbounded(zero, one, zero.copy()), (CovarianceBlock(np.arange(size), L, loc),)
        )

    @property
    def has_kink(self) -> bool:
        return False

    def rescaled(self, l1_factor: float, l2_factor: float) -> MultivariateNormal:
        return replace(self, covariance=np.multiply(self.covariance, l2_factor))

    @property
    def axis_scale(self) -> ScalarOrVector:
        """The prior standard deviation of each coefficient."""
        return tuple(np.sqrt(np.diag(np.asarray(self.covariance))).tolist())


def _matrix(value: Any) -> tuple[tuple[float, ...], ...]:
    """A square matrix of finite numbers as nested tuples."""
    try:
        array = np.asarray(value.toarray() if hasattr(value, "toarray") else value)
    except ValueError:
        array = np.empty(0)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or not array.size:
        raise ModelError(
            "MultivariateNormal covariance must be a square matrix, k lists of k numbers; got "
            f"{_checks.shown(value)}"
        )
    if array.dtype.kind not in "biuf" or array.dtype.kind == "b":
        raise ModelTypeError(
            f"MultivariateNormal covariance must hold real numbers; got {_checks.shown(value)}"
        )
    rows: tuple[tuple[float, ...], ...] = tuple(map(tuple, array.astype(np.float64).tolist()))
    return rows


def _factor(S: FloatArray) -> FloatArray:
    """The Cholesky factor; S must be finite, symmetric and positive definite."""
    variance = np.diag(S)
    if not np.all(np.isfinite(S)):
        i, j = np.argwhere(~np.isfinite(S))[0]
        raise _unusable(f"has the entry [{i}][{j}] = {float(S[i, j])!r}; all must be finite")
    wrong = np.flatnonzero(~((variance >= 1e-300) & (variance <= 1e300)))
    if wrong.size:
        j = wrong[0]
        raise _unusable(
            f"has the variance [{j}][{j}] = {float(S[j, j])!r}; variances must be positive, from "
            "1e-300 to 1e+300"
        )
    deviation = np.sqrt(variance)
    correlation = S / deviation[:, None] / deviation
    skew = np.abs(correlation - correlation.T)
    if np.max(skew) > _ASYMMETRY:
        i, j = np.unravel_index(np.argmax(skew), skew.shape)
        raise _unusable(
            f"is not symmetric: [{i}][{j}] = {float(S[i, j])!r} but [{j}][{i}] = "
            f"{float(S[j, i])!r}. Use (S + S') / 2 if that is rounding"
        )
    smallest = float(np.linalg.eigvalsh(correlation)[0])
    if smallest <= 4 * len(S) * np.finfo(float).eps:
        raise _unusable(
            f"is not positive definite: its correlation matrix has the eigenvalue {smallest:.2g}. "
            "Some combination of the coefficients would have no variance, or less than none; add "
            "a small multiple of the identity"
        )
    return deviation[:, None] * np.linalg.cholesky(0.5 * (correlation + correlation.T))


def _unusable(fault: str) -> ModelError:
    return ModelError(f"MultivariateNormal covariance {fault}")
