"""What was asked for: all that a run depends on, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg import _checks
from bayesreg.data import Data
from bayesreg.errors import ModelError, ModelTypeError
from bayesreg.model import Model
from bayesreg.posterior.run import available_cores

if TYPE_CHECKING:
    from bayesreg.solvers import MapEstimate

#: Beyond these a run would not end.
MOST_ITERATIONS, MOST_CHAINS = 10**9, 10**4


@dataclass(frozen=True, eq=False)
class Order:
    """A run.

    Attributes
    ----------
    model : Model
    data : Data
    draws, chains, seed, tune : int
        Draws kept per chain; ``tune`` iterations come before the first.
    sampler, reason : str
        Its name, and why it was chosen.
    pointwise, predictive : bool
        Keep the log likelihood of each row; draw targets for each row.
    """

    model: Model
    data: Data
    draws: int
    chains: int
    seed: int
    sampler: str
    reason: str
    tune: int
    pointwise: bool
    predictive: bool


@dataclass(frozen=True, eq=False)
class Mode:
    """The certified mode, or None and why there is none."""

    fit: MapEstimate | None
    reason: str = ""


def checked_count(value: Any, argument: str, least: int = 1, *, most: int) -> int:
    """An integer within limits."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise ModelTypeError(f"{argument} must be an integer; got {_checks.shown(value)}")
    if not least <= value <= most:
        raise ModelError(
            f"{argument} must be at least {least} and at most {most}; got {_checks.shown(value)}"
        )
    return int(value)


def checked_cores(value: Any) -> int:
    """Chains that run at a time; as many as the process may use for None."""
    return available_cores() if value is None else checked_count(value, "cores", most=MOST_CHAINS)


def seed_or_fresh(value: Any) -> int:
    """The seed given, or a fresh one: always a number that can be passed back."""
    if value is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0] >> np.uint64(1))
    return checked_seed(value, "a non-negative integer or None")


def checked_seed(value: Any, wanted: str = "a non-negative integer") -> int:
    """A seed that numpy takes, as an int."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise ModelTypeError(f"seed must be {wanted}; got {_checks.shown(value)}")
    if value < 0:
        raise ModelError(f"seed must be {wanted}; got {_checks.shown(value)}")
    return int(value)
