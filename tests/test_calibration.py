"""The samplers at a small size of tests/calibration.py, and the check itself on broken samplers."""

from dataclasses import replace

import numpy as np
import pytest
from calibration import BATCH, CASES, FAMILY_LEVEL, Case, assess, line, mutants, seed_of
from scipy import stats

from bayesreg import (
    Bernoulli,
    Cauchy,
    Data,
    ElasticNet,
    Exponential,
    Flat,
    Gaussian,
    GroupLaplace,
    HalfCauchy,
    HalfNormal,
    Horseshoe,
    InverseGamma,
    Jeffreys,
    Laplace,
    Model,
    Normal,
    StudentT,
    Truncated,
    Uniform,
)
from bayesreg.errors import ModelError
from bayesreg.posterior.choice import SAMPLERS
from bayesreg.posterior.target import pose
from bayesreg.testing import check_sampler
from bayesreg.testing.calibration import KEPT, Ranks, holm
from bayesreg.testing.samplers import calibrate, geweke
from bayesreg.testing.simulation import Simulator

PARAMETERS = [pytest.param(case, id=case.label) for case in CASES]


@pytest.mark.parametrize("case", [row for row in PARAMETERS if row.values[0].n < row.values[0].p])
def test_calibrated(case):
    """Against gross errors, with the fewest rows; the size with power is below."""
    found = calibrate(
        SAMPLERS[case.sampler], case.model, case.data, replications=150, thin=case.thin,
        tune=case.tune, seed=seed_of(case, 1),
    )  # fmt: skip
    assert found.worst[1] > FAMILY_LEVEL, found.worst


@pytest.mark.slow
@pytest.mark.parametrize("case", PARAMETERS)
def test_calibrated_and_every_mutant_found_at_full_size(case):
    result = assess(case, BATCH, seed=7)
    assert result["passed"], line(result)


# --- the check sees what is wrong ---------------------------------------------------------------

DATA = Data(np.random.default_rng(0).normal(size=(3, 4)), np.zeros(3))
MODEL = Model(Gaussian(1.0), Laplace(0.7, loc=0.2), Normal(1.0))


class Altered:
    """An engine whose draws are changed after the fact."""

    def __init__(self, engine, change):
        self._engine, self._change = engine, change
        self.statistics, self.cost = engine.statistics, engine.cost
        self.begin = engine.begin

    def advance(self, chain, block):
        self._engine.advance(chain, block)
        self._change(chain, block)


def altered(change):
    row = SAMPLERS["gibbs"]
    return replace(row, name="altered", prepare=lambda setup: Altered(row.prepare(setup), change))


def shifted(chain, block):
    block.v[:, 1] += 0.15


def narrowed(chain, block):
    block.v[:] *= 0.85


def stuck(chain, block):
    block.v[:, 2] = block.v[0, 2]


@pytest.mark.parametrize("change", [shifted, narrowed, stuck])
def test_a_broken_sampler_is_named(change):
    with pytest.raises(AssertionError, match=r"the ranks of .* are not uniform"):
        check_sampler(altered(change), MODEL, DATA, transitions=0)


def test_a_right_sampler_passes():
    check_sampler("gibbs", MODEL, DATA)
    check_sampler(altered(lambda chain, block: None), MODEL, DATA, replications=300)


def test_what_is_not_a_number_is_no_draw():
    def broken(chain, block):
        block.v[-1, 0] = np.nan

    with pytest.raises(AssertionError, match="not finite"):
        check_sampler(altered(broken), MODEL, DATA, replications=1)


@pytest.mark.parametrize("name", ["prior 25% wider"])
def test_both_tests_find_the_mutant_at_the_default_size(name):
    wrong = mutants(MODEL)[name]
    row = SAMPLERS["gibbs"]
    assert calibrate(row, MODEL, DATA, told=wrong).worst[1] < 1e-4
    assert geweke(row, MODEL, DATA, told=wrong, transitions=4000).worst[1] < 1e-4


def test_a_transition_that_leaves_the_posterior_is_seen_by_geweke_alone():
    """Exact draws, each kept out when the first coefficient falls: long runs would hide less."""

    def selective(chain, block):
        block.v[:, 0] = np.abs(block.v[:, 0])

    with pytest.raises(AssertionError, match="does not keep its prior"):
        check_sampler(altered(selective), MODEL, DATA, replications=0)


def test_refusals_say_what_to_state():
    for model, match in (
        (Model(Gaussian(1.0), Flat()), "proper prior"),
        (Model(Gaussian(1.0), {"x[0-2]": Laplace(1.0), "x3": Truncated(Flat(), 0.0)}), "proper"),
        (Model(Gaussian(Jeffreys()), Laplace(1.0)), "sigma.*proper"),
        (Model(Bernoulli(), Laplace(1.0)), "intercept"),
    ):
        with pytest.raises(ModelError, match=match):
            Simulator(pose(model, DATA))
    with pytest.raises(ModelError, match="weights"):
        Simulator(pose(Model(Bernoulli(), Laplace(1.0), None),
                       Data(DATA.X, DATA.y, weights=[1.0, 2.0, 1.0])))  # fmt: skip
    with pytest.raises(AssertionError, match="does not take"):
        check_sampler("exact", MODEL, DATA)
    with pytest.raises(AssertionError, match="transitions=0"):
        check_sampler("gibbs", Model(Gaussian(1.0), Laplace(1.0)), DATA, replications=0)


def test_rank_statistics():
    rng = np.random.default_rng(1)
    even = Ranks(("a", "b"), rng.integers(0, KEPT + 1, (2000, 2)))
    assert even.worst[1] > 0.01
    lean = even.ranks.copy()
    lean[:, 1] = np.minimum(lean[:, 1] + (rng.random(2000) < 0.15) * 20, KEPT)
    assert Ranks(("a", "b"), lean).worst == ("b", pytest.approx(0.0, abs=1e-4))
    assert len(list(even.batches(600))) == 3
    p = np.array([0.01, 0.04, 0.03, 0.5])
    np.testing.assert_allclose(holm(p), [0.04, 0.09, 0.09, 0.5])


# --- draws from the priors ----------------------------------------------------------------------

DRAWN = {
    "laplace": (Laplace(0.5, loc=0.1), stats.laplace(0.1, 0.5)),
    "normal": (Normal(0.5, loc=-0.2), stats.norm(-0.2, 0.5)),
    "half-normal": (HalfNormal(0.5), stats.halfnorm(0, 0.5)),
    "exponential": (Exponential(0.5), stats.expon(0, 0.5)),
    "uniform": (Uniform(-0.5, 2.0), stats.uniform(-0.5, 2.5)),
    "truncated": (
        Truncated(Normal(0.5, loc=0.4), upper=0.3), stats.truncnorm(-np.inf, -0.2, 0.4, 0.5)
    ),
    "student-t": (StudentT(3.0, 0.5, loc=0.1), stats.t(3.0, 0.1, 0.5)),
    "cauchy": (Cauchy(0.5), stats.cauchy(0, 0.5)),
}  # fmt: skip


def drawn(model, count=1500, data=DATA):
    simulator = Simulator(pose(model, data))
    rng = np.random.default_rng(2)
    return [simulator.parameters(rng) for _ in range(count)]


@pytest.mark.parametrize("name", DRAWN)
def test_coefficients_have_their_prior(name):
    prior, reference = DRAWN[name]
    v = np.array([at.v for at in drawn(Model(Gaussian(1.0), prior, None))])
    assert stats.kstest(v.ravel(), reference.cdf).pvalue > 1e-3


SCALARS = {
    "half-normal": (HalfNormal(0.5), stats.halfnorm(0, 0.5).cdf),
    "exponential": (Exponential(0.5), stats.expon(0, 0.5).cdf),
    "uniform": (Uniform(0.5, 2.0), stats.uniform(0.5, 1.5).cdf),
    "half-cauchy": (HalfCauchy(0.5), stats.halfcauchy(0, 0.5).cdf),
    "inverse-gamma": (InverseGamma(3.0, 2.0), lambda s: stats.invgamma(3.0, scale=2.0).cdf(s**2)),
}


@pytest.mark.parametrize("name", SCALARS)
def test_sigma_scale_and_relative_priors_are_drawn_in_turn(name):
    """sigma and scale from their densities; coefficients given both, by their quantiles."""
    density, cdf = SCALARS[name]
    model = Model(Gaussian(density), Laplace(density, relative_to_noise=True), Normal(1.0))
    draws = drawn(model)
    for part in ("sigma", "scale"):
        assert stats.kstest([at.scalars[part] for at in draws], cdf).pvalue > 1e-3
    u = [stats.laplace(0, at.scalars["sigma"] * at.scalars["scale"]).cdf(at.v[:4]) for at in draws]
    assert stats.kstest(np.ravel(u), "uniform").pvalue > 1e-3


PRIORS = [
    ElasticNet(0.5, 0.4, loc=0.1), ElasticNet(0.3, 2.0), Horseshoe(0.5),
    Truncated(Laplace(HalfNormal(0.5), loc=0.3), lower=-0.2),
    Truncated(ElasticNet(0.5, 0.4), upper=0.3),
    Truncated(StudentT(3.0, 0.5, relative_to_noise=True), lower=-0.1, upper=2.0),
    GroupLaplace(0.5),
]  # fmt: skip


@pytest.mark.parametrize("prior", PRIORS, ids=repr)
def test_the_draws_have_the_density_that_is_ranked(prior):
    """E[q(x) / p(x)] = 1 for any density q on the support, here a narrow one around a draw."""
    model, data = Model(Gaussian(HalfNormal(2.0)), prior, None), Data(np.eye(2), np.ones(2))
    simulator = Simulator(pose(model, data))
    draws = drawn(model, 10_000, data)
    v = np.array([at.v for at in draws])
    scalars = np.array([list(at.scalars.values()) for at in draws]).reshape(len(draws), -1)
    log_p = simulator.quantities(None, v, scalars)[:, -1]
    joint = np.hstack([v, scalars])
    low, high = np.quantile(joint, 0.2, axis=0), np.quantile(joint, 0.8, axis=0)
    inside = np.all((joint > low) & (joint < high), axis=1)
    ratio = np.where(inside, np.exp(-log_p - np.sum(np.log(high - low))), 0.0)
    error = np.std(ratio) / np.sqrt(ratio.size)
    assert abs(np.mean(ratio) - 1.0) < 4.5 * error
    assert error < 0.1


def test_calibration_does_not_depend_on_where_a_flat_intercept_is():
    model = Model(Gaussian(1.0), Laplace(0.7))
    one = calibrate(SAMPLERS["gibbs"], model, DATA, replications=50)
    offset = Data(DATA.X, DATA.y, offset=np.full(3, 7.0))
    other = calibrate(SAMPLERS["gibbs"], model, offset, replications=50)
    np.testing.assert_array_equal(one.ranks, other.ranks)
    assert "intercept" not in one.labels


def test_a_case_is_told_by_one_line():
    case = Case("gibbs", "laplace", MODEL, 3, mutants=mutants(MODEL), transitions=200)
    result = assess(case, 200, seed=1)
    assert line(result).count("|") == 11
    assert set(result["mutants"]) == {"prior 25% wider"}
