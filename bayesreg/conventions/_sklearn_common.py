"""What scikit-learn's conventions share: notes, program text, and the three penalty formulas.

With c what the objective makes of one nat (sigma^2 of RSS/2, phi of half a deviance, s of the
pinball loss, 1 of a log loss) and N what the data term is divided by:

    alpha ||w||_1                                         alpha = c / (N b)
    alpha / 2 ||w||^2                                     alpha = c / (N tau^2)
    alpha [r ||w||_1 + (1 - r) / 2 ||w||^2]               alpha = c / N (1/b + 1/tau^2)
                                                          r = (1/b) / (1/b + 1/tau^2)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bayesreg.conventions import _parameters
from bayesreg.conventions._nats import Nats, free_intercept, uniform
from bayesreg.conventions._programs import library
from bayesreg.conventions._setting import Setting
from bayesreg.errors import ConversionError, NoEquivalentError

Parameters = Mapping[str, Any]
Decode = Callable[[Parameters, Setting], Nats]
Encode = Callable[[Nats, Setting], dict[str, Any]]
Notes = Callable[[Parameters, Setting], tuple[str, ...]]

VERSION = "scikit-learn 1.9.1, linear_model"
FREE = "flat or none"
NORMALISED = (
    "sample weights are normalised to sum to 1: N in the formula is their sum, and a row of "
    "weight 0 does not count"
)
SUMMED = "sample weights enter as a plain sum: neither n nor their sum is in the formula"
UNWEIGHTED = "fit takes no sample weights"
AS_IS = "X and y are not standardised (the former normalize= is gone)"
INTERCEPT = "the intercept is not penalised"
SHRINKING = (
    "a fixed alpha is not a fixed prior: the scale it means shrinks as N grows, so an alpha chosen "
    "on folds means another prior when refitted on all rows"
)


def intercept_argument(nats: Nats) -> dict[str, Any]:
    """fit_intercept, where it is not the default."""
    return {"fit_intercept": False} if nats.intercept is None else {}


def nats_of(
    setting: Setting, parameters: Parameters, *, l1: float = 0.0, l2: float = 0.0, **shape: Any
) -> Nats:
    """The same rates for every coefficient, and a free intercept or none."""
    present = _parameters.switch(parameters["fit_intercept"], "fit_intercept", setting.target)
    return Nats(setting.likelihood, uniform(l1, l2), free_intercept(present), shape)


def strength(parameters: Parameters, setting: Setting, name: str = "alpha") -> float:
    return _parameters.nonnegative(parameters[name], name, setting.target)


def mixed(nats: Nats, per_nat: float) -> tuple[float, float]:
    """alpha and l1_ratio; ``per_nat`` is c / N."""
    total = nats.l1 + nats.l2
    return per_nat * total, nats.l1 / total if total else 0.5  # no penalty: any ratio will do


def code(
    kind: str, arguments: Parameters, setting: Setting, *, module: str = "linear_model"
) -> str:
    """Import, constructor and fit, as a program on X and y."""
    inside = ", ".join(f"{name}={_literal(value)}" for name, value in arguments.items())
    weights = ", sample_weight=sample_weight" if setting.weighted else ""
    return (
        f"from sklearn.{module} import {kind}\n\n"
        f"estimator = {kind}({inside})\n"
        f"estimator.fit(X, y{weights})\n"
    )


def _literal(value: Any) -> str:
    return 'float("inf")' if value == float("inf") else repr(value)


def build(
    kind: str, arguments: Parameters, setting: Setting, *, module: str = "linear_model"
) -> Any:
    return getattr(library(f"sklearn.{module}"), kind)(**arguments)


def notes(*always: str, unpenalised: str = "") -> Notes:
    """The standing notes, and what to say when there is no penalty."""

    def found(parameters: Parameters, setting: Setting) -> tuple[str, ...]:
        return (*always, unpenalised) if unpenalised and parameters["alpha"] == 0 else always

    return found


def fixed(**settings: Any) -> Callable[[Parameters], dict[str, Any]]:
    return lambda parameters: dict(settings)


def unbounded_only(decode: Decode) -> Decode:
    """``positive=True`` of a path that may stop short of what it says."""

    def checked(parameters: Parameters, setting: Setting) -> Nats:
        _parameters.refuse_switch(
            parameters["positive"],
            "positive",
            setting.target,
            "its path does not always reach the optimum that is held at or above 0. Nearest: "
            "sklearn.Lasso with positive=True, which is an Exponential prior",
        )
        return decode(parameters, setting)

    return checked


def refuse_class_weight(parameters: Parameters, setting: Setting) -> None:
    """class_weight is no part of the prior."""
    if parameters["class_weight"] is not None:
        raise NoEquivalentError(
            f"{setting.target}: class_weight multiplies rows; it is no part of the prior. "
            "Nearest: class_weight=None and the same weights in Data(weights=...)"
        )


def only_of(found: Setting, wanted: str, why: str) -> None:
    """The likelihood that the parameters mean, against the one that the caller says."""
    if found.likelihood != wanted:
        raise ConversionError(
            f"{found.target} with {why} is a {wanted} model; likelihood={found.likelihood} "
            "contradicts it. Leave likelihood= out"
        )


def in_signs(setting: Setting) -> None:
    """A classifier that regresses -1 and 1: data must be in those numbers."""
    if setting.data is None or np.all(np.isin(setting.data.y, (-1.0, 1.0))):
        return
    raise ConversionError(
        f"{setting.target} fits the targets -1 and 1 by least squares, whatever the classes are "
        "called, and y in data has other values. Pass Data(X, y) with y in {-1, 1}"
    )


def no_target(nats: Nats, setting: Setting) -> dict[str, Any]:
    """``encode`` of a convention that is refused before (``one_way``)."""
    raise NoEquivalentError(f"{setting.target} can only be read")
