"""R-hat, effective sample sizes and Monte Carlo errors of many parameters at a time.

Vehtari, Gelman, Simpson, Carpenter and Buerkner (2021, Bayesian Analysis 16:667). With x split
into half chains, and z the normal scores of the ranks of x over all chains,

    R-hat = max over (z of x, z of |x - median x|) of sqrt((B / W + n - 1) / n)
    ESS   = N / tau,   tau = -1 + 2 sum_k P_k + rho,   P_k = rho_2k + rho_(2k+1) made monotone

for the n draws of a half chain, variances B between and W within them, and N draws in all. Sums
end where Geyer's (1992) pairs P_k are no longer positive; the bulk ESS is that of z, the tail ESS
the smaller one of two indicators.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesreg._types import FloatArray

# Numbers held at a time: 4 MiB of them, and a few arrays of that size.
_NUMBERS_AT_A_TIME = 2**19
# Half chains of fewer than two draws have no variance.
_FEWEST_DRAWS = 4


@dataclass(frozen=True, eq=False)
class RankStatistics:
    """Figures for each parameter; NaN where there are fewer than 4 draws, or some are NaN.

    R-hat also wants two chains, and chains that move.
    """

    rhat: FloatArray
    ess_bulk: FloatArray
    ess_tail: FloatArray
    mcse_mean: FloatArray


def rank_statistics(draws: FloatArray, tails: tuple[float, float]) -> RankStatistics:
    """Figures from draws of shape (chains, draws, parameters)."""
    chains, length, size = draws.shape
    step = max(1, _NUMBERS_AT_A_TIME // max(chains * length, 1))
    found = np.full((4, size), np.nan)
    if length >= _FEWEST_DRAWS:
        for first in range(0, size, step):
            x = np.ascontiguousarray(np.moveaxis(draws[:, :, first : first + step], 2, 0))
            found[:, first : first + step] = _figures(x, tails)
        found[:, np.any(np.isnan(draws), axis=(0, 1))] = np.nan
    return RankStatistics(*found)


def _figures(x: FloatArray, tails: tuple[float, float]) -> FloatArray:
    """Rows of R-hat, bulk ESS, tail ESS and MCSE of x, shape (parameters, chains, draws)."""
    halves = _split(x)
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = _normal_scores(halves)
        median = np.median(halves, axis=(1, 2), keepdims=True)
        folded = _normal_scores(np.abs(halves - median))
        rhat = np.maximum(_rhat(scores), _rhat(folded))
        ends = np.quantile(x, tails, axis=(1, 2))[..., None, None]
        tail = np.minimum(*(_ess(_split(x <= end).astype(np.float64)) for end in ends))
        mcse = np.std(x, axis=(1, 2), ddof=1) / np.sqrt(_ess(halves))
        bulk = _ess(scores)
    if x.shape[1] < 2:
        rhat = np.full(x.shape[0], np.nan)
    return np.stack([rhat, bulk, tail, mcse])


def _split(x: FloatArray) -> FloatArray:
    """Half chains; of an odd number of draws without the one in the middle."""
    half = x.shape[2] // 2
    return np.concatenate([x[:, :, :half], x[:, :, x.shape[2] - half :]], axis=1)


def _normal_scores(x: FloatArray) -> FloatArray:
    """Phi^-1((rank - 3/8) / (N + 1/4)), ranks over all chains, equal values sharing theirs."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    flat = x.reshape(x.shape[0], -1)
    count = flat.shape[1]
    order = np.argsort(flat, axis=1)
    ordered = np.take_along_axis(flat, order, axis=1)
    scores = np.empty(flat.shape)
    by_rank = ndtri((np.arange(1, count + 1) - 0.375) / (count + 0.25))
    np.put_along_axis(scores, order, np.broadcast_to(by_rank, flat.shape), axis=1)
    tied = np.any(ordered[:, 1:] == ordered[:, :-1], axis=1)
    if tied.any():
        ranks = rankdata(flat[tied], method="average", axis=1)
        scores[tied] = ndtri((ranks - 0.375) / (count + 0.25))
    return scores.reshape(x.shape)


def _rhat(x: FloatArray) -> FloatArray:
    """Of half chains, shape (parameters, half chains, draws)."""
    n = x.shape[2]
    between = n * np.var(np.mean(x, axis=2), axis=1, ddof=1)
    within = np.mean(np.var(x, axis=2, ddof=1), axis=1)
    rhat: FloatArray = np.sqrt((between / within + n - 1) / n)
    return rhat


def _ess(x: FloatArray) -> FloatArray:
    """Of half chains, shape (parameters, half chains, draws)."""
    _, chains, n = x.shape
    covariance = _mean_autocovariance(x)
    within = covariance[:, 0] * n / (n - 1.0)
    total = covariance[:, 0].copy()
    if chains > 1:
        total += np.var(np.mean(x, axis=2), axis=1, ddof=1)
    rho = 1.0 - (within[:, None] - covariance) / total[:, None]
    rho[:, 0] = 1.0
    tau = np.maximum(_integrated_time(rho), 1.0 / np.log10(chains * n))
    constant = np.ptp(x, axis=(1, 2)) < np.finfo(np.float64).resolution
    ess: FloatArray = np.where(constant, chains * n, chains * n / tau)
    return ess


def _mean_autocovariance(x: FloatArray) -> FloatArray:
    """At lags 0 ... n - 1, divided by n, averaged over half chains."""
    from scipy.fft import irfft, next_fast_len, rfft

    n = x.shape[2]
    padded = next_fast_len(2 * n, real=True)
    transform = rfft(x - np.mean(x, axis=2, keepdims=True), padded, axis=2)
    power = np.mean(transform.real**2 + transform.imag**2, axis=1)
    covariance: FloatArray = irfft(power, padded, axis=1)[:, :n] / n
    return covariance


def _integrated_time(rho: FloatArray) -> FloatArray:
    """-1 + 2 sum_k P_k over the initial positive pairs, made monotone, + the next even rho."""
    n = rho.shape[1]
    pairs = rho[:, 0 : n - n % 2 : 2] + rho[:, 1::2]
    index = np.arange(pairs.shape[1])
    # Pair k is looked at after pair k - 1 was positive, and while three lags are left beyond it.
    ends = ~(pairs > 0) | (2 * index + 1 >= n - 3)
    last = np.argmax(ends, axis=1)
    monotone = np.minimum.accumulate(pairs, axis=1)
    within = index < last[:, None]
    even = np.take_along_axis(rho, 2 * last[:, None], axis=1)[:, 0]
    pair = np.take_along_axis(pairs, last[:, None], axis=1)[:, 0]
    tau: FloatArray = (
        -1.0
        + 2.0 * np.sum(np.where(within, monotone, 0.0), axis=1)
        + np.where((even > 0) | (pair >= 0), even, 0.0)
    )
    return tau
