"""scikit-learn's LogisticRegression: its two formulas, and which solver means which intercept.

    C sum s logloss + r ||w||_1 + (1 - r) / 2 ||w||^2,        r = l1_ratio

    C = 1 / (1/b + 1/tau^2),    r = C / b        (r = 1: C = b;  r = 0: C = tau^2)

Fitted to three classes or more it is the symmetric multinomial: K vectors of coefficients, each
under that prior (for K = 2 the library fits one vector, which is another prior: see Multinomial).

All solvers leave the intercept alone but liblinear, which penalises it like a coefficient of a
column equal to intercept_scaling: its prior is that of the coefficients, intercept_scaling times
as wide.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from bayesreg._checks import shown
from bayesreg._text import nearest
from bayesreg.conventions import _parameters
from bayesreg.conventions import _sklearn_common as common
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import ELASTIC_NET, FLAT, L1, L2, Nats, penalty_kind, uniform
from bayesreg.conventions._setting import Setting
from bayesreg.data import Data
from bayesreg.errors import ConversionError, NoEquivalentError
from bayesreg.penalty import Penalty

OBJECTIVE_LOGISTIC = "C sum s logloss + l1_ratio sum|w| + (1 - l1_ratio)/2 sum w^2"

# Best first: newton-cholesky ends at rounding, lbfgs at about 1e-6.
_SMOOTH = ("newton-cholesky", "lbfgs", "newton-cg", "sag", "saga")
_SOLVERS = {FLAT: _SMOOTH, L1: ("saga",), L2: _SMOOTH, ELASTIC_NET: ("saga",)}
_BY_LIBLINEAR = (L1, L2)


def encode_logistic(nats: Nats, setting: Setting) -> dict[str, Any]:
    """C, l1_ratio, and a solver that treats the intercept as the model does."""
    if nats.likelihood == "Multinomial":
        _require_three_classes(nats, setting)
    total = nats.l1 + nats.l2
    parameters: dict[str, Any] = {
        "C": 1.0 / total if total else math.inf,
        "l1_ratio": nats.l1 / total if total else 0.0,
        "solver": _solver(nats, setting.options.get("solver")),
    }
    if nats.intercept is None:
        parameters["fit_intercept"] = False
    elif nats.has_proper_intercept:
        parameters["intercept_scaling"] = _intercept_scaling(nats, nats.intercept)
    return parameters


def decode_logistic(parameters: Mapping[str, Any], setting: Setting) -> Nats:
    """1 / b = r / C, 1 / tau^2 = (1 - r) / C; liblinear's intercept scaled by the same."""
    common.refuse_class_weight(parameters, setting)
    C, ratio = _strength(parameters, setting.target)
    l1, l2 = ratio / C, (1.0 - ratio) / C
    shape = {"classes": setting.shape.get("classes")} if _is_multinomial(setting) else {}
    intercept = _intercept(parameters, l1, l2, setting)
    nats = Nats(setting.likelihood, uniform(l1, l2), intercept, shape)
    if shape and parameters["solver"] == "liblinear":
        raise NoEquivalentError(
            f"{setting.target}: liblinear takes two classes. Nearest: solver='lbfgs' or 'saga'"
        )
    _check_solver(nats, parameters, setting.target)
    return nats


def _is_multinomial(setting: Setting) -> bool:
    return setting.likelihood == "Multinomial"


def _require_three_classes(nats: Nats, setting: Setting) -> None:
    """With two the library fits one vector: w = w_1 - w_0."""
    stated = nats.shape.get("classes")
    if stated is None and setting.data is not None:
        stated = int(np.max(setting.data.y)) + 1
    if stated == 2:
        raise NoEquivalentError(
            f"{setting.target} fits one vector of coefficients to two classes, w = w_1 - w_0. "
            "Nearest: Bernoulli() with Normal(tau sqrt(2)) for Normal(tau), the same Laplace(b), "
            "or ElasticNet(b, tau sqrt(2))"
        )


def _usual(parameters: Mapping[str, Any], data: Data | None) -> str | None:
    """Multinomial when three classes or more were fitted, or are codes 0, 1, 2, ... in the data."""
    classes = parameters["classes_"]
    found = np.size(classes) if classes is not None else 0
    if classes is None and data is not None and np.all(data.y == np.floor(data.y)):
        found = np.unique(data.y).size
    return "Multinomial" if found > 2 else "Bernoulli"


def logistic_settings(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Tolerances at which each solver ends at the optimum."""
    if parameters["solver"] in ("liblinear", "sag", "saga"):
        return {"tol": 1e-10, "max_iter": 100_000, "random_state": 0}
    return {"tol": 1e-10, "max_iter": 10_000}


def logistic_notes(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """What to know about the intercept, the solver and the version."""
    notes = [_intercept_note(parameters)]
    if parameters["solver"] == "saga":
        notes.append(
            "saga converges slowly where the columns differ in scale; if it warns that it did not, "
            "its coefficients are not the optimum"
        )
        if _can_stop_at_zero(parameters):
            notes.append(
                "saga's stopping rule leaves the intercept out: where a sweep leaves all "
                "coefficients at 0 it stops without a warning, wherever the intercept is; the "
                "program then puts the intercept at its optimum, and an estimator from .build() "
                "has yet to be checked (bayesreg.certify)"
            )
    if parameters["solver"] == "liblinear" and parameters["l1_ratio"] == 0:
        notes.append(
            "liblinear's primal solver stops at a relative gradient of some 1e-8; dual=True goes "
            "further, and is slow where there are many more rows than columns"
        )
    if math.isinf(parameters["C"]):
        notes.append("C=inf is no penalty; with separable classes there is no optimum")
    notes.append(
        "penalty= is deprecated since scikit-learn 1.8 and goes in 1.10: l1_ratio says it all. "
        "Before 1.8 add penalty='l1', 'l2', 'elasticnet' or None"
    )
    notes.append("the default of the library is not unpenalised: C=1 is a Normal prior of sd 1")
    return tuple(notes)


def _intercept_note(parameters: Mapping[str, Any]) -> str:
    if not parameters.get("fit_intercept", True):
        return "no intercept"
    if parameters["solver"] == "liblinear":
        return (
            "liblinear penalises the intercept: intercept_scaling times the prior scale of the "
            "coefficients is that of the intercept"
        )
    return "the intercept is not penalised (by liblinear it would be)"


def _intercept_scaling(nats: Nats, intercept: Penalty) -> float:
    """tau_a / tau or b_a / b; the two priors must be of one kind, at 0."""
    if penalty_kind(intercept) != nats.kind or nats.kind not in _BY_LIBLINEAR:
        raise NoEquivalentError(
            "only liblinear penalises the intercept, and in the way of the coefficients: both "
            f"Normal or both Laplace. Here the coefficients are {nats.kind} and the intercept is "
            f"{penalty_kind(intercept)}. Nearest: an intercept prior of the same kind, or "
            "intercept=Flat()"
        )
    if nats.kind == L1:
        return nats.l1 / float(intercept.l1[0])
    return math.sqrt(nats.l2 / float(intercept.l2[0]))


def _allowed_solvers(nats: Nats) -> tuple[str, ...]:
    """The solvers that minimise exactly this objective, best first."""
    if nats.has_proper_intercept and nats.likelihood == "Multinomial":
        raise NoEquivalentError(
            "only liblinear penalises the intercept, and it takes two classes. Nearest: "
            "intercept=Flat()"
        )
    if nats.has_proper_intercept:
        return ("liblinear",)
    solvers = _SOLVERS[nats.kind]
    if nats.likelihood == "Multinomial":
        return solvers
    if nats.intercept is None and nats.kind == L1:
        return ("liblinear", *solvers)
    if nats.intercept is None and nats.kind == L2:
        return (*solvers, "liblinear")
    return solvers


def _solver(nats: Nats, wanted: Any) -> str:
    allowed = _allowed_solvers(nats)
    if wanted is None:
        return allowed[0]
    if wanted in allowed:
        return str(wanted)
    known = (*_SMOOTH, "liblinear")
    if wanted not in known:
        raise ConversionError(
            f"sklearn.LogisticRegression has no solver {wanted!r}.{nearest(str(wanted), known)}"
        )
    raise NoEquivalentError(_why_not(nats, wanted) + f" Nearest: solver={allowed[0]!r}")


def _why_not(nats: Nats, solver: str) -> str:
    if nats.likelihood == "Multinomial" and solver == "liblinear":
        return "the solver 'liblinear' takes two classes."
    if nats.has_proper_intercept:
        return (
            f"the solver {solver!r} leaves the intercept unpenalised, and the model gives it a "
            "prior; only liblinear penalises it."
        )
    if solver != "liblinear" or nats.kind not in _BY_LIBLINEAR:
        return f"the solver {solver!r} cannot do the penalty {nats.kind}."
    return (
        "liblinear penalises the intercept, and the model's is flat: no finite intercept_scaling "
        "makes them equal. Give the model intercept=Normal(scale=s * tau) (with a Laplace prior "
        "Laplace(scale=s * b)), which is liblinear with intercept_scaling=s."
    )


def _strength(parameters: Mapping[str, Any], target: str) -> tuple[float, float]:
    """C and l1_ratio, also from the former ``penalty=``."""
    C = _parameters.positive(parameters["C"], "C", target)
    given = parameters["l1_ratio"]
    ratio = 0.0 if given is None else _parameters.fraction(given, "l1_ratio", target)
    former = parameters["penalty"]
    if former == "deprecated":
        return C, ratio
    meanings = {None: (math.inf, 0.0), "l1": (C, 1.0), "l2": (C, 0.0), "elasticnet": (C, ratio)}
    if not isinstance(former, str | None) or former not in meanings:
        raise ConversionError(
            f"{target}: penalty must be 'l1', 'l2', 'elasticnet' or None; got {shown(former)}"
        )
    if former == "elasticnet" and given is None:
        raise ConversionError(f"{target}: penalty='elasticnet' needs l1_ratio, from 0 to 1")
    return meanings[former]


def _intercept(
    parameters: Mapping[str, Any], l1: float, l2: float, setting: Setting
) -> Penalty | None:
    if not _parameters.switch(parameters["fit_intercept"], "fit_intercept", setting.target):
        return None
    if parameters["solver"] != "liblinear":
        return uniform()
    width = parameters["intercept_scaling"]
    width = _parameters.positive(width, "intercept_scaling", setting.target)
    return uniform(l1 / width, l2 / width**2)


def _check_solver(nats: Nats, parameters: Mapping[str, Any], target: str) -> None:
    """What scikit-learn itself would refuse to fit."""
    solver = parameters["solver"]
    able = _SOLVERS[nats.kind] + (("liblinear",) if nats.kind in _BY_LIBLINEAR else ())
    if solver not in able:
        raise ConversionError(
            f"{target}: the solver {solver!r} cannot do the penalty {nats.kind} "
            f"(C={parameters['C']!r}, l1_ratio={parameters['l1_ratio']!r}), so this is no "
            f"estimator; solvers that can: {', '.join(able)}"
        )


def _notes(parameters: Mapping[str, Any], setting: Setting) -> tuple[str, ...]:
    several = (
        "each of the K classes has its own coefficients under this prior; those of a flat part, "
        "and the intercepts, are determined up to one constant for all classes",
        "two classes are not this model with K = 2: there w = w_1 - w_0 is one vector, and a "
        "Normal prior of sd tau on each is one of sd tau sqrt(2) on it",
    )
    general = (*logistic_notes(parameters), common.AS_IS, common.SUMMED)
    return (*several, *general) if _is_multinomial(setting) else general


def _can_stop_at_zero(parameters: Mapping[str, Any]) -> bool:
    """Whether saga may stop with an intercept that is not the optimum, and say nothing."""
    exact_zeros = parameters["solver"] == "saga" and parameters["l1_ratio"] > 0
    return exact_zeros and bool(parameters.get("fit_intercept", True))


def _code(arguments: Mapping[str, Any], setting: Setting) -> str:
    """The fit; where saga stopped at zero coefficients, the intercept by its closed form."""
    program = common.code("LogisticRegression", arguments, setting)
    if not _can_stop_at_zero(arguments):
        return program
    weights = "sample_weight" if setting.weighted else "np.ones(len(y))"
    return program + (
        "if not estimator.coef_.any():  # where saga stops whatever the intercept is\n"
        "    import numpy as np\n\n"
        f"    s = {weights}\n"
        "    share = np.array([np.average(y == k, weights=s) for k in estimator.classes_])\n"
        "    level = np.log(share)\n"
        "    two = level.size == 2\n"
        "    estimator.intercept_[:] = level[1] - level[0] if two else level - level.mean()\n"
        "    rest = [(y == k) - mean for k, mean in zip(estimator.classes_, share)]\n"
        f"    if max(abs(X.T @ (s * r)).max() for r in rest) > {_threshold(arguments)!r}:\n"
        '        raise RuntimeError("saga stopped at coefficients of 0, which are not the optimum. '
        'Fit again with another random_state, or use bayesreg.find_map")\n'
    )


def _threshold(arguments: Mapping[str, Any]) -> float:
    """What slopes at 0 stay below in the optimum, with room for rounding."""
    return float(arguments["l1_ratio"] / arguments["C"] * (1.0 + 1e-9))


LOGISTIC = Convention(
    name="sklearn.LogisticRegression",
    likelihoods=("Bernoulli", "Multinomial"),
    penalties=(L1, L2, ELASTIC_NET),
    objective=OBJECTIVE_LOGISTIC,
    formula="C = 1 / (1/b + 1/tau^2), l1_ratio = C / b (L1: C = b; L2: C = tau^2)",
    fixes="",
    intercept="flat or none; liblinear: like a coefficient",
    source=f"{common.VERSION}/_logistic.py",
    defaults={
        "penalty": "deprecated",
        "C": 1.0,
        "l1_ratio": 0.0,
        "fit_intercept": True,
        "intercept_scaling": 1.0,
        "class_weight": None,
        "solver": "lbfgs",
    },
    encode=encode_logistic,
    decode=decode_logistic,
    takes_sparse=True,
    code=_code,
    build=partial(common.build, "LogisticRegression"),
    solution="(estimator.coef_ if len(estimator.coef_) > 1 else estimator.coef_[0])",
    notes=_notes,
    settings=logistic_settings,
    irrelevant=("dual", "tol", "random_state", "max_iter", "verbose", "warm_start", "n_jobs"),
    options=("solver",),
    penalises_intercept=True,
    learned={"classes_": None},
    usual=_usual,
)

CONVENTIONS = (LOGISTIC,)
