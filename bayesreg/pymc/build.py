"""A model and data, or a bound problem, as a ``pymc.Model``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg.covariance import AnyPenalty, CorrelatedPenalty
from bayesreg.data import Data
from bayesreg.errors import ModelError
from bayesreg.group_penalty import joined
from bayesreg.likelihoods import ClassLikelihood
from bayesreg.model import Model, require_model_and_data
from bayesreg.penalty import Penalty
from bayesreg.problem import Problem, bind
from bayesreg.pymc.bounds import cuts_off_loc, require_known_mass
from bayesreg.pymc.classes import class_model
from bayesreg.pymc.priors import (
    number_variable,
    prior_variable,
    require_number_density,
)
from bayesreg.pymc.targets import observe, require_known
from bayesreg.unknowns import Unknowns, unknowns, with_unknowns_at_one

if TYPE_CHECKING:
    import pymc as pm


def to_pymc(model: Model, data: Data) -> pm.Model:
    """The model as a ``pymc.Model``, on the original columns.

    Its variables are ``coef`` (dimension ``feature``), ``intercept`` where the model has one,
    and the observed ``y`` (dimension ``obs``); its joint log density equals
    ``model.log_density(data, coef, intercept)``. What is unknown besides is a variable too, by the
    name that it has in :func:`bayesreg.sample`: ``sigma``, ``phi``, ``alpha`` or ``s``, ``scale``,
    ``scale[key]``; under ``Horseshoe`` also ``local_scale``, one for each such coefficient.

    Parameters
    ----------
    model, data
        The posterior. Rows of weight 0 are left out; ``obs`` keeps their numbers free.

    Returns
    -------
    pymc.Model
        Named PyMC distributions where one exists for all coefficients; a ``CustomDist`` with
        the same density for an elastic net, a mixture of priors or most bounds, and for weights
        of a likelihood other than Gaussian (both without a random method: sampling from the prior
        needs the named ones). ``MultivariateNormal`` for all coefficients is
        ``pm.MvNormal``; beside other priors, and for ``GroupLaplace``, ``coef`` is ``pm.Flat`` with
        the density in a ``pm.Potential``. Constant columns under ``standardize=True`` are pinned:
        then ``coef`` is a Deterministic of the random ``coef_free``. Under ``Multinomial`` ``coef``
        has the dimensions ``class`` and ``feature``, ``intercept`` the dimension ``class``; flat
        intercepts and flat columns sum to 0 over the classes, as Deterministics of the random
        ``intercept_free`` and ``coef_free`` without the last class.

    Raises
    ------
    ModelError
        A likelihood that has no counterpart here; bounds on coefficients of classes; bounds away
        from the prior's loc, with an unknown scale (or sigma, for a scale relative to it), unless
        the prior is Laplace or Normal.

    Notes
    -----
    ``pymc.find_MAP`` on a model with unknown sigma climbs this same joint density, and which of
    its local modes it returns depends on the start, without a warning: for n = 60, p = 12,
    Laplace(0.05) and sigma ~ HalfNormal(5) it ends near sigma 0.57 from the least-squares
    coefficients, and from its own start near the null model, sigma 2.6 and every coefficient
    near 0, five nats below (``tests/test_noise_modes.py``). ``find_map(model, data,
    target="joint")`` lists both and returns the better.

    Examples
    --------
    >>> import numpy as np, bayesreg as br
    >>> data = br.Data(np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 2.0]))
    >>> pm_model = br.to_pymc(br.Model(br.Gaussian(sigma=1.0), br.Laplace(scale=1.0)), data)
    >>> [variable.name for variable in pm_model.free_RVs]
    ['coef', 'intercept']
    """
    require_model_and_data(model, data)
    data = data.to_dense()
    if isinstance(model.likelihood, ClassLikelihood):
        return class_model(model, data)
    stated = with_unknowns_at_one(model)
    problem = bind(stated, data)
    used = np.arange(data.y.size) if data.weights is None else np.flatnonzero(data.weights)
    penalty = stated.coefficient_penalty(data)
    own = penalty.standard if isinstance(penalty, CorrelatedPenalty) else penalty
    on_intercept = stated.intercept_penalty()
    in_user_units = replace(
        problem,
        X=data.X[used],
        unit=np.ones(data.p),
        shift=np.zeros(data.p),
        offset=np.zeros(used.size) if data.offset is None else data.offset[used],
        penalty=own if on_intercept is None else joined([own, on_intercept]),
        blocks=(),
    )
    found = unknowns(model, data)
    return build_pymc(in_user_units, data.names, used.tolist(), penalty, found)


def build_pymc(
    problem: Problem,
    names: Sequence[str],
    rows: Sequence[int],
    penalty: AnyPenalty | None = None,
    unknown: Unknowns | None = None,
) -> pm.Model:
    """A problem as a ``pymc.Model`` of the coefficients in the problem's own units.

    ``penalty`` is that of the coefficients, where it is not the problem's. What is ``unknown`` is 1
    in the problem.
    """
    import pymc as pm

    penalty = problem.penalty.take(slice(0, problem.p)) if penalty is None else penalty
    if unknown is not None:
        require_counterpart(problem, unknown)
    with pm.Model(coords={"feature": list(names), "obs": list(rows)}) as pm_model:
        sigma, dispersion, spread = _numbers(problem, unknown)
        eta = pm.math.dot(problem.X, _coefficients(penalty, names, spread))
        if problem.has_intercept:
            on_intercept = problem.penalty.take(problem.p)
            eta = eta + prior_variable("intercept", on_intercept, spread=spread[problem.p])
        if np.any(problem.offset):
            eta = eta + problem.offset
        observe(problem, eta, sigma, dispersion)
    return pm_model


def require_counterpart(problem: Problem, unknown: Unknowns) -> None:
    """Refuse, before anything is built, what has no distribution in PyMC.

    Raises
    ------
    ModelError
    """
    require_known(problem.likelihood)
    for name, prior in (("sigma", unknown.sigma), ("the dispersion", unknown.dispersion),
                        *((scale.name, scale.prior) for scale in unknown.scales)):  # fmt: skip
        require_number_density(name, prior)
    moving = unknown.horseshoe | (unknown.relative & (unknown.sigma is not None))
    for scale in unknown.scales:
        moving = moving | scale.columns
    penalty = problem.penalty
    if isinstance(penalty, Penalty):
        require_known_mass(penalty, moving & ~penalty.is_pinned)
        if np.any(unknown.horseshoe & cuts_off_loc(penalty)):
            raise ModelError(
                "to_pymc cannot state a Horseshoe prior with a bound away from its loc: the share "
                "that the bound cuts off has no closed form. Move the bound to the prior's loc, or "
                "take another prior"
            )


def _numbers(problem: Problem, unknown: Unknowns | None) -> tuple[Any, Any, Any]:
    """sigma and the dispersion (None where known), and the factor of each prior scale."""
    import pymc as pm
    import pytensor.tensor as pt

    sigma, dispersion, spread = None, None, np.ones(problem.size)
    if unknown is None:
        return sigma, dispersion, spread
    factor: Any = spread
    if unknown.sigma is not None:
        sigma = number_variable("sigma", unknown.sigma)
        if unknown.relative.any():
            factor = factor * pt.switch(unknown.relative, sigma, 1.0)
    if unknown.dispersion is not None:
        name = problem.likelihood.dispersion_name  # type: ignore[attr-defined]
        dispersion = number_variable(name, unknown.dispersion)
    for scale in unknown.scales:
        factor = factor * pt.switch(scale.columns, number_variable(scale.name, scale.prior), 1.0)
    if unknown.horseshoe.any():
        local = pm.HalfCauchy("local_scale", beta=1.0, shape=int(np.sum(unknown.horseshoe)))
        places = np.flatnonzero(unknown.horseshoe)
        every = pt.set_subtensor(pt.ones(problem.size)[places], local)
        factor = factor * every
    return sigma, dispersion, factor


def _coefficients(penalty: AnyPenalty, names: Sequence[str], spread: Any) -> Any:
    """The vector of coefficients; pinned entries are constants in it."""
    import pymc as pm
    import pytensor.tensor as pt

    free = np.flatnonzero(~penalty.is_pinned)
    if free.size == penalty.size:
        return prior_variable("coef", penalty, "feature", spread[: penalty.size])
    coef = pt.as_tensor_variable(np.where(penalty.is_pinned, penalty.lower, 0.0))
    if free.size:
        pm.modelcontext(None).add_coord("free_feature", [names[int(j)] for j in free])
        drawn = prior_variable("coef_free", penalty.take(free), "free_feature", spread[free])
        coef = pt.set_subtensor(coef[free], drawn)
    return pm.Deterministic("coef", coef, dims="feature")
