"""optax: formulas only.

    chain(add_decayed_weights(wd, mask), sgd(lr))     mean loss + wd / 2 sum w^2

add_decayed_weights adds wd w to the gradient.  Before the optimiser that is a penalty; after it (as
in adamw) the decay is decoupled, see :mod:`bayesreg.conventions._decoupled`.
"""

from __future__ import annotations

from bayesreg.conventions._networks import Loss, Network, Parameters, convention, text
from bayesreg.conventions._setting import Setting
from bayesreg.conventions._training import Training, failed

_LOSSES = {
    "squared_error": Loss("Gaussian", 2.0, "2"),
    "l2_loss": Loss("Gaussian", 1.0, "1"),
    "sigmoid_binary_cross_entropy": Loss("Bernoulli", 1.0, "0.25"),
}


def _code(parameters: Parameters, setting: Setting) -> str:
    decay, loss = parameters["weight_decay"], str(parameters["loss"])
    bias = bool(parameters.get("bias", True))
    reduction = parameters.get("reduction", "mean")
    own = parameters.get("bias_weight_decay", 0.0)
    s = "sample_weight * " if setting.weighted else ""
    training = Training(
        _LOSSES[loss].curvature, "/ len(y)" if reduction == "mean" else "", setting.weighted,
        bias, decay, own if bias else 0.0,
    )  # fmt: skip
    there = ', "b": {}' if bias else ""
    decays = [f'    optax.add_decayed_weights({decay!r}, mask={{"w": True{there.format(False)}}}),']
    if bias and own:
        decays.append(f'    optax.add_decayed_weights({own!r}, mask={{"w": False, "b": True}}),')
    return text([
        "import jax",
        "import jax.numpy as jnp",
        "import numpy as np",
        "import optax",
        None,
        'jax.config.update("jax_enable_x64", True)',
        *training.preparation(),
        "X, y = jnp.asarray(X), jnp.asarray(y, dtype=float)",
        f'parameters = {{"w": jnp.zeros(X.shape[1]){there.format("jnp.zeros(())")}}}',
        "p = X.shape[1]",
        f'lengths = {{"w": jnp.asarray(steps[:p]){there.format("steps[-1]")}}}',
        "optimizer = optax.chain(",
        *decays,
        "    optax.stateless(lambda updates, _: jax.tree.map(jnp.multiply, updates, lengths)),",
        "    optax.sgd(1.0, momentum=momentum, nesterov=True),",
        ")",
        None,
        None,
        "def loss(parameters):",
        '    eta = X @ parameters["w"]' + (' + parameters["b"]' if bias else ""),
        f"    return ({s}optax.losses.{loss}(eta, y)).{reduction}()",
        None,
        None,
        "def step(_, carried):",
        "    parameters, state = carried",
        "    gradient = jax.grad(loss)(parameters)",
        "    updates, state = optimizer.update(gradient, state, parameters)",
        "    return optax.apply_updates(parameters, updates), state",
        None,
        None,
        *training.check(),
        None,
        None,
        "def vector(tree):",
        '    return np.concatenate([np.ravel(tree[name]) for name in ("w", "b") if name in tree])',
        None,
        None,
        "many = jax.jit(lambda carried: jax.lax.fori_loop(0, 500, step, carried))",
        "start, carried = loss(parameters), (parameters, optimizer.init(parameters))",
        "for _ in range(400):",
        "    parameters, _ = carried",
        "    w, gradient = vector(parameters), vector(jax.grad(loss)(parameters))",
        "    if height(w, gradient + decay * w) <= 1e-16 * start:",
        "        break",
        "    carried = many(carried)",
        *failed(),
        *(['parameters["b"] -= centre @ parameters["w"]'] if training.centred else []),
    ])  # fmt: skip


DECAYED = convention(
    Network(
        "optax.add_decayed_weights", _LOSSES, {"mean": "rows", "sum": ""},
        l2="weight_decay", bias_decay="bias_weight_decay",
    ),
    objective="loss/D + weight_decay/2 sum w^2 + bias_weight_decay/2 a^2, D = rows for a mean, "
    "1 for a sum",
    formula="weight_decay = 2 sigma^2 / (n tau^2) for squared_error, sigma^2 / (n tau^2) for "
    "l2_loss, 1 / (n tau^2) for sigmoid_binary_cross_entropy",
    source="optax 0.2.8, optax/transforms and optax/losses",
    strengths={"weight_decay": 0.0},
    code=_code,
    solution='jax.device_get(parameters["w"])',
    notes=(
        "add_decayed_weights comes before the optimiser in chain(...): after it, or inside adamw, "
        "the decay is decoupled, and under Adam no penalty at all",
        "without mask= the decay is of the bias too, a Normal prior on the intercept; the program "
        "masks it",
        "optax.l2_loss is half the squared error: a loss, not a penalty",
    ),
    irrelevant=("learning_rate", "momentum", "nesterov"),
)  # fmt: skip

CONVENTIONS = {DECAYED.name: DECAYED}
