"""glum: formulas only.

GeneralizedLinearRegressor of glum 3.4.1 minimises (w coefficients, s weights, N = sum(s),
r = l1_ratio)

    sum s deviance / (2N) + alpha r sum P1_j |w_j| + alpha (1 - r) / 2 sum P2_j w_j^2

and half a deviance is phi times the negative log likelihood (phi = sigma^2 for normal, 1 for
binomial and poisson).  Under ``scale_predictors=True`` the penalty is on w_j sd_j, population sd.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesreg._checks import shown
from bayesreg._types import FloatArray
from bayesreg.conventions import _forms, _parameters
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import ELASTIC_NET, L1, L2, Nats
from bayesreg.conventions._programs import program
from bayesreg.conventions._setting import Setting
from bayesreg.conventions._words import inverted
from bayesreg.data import Data
from bayesreg.errors import ConversionError, NoEquivalentError

_FAMILIES = {"Gaussian": "normal", "Bernoulli": "binomial", "Poisson": "poisson", "Gamma": "gamma"}
_LINKS = {"Gaussian": "identity", "Bernoulli": "logit", "Poisson": "log", "Gamma": "log"}

#: Arguments that make another model of it, and what is meant when they are left alone.
_ANOTHER_MODEL: dict[str, Any] = {
    "lower_bounds": None, "upper_bounds": None, "A_ineq": None, "b_ineq": None,
    "monotonic_constraints": None, "alpha_search": False, "formula": None,
}  # fmt: skip


def _encode(nats: Nats, setting: Setting) -> dict[str, Any]:
    """alpha r P1_j = phi l1_j / (N sd_j),  alpha (1 - r) P2_j = phi l2_j / (N sd_j^2)."""
    scaled = _parameters.switch(
        setting.options.get("scale_predictors", False), "scale_predictors", setting.target
    )
    _refuse_scaled_without_intercept(scaled, nats.intercept is not None, setting.target)
    sd = setting.per_column("sd_x") if scaled else np.ones(1)
    l1, l2 = _forms.mean_rates(nats, setting)
    l1, l2 = l1 / sd, l2 / sd**2
    mean_l1, mean_l2 = float(np.mean(l1)), float(np.mean(l2))
    alpha = mean_l1 + mean_l2
    found: dict[str, Any] = {
        "family": _FAMILIES[setting.likelihood],
        "alpha": alpha,
        "l1_ratio": mean_l1 / alpha if alpha else 0.0,
    }
    if not _forms.nearly_equal(l1):
        found["P1"] = (l1 / mean_l1).tolist()
    if not _forms.nearly_equal(l2):
        found["P2"] = (l2 / mean_l2).tolist()
    if scaled:
        found["scale_predictors"] = True
    return {**found, **_forms.without_intercept(nats)}


def _decode(parameters: Mapping[str, Any], setting: Setting) -> Nats:
    """l1_j = N alpha r P1_j sd_j / phi,  l2_j = N alpha (1 - r) P2_j sd_j^2 / phi."""
    target = setting.target
    _require_family(parameters, setting)
    for name, idle in _ANOTHER_MODEL.items():
        if parameters[name] is not idle:
            raise NoEquivalentError(
                f"{target} with {name} is another model. Nearest: find_map with Truncated for "
                "bounds on a coefficient; one alpha for a search"
            )
    given = parameters["alpha"]
    alpha = 0.0 if given is None else _parameters.nonnegative(given, "alpha", target)
    ratio = _parameters.fraction(parameters["l1_ratio"], "l1_ratio", target)
    l1 = alpha * ratio * _factors(parameters["P1"], "P1", setting)
    l2 = alpha * (1.0 - ratio) * _factors(_diagonal(parameters["P2"], target), "P2", setting)
    present = _forms.fits_intercept(parameters, setting)
    if _parameters.switch(parameters["scale_predictors"], "scale_predictors", target):
        _refuse_scaled_without_intercept(True, present, target)
        sd = setting.per_column("sd_x")
        l1, l2 = l1 * sd, l2 * sd**2
    return _forms.from_mean_rates(l1, l2, present, setting)


def _refuse_scaled_without_intercept(scaled: bool, intercept: bool, target: str) -> None:
    if scaled and not intercept:
        raise NoEquivalentError(
            f"{target} refuses scale_predictors=True without an intercept. Nearest: "
            "scale_predictors=False with P1 and P2 (the default of to_penalty)"
        )


def _require_family(parameters: Mapping[str, Any], setting: Setting) -> None:
    """The family, as a word or as glum's object, must be that of the likelihood."""
    expected = _FAMILIES[setting.likelihood]
    for name, words in (("family", (expected,)), ("link", ("auto", _LINKS[setting.likelihood]))):
        given = parameters[name]
        if _word(given) not in words:
            raise ConversionError(
                f"{setting.target}: {name} of {setting.likelihood} data is "
                f"{' or '.join(map(repr, words))}; got {shown(given)}"
            )


def _word(given: Any) -> str:
    """The word of glum's object: Poisson of PoissonDistribution()."""
    word = given if isinstance(given, str) else type(given).__name__
    return word.removesuffix("Distribution").removesuffix("Link").lower()


def _usual(parameters: Mapping[str, Any], data: Data | None) -> str | None:
    known = inverted(_FAMILIES)
    given = parameters["family"]
    word = _word(given) if _word(given) in known else given
    return known[_parameters.word(word, "family", "glum.GeneralizedLinearRegressor", known)]


def _factors(given: Any, name: str, setting: Setting) -> FloatArray:
    if given is None or (isinstance(given, str) and given == "identity"):
        return np.ones(1)
    return _forms.factors(given, name, setting)


def _diagonal(given: Any, target: str) -> Any:
    """P2 as factors; a matrix must be diagonal."""
    dense = given.toarray() if hasattr(given, "toarray") else given
    if np.ndim(dense) != 2:
        return dense
    matrix = np.asarray(dense, dtype=np.float64)
    if np.any(matrix != np.diag(np.diag(matrix))):
        raise NoEquivalentError(
            f"{target}: P2 is a matrix, a penalty that several coefficients share. Nearest: "
            "find_map with MultivariateNormal, whose precision is N alpha (1 - l1_ratio) P2 / phi"
        )
    return np.diag(matrix)


def _notes(parameters: Mapping[str, Any], setting: Setting) -> tuple[str, ...]:
    return (
        "the intercept is not penalised",
        "sample weights are normalised to sum to 1: N in the formula is their sum",
        "alpha=None, the default, is no penalty; l1_ratio=0, the default, is ridge",
        "the default family is 'normal'",
        "P1 and P2 are factors per coefficient, and are not rescaled",
        "scale_predictors=True puts the penalty on w_j sd_j (population sd)",
        "a fixed alpha is not a fixed prior: the scale it means shrinks as N grows",
    )


def _settings(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {"gradient_tol": 1e-11, "max_iter": 10_000}


_CODE, _BUILD = program("glum", "GeneralizedLinearRegressor")
GLUM = Convention(
    name="glum.GeneralizedLinearRegressor",
    likelihoods=tuple(_FAMILIES),
    penalties=(L1, L2, ELASTIC_NET),
    objective="sum s deviance/(2 N) + alpha [l1_ratio sum P1_j |w_j| "
    "+ (1 - l1_ratio)/2 sum P2_j w_j^2]",
    formula="alpha l1_ratio P1_j = phi / (N b_j), "
    "alpha (1 - l1_ratio) P2_j = phi / (N tau_j^2), phi = sigma^2 for normal",
    fixes="phi / b and phi / tau^2",
    intercept="flat or none",
    source="glum 3.4.1, _glm.py",
    defaults={"family": "normal", "link": "auto", "alpha": None, "l1_ratio": 0.0,
              "P1": "identity", "P2": "identity", "fit_intercept": True,
              "scale_predictors": False, **_ANOTHER_MODEL},
    encode=_encode,
    decode=_decode,
    code=_CODE,
    takes_sparse=True,
    build=_BUILD,
    notes=_notes,
    settings=_settings,
    usual=_usual,
    irrelevant=(
        "solver", "max_iter", "max_inner_iter", "gradient_tol", "step_size_tol", "hessian_approx",
        "warm_start", "alphas", "n_alphas", "min_alpha_ratio", "min_alpha", "start_params",
        "selection", "random_state", "copy_X", "check_input", "verbose", "force_all_finite",
        "drop_first", "robust", "expected_information", "interaction_separator",
        "categorical_format", "cat_missing_method", "cat_missing_name",
    ),
    options=("scale_predictors",),
    per_coefficient=True,
    solution="estimator.coef_",
)  # fmt: skip

CONVENTIONS = {GLUM.name: GLUM}
