"""PyTorch: formulas only.

A linear layer, on the full batch (wd = weight_decay, D = rows for reduction="mean", 1 for "sum"):

    SGD, Adam (weight_decay)     loss / D + wd / 2 sum w^2
    penalty by hand              loss / D + l1 sum|w| + l2 sum w^2

Both optimisers add wd w to the gradient; Adam then scales the sum of the two per coordinate, which
vanishes where they cancel, so that it stands still at the same points as SGD.  AdamW does not: see
:mod:`bayesreg.conventions._decoupled`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bayesreg.conventions._convention import Convention
from bayesreg.conventions._networks import Loss, Network, Parameters, convention, text
from bayesreg.conventions._setting import Setting
from bayesreg.conventions._training import Training, failed

_LOSSES = {
    "MSELoss": Loss("Gaussian", 2.0, "2"),
    "MSELoss / 2": Loss("Gaussian", 1.0, "1"),
    "BCEWithLogitsLoss": Loss("Bernoulli", 1.0, "0.25"),
    "PoissonNLLLoss": Loss("Poisson", 1.0, "y.max()"),
}
_REDUCTIONS = {"mean": "rows", "sum": ""}


def _training(parameters: Parameters, setting: Setting) -> Training:
    loss, l2 = str(parameters["loss"]), float(parameters.get("l2", 0.0))
    return Training(
        _LOSSES[loss].curvature,
        "/ len(y)" if parameters.get("reduction", "mean") == "mean" else "",
        setting.weighted,
        bool(parameters.get("bias", True)),
        float(parameters.get("weight_decay", 2 * l2)),
        float(parameters.get("bias_weight_decay", 0.0)),
        float(parameters.get("l1", 0.0)),
    )


def _layer(
    training: Training, parameters: Parameters, extra: str = "", added: str = ""
) -> list[str | None]:
    """The data, a layer at 0, its loss of the whole batch, and where it stands."""
    loss = str(parameters["loss"])
    kind, half = loss.split(" ")[0], " / 2" if loss.endswith("2") else ""
    reduction = parameters.get("reduction", "mean")
    weighted = training.weighted
    inside = 'reduction="none"' if weighted else f'reduction="{reduction}"'
    of_rows = f"loss_of(layer(X).squeeze(1), y){half}"
    if weighted:
        of_rows = f"(sample_weight * {of_rows}).{reduction}()"
    return [
        "import numpy as np",
        "import torch",
        None,
        *training.preparation(),
        "X, y = torch.as_tensor(X).double(), torch.as_tensor(y).double()",
        "sample_weight = torch.as_tensor(sample_weight).double()" if weighted else "",
        f"layer = torch.nn.Linear(X.shape[1], 1, bias={training.bias}, dtype=torch.float64)",
        "for parameter in layer.parameters():",
        "    torch.nn.init.zeros_(parameter)",
        f"loss_of = torch.nn.{kind}({inside})",
        None,
        None,
        "def loss():",
        f"    return {of_rows}{extra}",
        None,
        None,
        *training.check(),
        None,
        None,
        "def at_optimum():",
        "    w, gradient = (",
        "        torch.cat([part.detach().flatten() for part in parts]).numpy()",
        "        for parts in zip(*((one, one.grad) for one in layer.parameters()))",
        "    )",
        f"    return height(w, gradient{added}) <= 1e-16 * start",
        None,
        None,
        "start = loss().item()",
    ]


def _finished(training: Training) -> list[str]:
    """An error where the loop did not end by break; the bias back at 0."""
    back = "    layer.bias -= torch.as_tensor(centre) @ layer.weight[0]"
    return [*failed(), *(["with torch.no_grad():", back] if training.centred else [])]


#: What the optimiser sees: its own penalty is then in the steps of the columns, too.
_SCALED = [
    "    with torch.no_grad():",
    "        for parameter, factor, own in zip(layer.parameters(), factors, decays):",
    "            own = (factor - 1) * own * parameter  # of what the optimiser adds",
    "            parameter.grad.mul_(factor).add_(own)",
]


def _split(**vectors: str) -> list[str]:
    """A vector of weights and bias, as one part for each parameter of the layer."""
    return [
        f"{name} = torch.as_tensor({vector}).split(layer.weight.numel())"
        for name, vector in vectors.items()
    ]


def _groups(parameters: Parameters) -> list[str]:
    """A parameter group for the weights and one for the bias."""
    words = '    {{"params": [layer.{}], "weight_decay": {!r}, "lr": lr}},'
    lines = ["groups = [", words.format("weight", parameters["weight_decay"])]
    if parameters.get("bias", True):
        lines.append(words.format("bias", parameters["bias_weight_decay"]))
    return [*lines, "]"]


def _sgd(parameters: Parameters, setting: Setting) -> str:
    training = _training(parameters, setting)
    return text([
        *_layer(training, parameters, added=" + decay * w"),
        *_split(factors="scale", decays="decay"),
        *_groups(parameters),
        "optimizer = torch.optim.SGD(groups, momentum=momentum, nesterov=momentum > 0)",
        "for step in range(50_000):",
        "    optimizer.zero_grad()",
        "    loss().backward()",
        "    if step % 100 == 0 and at_optimum():",
        "        break",
        *_SCALED,
        "    optimizer.step()",
        *_finished(training),
    ])  # fmt: skip


def _adam(parameters: Parameters, setting: Setting) -> str:
    training = _training(parameters, setting)
    return text([
        *_layer(training, parameters, added=" + decay * w"),
        *_groups(parameters),
        "loss().backward()",
        "slope = np.concatenate([one.grad.flatten().numpy() for one in layer.parameters()])",
        "largest = float(abs(steps * unit * slope).max()) or 1.0  # step, in units of the columns",
        *_split(units="1 / unit"),
        "optimizer = torch.optim.Adam(groups, betas=(0.9, 0.99))",
        "for step in range(20_000):",
        "    optimizer.zero_grad()",
        "    loss().backward()",
        "    if step % 100 == 0 and at_optimum():",
        "        break",
        "    before = [parameter.detach().clone() for parameter in layer.parameters()]",
        "    optimizer.step()",
        "    with torch.no_grad():",
        "        for parameter, old, size in zip(layer.parameters(), before, units):",
        "            moved = (parameter - old) / lr",
        "            parameter.copy_(old + largest * 0.998**step * size * moved)",
        *_finished(training),
    ])  # fmt: skip


def _by_hand(parameters: Parameters, setting: Setting) -> str:
    """Accelerated proximal gradient: gradient step of the smooth part, then that of l1."""
    l1, l2 = parameters["l1"], parameters["l2"]
    training = _training(parameters, setting)
    extra = f" + {l2!r} * layer.weight.square().sum()" if l2 else ""
    return text([
        *_layer(training, parameters, extra),
        *_split(factors="scale"),
        "optimizer = torch.optim.SGD(layer.parameters(), lr=lr)",
        "now = [parameter.detach().clone() for parameter in layer.parameters()]",
        "for step in range(50_000):",
        "    optimizer.zero_grad()",
        "    loss().backward()",
        "    if step % 100 == 0 and at_optimum():",
        "        break",
        "    for parameter, factor in zip(layer.parameters(), factors):",
        "        parameter.grad.mul_(factor)",
        "    optimizer.step()",
        "    with torch.no_grad():",
        "        w = layer.weight  # the proximal step of l1",
        f"        w.copy_(w.sign() * (w.abs() - lr * factors[0] * {l1!r}).clamp(min=0))",
        "        before, now = now, [parameter.clone() for parameter in layer.parameters()]",
        "        for parameter, new, old in zip(layer.parameters(), now, before):",
        "            parameter.add_(new - old, alpha=momentum)",
        *failed(),
        "with torch.no_grad():",
        "    for parameter, new in zip(layer.parameters(), now):",
        "        parameter.copy_(new)",
        *(["    layer.bias -= torch.as_tensor(centre) @ layer.weight[0]"]
          if training.centred else []),
    ])  # fmt: skip


_COUPLED = "weight_decay is added to the gradient (coupled), so that the optimum is that of the L2 "
_BIAS = (
    "weight_decay given to optim(model.parameters()) decays the bias too, a Normal prior on the "
    "intercept; the program has a parameter group for each, which frees the bias"
)
_ADAMW = (
    "AdamW is another thing: its weight_decay is decoupled and no penalty at all "
    "(to_prior('torch.AdamW', ...) says what it is)"
)
_BROADCAST = (
    "the prediction must have the shape of y: MSELoss of (n, 1) against (n,) broadcasts to n x n"
)


_ASCENT = {
    "maximize": "it ascends the loss, whose sign is then the other, beside a penalty that keeps "
    "its own. Nearest: maximize=False with the loss itself"
}
_DECOUPLED = {
    "decoupled_weight_decay": "it makes Adam AdamW, whose weight_decay is no penalty "
    "(to_prior('torch.AdamW', ...) says what it is). Nearest: decoupled_weight_decay=False"
}


def _decay(
    name: str,
    code: Callable[[Parameters, Setting], str],
    irrelevant: tuple[str, ...],
    *own: str,
    off: Mapping[str, str] = _ASCENT,
) -> Convention:
    return convention(
        Network(name, _LOSSES, _REDUCTIONS, l2="weight_decay", bias_decay="bias_weight_decay",
                off=off),
        objective="loss/D + weight_decay/2 sum w^2 + bias_weight_decay/2 a^2, D = rows for "
        'reduction="mean", 1 for "sum"',
        formula="weight_decay = 2 sigma^2 / (n tau^2) for MSELoss, "
        "1 / (n tau^2) for BCEWithLogitsLoss and PoissonNLLLoss",
        source="torch 2.13.0, torch/optim",
        strengths={"weight_decay": 0.0},
        code=code,
        solution="layer.weight.detach().numpy()[0]",
        notes=(*own, _BIAS, _ADAMW, _BROADCAST),
        irrelevant=irrelevant,
    )  # fmt: skip


_MANNER = ("lr", "foreach", "differentiable", "fused")
SGD = _decay(
    "torch.SGD", _sgd, (*_MANNER, "momentum", "dampening", "nesterov"),
    _COUPLED + "penalty weight_decay/2 sum w^2, whatever the momentum",
)  # fmt: skip
ADAM = _decay(
    "torch.Adam", _adam, (*_MANNER, "betas", "eps", "amsgrad", "capturable"),
    _COUPLED + "penalty weight_decay/2 sum w^2, as for SGD: on the full batch Adam's scaling moves "
    "the way there and not the end (with the noise of mini-batches it moves the end as well); "
    "the same holds for RMSprop, Adagrad, NAdam and RAdam as they are by default",
    "decoupled_weight_decay=True makes it AdamW",
    off={**_ASCENT, **_DECOUPLED},
)  # fmt: skip
PENALTY = convention(
    Network("torch.penalty", _LOSSES, _REDUCTIONS, l1="l1", l2="l2", square=lambda parameters: 1.0),
    objective='loss/D + l1 sum|w| + l2 sum w^2, D = rows for reduction="mean", 1 for "sum"',
    formula="l1 = 2 sigma^2 / (n b), l2 = sigma^2 / (n tau^2) for MSELoss; "
    "1 / (n b), 1 / (2 n tau^2) for BCEWithLogitsLoss and PoissonNLLLoss",
    fixes="sigma^2 / b and sigma / tau",
    source="by hand: loss + l1 * layer.weight.abs().sum() + l2 * layer.weight.square().sum()",
    strengths={"l1": 0.0, "l2": 0.0},
    code=_by_hand,
    solution="layer.weight.detach().numpy()[0]",
    notes=(
        "the penalty is written on layer.weight only, so that the bias is free",
        "l2 sum w^2 has no 1/2: l2 is half of the weight_decay of the same prior",
        "the derivative of abs is a sign, whose steps make no exact zeros; the program takes the "
        "proximal step (soft-thresholding) after each gradient step, which makes them and ends "
        "at the same optimum",
        _BROADCAST,
    ),
)

CONVENTIONS = {one.name: one for one in (ADAM, SGD, PENALTY)}
