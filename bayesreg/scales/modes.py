"""The mode at every scale, and what is read off it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import NoModeError
from bayesreg.likelihoods import estimated_dispersion, noise_prior
from bayesreg.model import Model
from bayesreg.problem import Problem
from bayesreg.scales.axis import Axis
from bayesreg.scales.freedom import freedom_along
from bayesreg.solvers import MapEstimate, find_map, find_map_path


@dataclass(frozen=True, eq=False)
class Modes:
    """A row per scale, NaN where there is no mode.

    Attributes
    ----------
    coef : (k, p) array
    intercept, gap : (k,) arrays
    scalars : dict of name to (k,) array
        What is unknown besides, at the joint mode: sigma.
    """

    coef: FloatArray
    intercept: FloatArray
    gap: FloatArray
    scalars: dict[str, FloatArray]

    def start(self, problem: Problem, k: int) -> FloatArray | None:
        """Mode k as an extended vector."""
        if np.isnan(self.coef[k]).any():
            return None
        return problem.extended(self.coef[k], float(self.intercept[k]))


def find_modes(model: Model, data: Data, axis: Axis) -> Modes:
    """Certified, warm-started along the scale; None where there is none."""
    unknown = noise_prior(model.likelihood) or estimated_dispersion(model.likelihood)
    if unknown is None:
        path = find_map_path(model, data, axis.scales)
        gap = np.array([float(certificate.gap) for certificate in path.certificates])
        return Modes(path.coef, path.intercept, gap, {})
    fits: list[MapEstimate | None] = []
    for t in axis.factors:
        try:
            fits.append(find_map(model.rescaled(float(t)), data, target="joint"))
        except NoModeError:
            fits.append(None)
    names = dict.fromkeys(name for fit in fits if fit is not None for name in fit.scalars)
    return Modes(
        np.array([np.full(data.p, np.nan) if fit is None else fit.coef for fit in fits]),
        np.array([np.nan if fit is None else fit.intercept for fit in fits]),
        np.array([np.nan if fit is None else float(fit.certificate.gap) for fit in fits]),
        {name: np.array([np.nan if fit is None else fit.scalars[name] for fit in fits])
         for name in names},
    )  # fmt: skip


def mode_columns(
    model: Model, data: Data, axis: Axis, found: Modes, freedom: FloatArray | None = None
) -> dict[str, Any]:
    """Variables of the study; ``freedom`` where it is known already."""
    if freedom is None:
        freedom = freedom_along(model, data, axis.factors, found)
    missing = np.isnan(found.coef).any(axis=1)
    columns: dict[str, Any] = {
        "map": (("scale", "feature"), found.coef),
        "map_intercept": ("scale", found.intercept),
        "n_nonzero": ("scale", np.where(missing, -1, np.count_nonzero(found.coef, axis=1))),
        "gap": ("scale", found.gap),
        "degrees_of_freedom": ("scale", freedom),
    }
    columns |= {f"map_{name}": ("scale", values) for name, values in found.scalars.items()}
    if noise_prior(model.likelihood) is not None and "sigma" in found.scalars:
        columns["map_lambda"] = ("scale", axis.lambdas * found.scalars["sigma"] ** axis.sigma_power)
    return columns | norms("map", found.coef)


def norms(prefix: str, coef: FloatArray) -> dict[str, Any]:
    """||w||_1 and ||w||_2 at each scale."""
    return {
        f"{prefix}_norm1": ("scale", np.sum(np.abs(coef), axis=1)),
        f"{prefix}_norm2": ("scale", np.sqrt(np.sum(coef**2, axis=1))),
    }
