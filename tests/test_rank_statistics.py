"""Our R-hat, ESS and MCSE against arviz_stats, to rounding."""

import warnings

import numpy as np
import pytest
from arviz_stats import ess, mcse, rhat

from bayesreg.posterior import rank_statistics as ours
from bayesreg.posterior.diagnostics import FIGURES, diagnose, diagnose_variables

TAILS = (0.05, 0.95)


def correlated(rng, shape, by):
    x = rng.normal(size=shape)
    for t in range(1, shape[1]):
        x[:, t] += by * x[:, t - 1]
    return x


KINDS = {
    "independent": lambda rng, shape: rng.normal(size=shape),
    "slow": lambda rng, shape: correlated(rng, shape, 0.9),
    "antithetic": lambda rng, shape: correlated(rng, shape, -0.7),
    "walk": lambda rng, shape: correlated(rng, shape, 1.0),
    "ties": lambda rng, shape: np.round(rng.normal(size=shape)),
    "constant": lambda rng, shape: np.ones(shape),
    "heavy": lambda rng, shape: rng.standard_cauchy(size=shape),
    "elsewhere": lambda rng, shape: rng.normal(size=shape) + np.arange(shape[0])[:, None, None],
    "huge": lambda rng, shape: 1e100 + 1e90 * rng.normal(size=shape),
}


def reference(x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.array([
            [float(rhat(c, method="rank")), float(ess(c, method="bulk")),
             float(ess(c, method="tail", prob=TAILS)), float(mcse(c, method="mean"))]
            for c in np.moveaxis(x, 2, 0)
        ]).T  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("chains", [1, 2, 4, 7])
def test_against_arviz(kind, chains):
    rng = np.random.default_rng(chains)
    for draws in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 51, 100, 1000):
        x = KINDS[kind](rng, (chains, draws, 3))
        found = ours.rank_statistics(x, TAILS)
        got = np.stack([getattr(found, name) for name in FIGURES])
        if draws >= 4:
            np.testing.assert_allclose(got, reference(x), rtol=1e-9, err_msg=str(draws))
        else:
            assert np.all(np.isnan(got))


def test_nan_and_no_parameters():
    x = np.random.default_rng(0).normal(size=(2, 50, 3))
    x[1, 7, 1] = np.nan
    found = ours.rank_statistics(x, TAILS)
    assert np.isnan(found.rhat).tolist() == [False, True, False]
    assert ours.rank_statistics(x[:, :, :0], TAILS).rhat.shape == (0,)


def test_pieces_are_the_whole(monkeypatch):
    x = np.random.default_rng(0).normal(size=(2, 50, 7))
    whole = ours.rank_statistics(x, TAILS)
    monkeypatch.setattr(ours, "_NUMBERS_AT_A_TIME", 250)
    for name in FIGURES:
        np.testing.assert_array_equal(
            getattr(ours.rank_statistics(x, TAILS), name), getattr(whole, name)
        )


def test_of_very_long_runs_every_kth_draw_counts(monkeypatch):
    from bayesreg.posterior import diagnostics

    x = np.random.default_rng(0).normal(size=(2, 900, 3))
    monkeypatch.setattr(diagnostics, "_MOST_DRAWS", 700)
    monkeypatch.setattr(diagnostics, "_NUMBERS_AT_A_TIME", 1)
    free = np.array([True, False, True])
    found = diagnose_variables({"coef": x, "sigma": x[:, :, 1]}, ("a", "b", "c"), free, 0)
    assert found.every == 3
    assert found.labels == ("coef[a]", "coef[c]", "sigma")
    assert found.draws == 900
    thinned = diagnose(x[:, ::3], ("a", "b", "c"))
    np.testing.assert_array_equal(found.ess_bulk, thinned.ess_bulk[[0, 2, 1]])
    np.testing.assert_array_equal(found.mcse_mean, thinned.mcse_mean[[0, 2, 1]])
