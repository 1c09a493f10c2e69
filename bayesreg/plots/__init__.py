"""Pictures: one per file. Each draws on the given Axes (or a new one) and returns it."""

from __future__ import annotations

from bayesreg.plots.evidence import plot_evidence
from bayesreg.plots.geometry import plot_geometry
from bayesreg.plots.lambda_posterior import plot_lambda_posterior
from bayesreg.plots.map_vs_posterior import plot_map_vs_posterior
from bayesreg.plots.path import plot_path
from bayesreg.plots.prior_and_penalty import plot_prior_and_penalty
from bayesreg.plots.shrinkage import plot_shrinkage
from bayesreg.plots.trajectory import plot_trajectory

__all__ = [
    "plot_evidence",
    "plot_geometry",
    "plot_lambda_posterior",
    "plot_map_vs_posterior",
    "plot_path",
    "plot_prior_and_penalty",
    "plot_shrinkage",
    "plot_trajectory",
]
