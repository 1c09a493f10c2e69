"""The exact motion in a normal density with kinks.

The reference potential is  |q|^2 / 2 + pull'q + sum_j kink_j |u_j|,  u = centre + T q. While the
signs sigma of the kinked u_j stay, q moves on circles about

    q_c = -pull - T' (kink sigma):     q(t) = q_c + (q - q_c) cos t + p sin t,   p(t) = dq/dt,

and so does each u_j. With tau = tan(t / 2), u_j(t) = 0 is a quadratic equation, and its one root at
which u_j leaves the side sigma_j tells when the force changes (Pakman and Paninski 2013, NIPS, for
signs; 2014, J. Comput. Graph. Stat. 23:518, for truncated normals). What the reference leaves of a
potential is smooth, and between its kicks nothing is approximated (Shahbaba, Lan, Johnson and Neal
2014, Statistics and Computing 24:339): kinks no longer limit the step.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bayesreg._kernels.compiling import compiled
from bayesreg._kernels.vector_functions import add_transposed, fill, times


class Flow(NamedTuple):
    """Scratch, and what does not change: the kinked coordinates and how they act on each other."""

    kinked: np.ndarray  # (k,) indices
    G: np.ndarray  # (k, k): T_k T_k' of the kinked rows; (1, k) its diagonal for a diagonal T
    middle: np.ndarray  # (D,): q_c
    force: np.ndarray  # (D,)
    u: np.ndarray
    speed_u: np.ndarray
    x: np.ndarray  # (k,): the kinked u, their speeds, where they would rest, their sides
    speed: np.ndarray
    rest: np.ndarray
    side: np.ndarray


@compiled
def flow_workspace(centre: np.ndarray, T: np.ndarray, kink: np.ndarray) -> Flow:
    size = centre.size
    row = np.zeros(size)
    kinked = np.flatnonzero(kink)
    k = kinked.size
    diagonal = T.shape[0] == 1
    G = np.zeros((1 if diagonal else k, k))
    for i in range(k):
        if diagonal:
            G[0, i] = T[0, kinked[i]] ** 2
        else:
            times(T, T[kinked[i]], row)
            for j in range(k):
                G[i, j] = row[kinked[j]]
    return Flow(
        kinked, G, np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size),
        np.zeros(k), np.zeros(k), np.zeros(k), np.zeros(k),
    )  # fmt: skip


@compiled
def apply(T: np.ndarray, q: np.ndarray, out: np.ndarray) -> None:
    """out = T q."""
    if T.shape[0] == 1:
        for j in range(q.size):
            out[j] = T[0, j] * q[j]
    else:
        times(T, q, out)


@compiled
def apply_transposed(T: np.ndarray, x: np.ndarray, out: np.ndarray) -> None:
    """out = T' x."""
    if T.shape[0] == 1:
        for j in range(x.size):
            out[j] = T[0, j] * x[j]
    else:
        fill(0.0, out)
        add_transposed(T, x, out)


@compiled
def flow(
    centre: np.ndarray,
    T: np.ndarray,
    pull: np.ndarray,
    kink: np.ndarray,
    f: Flow,
    q: np.ndarray,
    p: np.ndarray,
    time: float,
) -> None:
    """Move q and p for a time between -pi and pi; backwards is forwards with p reversed."""
    backwards = time < 0.0
    left = abs(time)
    for i in range(q.size):
        p[i] = -p[i] if backwards else p[i]
        f.middle[i] = -pull[i]
    if f.kinked.size > 0:
        left = _through_kinks(centre, T, kink, f, q, p, left)
    _turn(np.cos(left), np.sin(left), f.middle, q, p)
    if backwards:
        for i in range(q.size):
            p[i] = -p[i]


@compiled
def _turn(cosine: float, sine: float, middle: np.ndarray, q: np.ndarray, p: np.ndarray) -> None:
    for i in range(q.size):
        apart = q[i] - middle[i]
        q[i] = middle[i] + apart * cosine + p[i] * sine
        p[i] = p[i] * cosine - apart * sine


@compiled
def _through_kinks(
    centre: np.ndarray,
    T: np.ndarray,
    kink: np.ndarray,
    f: Flow,
    q: np.ndarray,
    p: np.ndarray,
    left: float,
) -> float:
    """Move q and p through every kink on the way; the time that is left."""
    _look(centre, T, kink, f, q, p)
    while True:
        tau, j = _next_kink(f)
        if tau >= np.tan(0.5 * left):
            return left
        cosine, sine = (1.0 - tau * tau) / (1.0 + tau * tau), 2.0 * tau / (1.0 + tau * tau)
        _turn(cosine, sine, f.middle, q, p)
        _turn(cosine, sine, f.rest, f.x, f.speed)
        left -= 2.0 * np.arctan(tau)
        change = 2.0 * kink[f.kinked[j]] * f.side[j]
        f.side[j] = -f.side[j]
        f.x[j] = 0.0
        if T.shape[0] == 1:
            f.rest[j] += change * f.G[0, j]
            f.middle[f.kinked[j]] += change * T[0, f.kinked[j]]
        else:
            for i in range(f.x.size):
                f.rest[i] += change * f.G[j, i]
            for i in range(q.size):
                f.middle[i] += change * T[f.kinked[j], i]


@compiled
def _look(
    centre: np.ndarray, T: np.ndarray, kink: np.ndarray, f: Flow, q: np.ndarray, p: np.ndarray
) -> None:
    """Where the kinked coordinates are, how fast they move, on which side, about which point."""
    apply(T, q, f.u)
    apply(T, p, f.speed_u)
    fill(0.0, f.force)
    for i in range(f.kinked.size):
        j = f.kinked[i]
        f.x[i], f.speed[i] = f.u[j] + centre[j], f.speed_u[j]
        sign = np.sign(f.x[i])
        f.side[i] = sign if sign != 0.0 else (1.0 if f.speed[i] >= 0.0 else -1.0)
        f.force[j] = kink[j] * f.side[i]
    apply_transposed(T, f.force, f.u)
    for i in range(q.size):
        f.middle[i] -= f.u[i]
    apply(T, f.middle, f.u)
    for i in range(f.kinked.size):
        j = f.kinked[i]
        f.rest[i] = f.u[j] + centre[j]


@compiled
def _next_kink(f: Flow) -> tuple[float, int]:
    """tan(t / 2) of the next crossing, and which coordinate crosses; infinite for none.

    (2 rest - x) tau^2 + 2 speed tau + x = 0, the root that goes from the coordinate's side to the
    other; of the two ways to write it the one without a difference.
    """
    nearest, which = np.inf, -1
    for i in range(f.x.size):
        x, speed, side = f.x[i], f.speed[i], f.side[i]
        leading = 2.0 * f.rest[i] - x
        square = speed * speed - leading * x
        if square < 0.0:
            continue
        root = side * np.sqrt(square)
        if speed * side > 0.0:
            tau = -(speed + root) / leading
            # A coordinate that flies away from its kink does not turn within half a period.
            if not tau > 0.0:
                continue
        else:
            tau = max(x / (root - speed), 0.0) if root != speed else np.inf
        if tau < nearest:
            nearest, which = tau, i
    return nearest, which
