"""Local modes along the prior scale: the usual starts at each point, and the mode before it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import chain

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import LocalModesWarning, ModelError
from bayesreg.model import Model
from bayesreg.problem import bind
from bayesreg.solvers.choice import Options
from bayesreg.solvers.estimate import MapEstimate
from bayesreg.solvers.local import best_of
from bayesreg.solvers.local_starts import starting_points


def local_estimates(
    model: Model, data: Data, factors: FloatArray, options: Options
) -> Iterator[MapEstimate]:
    """The best local mode with every prior at ``factor`` times its scale, for each factor.

    Warns once, at the end, where several modes were found.
    """
    problem, several = bind(model, data), 0
    warm: list[FloatArray] = []
    for factor in factors:
        scaled = problem.at_scale(float(factor))
        starts = chain(warm, starting_points(scaled, data.names))
        estimate = best_of(scaled, model.rescaled(float(factor)), data.names, starts, options)
        several += len(estimate.modes) > 1
        warm = [scaled.extended(estimate.coef, estimate.intercept)]
        yield estimate
    if several:
        warnings.warn(
            f"the posterior has several local modes at {several} of {len(factors)} scales; the "
            "best that was found stands in the path, the others in the modes of each estimate",
            LocalModesWarning,
            stacklevel=4,
        )


def require_scales(scales: object) -> None:
    """A default grid needs the scale at which the first coefficient leaves its loc."""
    if scales is None:
        raise ModelError(
            "give scales=: under a likelihood or prior that is not log-concave there is no "
            "single scale at which a path begins"
        )
