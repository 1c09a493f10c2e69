"""MLX: formulas only.

    SGD(weight_decay)    mean loss + weight_decay / 2 sum w^2

weight_decay is added to the gradient.  Adam has none; that of AdamW is decoupled, see
:mod:`bayesreg.conventions._decoupled`.
"""

from __future__ import annotations

from bayesreg.conventions._networks import Loss, Network, Parameters, convention, text
from bayesreg.conventions._setting import Setting

_LOSSES = {
    "mse_loss": Loss("Gaussian", 2.0, "2"),
    "binary_cross_entropy": Loss("Bernoulli", 1.0, "0.25"),
}


def _code(parameters: Parameters, setting: Setting) -> str:
    decay, loss = parameters["weight_decay"], str(parameters["loss"])
    bias = parameters.get("bias", True)
    reduction = parameters.get("reduction", "mean")
    own = parameters.get("bias_weight_decay", 0.0)
    rows = "(X**2).sum(1) + 1" if bias else "(X**2).sum(1)"
    inside = "eta, y, with_logits=True" if loss == "binary_cross_entropy" else "eta, y"
    s = "sample_weight * " if setting.weighted else ""
    per_row = f'{s}nn.losses.{loss}({inside}, reduction="none")'
    sgd = "optim.SGD(lr, momentum=0.98, weight_decay={}, nesterov=True)"
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
        "X, y = mx.array(X, dtype=mx.float64), mx.array(y, dtype=mx.float64)",
        "sample_weight = mx.array(sample_weight, dtype=mx.float64)" if setting.weighted else "",
        f"layer = nn.Linear(X.shape[1], 1, bias={bias})",
        "layer.update({name: mx.zeros(value.shape, dtype=mx.float64)",
        "              for name, value in layer.parameters().items()})",
        f"curvature = ({_LOSSES[loss].curvature} * ({s}({rows})).{reduction}()).item()",
        f"lr = 1 / (curvature + {max(decay, own)!r})",
        *optimizer,
        None,
        None,
        "def loss(layer):",
        "    eta = layer(X).squeeze(1)",
        f"    return ({per_row}).{reduction}()",
        None,
        None,
        "gradient_of = nn.value_and_grad(layer, loss)",
        "for _ in range(3_000):",
        "    _, gradient = gradient_of(layer)",
        "    optimizer.update(layer, gradient)",
        "    mx.eval(layer.parameters(), optimizer.state)",
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
