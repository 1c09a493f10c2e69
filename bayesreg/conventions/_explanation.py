"""explain: the derivation of a conversion, line by line, with the caller's own numbers."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from bayesreg._tables import number
from bayesreg.conventions._convention import Convention, Penalised
from bayesreg.conventions._nats import FLAT, Nats, is_nonnegative
from bayesreg.conventions._setting import NOISE, Setting
from bayesreg.errors import BayesregError
from bayesreg.model import Model
from bayesreg.priors import GroupLaplace, Prior

_NLL = {
    "Gaussian": "L = RSS / (2 sigma^2)",
    "Bernoulli": "L = sum s [log(1 + e^eta) - y eta]",
    "Poisson": "L = sum s [e^eta - y eta]",
    "Gamma": "L = sum s [eta + y e^-eta] / phi",
    "AsymmetricLaplace": "L = sum s rho_q(y - eta) / s_ald",
    "Multinomial": "L = sum s [log sum_k e^eta_k - eta_y]",
}


def explanation(
    origin: Convention,
    parameters: Mapping[str, Any],
    nats: Nats,
    model: Model | Prior,
    setting: Setting,
    on_a_fold: Nats | None,
    folds: str,
    elsewhere: Iterable[Penalised],
) -> str:
    """The page; ``on_a_fold`` are the nats of the same parameters on the rows of one fit.

    ``folds`` says which rows those are.
    """
    inside = ", ".join(f"{name}={_plain(value)!r}" for name, value in parameters.items())
    parts = [
        _section("What is minimised", [
            f"{origin.name}({inside}):",
            f"    {origin.objective}",
            f"as in {origin.source}.",
        ]),
        _section("In nats", _in_nats(origin, nats, setting)),
        _section("The prior", _prior(nats, model)),
        _section("What it depends on", _dependence(origin, nats, on_a_fold, folds, setting)),
        _section("What to know", [f"- {note}" for note in origin.notes(parameters, setting)]),
        _section("The same optimum elsewhere", _elsewhere(elsewhere)),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part)


def _plain(value: Any) -> Any:
    """A number of NumPy's as Python prints it."""
    return value.item() if isinstance(value, np.generic) else value


def _section(title: str, lines: list[str]) -> str:
    wrapped = [part for line in lines for part in _wrapped(line)]
    return "\n".join([title, "-" * len(title), *wrapped]) if lines else ""


def _wrapped(line: str) -> list[str]:
    """Prose at 92 characters; what is indented is a formula or a program and stays whole."""
    if line.startswith("    "):
        return [line]
    return textwrap.wrap(
        line, 92, subsequent_indent="  " if line.startswith("- ") else "", break_on_hyphens=False
    )


def _in_nats(origin: Convention, nats: Nats, setting: Setting) -> list[str]:
    lines = [
        "Divide by what one nat of the negative log likelihood is in this objective, so that the "
        f"data term becomes {_NLL.get(nats.likelihood, 'L')}:",
        "    L + sum_j [ l1 |w_j| + l2 w_j^2 / 2 ]",
        f"and compare: {origin.formula}.",
    ]
    used = {name: setting.known[name] for name in ("total_weight", "rows") if name in setting.known}
    names = {"total_weight": "N", "rows": "rows"}
    noise = NOISE.get(setting.likelihood, "")
    if noise in setting.known:
        lines.append(f"    {noise} = {setting.known[noise]!s}")
    lines += [f"    {names[name]} = {number(float(value), 8)}" for name, value in used.items()]
    lines += [f"    l1 = {_values(nats.penalty.l1)}", f"    l2 = {_values(nats.penalty.l2)}"]
    return lines


def _prior(nats: Nats, model: Model | Prior) -> list[str]:
    lines = []
    if nats.kind == FLAT:
        lines.append("No penalty is a flat prior: the mode is the maximum-likelihood estimate.")
    if isinstance(model, GroupLaplace):
        lines.append(
            "exp(-l1 ||w_j||_2) is a group Laplace density of the coefficients of one column, "
            f"with scale b = 1 / l1 = {_values(1.0 / nats.penalty.l1)}."
        )
    elif np.any(nats.penalty.l1 > 0):
        b = 1.0 / nats.penalty.l1[nats.penalty.l1 > 0]
        lines.append(
            f"exp(-l1 |w|) is a Laplace density with scale b = 1 / l1 = {_values(b)} "
            f"(sd sqrt(2) b = {_values(math.sqrt(2) * b)})."
        )
    if np.any(nats.penalty.l2 > 0):
        tau = 1.0 / np.sqrt(nats.penalty.l2[nats.penalty.l2 > 0])
        lines.append(
            f"exp(-l2 w^2 / 2) is a Normal density with sd tau = 1 / sqrt(l2) = {_values(tau)}."
        )
    if is_nonnegative(nats.penalty):
        lines.append("positive=True holds w at or above 0: of that density the part on w >= 0.")
    if nats.intercept is None:
        lines.append("There is no intercept.")
    elif isinstance(model, Model) and nats.has_proper_intercept:
        lines.append(f"The intercept is penalised: {model.intercept!r}.")
    else:
        lines.append("The intercept is not penalised: a flat prior.")
    if not isinstance(model, Model):
        lines.append("bayesreg has no likelihood for this loss, so this is the prior alone:")
    elif model.standardize:
        lines.append("It is a prior on the standardised columns (population sd).")
    return [*lines, f"    {model!r}"]


def _dependence(
    origin: Convention, nats: Nats, on_a_fold: Nats | None, folds: str, setting: Setting
) -> list[str]:
    lines = []
    if origin.fixes:
        lines.append(
            f"The parameters alone fix {origin.fixes} only; the prior follows once "
            f"{NOISE.get(setting.likelihood, 'the noise')} is known."
        )
    if on_a_fold is None:
        return lines
    if np.array_equal(on_a_fold.penalty.l1, nats.penalty.l1) and np.array_equal(
        on_a_fold.penalty.l2, nats.penalty.l2
    ):
        lines.append("The prior does not depend on the number of rows: folds and refit share it.")
    else:
        before, after = _scale(on_a_fold), _scale(nats)
        lines.append(
            "Fixed parameters are not a fixed prior: the penalty grows with the rows. "
            f"{folds}, where the same parameters mean {before}; the refit on all rows means "
            f"{after}. The parameter that did best on the folds is not the one for that prior on "
            "all rows."
        )
    return lines


def _scale(nats: Nats) -> str:
    parts = []
    if np.any(nats.penalty.l1 > 0):
        parts.append(f"b = {_values(1.0 / nats.penalty.l1[nats.penalty.l1 > 0])}")
    if np.any(nats.penalty.l2 > 0):
        parts.append(f"tau = {_values(1.0 / np.sqrt(nats.penalty.l2[nats.penalty.l2 > 0]))}")
    return " and ".join(parts)


def _elsewhere(found: Iterable[Penalised]) -> list[str]:
    """A line each; under a heading of their own those that want other columns."""
    twins = list(found)
    rescaled = [twin for twin in twins if twin.column_factors is not None]
    lines = [_call(twin) for twin in twins if twin.column_factors is None]
    if rescaled:
        # The factors follow from the penalty alone: they are the same for every library.
        factors = rescaled[0].column_factors
        assert factors is not None
        lines += [
            "These have one strength for all coefficients. Fit them on X * column_factors, and "
            "multiply the coefficients that come out by the same:",
            f"    column_factors = {factors.tolist()!r}",
            *(_call(twin) for twin in rescaled),
        ]
    return lines


def _call(twin: Penalised) -> str:
    inside = ", ".join(f"{name}={value!r}" for name, value in twin.parameters.items())
    return f"    {twin.target}({inside})"


def _values(values: np.ndarray) -> str:
    """One number, or the range of several."""
    low, high = float(np.min(values)), float(np.max(values))
    return number(low, 6) if low == high else f"{number(low, 6)} .. {number(high, 6)}"


def twins(make: Any, conventions: Iterable[Convention]) -> Iterable[Penalised]:
    """The twin in every other convention that can say the same with what is known."""
    for convention in conventions:
        try:
            yield make(convention)
        except BayesregError:
            continue
