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


def _code(
    parameters: Parameters,
    setting: Setting,
    regularizer: str,
    decay: str = "",
    momentum: float = 0.98,
) -> str:
    """A layer at 0, trained by SGD on the whole data at once."""
    loss, bias = str(parameters["loss"]), bool(parameters.get("use_bias", True))
    reduction = str(parameters.get("reduction", "sum_over_batch_size"))
    poisson = loss == "poisson"
    kinked = bool(parameters.get("l1"))
    steps = 3_000 if momentum > 0.95 and not kinked else 15_000 if momentum else 60_000
    rows = "((X**2).sum(1) + 1)" if bias else "(X**2).sum(1)"
    if setting.weighted:
        rows = f"(sample_weight * {rows})"
    divided = _DIVIDED[reduction]
    if not setting.weighted and reduction == "mean_with_sample_weight":
        divided = "/ len(y)"
    strength = max(2 * float(parameters.get("l2", 0.0)), float(parameters.get("weight_decay", 0.0)))
    batch = "(X, y[:, None], sample_weight)" if setting.weighted else "(X, y[:, None])"
    nesterov = ", nesterov=True" if momentum else ""
    return text([
        "import keras",
        "import tensorflow as tf",
        None,
        'keras.config.set_floatx("float64")',
        "keras.config.set_epsilon(1e-300)  # which this loss adds inside its logarithm"
        if poisson else "",
        "layer = keras.layers.Dense(",
        f'    1, use_bias={bias}, kernel_initializer="zeros",',
        '    activation="exponential",' if poisson else "",
        f"    kernel_regularizer={regularizer}," if regularizer else "",
        ")",
        "model = keras.Sequential([keras.Input((X.shape[1],)), layer])",
        f"curvature = {_LOSSES[loss].curvature} * {rows}.sum() {divided}".rstrip(),
        f"lr = float(1 / (curvature + {strength!r}))",
        "lr = keras.optimizers.schedules.ExponentialDecay(lr, 600, 0.5)  # the sign steps of L1"
        if kinked else "",
        f"optimizer = keras.optimizers.SGD(lr, momentum={momentum!r}{nesterov}{decay})",
        'optimizer.exclude_from_weight_decay(var_names=["bias"])'
        if decay and bias and not parameters.get("bias_decays") else "",
        "model.compile(",
        "    optimizer,",
        f'    keras.losses.{_CLASSES[loss].format(f"reduction={chr(34)}{reduction}{chr(34)}")},',
        "    steps_per_execution=500,",
        ")",
        f"whole = tf.data.Dataset.from_tensors({batch}).repeat()",
        f"model.fit(whole, steps_per_epoch={steps}, verbose=0)",
    ])  # fmt: skip


def _regularized(
    kind: str, names: tuple[str, ...], parameters: Parameters, setting: Setting
) -> str:
    inside = ", ".join(f"{name}={parameters[name]!r}" for name in names)
    return _code(parameters, setting, f"keras.regularizers.{kind}({inside})")


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
    "distance of the learning rate: a relative gap of 1e-5 is usual, and a proximal step "
    "(bayesreg.proximal_step) ends at the same optimum exactly"
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
        code=partial(_regularized, kind, names),
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
    return _code(
        {**parameters, "bias_decays": decays}, setting, "",
        f", weight_decay={parameters['weight_decay']!r}", float(parameters.get("momentum", 0.0)),
    )  # fmt: skip


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
