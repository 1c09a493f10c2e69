"""Problem: a model bound to data, as numbers only.

    J(v) = sum_i s_i loss(y_i, offset_i + a + x_i w) + g(w) + g_a(a)

Rows of weight 0 are gone, names and units resolved.  Solvers, samplers and the certificate see
nothing else.  An intercept is the last entry of the *extended* vector v = (w, a), penalised by
the last entry of ``penalty``; column p of the extended design is all ones and never stored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bayesreg import design
from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.covariance import AnyPenalty, CorrelatedPenalty, CovarianceBlock
from bayesreg.data import Data
from bayesreg.design import Design
from bayesreg.errors import ModelError
from bayesreg.group_penalty import joined
from bayesreg.likelihoods import Likelihood, NonConvexLikelihood, has_classes
from bayesreg.model import Model, checked_likelihood, require_model_and_data
from bayesreg.penalty import Penalty

# Columns beyond these magnitudes are rescaled by a power of two, so that squares and inner
# products neither overflow nor vanish.
_LARGEST, _SMALLEST = 2.0**200, 2.0**-200


@dataclass(frozen=True, eq=False)
class Problem:
    """What there is to optimise or sample.

    Attributes
    ----------
    X : (n, p) array, or sparse CSC
    y, weights, offset : (n,) arrays
        All weights are positive.
    penalty : Penalty of length p (no intercept) or p + 1
    has_intercept : bool
    unit : (p,) array
        Powers of two, nearly always 1: the user's coefficient is ``w * unit``.
    shift : (p,) array
        Subtracted from the user's columns, nearly always 0: columns far from 0 beside their
        spread, where a flat intercept makes up for it.
    blocks : tuple of CovarianceBlock
        Coefficients with a full covariance: ``w`` holds their independent coordinates z.
    """

    X: Design
    y: FloatArray
    weights: FloatArray
    offset: FloatArray
    likelihood: Likelihood
    penalty: Penalty
    has_intercept: bool
    unit: FloatArray
    shift: FloatArray
    blocks: tuple[CovarianceBlock, ...] = ()

    @property
    def n(self) -> int:
        return int(self.X.shape[0])

    @property
    def p(self) -> int:
        return int(self.X.shape[1])

    @property
    def size(self) -> int:
        """Length of the extended vector."""
        return self.penalty.size

    @property
    def flat_intercept(self) -> bool:
        return self.has_intercept and bool(self.penalty.is_flat[-1])

    def linear_predictor(self, v: FloatArray) -> FloatArray:
        """offset + X w + a for the extended vector v = (w, a)."""
        eta = self._product(v[: self.p]) + self.offset
        return eta + v[self.p] if self.has_intercept else eta

    def _product(self, w: FloatArray) -> FloatArray:
        """X w. The last one is kept: solver, certificate and density ask for the same point."""
        key = w.tobytes()
        if key not in self._last_product:
            active = np.flatnonzero(w)
            few = active.size * 4 < self.p
            product = self.X[:, active] @ w[active] if few else self.X @ w
            self._last_product.clear()
            self._last_product[key] = product
            return product
        return self._last_product[key]

    @cached_property
    def _last_product(self) -> dict[bytes, FloatArray]:
        return {}

    def transposed_product(self, r: FloatArray) -> FloatArray:
        """X' r, with sum(r) appended for the intercept."""
        product = self.X.T @ r
        return np.append(product, np.sum(r)) if self.has_intercept else product

    def block(self, columns: IntArray, rows: slice = slice(None)) -> FloatArray:
        """The chosen columns of the extended design, as a new dense array."""
        part = self.X if rows == slice(None) else self.X[rows]
        chosen = design.dense_columns(part, columns[columns < self.p])
        if not np.any(columns >= self.p):
            return chosen
        block = np.ones((chosen.shape[0], columns.size))
        block[:, columns < self.p] = chosen
        return block

    def column_squares(self, by_row: FloatArray) -> FloatArray:
        """sum_i h_i x_ij^2 for each extended column."""
        if by_row[0] == by_row[-1] and np.all(by_row == by_row[0]):
            squares = by_row[0] * self._squares
        else:
            squares = design.column_squares(self.X, by_row)
        return np.append(squares, np.sum(by_row)) if self.has_intercept else squares

    @cached_property
    def _squares(self) -> FloatArray:
        return design.column_squares(self.X, None)

    def cross_products(
        self, left: IntArray, right: IntArray, by_row: FloatArray, mean: FloatArray | None
    ) -> FloatArray:
        """sum_i h_i (x_ij - m_j)(x_ik - m_k) for extended columns; see ``design``.

        ``right`` is the end of ``left``. The column of ones is never centred: with a mean it is
        not asked for.
        """
        rows_of, columns_of = left < self.p, right < self.p
        product = np.empty((left.size, right.size))
        product[np.ix_(rows_of, columns_of)] = design.cross_products(
            self.X, left[rows_of], right[columns_of], by_row, mean
        )
        if not (rows_of.all() and columns_of.all()):
            sums = self.transposed_product(by_row)
            product[~rows_of] = sums[right]
            product[:, ~columns_of] = sums[left][:, None]
        return product

    def row_products(
        self, columns: IntArray, by_column: FloatArray, mean: FloatArray | None
    ) -> FloatArray:
        """sum_j d_j (x_ij - m_j)(x_kj - m_j) for each pair of rows, over extended columns."""
        real = columns < self.p
        centre = None if mean is None else mean[columns[real]]
        product = design.row_products(self.X, columns[real], by_column[real], centre)
        return product if real.all() else product + np.sum(by_column[~real])

    def centred_product(self, v: FloatArray, mean: FloatArray | None) -> FloatArray:
        """(X - mean) w + a, without the offset."""
        product = self.X @ v[: self.p]
        if mean is not None:
            return product - mean @ v[: self.p]
        return product + v[self.p] if self.has_intercept else product

    def gradient_rows(self, eta: FloatArray) -> FloatArray:
        """s_i d loss / d eta_i."""
        return self.weights * self.likelihood.gradient(self.y, eta)

    def curvature_rows(self, eta: FloatArray) -> FloatArray:
        """s_i d2 loss / d eta_i2."""
        return self.weights * self.likelihood.curvature(self.y, eta)

    def majorising_rows(self, eta: FloatArray) -> FloatArray:
        """s_i h_i >= 0: curvatures of parabolas that lie above the losses and touch them at eta.

        Of a convex loss its own curvature, which need not lie above.
        """
        if self.majorised is None:
            return self.curvature_rows(eta)
        return self.weights * self.majorised.majorising_curvature(self.y, eta)

    @cached_property
    def majorised(self) -> NonConvexLikelihood | None:
        """The likelihood where its loss is not convex, else None."""
        if getattr(self.likelihood, "log_concave", True):
            return None
        return self.likelihood if isinstance(self.likelihood, NonConvexLikelihood) else None

    @property
    def convex(self) -> bool:
        """True when neither the likelihood nor any prior has to be treated locally."""
        return self.penalty.tails is None and self.majorised is None

    def loss(self, eta: FloatArray) -> float:
        """The data term, without its constants."""
        return float(self.weights @ self.likelihood.loss(self.y, eta))

    def value(self, v: FloatArray, eta: FloatArray | None = None) -> float:
        """J without its constants."""
        eta = self.linear_predictor(v) if eta is None else eta
        return self.loss(eta) + self.penalty.value(v)

    @cached_property
    def constants(self) -> float:
        """What J leaves out: minus the log density is ``value + constants``."""
        data = np.sum(self.likelihood.constant(self.y, self.weights))
        no_density = self.penalty.is_flat | self.penalty.is_pinned
        on_user_scale = np.where(no_density[: self.p], 0.0, np.log(self.unit))
        of_blocks = sum(np.sum(np.log(np.diag(block.factor))) for block in self.blocks)
        prior = np.sum(self.penalty.log_normaliser()) + np.sum(on_user_scale) + of_blocks
        return float(data + prior)

    @cached_property
    def start(self) -> FloatArray:
        """Every coefficient at its loc (moved into its bounds)."""
        return np.clip(self.penalty.loc, self.penalty.lower, self.penalty.upper)

    def extended(self, coef: FloatArray, intercept: float) -> FloatArray:
        """The user's coefficients and intercept as an extended vector."""
        v = np.empty(self.size)
        v[: self.p] = coef
        for block in self.blocks:
            v[block.columns] = block.standard(coef[block.columns])
        v[: self.p] /= self.unit
        if self.has_intercept:
            v[self.p] = intercept + self.shift @ coef
        return v

    def coefficients(self, v: FloatArray) -> tuple[FloatArray, float]:
        """The user's coefficients and intercept (0 without one) of an extended vector."""
        coef = self.user_coefficients(v[: self.p].copy())
        if not np.all(np.isfinite(coef)):
            return coef, np.nan
        return coef, float(v[self.p] - self.shift @ coef) if self.has_intercept else 0.0

    def user_coefficients(self, w: FloatArray) -> FloatArray:
        """Coefficients in the user's units, over the last axis; w itself where they are those."""
        if not self.blocks and np.all(self.unit == 1.0):
            return w
        with np.errstate(over="ignore"):
            coef = w * self.unit
        for block in self.blocks:
            coef[..., block.columns] = block.coefficients(coef[..., block.columns])
        return coef

    @property
    def coefficient_penalty(self) -> AnyPenalty:
        """The penalty of the coefficients in the user's units."""
        own = self.penalty.take(slice(0, self.p)).in_units(1.0 / self.unit)
        return CorrelatedPenalty(own, self.blocks) if self.blocks else own

    def at_scale(self, factor: float) -> Problem:
        """Every coefficient prior at ``factor`` times its scale; the intercept's stays.

        The same rule as :meth:`bayesreg.model.Model.rescaled`, on the numbers.
        """
        scanned = np.arange(self.size) < self.p
        common = factor if np.any(self.penalty.l1[scanned] > 0) else factor**2
        penalty = replace(
            self.penalty,
            l1=np.where(scanned, self.penalty.l1 / factor, self.penalty.l1),
            l2=np.where(scanned, self.penalty.l2 / common, self.penalty.l2),
        )
        if penalty.tails is not None:
            tails = penalty.tails.widened(np.where(scanned, np.sqrt(common), 1.0))
            penalty = replace(penalty, tails=tails)
        return replace(self, penalty=penalty)


def bind(model: Model, data: Data) -> Problem:
    """Resolve a model against data into numbers.

    Raises
    ------
    DataError
        A target that the likelihood cannot produce; no trials for Binomial.
    ModelError
        A prior for an unknown column, scales of the wrong length, ...
    """
    require_model_and_data(model, data)
    if has_classes(model.likelihood):
        raise ModelError(
            f"{model.likelihood!r} has a vector of coefficients per class, not one vector. "
            "find_map, find_map_path, certify, verify, sample, predict, Model.log_density and "
            "to_pymc take it"
        )
    used = np.ones(data.y.size, dtype=bool) if data.weights is None else data.weights > 0
    likelihood = checked_likelihood(model, data, used)
    X, y, weights, offset = used_rows(data, used)
    low, high = column_range(X, data)
    penalty = model.coefficient_penalty(data)
    on_intercept = model.intercept_penalty()
    shift = np.zeros(data.p)
    if on_intercept is not None and on_intercept.is_flat[0]:
        X, shift = near_columns(X, low, high)
    size = np.maximum(np.abs(low - shift), np.abs(high - shift))
    blocks: tuple[CovarianceBlock, ...] = ()
    if isinstance(penalty, CorrelatedPenalty):
        blocks, penalty = penalty.blocks, penalty.standard
        X, offset = _standard_columns(X, offset, blocks)
        size = design.largest_entries(X)
    X, unit = representable_columns(X, size, penalty)
    if np.any(unit != 1.0):
        penalty = penalty.in_units(unit)
    return Problem(
        X=X,
        y=y,
        weights=weights,
        offset=offset,
        likelihood=likelihood,
        penalty=penalty if on_intercept is None else joined([penalty, on_intercept]),
        has_intercept=on_intercept is not None,
        unit=unit,
        shift=shift,
        blocks=blocks,
    )


def used_rows(data: Data, used: BoolArray) -> tuple[Design, FloatArray, FloatArray, FloatArray]:
    n = data.y.size
    weights = np.ones(n) if data.weights is None else data.weights
    offset = np.zeros(n) if data.offset is None else data.offset
    if used.all():
        return data.X, data.y, weights, offset
    return design.used_rows(data.X, used), data.y[used], weights[used], offset[used]


def column_range(X: Design, data: Data) -> tuple[FloatArray, FloatArray]:
    """Least and largest entry of each column; of sparse ones, minus and plus the largest size."""
    if X is data.X:
        return data.entries
    if design.is_sparse(X):
        size = design.largest_entries(X)
        return -size, size
    return design.column_range(X)


def _standard_columns(
    X: Design, offset: FloatArray, blocks: tuple[CovarianceBlock, ...]
) -> tuple[Design, FloatArray]:
    """X L and offset + X loc for the columns B of each block: eta = X_B (loc + L z)."""
    for block in blocks:
        with np.errstate(over="ignore", invalid="ignore"):
            offset = offset + X[:, block.columns] @ block.loc
            X = design.mixed_columns(X, block.columns, block.factor)
        if not np.all(np.isfinite(design.largest_entries(X)[block.columns])):
            raise ModelError(
                "a column times its prior standard deviation is beyond the range of floating "
                "point; measure the columns under the MultivariateNormal prior in other units"
            )
    return X, offset


def near_columns(X: Design, low: FloatArray, high: FloatArray) -> tuple[Design, FloatArray]:
    """X and zeros, or a copy with columns far from 0 beside their spread brought near it.

    Their least entry is subtracted, exactly so where all entries lie within a factor of two
    (Sterbenz): no digit of the spread is lost. Sparse columns hold zeros and are never far.
    """
    one_sided = (low > 0) | (high < 0)
    far = one_sided & (high / 2 - low / 2 <= 2.0**-8 * np.maximum(np.abs(low), np.abs(high)))
    shift = np.where(far, low, 0.0)
    return (X - shift if far.any() else X), shift


def representable_columns(
    X: Design, size: FloatArray, penalty: Penalty
) -> tuple[Design, FloatArray]:
    """X and ones, or a copy with extreme columns brought near 1 and the units that undo it.

    ``size`` is the largest entry of each column.
    """
    extreme = (size > 0) & ((size > _LARGEST) | (size < _SMALLEST))
    unit = np.ones(size.size)
    if not extreme.any():
        return X, unit
    exponent = np.clip(np.frexp(size)[1], *_exponents_within(penalty, size.size))[extreme]
    unit[extreme] = np.exp2(-exponent)
    # Two factors: 2^1074 alone is not representable.
    half = np.floor(exponent / 2), exponent - np.floor(exponent / 2)
    for part in half:
        factor = np.ones(size.size)
        factor[extreme] = np.exp2(-part)
        X = design.scaled_columns(X, factor)
    return X, unit


def _exponents_within(penalty: Penalty, p: int) -> tuple[FloatArray, FloatArray]:
    """Least and largest k for which l1 / 2^k and l2 / 4^k neither overflow nor vanish."""
    steepest = penalty.majorant(penalty.loc).l2
    l1, l2 = (np.frexp(part[:p])[1] for part in (penalty.l1, steepest))
    low, high = l1 - 1000.0, l1 + 1000.0
    quadratic = steepest[:p] > 0
    low = np.where(quadratic, np.maximum(low, np.ceil((l2 - 1000) / 2)), low)
    high = np.where(quadratic, np.minimum(high, np.floor((l2 + 1000) / 2)), high)
    return np.minimum(low, 0.0), np.maximum(high, 0.0)
