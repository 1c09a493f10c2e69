"""convert: the same optimum in another library's parameters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bayesreg._estimated import Estimated
from bayesreg.conventions._circumstances import circumstances, data_in_second_place, told_apart
from bayesreg.conventions._composite import on_original_columns, standardizes
from bayesreg.conventions._convention import Convention, Penalised
from bayesreg.conventions._estimator import source_of
from bayesreg.conventions._refusals import refuse_one_way
from bayesreg.conventions._registry import CONVENTIONS, find
from bayesreg.conventions._setting import Setting
from bayesreg.conventions._steps import decoded, encoded, where_it_cancels
from bayesreg.data import Data
from bayesreg.likelihoods import ClassLikelihood, Likelihood


def convert(
    source: Any,
    parameters: Any = None,
    *,
    to: str | Convention,
    data: Data | None = None,
    sigma: float | str | None = None,
    n: float | None = None,
    total_weight: float | None = None,
    likelihood: Likelihood | ClassLikelihood | str | None = None,
    **options: Any,
) -> Penalised:
    """The same optimum in another library's parameters.

    sigma and n are asked for only where they do not cancel: from one form of least squares to
    another no sigma is needed.

    Parameters
    ----------
    source : str or estimator
    parameters : mapping or estimator
    to : str, or a Convention of your own
        The target's name; the rest as in :func:`to_penalty` and :func:`to_prior`.

    Raises
    ------
    ConversionError, NoEquivalentError
        As in :func:`to_penalty` and :func:`to_prior`.
    """
    parameters, data = data_in_second_place(parameters, data)
    found = source_of(source, parameters, CONVENTIONS, data)
    origin, goal = find(found.name, "source"), find(to, "to")
    refuse_one_way(goal)
    quantities, options = told_apart(options)
    setting = circumstances(
        origin, found.parameters, goal.likelihoods, likelihood, sigma, data, n, total_weight,
        quantities,
    )  # fmt: skip

    def twin_of(setting: Setting) -> Penalised:
        nats = decoded(origin, found.parameters, setting)
        if standardizes(found.scaler, nats, setting.data, origin.name):
            nats = on_original_columns(nats, setting.on_behalf_of(origin))
        return encoded(goal, nats, setting, options)

    twin = where_it_cancels(twin_of, setting)
    estimate = setting.known.get("sigma")
    if isinstance(estimate, Estimated):
        return replace(twin, notes=(*twin.notes, f"sigma = {estimate}"))
    return twin
