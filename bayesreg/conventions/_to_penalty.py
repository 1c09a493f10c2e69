"""to_penalty: the penalised twin of a model, in one library's parameters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bayesreg.conventions import _nats
from bayesreg.conventions._circumstances import setting_of, told_apart
from bayesreg.conventions._convention import Convention, Penalised
from bayesreg.conventions._observed import refuse_impossible_targets
from bayesreg.conventions._refusals import refuse_offset, refuse_one_way
from bayesreg.conventions._refused import refuse_bayesian_models
from bayesreg.conventions._registry import find
from bayesreg.conventions._stated import stated
from bayesreg.conventions._steps import encoded
from bayesreg.data import Data
from bayesreg.errors import ModelTypeError
from bayesreg.model import Model
from bayesreg.priors import Prior


def to_penalty(
    model: Model,
    target: str | Convention,
    data: Data | None = None,
    *,
    n: float | None = None,
    total_weight: float | None = None,
    **options: Any,
) -> Penalised:
    """The penalised twin of a model in a library's own parameters.

    The optimum of the result's objective is the posterior mode of the model.

    Parameters
    ----------
    model : Model
    target : str, or a Convention of your own
        ``"sklearn.Lasso"``, ``"textbook.nll_l2"``, ...; :func:`targets` lists them.
    data : Data, optional
        For the sum of the weights, and for priors that name columns.
    n, total_weight : float, optional
        Instead of data: the number of rows, or N, the sum of the weights.
    **options
        What the target lets one choose, such as ``solver`` of sklearn.LogisticRegression; and
        what its formula needs and data would say: ``sd_y``, ``sd_x``, ``rms_y``, ...

    Returns
    -------
    Penalised
        ``.parameters``, ``.objective``, ``.code``, ``.notes``, ``.build()``.

    Raises
    ------
    ConversionError
        Naming the quantity the formula needs and that was not given, or the unknown name.
    NoEquivalentError
        When the target cannot express the model: why, and what is nearest.
    """
    _require_model(model)
    goal = find(target, "target")
    refuse_one_way(goal)
    quantities, options = told_apart(options)
    setting = setting_of(stated(model.likelihood), data, n, total_weight, quantities)
    refuse_impossible_targets(data, setting.likelihood, "the model")
    refuse_offset(data, setting.likelihood, goal.name)
    twin = encoded(goal, _nats.from_model(model, data), setting, options)
    relative = isinstance(model.prior, Prior) and model.prior.relative_to_noise
    if relative and not goal.relative_to_noise:
        note = f"the prior is relative to the noise: this is its twin at sigma={setting.sigma!r}"
        return replace(twin, notes=(*twin.notes, note))
    return twin


def _require_model(model: object) -> None:
    if not isinstance(model, Model):
        refuse_bayesian_models(model)
        raise ModelTypeError(f"model must be a bayesreg.Model; got {type(model).__name__}")
