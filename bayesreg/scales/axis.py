"""The axis of a scan: factors of the model's prior scales, and what each is called elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import ModelError, NoEquivalentError
from bayesreg.likelihoods import has_classes, noise_prior
from bayesreg.model import Model, relative_to_noise, require_model_and_data, unknown_scales
from bayesreg.posterior.target import with_unknowns_at_one
from bayesreg.priors import Horseshoe
from bayesreg.problem import Problem, bind
from bayesreg.solvers.scale_grid import checked_scales, default_scales


@dataclass(frozen=True, eq=False)
class Axis:
    """Where a scan looks, in ascending order.

    Attributes
    ----------
    factors : (k,) array
        t: every prior scale of the model is multiplied by it.
    scales : (k,) array
        t times the scale of ``column``'s prior.
    column : str
    reference_lambda : float
        The canonical lambda of ``column`` at t = 1, with an unknown sigma at 1.
    kinked : bool
        l1 and l2 are both divided by t, so that an elastic net keeps its ratio; else l2 by t^2.
    sigma_power : int
        With an unknown sigma lambda is ``lambdas`` times sigma to this power.
    """

    factors: FloatArray
    scales: FloatArray
    column: str
    reference_lambda: float
    kinked: bool
    sigma_power: int = 2

    @property
    def lambdas(self) -> FloatArray:
        """The canonical lambda at each scale."""
        return self.reference_lambda / (self.factors if self.kinked else self.factors**2)


def make_axis(
    model: Model, data: Data, scales: Sequence[float] | FloatArray | None, n_scales: int
) -> Axis:
    """The scales given, or a default grid.

    Raises
    ------
    ModelError
        Where no one axis of scales exists: an unknown or no scale, classes.
    """
    _require_scannable(model, data)
    stated = with_unknowns_at_one(model)
    column, reference, reference_lambda = stated.axis(data)
    problem = bind(stated, data)
    if scales is None:
        grid = _default_grid(model, data, reference, n_scales)
    else:
        grid = checked_scales(scales)
    grid = np.unique(grid)
    kinked = bool(np.any(problem.penalty.l1[: problem.p] > 0))
    power = _sigma_power(model, data, problem, data.names.index(column))
    return Axis(grid / reference, grid, column, reference_lambda, kinked, power)


def _sigma_power(model: Model, data: Data, problem: Problem, column: int) -> int:
    """2 for an absolute scale; relative to the noise 1 with an L1 part and else 0."""
    if not relative_to_noise(model, data)[column]:
        return 2
    return 1 if problem.penalty.l1[column] > 0 else 0


def _default_grid(model: Model, data: Data, reference: float, n_scales: int) -> FloatArray:
    """That of a path; an unknown sigma is taken to be the standard deviation of y."""
    if noise_prior(model.likelihood) is not None:
        model = model.at_sigma(_deviation(model, data))
    problem = bind(with_unknowns_at_one(model), data)
    if not np.any(((problem.penalty.l1 > 0) | (problem.penalty.l2 > 0))[: problem.p]):
        # Student's t has neither: the parabola at its centre stands for it.
        problem = replace(problem, penalty=problem.penalty.majorant(problem.penalty.loc))
    return np.asarray(default_scales(problem, reference, n_scales, data))


def _deviation(model: Model, data: Data) -> float:
    """Weighted standard deviation of y less the offset, about 0 without an intercept."""
    r = data.y if data.offset is None else data.y - data.offset
    weights = np.ones(r.size) if data.weights is None else data.weights
    centre = 0.0 if model.intercept is None else np.average(r, weights=weights)
    deviation = float(np.sqrt(np.average((r - centre) ** 2, weights=weights)))
    return deviation if deviation > 0 else 1.0


def _require_scannable(model: Model, data: Data) -> None:
    require_model_and_data(model, data)
    if has_classes(model.likelihood):
        raise ModelError(
            f"a scan follows one vector of coefficients, and {model.likelihood!r} has one for each "
            "class; find_map_path gives its modes along the scale, and sample the posterior at one"
        )
    for where, density in unknown_scales(model).items():
        raise ModelError(
            f"the scale of {where} is unknown (scale ~ {density!r}), and a scan varies it: state "
            "where to begin, such as Laplace(scale=1.0). sample(model, data) gives the posterior "
            "of an unknown scale"
        )
    if any(isinstance(prior, Horseshoe) for prior in model.priors):
        raise ModelError("a scan begins with modes, and a posterior under Horseshoe has none")


def library_parameters(
    model: Model, data: Data, axis: Axis, targets: Sequence[str]
) -> dict[str, FloatArray]:
    """``target.parameter`` -> its value at each scale, for the parameter that varies.

    Raises
    ------
    NoEquivalentError
        Where the target cannot state this model.
    """
    from bayesreg.conventions import to_penalty

    found: dict[str, FloatArray] = {}
    for target in targets:
        at_each = [
            to_penalty(model.rescaled(float(t)), target, data).parameters for t in axis.factors
        ]
        varying = _varying(at_each)
        if not varying:
            raise NoEquivalentError(f"no parameter of {target!r} varies along this axis")
        for name in varying:
            found[f"{target}.{name}"] = np.array([float(given[name]) for given in at_each])
    return found


def _varying(at_each: list[dict[str, Any]]) -> list[str]:
    """Names of the single numbers that are not the same at every scale."""
    names = []
    for name, first in at_each[0].items():
        if isinstance(first, float | int) and not isinstance(first, bool):
            values = {float(given[name]) for given in at_each}
            if len(values) > 1 or len(at_each) == 1:
                names.append(name)
    return names
