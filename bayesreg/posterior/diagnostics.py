"""Has the sampler converged?  R-hat, ESS and MCSE for every parameter; divergences.

Vehtari, Gelman, Simpson, Carpenter and Buerkner (2021, Bayesian Analysis 16:667): rank-normalised
split R-hat at most 1.01, bulk and tail effective sample size at least 100 per chain and at least
400 in all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg._warning import warn
from bayesreg.errors import ConvergenceWarning
from bayesreg.posterior.rank_statistics import rank_statistics

LARGEST_RHAT = 1.01
SMALLEST_ESS = 400
SMALLEST_ESS_PER_CHAIN = 100
# Quantiles whose smaller effective sample size is the tail ESS, as in the paper. (ArviZ takes the
# ends of its credible interval, which is a setting of the user's.)
_TAILS = (0.05, 0.95)
# With 400 effective draws R-hat exceeds 1.01 in some parameters of a hundred whose chains are all
# right, this in hardly any.
_BY_CHANCE = 1.02
# Parameters that a warning names; the rest are counted.
_NAMED = 3
# Draws, of all chains together, that figures are computed from: of longer runs every k-th.
_MOST_DRAWS = 2**19
# Numbers read from a store at a time: 16 MiB of them.
_NUMBERS_AT_A_TIME = 2**21
#: The figures, as they are called in the results.
FIGURES = ("rhat", "ess_bulk", "ess_tail", "mcse_mean")


@dataclass(frozen=True, eq=False)
class Diagnostics:
    """Figures for each sampled parameter.

    Attributes
    ----------
    labels : tuple of str
        ``coef[name]``, ``intercept``, ``sigma``, ...; pinned coefficients are not sampled.
    rhat, ess_bulk, ess_tail, mcse_mean : arrays, one entry per label
        NaN where a chain is constant or too short, and R-hat with a single chain. ``mcse_mean``
        is the Monte Carlo standard error of the mean.
    divergences : int
    chains, draws : int
    every : int
        The figures are those of every so-many-th draw. Effective sample sizes of fewer draws are
        smaller, never larger.
    """

    labels: tuple[str, ...]
    rhat: FloatArray
    ess_bulk: FloatArray
    ess_tail: FloatArray
    mcse_mean: FloatArray
    divergences: int
    chains: int
    draws: int
    every: int = 1

    @property
    def wanted_ess(self) -> int:
        return max(SMALLEST_ESS, SMALLEST_ESS_PER_CHAIN * self.chains)

    @property
    def least_ess(self) -> FloatArray:
        """The smaller of bulk and tail ESS."""
        return np.minimum(self.ess_bulk, self.ess_tail)

    @property
    def short(self) -> np.ndarray:
        """Which parameters fall short; a figure that cannot be computed does."""
        return ~((self.rhat <= LARGEST_RHAT) & (self.least_ess >= self.wanted_ess))


def diagnose(draws: FloatArray, labels: tuple[str, ...], divergences: int = 0) -> Diagnostics:
    """Figures from draws of shape (chains, draws, parameters)."""
    chains, length, _ = draws.shape
    every = _every(chains, length)
    found = rank_statistics(draws[:, ::every], _TAILS)
    figures = {name: getattr(found, name) for name in FIGURES}
    return Diagnostics(
        labels, **figures, divergences=divergences, chains=chains, draws=length, every=every
    )


def diagnose_variables(
    variables: Mapping[str, Any], names: Sequence[str], free: BoolArray, divergences: int
) -> Diagnostics:
    """Figures of every parameter, read a few columns at a time.

    ``variables``: arrays, in memory or on disk, of shape (chains, draws), or (chains, draws, p)
    for ``coef``, whose columns are ``names``; those that are not ``free`` are constants. Of K
    classes (chains, draws, K, p) and (chains, draws, K).
    """
    chains, length = next(iter(variables.values())).shape[:2]
    every = _every(chains, length)
    step = max(1, _NUMBERS_AT_A_TIME // (chains * length))
    parts, labels = [], []
    for name, values in variables.items():
        for place, chosen, block in _blocks(name, values.shape, names, free, step):
            columns = np.asarray(values[(slice(None), slice(None, None, every), *place)])
            columns = columns.reshape(*columns.shape[:2], -1)
            parts.append(rank_statistics(columns[:, :, chosen], _TAILS))
            labels += block
    figures = {name: np.concatenate([getattr(part, name) for part in parts]) for name in FIGURES}
    return Diagnostics(
        tuple(labels), **figures, divergences=divergences, chains=chains, draws=length, every=every
    )


def _blocks(
    name: str, shape: tuple[int, ...], names: Sequence[str], free: BoolArray, step: int
) -> Iterator[tuple[tuple[slice, ...], IntArray, list[str]]]:
    """Where a few columns stand behind (chain, draw), which of them vary, and their labels."""
    classes = [(slice(k, k + 1), str(k)) for k in range(shape[2])] if len(shape) > 2 else []
    if len(shape) == 2:
        yield (), np.array([0]), [name]
    elif name == "intercept":
        for place, k in classes:
            yield (place,), np.array([0]), [f"{name}[{k}]"]
    else:
        several = classes if len(shape) == 4 else [None]
        for each in several:
            for first in range(0, len(names), step):
                chosen = np.flatnonzero(free[first : first + step])
                before, label = ((), "") if each is None else ((each[0],), f"{each[1]}, ")
                yield (
                    (*before, slice(first, first + step)),
                    chosen,
                    [f"{name}[{label}{names[first + int(j)]}]" for j in chosen],
                )


def _every(chains: int, length: int) -> int:
    return -(-chains * length // _MOST_DRAWS)


def warn_if_short(diagnostics: Diagnostics) -> None:
    """Warn with the parameters, the figures and the remedy.

    Warns
    -----
    ConvergenceWarning
    """
    parts = []
    if np.any(diagnostics.short):
        parts.append(_shortfall(diagnostics))
    if diagnostics.divergences:
        total = diagnostics.chains * diagnostics.draws
        parts.append(
            f"{diagnostics.divergences} of {total} transitions diverged: a region of the "
            "posterior may be missing. A longer warm-up, sample(..., tune=2000), may help, and "
            "where the prior or the scale's density is very wide a narrower one. Under a pole or "
            "heavy tails (Horseshoe, Cauchy, an unknown scale) a few may stay whatever is done: "
            "run another seed, and trust what the two agree on"
        )
    if parts:
        warn("; ".join(parts), ConvergenceWarning)


def _shortfall(diagnostics: Diagnostics) -> str:
    short = np.flatnonzero(diagnostics.short)
    badness = np.where(np.isnan(diagnostics.least_ess), -1.0, diagnostics.least_ess)
    worst = short[np.argsort(badness[short], kind="stable")]
    named = ", ".join(_figures(diagnostics, k) for k in worst[:_NAMED])
    more = f" and {short.size - _NAMED} more" if short.size > _NAMED else ""
    return (
        f"the draws fall short for {named}{more}; wanted R-hat <= {LARGEST_RHAT} and "
        f"ESS >= {diagnostics.wanted_ess}. {_remedy(diagnostics, badness[worst[0]])}"
    )


def _figures(diagnostics: Diagnostics, k: int) -> str:
    return (
        f"{diagnostics.labels[k]} (R-hat {diagnostics.rhat[k]:.4f}, bulk ESS "
        f"{diagnostics.ess_bulk[k]:.0f}, tail ESS {diagnostics.ess_tail[k]:.0f})"
    )


def _remedy(diagnostics: Diagnostics, least_ess: float) -> str:
    if diagnostics.chains == 1:
        return "R-hat needs at least two chains: sample(..., chains=4)"
    if least_ess <= 0:
        return "A chain is constant or too short to judge: sample(..., draws=1000)"
    factor = max(2.0, 1.5 * diagnostics.wanted_ess / least_ess)
    wanted = int(np.ceil(diagnostics.draws * factor / 100.0)) * 100
    more = f"Take more draws: sample(..., draws={wanted})"
    above = np.max(diagnostics.rhat[diagnostics.short])
    if least_ess < diagnostics.wanted_ess or not above <= _BY_CHANCE:
        return more
    return (
        f"{more}. The effective draws suffice and R-hat is barely above: one parameter of several "
        "can be so by chance, and then it goes away"
    )
