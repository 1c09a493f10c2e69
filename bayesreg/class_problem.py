"""ClassProblem: a model of K classes bound to data, as numbers only.

    J(V) = sum_i s_i loss(y_i, eta_i) + sum_k g(w_k) + g_a(a_k),    eta_ik = a_k + x_i w_k

The rows of V (K, p or p + 1) are the extended vectors (w_k, a_k) of the classes; the penalty is the
same for each.  Otherwise as :mod:`bayesreg.problem`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bayesreg import design
from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.coefficients import class_differences
from bayesreg.covariance import CorrelatedPenalty
from bayesreg.data import Data
from bayesreg.design import Design
from bayesreg.errors import ModelError
from bayesreg.likelihoods import ClassLikelihood
from bayesreg.model import Model, require_model_and_data
from bayesreg.penalty import Penalty
from bayesreg.problem import column_range, near_columns, representable_columns, used_rows


@dataclass(frozen=True, eq=False)
class ClassProblem:
    """What there is to optimise.

    Attributes
    ----------
    X : (n, p) array, or sparse CSC
    y, weights : (n,) arrays
        Codes of the classes; all weights are positive.
    n_classes : int
        K.
    penalty : Penalty of length p (no intercept) or p + 1
        Of each class's extended vector.
    has_intercept : bool
    unit, shift : (p,) arrays
        As in :class:`bayesreg.problem.Problem`.
    """

    X: Design
    y: FloatArray
    weights: FloatArray
    likelihood: ClassLikelihood
    n_classes: int
    penalty: Penalty
    has_intercept: bool
    unit: FloatArray
    shift: FloatArray

    @property
    def n(self) -> int:
        return int(self.X.shape[0])

    @property
    def p(self) -> int:
        return int(self.X.shape[1])

    @property
    def size(self) -> int:
        """Length of one class's extended vector."""
        return self.penalty.size

    @property
    def flat_intercept(self) -> bool:
        return self.has_intercept and bool(self.penalty.is_flat[-1])

    @cached_property
    def class_weights(self) -> FloatArray:
        """Total weight of the rows of each class."""
        totals = np.bincount(self.y.astype(np.intp), self.weights, self.n_classes)
        return totals.astype(np.float64)

    def linear_predictors(self, V: FloatArray) -> FloatArray:
        """(n, K) array a_k + x_i w_k, up to a shift of each row that all classes share.

        The shift cancels in the softmax. Coefficients that all classes nearly share, as around a
        loc far from 0, would drown what they differ by in the rounding of X w.
        """
        W = class_differences(V[:, : self.p])
        active = np.flatnonzero(W.any(axis=0))
        if active.size * 4 < self.p:
            eta = np.asarray(self.X[:, active] @ W[:, active].T)
        else:
            eta = np.asarray(self.X @ W.T)
        return eta + V[:, self.p] if self.has_intercept else eta

    def transposed_product(self, by_row: FloatArray) -> FloatArray:
        """(K, size) array X' r_k of r (n, K), with sum(r_k) appended for the intercept."""
        product = np.asarray(self.X.T @ by_row)
        if self.has_intercept:
            product = np.vstack([product, np.sum(by_row, axis=0)])
        return np.ascontiguousarray(product.T)

    def block(self, columns: IntArray) -> FloatArray:
        """The chosen columns of the extended design, as a new dense array."""
        block = np.ones((self.n, columns.size))
        block[:, columns < self.p] = design.dense_columns(self.X, columns[columns < self.p])
        return block

    def column_squares(self, by_row: FloatArray) -> FloatArray:
        """(K, size) array sum_i h_ik x_ij^2 of h (n, K); or (m, size) of h (n, m)."""
        by_class = [design.column_squares(self.X, h) for h in by_row.T]
        squares = np.array(by_class)
        if not self.has_intercept:
            return squares
        return np.hstack([squares, np.sum(by_row, axis=0)[:, None]])

    def cross_products(
        self, columns: IntArray, by_row: FloatArray, centre: FloatArray | None
    ) -> FloatArray:
        """sum_i h_i (x_ij - c_j)(x_ik - c_k) for extended columns, h (n,), dense X if centred."""
        real = columns < self.p
        chosen = columns[real]
        product = np.empty((columns.size, columns.size))
        product[np.ix_(real, real)] = design.cross_products(self.X, chosen, chosen, by_row, centre)
        if not real.all():
            total = np.sum(by_row)
            sums = np.asarray(self.X[:, chosen].T @ by_row)
            sums = sums if centre is None else sums - centre[chosen] * total
            product[np.ix_(real, ~real)] = sums[:, None]
            product[np.ix_(~real, real)] = sums
            product[np.ix_(~real, ~real)] = total
        return product

    def gradient_rows(self, eta: FloatArray) -> FloatArray:
        """(n, K) array s_i d loss / d eta_ik."""
        return self.weights[:, None] * self.likelihood.gradient(self.y, eta)

    def curvature_rows(self, eta: FloatArray) -> FloatArray:
        """(n, K) array s_i p_ik (1 - p_ik)."""
        chance, complement = self.likelihood.probabilities(eta)
        return self.weights[:, None] * chance * complement

    def loss(self, eta: FloatArray) -> float:
        return float(self.weights @ self.likelihood.loss(self.y, eta))

    def value(self, V: FloatArray, eta: FloatArray | None = None) -> float:
        """J without its constants."""
        eta = self.linear_predictors(V) if eta is None else eta
        return self.loss(eta) + self.penalty.value(V)

    @cached_property
    def constants(self) -> float:
        """What J leaves out: minus the log density is ``value + constants``."""
        no_density = self.penalty.is_flat | self.penalty.is_pinned
        on_user_scale = np.where(no_density[: self.p], 0.0, np.log(self.unit))
        by_class = np.sum(self.penalty.log_normaliser()) + np.sum(on_user_scale)
        return float(self.n_classes * by_class)

    @cached_property
    def start(self) -> FloatArray:
        """Every coefficient at its loc (moved into its bounds)."""
        point = np.clip(self.penalty.loc, self.penalty.lower, self.penalty.upper)
        return np.tile(point, (self.n_classes, 1))

    def centred(self, V: FloatArray) -> FloatArray:
        """The same point with flat columns and intercepts summing to 0 over the classes."""
        flat = self.penalty.is_flat
        return V - np.where(flat, V.mean(axis=-2, keepdims=True), 0.0)

    def extended(self, coef: FloatArray, intercept: FloatArray) -> FloatArray:
        """The user's coefficients (K, p) and intercepts (K,) as extended vectors."""
        V = np.empty((self.n_classes, self.size))
        V[:, : self.p] = coef / self.unit
        if self.has_intercept:
            V[:, self.p] = intercept + coef @ self.shift
        return V

    def coefficients(self, V: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The user's coefficients and intercepts (0 without) of extended vectors, or of stacks.

        Flat intercepts sum to 0.
        """
        with np.errstate(over="ignore"):
            coef = V[..., : self.p] * self.unit
        if not (self.has_intercept and np.all(np.isfinite(coef))):
            return coef, np.zeros(V.shape[:-1])
        intercept = V[..., self.p] - coef @ self.shift
        if self.flat_intercept:
            intercept = intercept - intercept.mean(axis=-1, keepdims=True)
        return coef, intercept

    def at_scale(self, factor: float) -> ClassProblem:
        """Every coefficient prior at ``factor`` times its scale; the intercept's stays."""
        scanned = np.arange(self.size) < self.p
        common = factor if np.any(self.penalty.l1[scanned] > 0) else factor**2
        penalty = replace(
            self.penalty,
            l1=np.where(scanned, self.penalty.l1 / factor, self.penalty.l1),
            l2=np.where(scanned, self.penalty.l2 / common, self.penalty.l2),
        )
        return replace(self, penalty=penalty)

    @property
    def is_unpenalised(self) -> BoolArray:
        """Extended columns without slope and curvature, bounded on one side at most.

        A bound on one side restricts nothing: shifting all classes by one number changes no
        probability and brings every one of them inside.
        """
        penalty = self.penalty
        half_open = np.isinf(penalty.lower) | np.isinf(penalty.upper)
        free: BoolArray = (penalty.l1 == 0) & (penalty.l2 == 0) & half_open
        return free


def class_penalty(model: Model, data: Data) -> Penalty:
    """The prior on the coefficients of one class; a joint density of them is refused."""
    heavy = [prior for prior in model.priors if not getattr(prior, "log_concave", True)]
    if heavy:
        raise ModelError(
            f"{model.likelihood!r} takes log-concave priors only, and {heavy[0]!r} is not; take a "
            "Laplace, Normal or ElasticNet prior"
        )
    penalty = model.coefficient_penalty(data)
    if isinstance(penalty, CorrelatedPenalty) or not penalty.is_separable:
        raise ModelError(
            f"{model.likelihood!r} takes priors of one coefficient at a time; give its columns a "
            "Laplace, Normal or ElasticNet prior instead of a GroupLaplace or MultivariateNormal"
        )
    return penalty


def bind_classes(model: Model, data: Data) -> ClassProblem:
    """Resolve a model of K classes against data into numbers.

    Raises
    ------
    DataError
        A target that is no code of a class.
    ModelError
        An offset, a prior for an unknown column, ...
    """
    require_model_and_data(model, data)
    likelihood = model.likelihood
    if not isinstance(likelihood, ClassLikelihood):
        raise ModelError(f"{likelihood!r} has one linear predictor; bind it with bayesreg.bind")
    n_classes = model.number_of_classes(data)
    used = np.ones(data.y.size, dtype=bool) if data.weights is None else data.weights > 0
    X, y, weights, _ = used_rows(data, used)
    low, high = column_range(X, data)
    penalty = class_penalty(model, data)
    on_intercept = model.intercept_penalty()
    shift = np.zeros(data.p)
    if on_intercept is not None and on_intercept.is_flat[0]:
        X, shift = near_columns(X, low, high)
    size = np.maximum(np.abs(low - shift), np.abs(high - shift))
    X, unit = representable_columns(X, size, penalty)
    if np.any(unit != 1.0):
        penalty = penalty.in_units(unit)
    return ClassProblem(
        X=X,
        y=y,
        weights=weights,
        likelihood=likelihood,
        n_classes=n_classes,
        penalty=penalty if on_intercept is None else Penalty.joined([penalty, on_intercept]),
        has_intercept=on_intercept is not None,
        unit=unit,
        shift=shift,
    )
