"""MLX: formulas only.

    SGD(weight_decay)    mean loss + weight_decay / 2 sum w^2

weight_decay is added to the gradient.  Adam has none; that of AdamW is decoupled, see
:mod:`bayesreg.conventions._decoupled`.
"""

from __future__ import annotations

from bayesreg.conventions._networks import Loss, Network, Parameters, convention, text
from bayesreg.conventions._setting import Setting
from bayesreg.conventions._training import Training, failed

_LOSSES = {
    "mse_loss": Loss("Gaussian", 2.0, "2"),
    "binary_cross_entropy": Loss("Bernoulli", 1.0, "0.25"),
}


def _code(parameters: Parameters, setting: Setting) -> str:
    decay, loss = parameters["weight_decay"], str(parameters["loss"])
    bias = bool(parameters.get("bias", True))
    reduction = parameters.get("reduction", "mean")
    own = parameters.get("bias_weight_decay", 0.0)
    inside = "eta, y, with_logits=True" if loss == "binary_cross_entropy" else "eta, y"
    s = "sample_weight * " if setting.weighted else ""
    per_row = f'{s}nn.losses.{loss}({inside}, reduction="none")'
    training = Training(
        _LOSSES[loss].curvature, "/ len(y)" if reduction == "mean" else "", setting.weighted,
        bias, decay, own if bias else 0.0,
    )  # fmt: skip
    sgd = "optim.SGD(lr, momentum=momentum, weight_decay={}, nesterov=momentum > 0)"
    optimizer = [f"optimizer = {sgd.format(repr(decay))}"]
    if bias:
        optimizer = [
            "optimizer = optim.MultiOptimizer(",
            f"    [{sgd.format(repr(own))},",
            f"     {sgd.format(repr(decay))}],",
            '    [lambda name, value: name == "bias"],',
            ")",
        ]
    return text([
        "import mlx.core as mx",
        "import mlx.nn as nn",
        "import mlx.optimizers as optim",
        "import numpy as np",
        None,
        "mx.set_default_device(mx.cpu)  # double precision is for the CPU only",
        *training.preparation(),
        "X, y = mx.array(X, dtype=mx.float64), mx.array(y, dtype=mx.float64)",
        "sample_weight = mx.array(sample_weight, dtype=mx.float64)" if setting.weighted else "",
        f"layer = nn.Linear(X.shape[1], 1, bias={bias})",
        "layer.update({name: mx.zeros(value.shape, dtype=mx.float64)",
        "              for name, value in layer.parameters().items()})",
        *optimizer,
        None,
        None,
        "def loss(layer):",
        "    eta = layer(X).squeeze(1)",
        f"    return ({per_row}).{reduction}()",
        None,
        None,
        *training.check(),
        None,
        None,
        "def vector(tree):",
        '    names = [name for name in ("weight", "bias") if name in tree]',
        "    return np.concatenate([np.ravel(np.array(tree[name])) for name in names])",
        None,
        None,
        "def in_steps(gradient):  # of each column; the optimiser adds decay * w",
        "    w = vector(layer.parameters())",
        "    scaled = scale * vector(gradient) + (scale - 1) * decay * w",
        "    p = layer.weight.size",
        '    parts = {"weight": scaled[None, :p], "bias": scaled[p:]}',
        "    return {name: mx.array(parts[name], dtype=mx.float64) for name in gradient}",
        None,
        None,
        "gradient_of = nn.value_and_grad(layer, loss)",
        "start = loss(layer).item()",
        "for step in range(50_000):",
        "    _, gradient = gradient_of(layer)",
        "    w = vector(layer.parameters())",
        "    if step % 100 == 0 and height(w, vector(gradient) + decay * w) <= 1e-16 * start:",
        "        break",
        "    optimizer.update(layer, in_steps(gradient))",
        "    mx.eval(layer.parameters(), optimizer.state)",
        *failed(),
        *(["layer.bias = layer.bias - np.dot(centre, np.array(layer.weight)[0]).item()"]
          if training.centred else []),
    ])  # fmt: skip


SGD = convention(
    Network(
        "mlx.SGD", _LOSSES, {"mean": "rows", "sum": ""},
        l2="weight_decay", bias_decay="bias_weight_decay",
    ),
    objective="loss/D + weight_decay/2 sum w^2 + bias_weight_decay/2 a^2, D = rows for a mean, "
    "1 for a sum",
    formula="weight_decay = 2 sigma^2 / (n tau^2) for mse_loss, 1 / (n tau^2) for "
    "binary_cross_entropy",
    source="mlx 0.32.4, mlx/optimizers/optimizers.py and mlx/nn/losses.py",
    strengths={"weight_decay": 0.0},
    code=_code,
    solution="np.array(layer.weight)[0]",
    notes=(
        "weight_decay is added to the gradient (coupled), whatever the momentum",
        "one SGD for the whole layer decays the bias too, a Normal prior on the intercept; the "
        "program has a MultiOptimizer, with one for the weights and one for the bias",
        "mlx.optimizers.Adam has no weight_decay, and that of AdamW is decoupled: no penalty",
        "the losses are means only where reduction='mean' is said: cross_entropy and others have "
        "the default 'none'; mse_loss and binary_cross_entropy have 'mean'",
    ),
    irrelevant=("learning_rate", "momentum", "dampening", "nesterov"),
)  # fmt: skip

CONVENTIONS = {SGD.name: SGD}
