"""Weight decay beside an adaptive step: no penalty, by name, with what its fixed point is.

    w <- w (1 - lr wd) - lr m / (sqrt(v) + eps)       m, v averages of the gradient, its square

At rest m / (sqrt(v) + eps) = -wd w.  On the full batch v = g^2 and m = g, so that coordinate by
coordinate either |w_j| = 1 / wd and -g_j points outwards, or g_j = -eps wd w_j / (1 - wd |w_j|),
which is 0 but for eps: the maximum-likelihood estimate within the box |w_j| <= 1 / wd.
"""

from __future__ import annotations

#: The optimiser, and what says the same as a Normal prior would.
_NEAREST = {
    "keras.Adam": "keras.L2 (kernel_regularizer)",
    "keras.AdamW": "keras.L2 (kernel_regularizer)",
    "keras.RMSprop": "keras.L2 (kernel_regularizer)",
    "mlx.AdamW": "mlx.SGD",
    "optax.adamw": "optax.add_decayed_weights before optax.scale_by_adam",
    "torch.AdamW": "torch.Adam",
}

REFUSED = {
    name: (
        "its weight_decay is decoupled, beside a step that is "
        "scaled per coordinate, and not the gradient of any penalty; it is no Normal prior. On "
        "the full batch it comes to rest at the maximum-likelihood estimate within the box "
        "|w_j| <= 1 / weight_decay (the bias included, unless it is left out), whatever n, "
        "sigma and the learning rate are: the mode under Uniform(-1/weight_decay, "
        "1/weight_decay), which is U(-100, 100) at weight_decay=0.01. With the noise of "
        "mini-batches each coordinate has nearly a penalty of its own, weight_decay s_j / 2 "
        "w_j^2 with s_j the root mean square of its gradient. Nearest: "
        f"{nearest}, which is a Normal prior; find_map with Uniform for the full batch"
    )
    for name, nearest in _NEAREST.items()
}
