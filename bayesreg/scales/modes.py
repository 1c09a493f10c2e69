"""The mode at every scale, and what is read off it."""

from __future__ import annotations

from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import NoModeError
from bayesreg.likelihoods import estimated_dispersion, noise_prior
from bayesreg.model import Model
from bayesreg.scales.axis import Axis
from bayesreg.scales.freedom import degrees_of_freedom
from bayesreg.solvers import MapEstimate, find_map, find_map_path


def modes(model: Model, data: Data, axis: Axis) -> list[MapEstimate | None]:
    """Certified, warm-started along the scale; None where there is none."""
    unknown = noise_prior(model.likelihood) or estimated_dispersion(model.likelihood)
    if unknown is None:
        return list(find_map_path(model, data, axis.scales).estimates)
    found: list[MapEstimate | None] = []
    for t in axis.factors:
        try:
            found.append(find_map(model.rescaled(float(t)), data, target="joint"))
        except NoModeError:
            found.append(None)
    return found


def mode_columns(
    data: Data, fits: list[MapEstimate | None], freedom: FloatArray | None = None
) -> dict[str, Any]:
    """Variables of the study; ``freedom`` where it is known already."""
    coef = np.array([np.full(data.p, np.nan) if fit is None else fit.coef for fit in fits])
    if freedom is None:
        freedom = np.array([
            np.nan if fit is None else degrees_of_freedom(fit.model, data, fit) for fit in fits
        ])  # fmt: skip
    of_modes = {
        "map_intercept": [np.nan if fit is None else fit.intercept for fit in fits],
        "n_nonzero": [-1 if fit is None else int(np.count_nonzero(fit.coef)) for fit in fits],
        "gap": [np.nan if fit is None else float(fit.certificate.gap) for fit in fits],
        "degrees_of_freedom": freedom,
    }
    columns: dict[str, Any] = {"map": (("scale", "feature"), coef)}
    columns |= {name: ("scale", values) for name, values in of_modes.items()}
    for name in dict.fromkeys(name for fit in fits if fit is not None for name in fit.scalars):
        values = [np.nan if fit is None else fit.scalars.get(name, np.nan) for fit in fits]
        columns[f"map_{name}"] = ("scale", values)
    return columns | norms("map", coef)


def norms(prefix: str, coef: FloatArray) -> dict[str, Any]:
    """||w||_1 and ||w||_2 at each scale."""
    return {
        f"{prefix}_norm1": ("scale", np.sum(np.abs(coef), axis=1)),
        f"{prefix}_norm2": ("scale", np.sqrt(np.sum(coef**2, axis=1))),
    }
