"""Where solvers start: coefficients at their loc, a flat intercept at its optimum beside them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.errors import (
    DataError,
    NoModeError,
)
from bayesreg.likelihoods import Gaussian
from bayesreg.problem import Problem
from bayesreg.proof.existence import why_no_mode
from bayesreg.proof.null_rows import null_rows
from bayesreg.solvers.far_start import brought_near

# Slopes beyond the range of floating point keep their sign.
_STEEPEST = 1e300


def starting_point(problem: Problem, names: tuple[str, ...]) -> FloatArray:
    """Every coefficient at its loc, a flat intercept at its optimum there.

    Nearer to 0 where the likelihood overflows at loc or has no curvature there.
    """
    v = problem.start.copy()
    if not problem.flat_intercept:
        v = brought_near(problem, v, lambda candidate: candidate)
        eta = problem.linear_predictor(v)
        if not np.isfinite(problem.loss(eta)):
            raise DataError(
                f"the likelihood of {problem.likelihood!r} overflows at the centre of the prior: "
                f"offset reaches {np.max(np.abs(problem.offset)):.3g}, and with the columns "
                f"{np.max(np.abs(eta)):.3g}, on the log scale. Give the offset in smaller units, "
                "coefficients that are held a centre nearer to 0, or the intercept a flat prior"
            )
        return v
    null = null_rows(problem)
    signs = null.likelihood.receding(null.y)
    if signs.any() and np.all(signs == signs[0]):
        raise NoModeError(f"no mode: {why_no_mode(problem, names)}")

    def with_intercept(w: FloatArray) -> FloatArray:
        return _with_flat_intercept(problem, null, w)

    return brought_near(problem, with_intercept(v), with_intercept)


def _with_flat_intercept(problem: Problem, null: Problem, v: FloatArray) -> FloatArray:
    """The same coefficients, a flat intercept at its optimum beside them.

    ``null`` has the sums over rows of ``problem`` at these coefficients.
    """
    v = v.copy()
    v[-1] = 0.0
    if isinstance(problem.likelihood, Gaussian):
        without = problem.linear_predictor(v)
        v[-1] = problem.weights @ (problem.y - without) / np.sum(problem.weights)
        return v
    without = null.linear_predictor(v)
    v[-1] = _root_of_increasing(lambda a: float(np.sum(null.gradient_rows(without + a))))
    return v


def _root_of_increasing(slope: Callable[[float], float]) -> float:
    """The root of an increasing function that has one."""
    from scipy.optimize import brentq

    at_zero = slope(0.0)
    if at_zero == 0:
        return 0.0
    far = 1.0 if at_zero < 0 else -1.0
    while np.sign(slope(far)) == np.sign(at_zero) and abs(far) < 1e300:
        far *= 2.0

    def gentle(a: float) -> float:
        """Its sign and the logarithm of its size: slopes of exponentials overflow."""
        at = float(np.clip(slope(a), -_STEEPEST, _STEEPEST))
        return math.copysign(math.log1p(abs(at)), at)

    root: float = brentq(gentle, *sorted((0.0, far)), xtol=1e-300, rtol=1e-15, maxiter=500)
    return root
