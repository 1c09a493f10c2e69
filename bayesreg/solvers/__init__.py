"""Posterior modes: one certified point, or a path along the prior scale."""

from __future__ import annotations

from bayesreg.solvers.estimate import MapEstimate
from bayesreg.solvers.map_path import MapPath
from bayesreg.solvers.mode import find_map
from bayesreg.solvers.path import find_map_path
from bayesreg.solvers.scale_grid import smallest_scale

__all__ = ["MapEstimate", "MapPath", "find_map", "find_map_path", "smallest_scale"]
