"""Vowpal Wabbit with --bfgs: formulas only.

Batch mode of vowpalwabbit 9.11.9 minimises (w coefficients, a the constant, s importance weights)

    sum s loss + l2 / 2 (sum w^2 + a^2),    loss = r^2 (squared, no 1/2) or logloss (logistic)

in single precision.  The constant is penalised like a coefficient unless --noconstant is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bayesreg._checks import shown
from bayesreg.conventions import _parameters
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import L2, Nats, uniform
from bayesreg.conventions._setting import Setting
from bayesreg.conventions._words import inverted, said_by
from bayesreg.errors import ConversionError, NoEquivalentError

_LOSSES = {"Gaussian": "squared", "Bernoulli": "logistic"}


def _loss_per_nat(setting: Setting) -> float:
    """Squared loss is r^2 = 2 sigma^2 nats."""
    return 2.0 * setting.dispersion if setting.likelihood == "Gaussian" else 1.0


def _encode(nats: Nats, setting: Setting) -> dict[str, Any]:
    """l2 = 2 sigma^2 / tau^2 (squared), 1 / tau^2 (logistic); the constant has the same."""
    found = {"loss_function": _LOSSES[setting.likelihood], "l2": nats.l2 * _loss_per_nat(setting)}
    if nats.intercept is None:
        return {**found, "noconstant": True}
    alike = (
        float(nats.intercept.l1[0]) == 0
        and abs(float(nats.intercept.l2[0]) - nats.l2) <= 1e-12 * nats.l2
    )
    if not alike:
        raise NoEquivalentError(
            f"{setting.target} penalises the constant exactly like a coefficient. Nearest: "
            "intercept=Normal(tau) with the tau of the coefficients; intercept=None and centred "
            "data; or sklearn.Ridge, whose intercept is free"
        )
    return found


def _decode(parameters: Mapping[str, Any], setting: Setting) -> Nats:
    """1 / tau^2 = l2 / (2 sigma^2) (squared), l2 (logistic), the constant's too."""
    target, expected = setting.target, _LOSSES[setting.likelihood]
    if parameters["loss_function"] != expected:
        raise ConversionError(
            f"{target}: loss_function of {setting.likelihood} data is {expected!r}; "
            f"got {shown(parameters['loss_function'])}"
        )
    l2 = _parameters.nonnegative(parameters["l2"], "l2", target) / _loss_per_nat(setting)
    absent = _parameters.switch(parameters["noconstant"], "noconstant", target)
    return Nats(setting.likelihood, uniform(0.0, l2), None if absent else uniform(0.0, l2))


def _code(arguments: Mapping[str, Any], setting: Setting) -> str:
    words = [f"--{k}" if v is True else f"--{k} {v!r}".replace("'", "")
             for k, v in arguments.items() if v is not False]  # fmt: skip
    target = "y" if setting.likelihood == "Gaussian" else "np.where(y > 0, 1.0, -1.0)"
    if setting.likelihood == "Gaussian":
        words.append("--min_prediction -1000000 --max_prediction 1000000")
    weights = "sample_weight" if setting.weighted else "np.ones(len(y))"
    constant = "0.0" if arguments.get("noconstant") else "workspace.get_weight(11650396)"
    return (
        "import tempfile\nfrom pathlib import Path\n\nimport numpy as np\n"
        "from vowpalwabbit import Workspace\n\n"
        'file = Path(tempfile.mkdtemp()) / "data.txt"\n'
        'with file.open("w") as lines:\n'
        f"    for target, weight, row in zip({target}.tolist(), {weights}.tolist(), X.tolist()):\n"
        '        columns = " ".join(f"{j}:{value!r}" for j, value in enumerate(row))\n'
        '        lines.write(f"{target!r} {weight!r} | {columns}\\n")\n'
        f'workspace = Workspace(f"--data {{file}} --cache_file {{file}}.cache -k --bfgs '
        f'{" ".join(words)}")\n'
        "coef = np.array([workspace.get_weight_from_name(str(j)) for j in range(X.shape[1])])\n"
        f"intercept = {constant}\n"
    )


def _build(arguments: Mapping[str, Any], setting: Setting) -> Any:
    raise NoEquivalentError(
        "Vowpal Wabbit is a program run on a file, so there is no unfitted object to build. "
        "Nearest: run .code"
    )


def _notes(parameters: Mapping[str, Any], setting: Setting) -> tuple[str, ...]:
    return (
        "the constant is penalised like a coefficient, unless --noconstant",
        "squared loss is r^2 without 1/2; logistic loss is in nats",
        "squared loss clamps predictions to the range of y while it learns: min_prediction and "
        "max_prediction must be wide",
        "everything is in single precision: about five digits",
        "this is --bfgs; online learning applies --l1 and --l2 at every example, and is another "
        "objective",
    )


BFGS = Convention(
    name="vowpalwabbit.bfgs",
    likelihoods=tuple(_LOSSES),
    penalties=(L2,),
    objective="sum s loss + l2/2 (sum w^2 + a^2), loss = r^2 or logloss, a the constant",
    formula="l2 = 2 sigma^2 / tau^2 (squared), 1 / tau^2 (logistic)",
    fixes="sigma / tau",
    intercept="none, or with the prior of a coefficient",
    source="vowpalwabbit 9.11.9, core/src/reductions/bfgs.cc",
    defaults={"loss_function": "squared", "l2": 0.0, "noconstant": False},
    encode=_encode,
    decode=_decode,
    code=_code,
    build=_build,
    notes=_notes,
    settings=lambda parameters: {"passes": 500, "termination": 0.0, "holdout_off": True,
                                 "quiet": True},
    irrelevant=("bfgs", "passes", "termination", "holdout_off", "quiet", "cache_file", "k", "mem",
                "min_prediction", "max_prediction", "hessian_on", "bit_precision"),
    penalises_intercept=True,
    usual=said_by("loss_function", inverted(_LOSSES), "vowpalwabbit.bfgs"),
    solution="coef",
)  # fmt: skip

CONVENTIONS = {BFGS.name: BFGS}
