"""What libraries have that no prior is the twin of, by name: the reason and what is nearest."""

from __future__ import annotations

from typing import Any

from bayesreg.conventions import (
    _decoupled,
    _sklearn_refused,
    _sklearn_wrappers,
    skglm,
    xgboost,
)
from bayesreg.errors import ConversionError, NoEquivalentError

_ZELLNER = (
    "Zellner's prior has the full covariance g sigma^2 (X'X)^-1, which no library's strengths can "
    "state. It is a prior that Model takes: zellner_prior(data, g)"
)

REFUSED = {
    "textbook.zellner_g": _ZELLNER,
    "zellner.g": _ZELLNER,
    **_decoupled.REFUSED,
    **skglm.REFUSED,
    **xgboost.REFUSED,
    **_sklearn_refused.REFUSED,
    **_sklearn_wrappers.REFUSED,
}


def refuse_by_name(name: str) -> None:
    """The reason, where the name is one of these.

    Raises
    ------
    NoEquivalentError
    """
    if name in REFUSED:
        raise NoEquivalentError(f"{name} has no equivalent here: {REFUSED[name]}")


def refuse_bayesian_models(given: Any) -> None:
    """What states a prior already, where software that states a penalty is expected.

    Raises
    ------
    ConversionError
        With the function that reads it.
    """
    homes = [base.__module__ for base in type(given).__mro__]
    for library, reader in (("bambi", "from_bambi"), ("pymc", "from_pymc")):
        if any(home.split(".")[0] == library for home in homes):
            raise ConversionError(
                f"a {library} {type(given).__name__} states its priors itself and is read by "
                f"bayesreg.{reader}: model, data = bayesreg.{reader}(...); then "
                "bayesreg.to_penalty(model, 'sklearn.Lasso', data) is its penalised twin"
            )
    if any(home.startswith("bayesreg.") for home in homes) and hasattr(given, "model"):
        raise ConversionError(
            f"a {type(given).__name__} has its model in .model; pass that: "
            "bayesreg.to_penalty(found.model, 'sklearn.Lasso', found.data)"
        )
    if any(home == "bayesreg.model" for home in homes):
        raise ConversionError(
            "a bayesreg.Model states its prior already; bayesreg.to_penalty(model, "
            "'sklearn.Lasso', data) is its penalised twin"
        )
