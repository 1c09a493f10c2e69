"""One linear layer, trained on the full batch: what the deep-learning libraries minimise.

    loss / D + A1 l1 sum |w_j| + A2 l2 sum w_j^2 (+ A2 l2_bias a^2)

with loss = c nll summed over the rows: c = 2 sigma^2 for the squared error (RSS), sigma^2 for half
of it, 1 for a cross-entropy or Poisson loss.  D is what the reduction divides by: the number of
rows for a mean, also where rows have weights.  Matching with nats,

    l1 = c / (A1 D b),    l2 = c / (2 A2 D tau^2).

A2 = 1/2 for a weight_decay that is added to the gradient (w - lr (g + weight_decay w)).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bayesreg.conventions import _parameters
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import ELASTIC_NET, L1, L2, Nats, free_intercept, uniform
from bayesreg.conventions._setting import Setting
from bayesreg.conventions._words import said_by
from bayesreg.errors import ConversionError, NoEquivalentError
from bayesreg.penalty import Penalty

Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Loss:
    """A library's loss of one row.

    Attributes
    ----------
    likelihood : str
    dispersions : float
        c in units of the dispersion of the likelihood: 2 for (y - eta)^2, 1 for half of it.
    curvature : str
        Bound on the second derivative of the loss, as program text: the step length.
    """

    likelihood: str
    dispersions: float
    curvature: str


@dataclass(frozen=True)
class Network:
    """A linear layer with a penalty, in one library's terms.

    Attributes
    ----------
    losses : mapping of str to Loss
        By the library's names; the first of a likelihood is the usual one.
    reductions : mapping of str to str
        The library's names, and the quantity that each divides by; empty for a sum.
    l1, l2 : str
        The parameters of the two penalties; empty where there is none.
    square : callable
        A2, from the parameters.
    bias : str
        The switch of the intercept.
    bias_decay : str
        The parameter that decays the bias; empty where the bias is free.
    extras : mapping
        Further parameters that ``square`` reads, with their defaults.
    off : mapping of str to str
        Switches that make another model when they are on, and why.
    """

    name: str
    losses: Mapping[str, Loss]
    reductions: Mapping[str, str]
    l1: str = ""
    l2: str = ""
    square: Callable[[Parameters], float] = lambda parameters: 0.5
    bias: str = "bias"
    bias_decay: str = ""
    extras: Mapping[str, Any] = field(default_factory=dict)
    off: Mapping[str, str] = field(default_factory=dict)

    @property
    def penalties(self) -> tuple[str, ...]:
        kinds = tuple(kind for kind, name in ((L1, self.l1), (L2, self.l2)) if name)
        return (*kinds, ELASTIC_NET) if len(kinds) == 2 else kinds

    @property
    def says(self) -> dict[str, str]:
        """The likelihood of each loss."""
        return {name: loss.likelihood for name, loss in self.losses.items()}

    @property
    def likelihoods(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(loss.likelihood for loss in self.losses.values()))


def _loss(network: Network, wanted: Any, setting: Setting) -> str:
    """The name of the loss: what is wanted, else the usual one."""
    possible = [
        name for name, loss in network.losses.items() if loss.likelihood == setting.likelihood
    ]
    if wanted is None:
        return possible[0]
    if wanted not in possible:
        raise ConversionError(
            f"{network.name}: loss for {setting.likelihood} data is "
            f"{' or '.join(map(repr, possible))}; got {wanted!r}"
        )
    return str(wanted)


def _reduction(network: Network, wanted: Any) -> str:
    return _parameters.word(wanted, "reduction", network.name, network.reductions)


def _per_nat(network: Network, loss: str, reduction: str, setting: Setting) -> float:
    """c / D."""
    divisor = network.reductions[reduction]
    return (
        network.losses[loss].dispersions
        * setting.dispersion
        / (setting.number(divisor) if divisor else 1.0)
    )


def _encode(network: Network, nats: Nats, setting: Setting) -> dict[str, Any]:
    """l1 = c / (A1 D b),  l2 = c / (2 A2 D tau^2)."""
    options = setting.options
    usual = next(iter(network.reductions))
    loss = _loss(network, options.get("loss"), setting)
    reduction = _reduction(network, options.get("reduction", usual))
    extras = {name: options[name] for name in network.extras if name in options}
    per_nat = _per_nat(network, loss, reduction, setting)
    square = network.square({**network.extras, **extras})
    parameters: dict[str, Any] = {}
    if network.l1:
        parameters[network.l1] = per_nat * nats.l1
    if network.l2:
        parameters[network.l2] = per_nat * nats.l2 / (2 * square)
    if network.bias_decay and nats.intercept is not None:
        parameters[network.bias_decay] = per_nat * _bias_precision(network, nats) / (2 * square)
    parameters |= {"loss": loss, **extras}
    if reduction != usual:
        parameters["reduction"] = reduction
    if nats.intercept is None:
        parameters[network.bias] = False
    return parameters


def _bias_precision(network: Network, nats: Nats) -> float:
    """1 / tau^2 of the intercept, which must be Normal around 0 or flat."""
    assert nats.intercept is not None
    penalty = nats.intercept
    if penalty.l1[0] > 0:
        raise NoEquivalentError(
            f"{network.name} can decay the bias towards 0 by a squared penalty of its own, and "
            "the intercept has another prior. Nearest: intercept=Flat() or Normal(tau), or "
            "find_map, which takes the model as it is"
        )
    return float(penalty.l2[0])


def _decode(network: Network, parameters: Parameters, setting: Setting) -> Nats:
    """1 / b = A1 l1 D / c,  1 / tau^2 = 2 A2 l2 D / c."""
    target = setting.target
    for name, reason in network.off.items():
        _parameters.refuse_switch(parameters[name], name, target, reason)
    loss = _loss(network, parameters["loss"], setting)
    per_nat = _per_nat(network, loss, _reduction(network, parameters["reduction"]), setting)
    rates = {
        name: _parameters.nonnegative(parameters[name], name, target)
        for name in (network.l1, network.l2)
        if name
    }
    double = 2 * network.square(parameters)
    l1, l2 = rates.get(network.l1, 0.0) / per_nat, double * rates.get(network.l2, 0.0) / per_nat
    present = _parameters.switch(parameters[network.bias], network.bias, target)
    intercept: Penalty | None = free_intercept(present)
    if present and network.bias_decay:
        decay = parameters[network.bias_decay]
        decay = rates[network.l2] if decay is None else decay
        decay = _parameters.nonnegative(decay, network.bias_decay, target)
        intercept = uniform(0.0, double * decay / per_nat)
    return Nats(setting.likelihood, uniform(l1, l2), intercept)


#: Every note but the library's own.
_NOTES = (
    "X and y are not standardised, and the penalty is on w as it is",
    "full batch: the penalty is added once per step, whatever the batch, so that mini-batches of "
    "a mean loss have the same expected gradient; their noise leaves the end point around the "
    "mode, nearer as the learning rate falls",
    "the learning rate, momentum and number of steps move how near training comes to the optimum, "
    "not the optimum",
    "with sample weights the mean is over rows: the loss is divided by their number, not by the "
    "sum of the weights",
)


def _notes(
    network: Network, own: tuple[str, ...], parameters: Parameters, setting: Setting
) -> tuple[str, ...]:
    notes = list(own)
    if setting.likelihood == "Gaussian":
        halves = {True: "half the squared error", False: "the squared error without 1/2"}
        loss = network.losses[_loss(network, parameters.get("loss"), setting)]
        notes.append(
            f"the loss is {halves[loss.dispersions == 1]}: with the other the same strength is "
            "another prior"
        )
    if parameters.get("reduction") == "sum":
        notes.append(
            "of a summed loss a mini-batch sees only its share, and the whole penalty: on batches "
            "of B rows out of n the strength is n / B times what it is here"
        )
    return (*notes, *_NOTES)


def refuse_build(parameters: Parameters, setting: Setting) -> Any:
    """A layer and an optimiser are not an estimator."""
    raise NoEquivalentError(
        f"{setting.target} is a layer and an optimiser, not an estimator, so there is no unfitted "
        "object to build. Nearest: run .code"
    )


def convention(
    network: Network,
    *,
    objective: str,
    formula: str,
    source: str,
    strengths: Mapping[str, Any],
    code: Callable[[Parameters, Setting], str],
    solution: str,
    notes: tuple[str, ...],
    fixes: str = "sigma / tau",
    build: Callable[[Parameters, Setting], Any] = refuse_build,
    irrelevant: tuple[str, ...] = (),
) -> Convention:
    """The convention of this layer; ``strengths`` are its penalty parameters and their defaults."""
    several = len(network.reductions) > 1
    return Convention(
        name=network.name,
        likelihoods=network.likelihoods,
        penalties=network.penalties,
        objective=objective,
        formula=formula,
        fixes=fixes,
        intercept="Normal, flat or none" if network.bias_decay else "flat or none",
        source=source,
        defaults={
            **strengths,
            **({network.bias_decay: None} if network.bias_decay else {}),
            "loss": None,
            "reduction": next(iter(network.reductions)),
            **network.extras,
            network.bias: True,
            **dict.fromkeys(network.off, False),
        },
        encode=partial(_encode, network),
        decode=partial(_decode, network),
        code=code,
        build=build,
        notes=partial(_notes, network, notes),
        irrelevant=irrelevant,
        options=("loss", *(("reduction",) if several else ()), *network.extras),
        penalises_intercept=bool(network.bias_decay),
        usual=said_by("loss", network.says, network.name),
        solution=solution,
    )


def text(lines: Sequence[str | None]) -> str:
    """Program text; empty entries are dropped, None is an empty line."""
    return "".join(f"{line or ''}\n" for line in lines if line != "")
