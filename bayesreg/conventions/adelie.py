"""adelie: formulas only.

grpnet of adelie 1.1.52 with one group for each column minimises (w coefficients, s weights,
N = sum(s), f = penalty, a = alpha)

    L_lib / N + lambda sum f_j [a |w_j| + (1 - a) / 2 w_j^2]

with L_lib = sum s r^2 / 2 (gaussian) or the negative log likelihood (binomial, poisson).  Unlike
glmnet it standardises neither y nor X, and does not rescale ``penalty``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesreg._checks import shown
from bayesreg.conventions import _forms, _parameters
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import ELASTIC_NET, L1, L2, Nats
from bayesreg.conventions._programs import literal
from bayesreg.conventions._setting import Setting
from bayesreg.conventions._words import inverted, said_by
from bayesreg.errors import ConversionError, NoEquivalentError

_FAMILIES = {"Gaussian": "gaussian", "Bernoulli": "binomial", "Poisson": "poisson"}


def _encode(nats: Nats, setting: Setting) -> dict[str, Any]:
    """lambda f_j a = c l1_j / N,  lambda f_j (1 - a) = c l2_j / N."""
    l1, l2 = _forms.mean_rates(nats, setting)
    strength, alpha, penalty = _forms.strength_share_factors(l1, l2, setting.target)
    found: dict[str, Any] = {"glm": _FAMILIES[setting.likelihood], "lmda_path": [strength],
                             "alpha": alpha}  # fmt: skip
    if penalty is not None:
        found["penalty"] = penalty
    return {**found, **({"intercept": False} if nats.intercept is None else {})}


def _decode(parameters: Mapping[str, Any], setting: Setting) -> Nats:
    """l1_j = N lambda f_j a / c,  l2_j = N lambda f_j (1 - a) / c."""
    target = setting.target
    if parameters["glm"] != _FAMILIES[setting.likelihood]:
        raise ConversionError(
            f"{target}: glm of {setting.likelihood} data is {_FAMILIES[setting.likelihood]!r}; "
            f"got {shown(parameters['glm'])}"
        )
    for name in ("groups", "constraints", "offsets"):
        if parameters[name] is not None:
            raise NoEquivalentError(
                f"{target} with {name} has no equivalent in conventions, which have a penalty per "
                "coefficient. Nearest: find_map (GroupLaplace for groups, Truncated for bounds, "
                "Data(offset=) for offsets)"
            )
    strength = _parameters.nonnegative(_single(parameters["lmda_path"], target), "lmda", target)
    alpha = _parameters.fraction(parameters["alpha"], "alpha", target)
    factors = strength * _forms.factors(parameters["penalty"], "penalty", setting)
    present = _parameters.switch(parameters["intercept"], "intercept", target)
    return _forms.from_mean_rates(alpha * factors, (1.0 - alpha) * factors, present, setting)


def _single(path: Any, target: str) -> Any:
    """The lambda that is meant: a path must have one."""
    if np.ndim(path) == 0:
        return path
    values = list(path)
    if len(values) != 1:
        raise ConversionError(
            f"{target}: lmda_path has {len(values)} entries, each another prior; pass the one that "
            "is meant, as lmda_path=[...]"
        )
    return values[0]


def _code(arguments: Mapping[str, Any], setting: Setting) -> str:
    weights = ", weights=sample_weight / np.sum(sample_weight)" if setting.weighted else ""
    inside = ", ".join(f"{k}={literal(v)}" for k, v in arguments.items() if k != "glm")
    return (
        "import adelie as ad\nimport numpy as np\n\n"
        f"glm = ad.glm.{arguments['glm']}(np.asarray(y, dtype=float){weights})\n"
        f"state = ad.grpnet(np.asfortranarray(X), glm, {inside})\n"
        "coef, intercept = state.betas.toarray()[-1], state.intercepts[-1]\n"
    )


def _build(arguments: Mapping[str, Any], setting: Setting) -> Any:
    raise NoEquivalentError(
        "adelie.grpnet is a function of X and y, so there is no unfitted object to build. "
        "Nearest: run .code"
    )


def _notes(parameters: Mapping[str, Any], setting: Setting) -> tuple[str, ...]:
    return (
        "the intercept is not penalised",
        "neither X nor y is standardised by grpnet, unlike R's glmnet",
        "penalty is not rescaled; its default is the root of the size of each group, 1 here",
        "weights are normalised to sum to 1: N in the formula is their sum",
        "early_exit and the default lmda_path of 100 values stop on the way: here the path is the "
        "one lambda",
        "a fixed lambda is not a fixed prior: the scale it means shrinks as N grows",
    )


GRPNET = Convention(
    name="adelie.grpnet",
    likelihoods=tuple(_FAMILIES),
    penalties=(L1, L2, ELASTIC_NET),
    objective="L_lib/N + lambda sum f_j [alpha |w_j| + (1 - alpha)/2 w_j^2], L_lib = RSS/2 or L, "
    "f = penalty",
    formula="lambda alpha f_j = sigma^2 / (N b_j), lambda (1 - alpha) f_j = sigma^2 / (N tau_j^2) "
    "(sigma = 1 for binomial and poisson)",
    fixes="sigma^2 / b and sigma / tau",
    intercept="flat or none",
    source="adelie 1.1.52, solver.py",
    defaults={"glm": ..., "lmda_path": ..., "alpha": 1.0, "penalty": None, "intercept": True,
              "groups": None, "constraints": None, "offsets": None},
    encode=_encode,
    decode=_decode,
    code=_code,
    build=_build,
    notes=_notes,
    settings=lambda parameters: {"early_exit": False, "progress_bar": False, "tol": 1e-16,
                                 "irls_tol": 1e-14, "max_iters": 10_000_000},
    irrelevant=(
        "irls_max_iters", "irls_tol", "max_iters", "tol", "adev_tol", "ddev_tol", "newton_tol",
        "newton_max_iters", "n_threads", "early_exit", "screen_rule", "min_ratio",
        "lmda_path_size", "max_screen_size", "max_active_size", "pivot_subset_ratio",
        "pivot_subset_min", "pivot_slack_ratio", "check_state", "progress_bar", "warm_start",
        "exit_cond",
    ),
    per_coefficient=True,
    usual=said_by("glm", inverted(_FAMILIES), "adelie.grpnet"),
    solution="coef",
)  # fmt: skip

CONVENTIONS = {GRPNET.name: GRPNET}
