"""TensorFlow: tf.nn.l2_loss(w) = sum w^2 / 2, formulas only.

mean loss + strength * tf.nn.l2_loss(w)  =  mean loss + strength / 2 sum w^2
"""

from __future__ import annotations

from bayesreg.conventions._networks import Loss, Network, Parameters, convention, text
from bayesreg.conventions._setting import Setting
from bayesreg.conventions._training import Training, failed

_LOSSES = {
    "squared_difference": Loss("Gaussian", 2.0, "2"),
    "sigmoid_cross_entropy_with_logits": Loss("Bernoulli", 1.0, "0.25"),
    "log_poisson_loss": Loss("Poisson", 1.0, "y.max()"),
}
_CALLS = {
    "squared_difference": "tf.math.squared_difference(y, eta)",
    "sigmoid_cross_entropy_with_logits": "tf.nn.sigmoid_cross_entropy_with_logits(y, eta)",
    "log_poisson_loss": "tf.nn.log_poisson_loss(y, eta)",
}


def _code(parameters: Parameters, setting: Setting) -> str:
    strength, loss = parameters["strength"], str(parameters["loss"])
    bias = bool(parameters.get("bias", True))
    reduction = parameters.get("reduction", "reduce_mean")
    s = "sample_weight * " if setting.weighted else ""
    training = Training(
        _LOSSES[loss].curvature, "/ len(y)" if reduction == "reduce_mean" else "",
        setting.weighted, bias, strength,
    )  # fmt: skip
    return text([
        "import numpy as np",
        "import tensorflow as tf",
        None,
        *training.preparation(),
        "X, y = tf.constant(X, tf.float64), tf.constant(y, tf.float64)",
        "w = tf.Variable(tf.zeros(X.shape[1], tf.float64))",
        "a = tf.Variable(tf.zeros((), tf.float64))" if bias else "",
        f"variables = [w{', a' if bias else ''}]",
        "moving = [tf.Variable(tf.zeros_like(variable)) for variable in variables]",
        "lengths = (steps[:X.shape[1]], steps[-1])",
        None,
        None,
        "@tf.function(autograph=False)",
        "def gradient_of():",
        "    with tf.GradientTape() as tape:",
        f"        eta = tf.linalg.matvec(X, w){' + a' if bias else ''}",
        f"        loss = tf.{reduction}({s}{_CALLS[loss]})",
        f"        total = loss + {strength!r} * tf.nn.l2_loss(w)",
        "    return loss, tape.gradient(total, variables)",
        None,
        None,
        "@tf.function(autograph=False)",
        "def step():",
        "    _, gradients = gradient_of()",
        "    for one, velocity, gradient, length in zip(variables, moving, gradients, lengths):",
        "        velocity.assign(momentum * velocity - length * gradient)",
        "        one.assign_add(momentum * velocity - length * gradient)",
        None,
        None,
        *training.check(),
        None,
        None,
        "start = gradient_of()[0].numpy()",
        "for _ in range(500):",
        "    parts = variables, gradient_of()[1]",
        "    now = [np.concatenate([np.ravel(one) for one in part]) for part in parts]",
        "    if height(*now) <= 1e-16 * start:",
        "        break",
        "    for _ in range(100):",
        "        step()",
        *failed(),
        *(["a.assign_sub(centre @ w.numpy())"] if training.centred else []),
    ])  # fmt: skip


L2_LOSS = convention(
    Network(
        "tensorflow.l2_loss", _LOSSES, {"reduce_mean": "rows", "reduce_sum": ""}, l2="strength"
    ),
    objective="loss/D + strength tf.nn.l2_loss(w) = loss/D + strength/2 sum w^2, D = rows for "
    "reduce_mean, 1 for reduce_sum",
    formula="strength = 2 sigma^2 / (n tau^2) for squared_difference, 1 / (n tau^2) for "
    "sigmoid_cross_entropy_with_logits and log_poisson_loss",
    source="tensorflow 2.21.0, tensorflow/core/kernels/l2loss_op.h",
    strengths={"strength": ...},
    code=_code,
    solution="w.numpy()",
    notes=(
        "l2_loss has the 1/2: strength is twice the l2 of keras.regularizers.L2 for the same prior",
        "the penalty is on what is passed to l2_loss: here the weights, not the bias",
    ),
)

CONVENTIONS = {L2_LOSS.name: L2_LOSS}
