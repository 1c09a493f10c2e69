"""Keras 3: formulas only.

A Dense(1) layer, on the full batch (D = rows for the default reduction):

    kernel_regularizer = L1(l1), L2(l2), L1L2(l1, l2)    loss / D + l1 sum|w| + l2 sum w^2
    SGD(weight_decay, momentum)                          loss / D + wd (1 - momentum) / 2 sum w^2

A regulariser has no 1/2.  weight_decay is decoupled in every Keras optimiser: the weights lose
lr wd w beside the step.  Under SGD the step at rest is -lr g / (1 - momentum), so that the two
cancel where g = -(1 - momentum) wd w: a penalty, of which momentum is a part.  Under the
optimisers that scale the gradient per coordinate it is none, see
:mod:`bayesreg.conventions._decoupled`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from bayesreg.conventions import _parameters
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._networks import Loss, Network, Parameters, convention, text
from bayesreg.conventions._programs import library
from bayesreg.conventions._setting import Setting
from bayesreg.conventions._training import Training, failed
from bayesreg.errors import ConversionError

_LOSSES = {
    "mse": Loss("Gaussian", 2.0, "2"),
    "binary_crossentropy": Loss("Bernoulli", 1.0, "0.25"),
    "poisson": Loss("Poisson", 1.0, "y.max()"),
}
_CLASSES = {
    "mse": "MeanSquaredError({})",
    "binary_crossentropy": "BinaryCrossentropy(from_logits=True, {})",
    "poisson": "Poisson({})",
}
_REDUCTIONS = {
    "sum_over_batch_size": "rows",
    "sum": "",
    "mean_with_sample_weight": "total_weight",
}
_DIVIDED = {
    "sum_over_batch_size": "/ len(y)",
    "sum": "",
    "mean_with_sample_weight": "/ sample_weight.sum()",
}
_SOURCE = "keras 3.15.1 (TensorFlow 2.21.0), keras/src/regularizers and keras/src/losses"
_SOLUTION = "layer.get_weights()[0][:, 0]"


def _training(parameters: Parameters, setting: Setting) -> Training:
    reduction = str(parameters.get("reduction", "sum_over_batch_size"))
    divided = _DIVIDED[reduction]
    if not setting.weighted and reduction == "mean_with_sample_weight":
        divided = "/ len(y)"
    decay = float(parameters.get("weight_decay", 0.0)) * (1.0 - _momentum(parameters))
    return Training(
        _LOSSES[str(parameters["loss"])].curvature,
        divided,
        setting.weighted,
        bool(parameters.get("use_bias", True)),
        2 * float(parameters.get("l2", 0.0)) + decay,
        decay if parameters.get("bias_decays") else 0.0,
        float(parameters.get("l1", 0.0)),
    )


def _momentum(parameters: Parameters) -> float:
    """Keras's own, which is part of the penalty of its weight_decay."""
    return float(parameters.get("momentum", 0.0))


def _layer(training: Training, parameters: Parameters, regularizer: str) -> list[str]:
    """The data and a layer at 0."""
    poisson = parameters["loss"] == "poisson"
    proximal = "lambda w: keras.ops.sign(w) * keras.ops.relu(keras.ops.abs(w) - threshold)"
    return [
        'keras.config.set_floatx("float64")',
        "keras.config.set_epsilon(1e-300)  # which this loss adds inside its logarithm"
        if poisson else "",
        *training.preparation(),
        f"threshold = {training.l1!r} * steps[:X.shape[1], None]" if training.l1 else "",
        "layer = keras.layers.Dense(",
        f'    1, use_bias={training.bias}, kernel_initializer="zeros",',
        '    activation="exponential",' if poisson else "",
        f"    kernel_regularizer={regularizer}," if regularizer else "",
        f"    kernel_constraint={proximal}," if training.l1 else "",
        ")",
        "layer.build((None, X.shape[1]))",
    ]  # fmt: skip


def _gradient(training: Training, parameters: Parameters, regularized: bool) -> list[str | None]:
    """The loss and its gradient with that of the regulariser, and where they leave us."""
    reduction = str(parameters.get("reduction", "sum_over_batch_size"))
    made = _CLASSES[str(parameters["loss"])].format(f'reduction="{reduction}"')
    weights = ", sample_weight" if training.weighted else ""
    return [
        f"loss_of = keras.losses.{made}",
        "X, y = tf.constant(X), tf.constant(y, tf.float64)",
        None,
        None,
        "@tf.function(autograph=False)",
        "def gradients():",
        "    with tf.GradientTape() as tape:",
        f"        loss = loss_of(y[:, None], layer(X){weights})",
        f"        total = loss{' + sum(layer.losses)' if regularized else ''}",
        "    return loss, tape.gradient(total, layer.trainable_weights)",
        None,
        None,
        *training.check(),
    ]


def _step(training: Training, parameters: Parameters) -> list[str]:
    """A step of the optimiser in each column's own length; momentum where Keras has none."""
    decoupled = bool(parameters.get("weight_decay"))
    slope = "factor * slope" + (" + (factor - 1) * own * one.value" if decoupled else "")
    own = ", own" if decoupled else ""
    parts = "layer.trainable_weights, slopes, factors" + (", decays" if decoupled else "")
    accelerated = [
        "    for one, last in zip(layer.trainable_weights, before):",
        "        now = tf.identity(one.value)",
        "        one.assign(now + momentum * (now - last))",
        "        last.assign(now)",
    ]
    return [
        "@tf.function(autograph=False)",
        "def step():",
        "    _, slopes = gradients()",
        "    optimizer.apply_gradients([",
        f"        ({slope}, one)",
        f"        for one, slope, factor{own} in zip({parts})",
        "    ])",
        *([] if _momentum(parameters) else accelerated),
    ]


def _code(
    parameters: Parameters, setting: Setting, regularizer: str, optimizer: str = "SGD(lr)"
) -> str:
    """A layer at 0, trained by SGD on the whole data at once."""
    training = _training(parameters, setting)
    decoupled = bool(parameters.get("weight_decay"))
    free = decoupled and training.bias and not parameters.get("bias_decays")
    last = "    for one, last in zip(layer.trainable_weights, before):"
    return text([
        "import keras",
        "import numpy as np",
        "import tensorflow as tf",
        None,
        *_layer(training, parameters, regularizer),
        "before = [tf.Variable(one.value) for one in layer.trainable_weights]",
        "p = X.shape[1]",
        "factors = tf.constant(scale[:p, None]), tf.constant(scale[p:])",
        "decays = tf.constant(decay[:p, None]), tf.constant(decay[p:])" if decoupled else "",
        f"optimizer = keras.optimizers.{optimizer}",
        'optimizer.exclude_from_weight_decay(var_names=["bias"])' if free else "",
        "optimizer.build(layer.trainable_weights)",
        *_gradient(training, parameters, bool(regularizer)),
        None,
        None,
        *_step(training, parameters),
        None,
        None,
        "start = float(gradients()[0])",
        f"for _ in range({1500 if _momentum(parameters) else 500}):",
        "    parts = layer.get_weights(), gradients()[1]",
        "    w, gradient = [np.concatenate([np.ravel(one) for one in part]) for part in parts]",
        f"    if height(w, gradient{' + decay * w' if decoupled else ''}) <= 1e-16 * start:",
        "        break",
        "    for _ in range(100):",
        "        step()",
        *failed(),
        *([last.removeprefix("    "), "    one.assign(last)"] if training.l1 else []),
        *(["layer.bias.assign_sub([centre @ layer.get_weights()[0][:, 0]])"]
          if training.centred else []),
    ])  # fmt: skip


def _regularized(parameters: Parameters, setting: Setting) -> str:
    """L2 by Keras's regulariser; L1 by the proximal step, as a constraint of the kernel."""
    l2 = parameters.get("l2")
    return _code(parameters, setting, f"keras.regularizers.L2({l2!r})" if l2 else "")


def _build(kind: str, names: tuple[str, ...], parameters: Parameters, setting: Setting) -> Any:
    """The regulariser itself, for kernel_regularizer=."""
    regularizers = library("keras").regularizers
    return getattr(regularizers, kind)(**{name: parameters[name] for name in names})


_NOTES = (
    "the bias is free: it has its own bias_regularizer, and activity_regularizer is of the outputs",
    "there is no 1/2: l2 is half of a weight_decay of PyTorch, and half of what multiplies "
    "tf.nn.l2_loss",
    "from_logits=True, or a sigmoid activation: the optimum is the same; the Poisson loss adds "
    "keras.config.epsilon() = 1e-7 inside its logarithm, which the program makes vanish",
)
_SIGNS = (
    "the derivative of L1 is a sign, whose steps make no exact zeros and circle the optimum at a "
    "distance of the learning rate: with kernel_regularizer= a relative gap of 1e-5 is usual. The "
    "program takes the proximal step in its place (bayesreg.proximal_step), as the constraint of "
    "the kernel that follows every step, which makes the zeros and ends at the same optimum"
)


def _regularizer(kind: str, default: float) -> Convention:
    names = {"L1": ("l1",), "L2": ("l2",), "L1L2": ("l1", "l2")}[kind]
    formulas = {
        "l1": "l1 = 2 sigma^2 / (n b) for mse, 1 / (n b) for binary_crossentropy and poisson",
        "l2": "l2 = sigma^2 / (n tau^2) for mse, 1 / (2 n tau^2) for binary_crossentropy and "
        "poisson",
    }
    terms = {"l1": "l1 sum|w|", "l2": "l2 sum w^2"}
    fixes = {"l1": "sigma^2 / b", "l2": "sigma / tau"}
    l1, l2 = ("l1" if "l1" in names else ""), ("l2" if "l2" in names else "")
    return convention(
        Network(f"keras.{kind}", _LOSSES, _REDUCTIONS, l1=l1, l2=l2,
                square=lambda parameters: 1.0, bias="use_bias"),
        objective=" + ".join(["loss/D", *(terms[name] for name in names)])
        + ', D = rows (reduction "sum_over_batch_size")',
        formula="; ".join(formulas[name] for name in names),
        fixes=" and ".join(fixes[name] for name in names),
        source=_SOURCE,
        strengths=dict.fromkeys(names, default),
        code=_regularized,
        build=partial(_build, kind, names),
        solution=_SOLUTION,
        notes=(*_NOTES, _SIGNS) if l1 else _NOTES,
    )  # fmt: skip


def _remaining(parameters: Parameters) -> float:
    """A2 = (1 - momentum) / 2."""
    momentum = _parameters.fraction(parameters["momentum"], "momentum", "keras.SGD")
    if momentum == 1:
        raise ConversionError("keras.SGD: momentum must be below 1")
    return (1.0 - momentum) / 2.0


def _sgd(parameters: Parameters, setting: Setting) -> str:
    decays = bool(parameters.get("bias_weight_decay"))
    momentum = _momentum(parameters)
    # Heavy-ball momentum is stable up to 2 (1 + momentum) / L.
    rate = f"{1 + momentum!r} * lr, momentum={momentum!r}" if momentum else "lr"
    optimizer = f"SGD({rate}, weight_decay={parameters['weight_decay']!r})"
    return _code({**parameters, "bias_decays": decays}, setting, "", optimizer)


SGD = convention(
    Network("keras.SGD", _LOSSES, _REDUCTIONS, l2="weight_decay", square=_remaining,
            bias="use_bias", extras={"momentum": 0.0}),
    objective="loss/D + (1 - momentum) weight_decay/2 sum w^2, D = rows "
    '(reduction "sum_over_batch_size")',
    formula="(1 - momentum) weight_decay = 2 sigma^2 / (n tau^2) for mse, 1 / (n tau^2) for "
    "binary_crossentropy and poisson",
    source="keras 3.15.1, keras/src/optimizers/base_optimizer.py and sgd.py",
    strengths={"weight_decay": 0.0},
    code=_sgd,
    solution=_SOLUTION,
    notes=(
        "weight_decay is decoupled: it is not multiplied by 1 / (1 - momentum) as the gradient is, "
        "so that momentum=0.9 makes the penalty ten times weaker",
        "it decays the bias too, unless optimizer.exclude_from_weight_decay(var_names=['bias']) is "
        "called, as the program does and as is meant here",
        "in Adam, AdamW, RMSprop and the others that scale the gradient it is no penalty: "
        "to_prior('keras.AdamW', ...) says what it is",
    ),
    irrelevant=("learning_rate", "nesterov"),
)  # fmt: skip

L1, L2, L1L2 = _regularizer("L1", 0.01), _regularizer("L2", 0.01), _regularizer("L1L2", 0.0)
CONVENTIONS = {one.name: one for one in (L1, L1L2, L2, SGD)}
