"""The posterior: one sampler per file, chosen automatically and visibly."""

from __future__ import annotations

from bayesreg.posterior.opening import open_run
from bayesreg.posterior.predictive import predict
from bayesreg.posterior.resuming import resume
from bayesreg.posterior.sampling import sample

__all__ = ["open_run", "predict", "resume", "sample"]
