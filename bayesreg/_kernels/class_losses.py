"""Losses of rows of K classes and their slopes:  s [log sum_k e^eta_k - eta_y]."""

from __future__ import annotations

import numpy as np

from bayesreg._kernels.compiling import compiled
from bayesreg._kernels.vector_functions import add, copy, exp_of_negative, fill


@compiled
def class_losses(
    s: np.ndarray,
    y: np.ndarray,
    eta: np.ndarray,
    slope: np.ndarray,
    top: np.ndarray,
    total: np.ndarray,
    power: np.ndarray,
    bits: np.ndarray,
) -> float:
    """The sum of losses; ``slope`` becomes d loss / d eta and ``eta`` is overwritten.

    ``eta`` and ``slope`` hold the rows of class 0, then those of class 1, ... ``y`` are codes;
    ``top``, ``total`` and ``power`` are scratch, ``bits`` the memory of ``power`` as integers.
    """
    n = s.size
    end = n * (eta.size // power.size)
    copy(eta[:n], top)
    for first in range(n, end, n):
        for i in range(n):
            top[i] = max(top[i], eta[first + i])
    fill(0.0, total)
    for first in range(0, end, n):
        for i in range(n):
            eta[first + i] -= top[i]
        exp_of_negative(eta[first : first + n], slope[first : first + n], power, bits)
        add(slope[first : first + n], total)
    loss = 0.0
    for i in range(n):
        loss += s[i] * (np.log(total[i]) - eta[int(y[i]) * n + i])
        total[i] = s[i] / total[i]
    for first in range(0, end, n):
        for i in range(n):
            slope[first + i] *= total[i]
    for i in range(n):
        slope[int(y[i]) * n + i] -= s[i]
    return loss
