"""Losses of rows of K classes and their slopes:  s [log sum_k e^eta_k - eta_y].

eta and slope are (K, rows): loops along rows become vector instructions.
"""

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

    ``eta`` and ``slope`` may have more columns than there are rows. ``y`` are codes; ``top``,
    ``total`` and ``power`` are scratch, ``bits`` the memory of ``power`` as integers.
    """
    n_classes, n = eta.shape[0], s.size
    copy(eta[0][:n], top)
    for k in range(1, n_classes):
        for i in range(n):
            top[i] = max(top[i], eta[k, i])
    fill(0.0, total)
    for k in range(n_classes):
        for i in range(n):
            eta[k, i] -= top[i]
        exp_of_negative(eta[k][:n], slope[k][:n], power, bits)
        add(slope[k][:n], total)
    loss = 0.0
    for i in range(n):
        loss += s[i] * (np.log(total[i]) - eta[int(y[i]), i])
        total[i] = s[i] / total[i]
    for k in range(n_classes):
        for i in range(n):
            slope[k, i] *= total[i]
    for i in range(n):
        slope[int(y[i]), i] -= s[i]
    return loss
