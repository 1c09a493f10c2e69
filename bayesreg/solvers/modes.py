"""What to say where one mode is not the whole story: several of them, or the null model wins."""

from __future__ import annotations

import numpy as np

from bayesreg.data import Data
from bayesreg.likelihoods import noise_prior
from bayesreg.priors import Flat
from bayesreg.solvers.estimate import LocalMode, MapEstimate


def local_modes_words(estimate: MapEstimate, data: Data) -> str | None:
    """The text of a LocalModesWarning, None where there is nothing to warn of."""
    several, null = len(estimate.modes) > 1, _is_null(estimate, data)
    if not (several or null):
        return None
    which = "" if estimate.target is None else f"{estimate.target} "
    if not several:
        return (
            f"the {which}mode is the null model: every coefficient is at its loc, and sigma takes "
            f"up all variation. {_remedy(estimate)}"
        )
    margin = estimate.modes[0].log_density - estimate.modes[1].log_density
    words = (
        f"the {which or 'posterior '}density has several local modes: {len(estimate.modes)} were "
        f"found{_listed(estimate)} and the best is returned, {margin:.3g} nats above the next (all "
        "are in estimate.modes). "
    )
    words += "The best is the null model, every coefficient at its loc. " if null else ""
    return words + _remedy(estimate)


def _listed(estimate: MapEstimate) -> str:
    """Where the modes are, by the scalar found beside the coefficients."""
    if not estimate.scalars:
        return ""
    name = next(iter(estimate.scalars))
    each = (
        f"log density {mode.log_density:.6g} at {name} {mode.scalars[name]:.4g} with "
        f"{_away(mode, estimate)} coefficients off their loc"
        for mode in estimate.modes
    )
    return f" ({'; '.join(each)})"


def _away(mode: LocalMode, estimate: MapEstimate) -> int:
    return int(np.count_nonzero(mode.coef != estimate.loc))


def _remedy(estimate: MapEstimate) -> str:
    model = estimate.model
    if noise_prior(model.likelihood) is None:
        stated = " or ".join(f"{name} as a number" for name in estimate.scalars)
        other = f"state {stated}" if stated else "take a log-concave likelihood and prior"
        return f"A mode says little about such a posterior: consider its mean, or {other}"
    if all(prior.relative_to_noise or isinstance(prior, Flat) for prior in model.priors):
        return "Widen the prior scale, or state sigma: model.at_sigma(...)"
    return (
        "Priors relative to the noise (relative_to_noise=True) have one joint mode; or state "
        "sigma: model.at_sigma(...)"
    )


def _is_null(estimate: MapEstimate, data: Data) -> bool:
    """With sigma unknown: every coefficient that has a place to rest is there, and some have."""
    if noise_prior(estimate.model.likelihood) is None:
        return False
    # Where coefficients rest does not depend on sigma.
    penalty = estimate.model.at_sigma(1.0).coefficient_penalty(data)
    rests = ~(penalty.is_flat | penalty.is_pinned)
    place = np.clip(penalty.loc, penalty.lower, penalty.upper)
    return bool(rests.any() and np.all(estimate.coef[rests] == place[rests]))
