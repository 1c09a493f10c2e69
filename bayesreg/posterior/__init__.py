"""The posterior: one sampler per file, chosen automatically and visibly."""

from __future__ import annotations

from bayesreg.posterior.sampling import sample

__all__ = ["sample"]
