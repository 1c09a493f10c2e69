"""Minus the log posterior density of unbounded coordinates, and its gradient, for any model here.

The coordinates u are one x_j for each free entry of the extended vector, then one for each unknown
number s_k (sigma, a dispersion, prior scales, the local scales of a Horseshoe prior):

    s_k = e^u, or between two bounds by the logistic function
    F_j = the sum of log s_k over the k that govern entry j
    v_j = loc_j + x_j exp(centring_j F_j)                      no bounds
        = lower_j + e^x, upper_j - e^x, lower_j + (upper_j - lower_j) / (1 + e^-x)

and the prior of (v_j - loc_j) exp(-F_j) is that of the penalty. centring = 0 leaves v_j a
coordinate ("centred"), 1 makes v_j and its scale independent a priori (Papaspiliopoulos, Roberts
and Skold 2007, Statistical Science 22:59). Every log Jacobian is included, constants are not.

With K classes entry j stands at ``place_j`` of a (K, columns) table V, and eta_ik = x_i V_k. The
loc of a column is the same for all classes and cancels: V holds distances from it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bayesreg._kernels.class_losses import class_losses
from bayesreg._kernels.compiling import compiled
from bayesreg._kernels.row_losses import row_losses
from bayesreg._kernels.scalar_density import LOWER, UPPER, elasticity, log_density
from bayesreg._kernels.stirling import correction, correction_slope, log_rising, log_rising_slope
from bayesreg._kernels.vector_functions import add, add_transposed, copy, fill, scale_by, times

#: What an unknown dispersion is.
NO_DISPERSION, GAUSSIAN_SIGMA, GAMMA_PHI, NEGATIVE_BINOMIAL_ALPHA = range(4)
STUDENT_T_SIGMA, ASYMMETRIC_LAPLACE_S = range(4, 6)
#: The bounds of an entry.
NO_BOUND, BELOW, ABOVE, BOTH = range(4)


class Target(NamedTuple):
    """A posterior as arrays. n rows, d free entries, k unknown numbers."""

    X: np.ndarray  # (n, d), rows contiguous, further columns of zeros
    offset: np.ndarray
    family: int  # see row_losses, as a, b, c, shift and sign
    sign: float
    a: np.ndarray
    b: np.ndarray
    c: np.ndarray
    shift: np.ndarray
    known_dispersion: float
    chunk: int  # rows that stay in the cache between eta and gradient
    dispersion_kind: int
    dispersion: int  # its place among the unknown numbers
    rows_weight: float  # sum of weights; for GAUSSIAN_SIGMA the number of rows
    counts: np.ndarray  # distinct targets, and the weight of each, for NEGATIVE_BINOMIAL_ALPHA
    counts_weight: np.ndarray
    l1: np.ndarray
    l2: np.ndarray
    loc: np.ndarray
    tail_power: np.ndarray  # (nu + 1) / 2, 0 without Student-t tails
    tail_width: np.ndarray  # scale sqrt(nu)
    group: np.ndarray  # of a GroupLaplace prior, -1 for none
    n_groups: int
    bound: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    centring: np.ndarray
    codes: np.ndarray  # densities of the unknown numbers, see scalar_density
    parameters: np.ndarray
    governing: np.ndarray  # pairs: number governing[i] scales entry governed[i]
    governed: np.ndarray
    n_classes: int  # K; 0 for one linear predictor
    place: np.ndarray  # (d,) with K classes: of each entry in V, row after row
    still: np.ndarray  # V where nothing moves


class Workspace(NamedTuple):
    """Scratch of one thread."""

    v: np.ndarray
    gradient_v: np.ndarray
    log_factor: np.ndarray
    by_log_factor: np.ndarray
    jacobian: np.ndarray
    standard: np.ndarray
    norm: np.ndarray
    log_s: np.ndarray
    by_log_s: np.ndarray
    slope_s: np.ndarray
    eta: np.ndarray
    slope: np.ndarray
    exponential: np.ndarray
    power: np.ndarray
    bits: np.ndarray
    sums: np.ndarray
    v_by_class: np.ndarray  # with K classes V, row after row, and its gradient
    gradient_by_class: np.ndarray
    eta_by_class: np.ndarray  # of the rows of a chunk, class after class
    slope_by_class: np.ndarray


@compiled
def workspace(t: Target) -> Workspace:
    d, k, columns, classes = t.loc.size, t.codes.size, t.X.shape[1], t.n_classes
    width, power = max(columns, d), np.zeros(t.chunk)
    return Workspace(
        np.zeros(width), np.zeros(width), np.zeros(d), np.zeros(d), np.zeros(d), np.zeros(d),
        np.zeros(t.n_groups), np.zeros(k), np.zeros(k), np.zeros(k), np.zeros(t.chunk),
        np.zeros(t.chunk), np.zeros(t.chunk), power, power.view(np.int64), np.zeros(1),
        np.zeros(classes * columns), np.zeros(classes * columns), np.zeros(classes * t.chunk),
        np.zeros(classes * t.chunk),
    )  # fmt: skip


@compiled
def potential(t: Target, w: Workspace, u: np.ndarray, gradient: np.ndarray) -> float:
    """Minus the log density at u; ``gradient`` is filled."""
    d = t.loc.size
    value = _numbers(t, w, u, gradient)
    value += _entries(t, w, u)
    value += _likelihood(t, w)
    value += _priors(t, w, u, gradient)
    for i in range(t.governed.size):
        w.by_log_s[t.governing[i]] += w.by_log_factor[t.governed[i]]
    for k in range(t.codes.size):
        gradient[d + k] += w.by_log_s[k] * w.slope_s[k]
    return value


@compiled
def _numbers(t: Target, w: Workspace, u: np.ndarray, gradient: np.ndarray) -> float:
    """log s and its density; by_log_s begins as d / d log s, the gradient as the Jacobian's."""
    d, value = t.loc.size, 0.0
    for k in range(t.codes.size):
        x, lower, upper = u[d + k], t.parameters[k, LOWER], t.parameters[k, UPPER]
        if np.isinf(upper):
            w.log_s[k], w.slope_s[k] = x, 1.0
            value -= x
            gradient[d + k] = -1.0
        else:
            share = 1.0 / (1.0 + np.exp(-x))
            s = lower + (upper - lower) * share
            w.log_s[k] = np.log(s)
            w.slope_s[k] = (upper - lower) * share * (1.0 - share) / s
            value += abs(x) + 2.0 * np.log1p(np.exp(-abs(x)))
            gradient[d + k] = 2.0 * share - 1.0
        s = np.exp(w.log_s[k])
        value -= log_density(t.codes[k], t.parameters[k], s)
        w.by_log_s[k] = -elasticity(t.codes[k], t.parameters[k], s)
    return value


@compiled
def _entries(t: Target, w: Workspace, u: np.ndarray) -> float:
    """v, dv/dx and minus the log Jacobian of bounds."""
    fill(0.0, w.log_factor)
    for i in range(t.governed.size):
        w.log_factor[t.governed[i]] += w.log_s[t.governing[i]]
    value = 0.0
    for j in range(t.loc.size):
        x = u[j]
        if t.bound[j] == NO_BOUND:
            stretch = t.centring[j] * w.log_factor[j]
            w.jacobian[j] = 1.0 if stretch == 0.0 else np.exp(stretch)
            w.v[j] = t.loc[j] + x * w.jacobian[j]
        elif t.bound[j] == BOTH:
            share, width = 1.0 / (1.0 + np.exp(-x)), t.upper[j] - t.lower[j]
            w.jacobian[j] = width * share * (1.0 - share)
            w.v[j] = t.lower[j] + width * share
            value += abs(x) + 2.0 * np.log1p(np.exp(-abs(x)))
        else:
            distance = np.exp(x)
            w.jacobian[j] = distance if t.bound[j] == BELOW else -distance
            w.v[j] = (t.lower[j] if t.bound[j] == BELOW else t.upper[j]) + w.jacobian[j]
            value -= x
    return value


@compiled
def _likelihood(t: Target, w: Workspace) -> float:
    """The data term; gradient_v becomes its gradient in v."""
    if t.n_classes > 0:
        return _class_likelihood(t, w)
    fill(0.0, w.gradient_v)
    w.sums[0] = 0.0
    kind, dispersion = t.dispersion_kind, t.known_dispersion
    if kind != NO_DISPERSION:
        dispersion = np.exp(w.log_s[t.dispersion])
    loss, n = 0.0, t.offset.size
    for first in range(0, n, t.chunk):
        last = min(first + t.chunk, n)
        X, eta, slope = t.X[first:last], w.eta[: last - first], w.slope[: last - first]
        times(X, w.v, eta)
        add(t.offset[first:last], eta)
        loss += row_losses(
            t.family, t.sign, dispersion, t.a[first:last], t.b[first:last], t.c[first:last],
            t.shift[first:last], eta, slope, w.exponential[: last - first],
            w.power[: last - first], w.bits[: last - first], w.sums,
        )  # fmt: skip
        add_transposed(X, slope, w.gradient_v)
    if kind == NO_DISPERSION:
        return loss
    return _with_dispersion(t, w, dispersion, loss)


@compiled
def _class_likelihood(t: Target, w: Workspace) -> float:
    """The same for K classes."""
    columns, n = t.X.shape[1], t.a.size
    copy(t.still, w.v_by_class)
    for j in range(t.loc.size):
        w.v_by_class[t.place[j]] = w.v[j] - t.loc[j]
    fill(0.0, w.gradient_by_class)
    loss = 0.0
    for first in range(0, n, t.chunk):
        last = min(first + t.chunk, n)
        X, rows = t.X[first:last], last - first
        for k in range(t.n_classes):
            v = w.v_by_class[k * columns : (k + 1) * columns]
            times(X, v, w.eta_by_class[k * rows : (k + 1) * rows])
        loss += class_losses(
            t.a[first:last], t.b[first:last], w.eta_by_class, w.slope_by_class, w.eta[:rows],
            w.slope[:rows], w.power, w.bits,
        )  # fmt: skip
        for k in range(t.n_classes):
            slope = w.slope_by_class[k * rows : (k + 1) * rows]
            add_transposed(X, slope, w.gradient_by_class[k * columns : (k + 1) * columns])
    for j in range(t.loc.size):
        w.gradient_v[j] = w.gradient_by_class[t.place[j]]
    return loss


@compiled
def _with_dispersion(t: Target, w: Workspace, dispersion: float, loss: float) -> float:
    """What an unknown dispersion does to the loss: a factor, a normaliser, a derivative."""
    k = t.dispersion
    if t.dispersion_kind == NEGATIVE_BINOMIAL_ALPHA:
        w.by_log_s[k] += w.sums[0]
        for i in range(t.counts.size):
            loss -= t.counts_weight[i] * log_rising(dispersion, t.counts[i])
            slope = dispersion * log_rising_slope(dispersion, t.counts[i])
            w.by_log_s[k] -= t.counts_weight[i] * slope
        return loss
    if t.dispersion_kind == GAMMA_PHI:
        shape = 1.0 / dispersion
        scale_by(shape, w.gradient_v)
        loss *= shape
        from_shape = shape * correction_slope(shape)
        w.by_log_s[k] += t.rows_weight * (0.5 - from_shape) - loss
        return loss + t.rows_weight * (0.5 * np.log(dispersion) + correction(shape))
    if t.dispersion_kind == STUDENT_T_SIGMA:
        w.by_log_s[k] += t.rows_weight + w.sums[0]
        return loss + t.rows_weight * w.log_s[k]
    if t.dispersion_kind == ASYMMETRIC_LAPLACE_S:
        scale_by(1.0 / dispersion, w.gradient_v)
        loss /= dispersion
        w.by_log_s[k] += t.rows_weight - loss
        return loss + t.rows_weight * w.log_s[k]
    precision = 1.0 / (dispersion * dispersion)
    scale_by(precision, w.gradient_v)
    loss *= precision
    w.by_log_s[k] += t.rows_weight - 2.0 * loss
    return loss + t.rows_weight * w.log_s[k]


@compiled
def _priors(t: Target, w: Workspace, u: np.ndarray, gradient: np.ndarray) -> float:
    """The penalty; gradient and by_log_factor are completed for each entry."""
    value = 0.0
    fill(0.0, w.norm)
    for j in range(t.loc.size):
        log_factor = w.log_factor[j]
        distance = w.v[j] - t.loc[j]
        w.standard[j] = distance if log_factor == 0.0 else distance * np.exp(-log_factor)
        if t.group[j] >= 0:
            w.norm[t.group[j]] += (t.l1[j] * w.standard[j]) ** 2
    for j in range(t.loc.size):
        s, log_factor, centring = w.standard[j], w.log_factor[j], t.centring[j]
        slope = t.l2[j] * s
        if t.group[j] >= 0:
            norm = np.sqrt(w.norm[t.group[j]])
            share = t.l1[j] * s / norm if norm > 0.0 else 0.0
            value += t.l1[j] * s * share
            slope += t.l1[j] * share
        else:
            value += t.l1[j] * abs(s)
            slope += t.l1[j] * np.sign(s)
        value += 0.5 * t.l2[j] * s * s
        if t.tail_power[j] > 0.0:
            ratio = s / t.tail_width[j]
            value += t.tail_power[j] * np.log1p(ratio * ratio)
            slope += 2.0 * t.tail_power[j] / t.tail_width[j] * ratio / (1.0 + ratio * ratio)
        value += (1.0 - centring) * log_factor
        distance, by_v = w.v[j] - t.loc[j], w.gradient_v[j]
        w.by_log_factor[j] = centring * (by_v * distance + slope * s - 1.0) - slope * s + 1.0
        inverse = 1.0 if log_factor == 0.0 else np.exp(-log_factor)
        gradient[j] = (by_v + slope * inverse) * w.jacobian[j]
        if t.bound[j] == BOTH:
            gradient[j] += np.tanh(0.5 * u[j])
        elif t.bound[j] != NO_BOUND:
            gradient[j] -= 1.0
    return value
