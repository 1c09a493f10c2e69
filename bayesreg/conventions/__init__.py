"""Conventions: every library's way of writing the penalty, to a prior and back.

One library per file, each convention a value with a formula to nats and one from nats.  Nothing
here imports a library; ``Penalised.build`` does.
"""

from __future__ import annotations

from bayesreg.conventions._convention import Convention, Penalised
from bayesreg.conventions._convert import convert
from bayesreg.conventions._explain import explain
from bayesreg.conventions._from_sklearn import from_sklearn
from bayesreg.conventions._nats import Nats, free_intercept, uniform
from bayesreg.conventions._registry import targets
from bayesreg.conventions._setting import Setting
from bayesreg.conventions._to_penalty import to_penalty
from bayesreg.conventions._to_prior import to_prior

__all__ = [
    "Convention",
    "Nats",
    "Penalised",
    "Setting",
    "convert",
    "explain",
    "free_intercept",
    "from_sklearn",
    "targets",
    "to_penalty",
    "to_prior",
    "uniform",
]
