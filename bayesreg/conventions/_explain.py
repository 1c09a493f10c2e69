"""explain: the page for the caller's own numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bayesreg.conventions._circumstances import (
    circumstances,
    data_in_second_place,
    refuse_unknown,
    told_apart,
)
from bayesreg.conventions._composite import on_original_columns
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._estimator import source_of
from bayesreg.conventions._explanation import explanation, twins
from bayesreg.conventions._folds import folds_of
from bayesreg.conventions._nats import Nats
from bayesreg.conventions._registry import CONVENTIONS, find
from bayesreg.conventions._setting import Setting
from bayesreg.conventions._steps import decoded, encoded
from bayesreg.conventions._to_prior import model_of
from bayesreg.data import Data
from bayesreg.likelihoods import ClassLikelihood, Likelihood
from bayesreg.model import Model


def explain(
    target: Any,
    parameters: Any = None,
    data: Data | None = None,
    *,
    sigma: float | str | None = None,
    n: float | None = None,
    total_weight: float | None = None,
    likelihood: Likelihood | ClassLikelihood | str | None = None,
    **quantities: Any,
) -> str:
    """What a library's parameters mean, derived line by line with the numbers given.

    Parameters
    ----------
    target, parameters, data, sigma, n, total_weight, likelihood, **quantities
        As in :func:`to_prior`.

    Returns
    -------
    str
        The objective, its conversion to nats, the prior, what the prior depends on (what
        cross-validation does with it included), pitfalls, and the same optimum elsewhere.

    Raises
    ------
    ConversionError, NoEquivalentError
        As :func:`to_prior`.

    Examples
    --------
    >>> import bayesreg as br
    >>> print(br.explain("sklearn.Lasso", {"alpha": 0.1}, n=442, sigma=54.0).splitlines()[3])
        RSS/(2 N) + alpha sum|w|
    """
    parameters, data = data_in_second_place(parameters, data)
    source = source_of(target, parameters, CONVENTIONS, data)
    given = source.parameters
    origin = find(source.name, "target")
    known, unknown = told_apart(quantities)
    refuse_unknown(unknown, "explain")
    setting = circumstances(origin, given, (), likelihood, sigma, data, n, total_weight, known)
    nats = decoded(origin, given, setting)
    model = model_of(origin, source, nats, setting)
    plain = nats
    if isinstance(model, Model) and model.standardize and data is not None:
        nats = on_original_columns(nats, setting.on_behalf_of(origin))
    shown = (*origin.defaults, *origin.learned)
    stated = {key: value for key, value in (given or {}).items() if key in shown}
    folds = folds_of(given, source.search, _rows(setting))
    others = [goal for goal in CONVENTIONS.values() if goal is not origin or nats is not plain]
    return explanation(
        origin, origin.complete(stated), plain, model, setting.on_behalf_of(origin),
        _on_fewer_rows(origin, given, setting, folds.share),
        folds.words,
        twins(
            lambda goal: encoded(goal, nats, setting, {}),
            [] if isinstance(model, Model) and model.standardize and data is None else others,
        ),
    )  # fmt: skip


def _rows(setting: Setting) -> float | None:
    known = setting.known.get("rows", None if setting.data is None else setting.data.y.size)
    return None if known is None else float(known)


def _on_fewer_rows(
    origin: Convention, given: Mapping[str, Any] | None, setting: Setting, share: float
) -> Nats | None:
    """What the same parameters mean in a fit of cross-validation; None without N."""
    fewer = dict(setting.known)
    if setting.data is not None:
        fewer.setdefault("rows", setting.data.y.size)
        fewer.setdefault("squares_x", setting.quantity("squares_x"))
    for name in ("total_weight", "rows", "squares_x"):
        if name in fewer:
            fewer[name] = share * fewer[name]
    if "total_weight" not in fewer:
        return None
    return decoded(origin, given, replace(setting, known=fewer))
