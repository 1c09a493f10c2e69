"""Sums that are formed exactly where their terms cancel, and the norms that bound rounding."""

from __future__ import annotations

import math

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.problem import Problem

# Multiply-adds that exact arithmetic may take.
_AFFORDABLE = 1e6


def linear_predictor(problem: Problem, v: FloatArray) -> FloatArray:
    """offset + X w + a, rounded once per row where large terms cancel in it.

    Of nearly dependent columns the coefficients are large and the sum is not: its rounding would
    be a point other than the one that is judged.
    """
    eta = problem.linear_predictor(v)
    columns = np.flatnonzero(v)
    if problem.n * columns.size > _AFFORDABLE:
        return eta
    terms = column_norms(problem, np.ones(problem.n)) @ np.abs(v)
    if not terms > 1e3 * np.linalg.norm(eta):
        return eta
    product, error = exact_products(problem.block(columns), v[columns])
    exact = np.column_stack([problem.offset, product, error])
    return np.array([math.fsum(row) for row in exact.tolist()])


def exact_products(block: FloatArray, v: FloatArray) -> tuple[FloatArray, FloatArray]:
    """x_ij v_j and what its rounding lost (Dekker 1971)."""
    halves = []
    for factor in (block, v):
        shifted = factor * 134217729.0
        high = shifted - (shifted - factor)
        halves.append((high, factor - high))
    (x_high, x_low), (v_high, v_low) = halves
    product = block * v
    error = x_high * v_high - product + x_high * v_low + x_low * v_high + x_low * v_low
    return product, np.where(np.isfinite(error), error, 0.0)


def column_norms(problem: Problem, by_row: FloatArray) -> FloatArray:
    """sqrt(sum_i by_row_i x_ij^2) for each extended column."""
    return np.sqrt(problem.column_squares(by_row))
