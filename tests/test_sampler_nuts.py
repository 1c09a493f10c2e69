"""NUTS: against Stan's posterior, quadrature, other samplers; resumed, scaled, pushed."""

import json
from pathlib import Path

import arviz_stats
import numpy as np
import pytest
from helpers import make_design

from bayesreg import (
    AsymmetricLaplace,
    Bernoulli,
    Binomial,
    Cauchy,
    Data,
    ElasticNet,
    Exponential,
    Flat,
    Gamma,
    Gaussian,
    GroupLaplace,
    HalfCauchy,
    HalfNormal,
    Horseshoe,
    InverseGamma,
    Laplace,
    Model,
    NegativeBinomial,
    Normal,
    Poisson,
    StudentT,
    Truncated,
    Uniform,
    find_map,
    sample,
)
from bayesreg.errors import ImproperPosteriorError, ModelError, NoModeError, NotCertifiedError
from bayesreg.posterior import nuts, nuts_start
from bayesreg.posterior.densities import Parameters, log_likelihood, log_prior
from bayesreg.posterior.nuts_start import find_start
from bayesreg.posterior.nuts_target import coordinates
from bayesreg.posterior.protocol import Block, Draws, Setup
from bayesreg.posterior.target import pose
from bayesreg.scales.draws import parameters

REFERENCE = Path(__file__).parent / "reference"


def make_case(n, p, weights=False, offset=False, sigma=1.3):
    rng = np.random.default_rng([n, p])
    X = make_design(n, p)
    s = rng.uniform(0.2, 3.0, n) if weights else None
    shift = rng.normal(size=n) if offset else None
    y = 2.0 + X[:, 0] + sigma * rng.normal(size=n) + (0.0 if shift is None else shift)
    return Data(X, y, weights=s, offset=shift)


def z_of_mean(x, expected):
    """(mean - expected) / Monte Carlo standard error, for x of shape (chains, draws)."""
    return (np.mean(x) - expected) / standard_error(x)


def standard_error(x):
    return np.std(x) / np.sqrt(float(arviz_stats.ess(x, method="mean")))


def test_pima_against_stan():
    """All eight means within four Monte Carlo errors, Stan's and ours combined."""
    case = json.loads((REFERENCE / "stan_logit_pima_laplace.json").read_text())
    data = Data(np.array(case["X"]), np.array(case["y"]), names=case["x_columns"])
    scale = case["prior_on_coefficients"]["scale"]
    post = sample(Model(Bernoulli(), Laplace(scale)), data, seed=1)
    assert post.attrs["sampler"] == "nuts"
    assert post.attrs["divergences"] == 0
    rows = {row["variable"]: row for row in case["summary"]}
    coef = post["posterior"]["coef"]
    ours = {name: coef.sel(feature=name).values for name in data.names}
    ours["(Intercept)"] = post["posterior"]["intercept"].values
    assert set(ours) <= set(rows)
    z = {
        name: (np.mean(x) - rows[name]["mean"])
        / np.hypot(standard_error(x), rows[name]["mcse_mean"])
        for name, x in ours.items()
    }
    assert len(z) == 8
    assert max(abs(value) for value in z.values()) < 4.0, z
    for name, x in ours.items():
        assert np.std(x) == pytest.approx(rows[name]["sd"], rel=0.1)


def poisson_quadrature(model, data):
    """E[w], E[a] and P(w > 0) for one column and an intercept, on a grid."""
    w, a = np.meshgrid(np.arange(-1499.5, 1500) * 2e-3, np.arange(-8, 7, 6e-3), indexing="ij")
    log_p = np.zeros_like(w)
    for x, y, s, o in zip(data.X[:, 0], data.y, data.weights, data.offset, strict=True):
        eta = o + a + x * w
        log_p += s * (y * eta - np.exp(eta))
    log_p += model.prior.log_density(w) + model.intercept.log_density(a)
    p = np.exp(log_p - np.max(log_p))
    p /= np.sum(p)
    assert max(p[0].sum(), p[-1].sum(), p[:, 0].sum(), p[:, -1].sum()) < 1e-8
    return np.sum(p * w), np.sum(p * a), np.sum(p * (w > 0))


@pytest.mark.parametrize("intercept", [Flat(), Normal(0.5, loc=1.0)], ids=str)
def test_weighted_poisson_against_quadrature(intercept):
    """An uncentred column, weights, an offset: centring for NUTS must not change the answer."""
    rng = np.random.default_rng(3)
    x, offset, weights = rng.normal(2.0, 0.5, 15), rng.normal(0, 0.3, 15), rng.uniform(0, 2, 15)
    y = rng.poisson(np.exp(offset + 0.3 * x))
    data = Data(x[:, None], y, weights=weights, offset=offset)
    model = Model(Poisson(), ElasticNet(0.4, 0.8, loc=0.1), intercept)
    expected = poisson_quadrature(model, data)
    post = sample(model, data, seed=2)["posterior"]
    w, a = post["coef"].values[:, :, 0], post["intercept"].values
    z = [z_of_mean(x, e) for x, e in zip((w, a, (w > 0) * 1.0), expected, strict=True)]
    assert np.max(np.abs(z)) < 4.5, z


def test_oracle_of_the_gibbs_sampler():
    """A mix of priors, p > n, a pinned column: NUTS and Gibbs agree."""
    data = make_case(6, 9, weights=True, offset=True)
    X = data.X.copy()
    X[:, 4] = 1.0
    data = Data(X, data.y, weights=data.weights, offset=data.offset)
    prior = {"x[0-5]": Laplace(0.4, loc=0.1), "x[67]": Normal(0.5), "x8": ElasticNet(0.3, 0.5)}
    model = Model(Gaussian(1.3), prior, Normal(2.0), standardize=True)
    one = sample(model, data, seed=1, draws=4000, sampler="gibbs")["posterior"]
    other = sample(model, data, seed=2, sampler="nuts")["posterior"]
    for j in (0, 1, 2, 3, 5, 6, 7, 8):
        for f in (np.asarray, np.abs):
            x, y = (f(post["coef"].values[:, :, j]) for post in (one, other))
            z = (np.mean(x) - np.mean(y)) / np.hypot(standard_error(x), standard_error(y))
            assert abs(z) < 4.5, (j, z)
    assert np.all(other["coef"].values[:, :, 4] == 0.1)


def test_wild_units_and_a_far_start_still_converge():
    """Columns of sd 1e-4 and 1e4 about means of 1e5: the metric starts at the curvature."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(60, 2))
    y = rng.poisson(np.exp(0.5 + X @ [0.4, -0.3]))
    data = Data(X * [1e-4, 1e4] + [1e-3, 1e5], y)
    model = Model(Poisson(), {"x0": Laplace(1e4), "x1": Laplace(1e-4)})
    post = sample(model, data, seed=4, draws=500, tune=600)
    assert post.attrs["rhat_max"] < 1.01
    assert post.attrs["divergences"] == 0


# --- against quadrature, for every kind of model -------------------------------------------------


def starting_point(model, data):
    try:
        fit = find_map(model, data)
    except (ModelError, NoModeError, NotCertifiedError):
        return pose(model, data).problem.start
    return pose(model, data).problem.extended(fit.coef, fit.intercept)


def nuts_run(model, data, seed=1, draws=1000, tune=250, chains=2, cut=None):
    """Draws of coef, intercept and the scalars, each (chains, draws); statistics; the chains."""
    posterior = pose(model, data)
    assert nuts.unsuited(posterior) is None
    engine = nuts.prepare(Setup(posterior, starting_point(model, data), tune))
    found = [engine.begin(child) for child in np.random.SeedSequence(seed).spawn(chains)]
    blocks = [advanced(engine, chain, posterior, tune + draws, tune, cut) for chain in found]
    v, scalars, statistics = (
        np.stack(
            [np.concatenate([getattr(b, part) for b in of_chain])[tune:] for of_chain in blocks]
        )
        for part in ("v", "scalars", "statistics")
    )
    named = {name: scalars[:, :, k] for k, name in enumerate(posterior.scalars)}
    return parameters(posterior, Draws(v, named)), statistics, found


def advanced(engine, chain, posterior, total, tune, cut):
    blocks = []
    while chain.iteration < total:
        end = tune if chain.iteration < tune else total
        count = min(cut or total, end - chain.iteration)
        block = Block.empty(
            count, posterior.problem.size, len(posterior.scalars), len(engine.statistics)
        )
        engine.advance(chain, block)
        chain.iteration += count
        blocks.append(block)
    return blocks


def one_column(kind, n=14, seed=0):
    rng = np.random.default_rng([seed, n])
    x = rng.normal(0.5, 1.0, n)
    y = {
        "real": 0.6 * x + rng.normal(size=n),
        "binary": (rng.random(n) < 0.6) * 1.0,
        "trials": rng.integers(0, 6, n) * 1.0,
        "count": rng.poisson(np.exp(0.4 * x)) * 1.0,
        "positive": rng.gamma(2.0, 1.0, n),
    }[kind]
    trials = np.full(n, 7) if kind == "trials" else None
    return Data(
        x[:, None], y, weights=rng.uniform(0.3, 2.0, n), offset=0.3 * rng.normal(size=n),
        trials=trials,
    )  # fmt: skip


#: Model, data, the second coordinate and the ranges of both.
QUADRATURE = {
    "bernoulli-laplace": (Bernoulli(), Laplace(0.5), Flat(), "binary", (-4, 5), (-4, 5)),
    "binomial-elastic-net": (Binomial(), ElasticNet(0.3, 0.5, loc=0.1), Flat(), "trials",
                             (-2, 2), (-2, 3)),
    "poisson-student-t": (Poisson(), StudentT(3.0, scale=0.2), Normal(1.0), "count",
                          (-2, 2), (-3, 2)),
    "poisson-strong-kink": (Poisson(), Laplace(0.02), Flat(), "count", (-0.6, 0.8), (-2, 2)),
    "negative-binomial-cauchy": (NegativeBinomial(1.2), Cauchy(0.2), Laplace(0.5), "count",
                                 (-3, 4), (-3, 3)),
    "gamma-half-normal": (Gamma(0.5), HalfNormal(0.4), Flat(), "positive", (0, 2), (-2, 2.5)),
    "student-t-exponential": (StudentT(4.0, sigma=0.8), Exponential(0.3), Flat(), "real",
                              (0, 3), (-3, 3)),
    "gaussian-uniform": (Gaussian(1.1), Uniform(-0.2, 0.9), Normal(1.0), "real",
                         (-0.2, 0.9), (-3, 3)),
    "bernoulli-truncated": (Bernoulli(), Truncated(Laplace(0.4, loc=0.2), -0.5, 1.5), Flat(),
                            "binary", (-0.5, 1.5), (-4, 5)),
    "absolute-laplace": (AsymmetricLaplace(0.3, 0.5), Laplace(0.4), Normal(1.0), "real",
                         (-2, 3), (-4, 3)),
    "gaussian-sigma": (Gaussian(HalfNormal(2.0)), Laplace(0.3), None, "real", (-3, 4), (-2, 2)),
    "gaussian-relative": (Gaussian(HalfCauchy(1.0)), Normal(0.4, relative_to_noise=True), None,
                          "real", (-3, 4), (-2, 2)),
    "gamma-phi": (Gamma(HalfCauchy(1.0)), Laplace(0.5), None, "positive", (-2, 3), (-3, 3)),
    "negative-binomial-alpha": (NegativeBinomial(InverseGamma(2.0, 4.0)), Normal(0.5), None,
                                "count", (-2, 2.5), (-2, 6)),
    "scale-laplace": (Bernoulli(), Laplace(HalfNormal(0.6)), None, "binary", (-4, 5), (-7, 1.5)),
    "scale-normal": (Poisson(), Normal(Uniform(0.1, 1.5)), None, "count", (-3, 3),
                     (np.log(0.1), np.log(1.5))),
    "scale-student-t": (Poisson(), StudentT(3.0, InverseGamma(3.0, 0.5)), None, "count", (-3, 3),
                        (-3, 3)),
    "scale-elastic-net": (Bernoulli(), ElasticNet(0.5, 1.0, scale=InverseGamma(3.0, 1.0)), None,
                          "binary", (-5, 6), (-3, 4)),
    "scale-exponential": (Poisson(), Exponential(InverseGamma(3.0, 0.5)), None, "count", (0, 3),
                          (-3, 4)),
    "scale-group": (Poisson(), GroupLaplace(InverseGamma(3.0, 0.5)), None, "count", (-3, 3),
                    (-3, 4)),
}  # fmt: skip


def grid(low, high, points, kink):
    """Midpoints of cells, with the kink on a boundary."""
    h = (high - low) / points
    first = low + (round((kink - low) / h) - (kink - low) / h) * -h if low < kink < high else low
    return first + h * (np.arange(points) + 0.5)


def by_quadrature(name, points=241):
    """E of w, w^2, [w > loc] and the second coordinate, by sums over a grid."""
    likelihood, prior, intercept, kind, first, second = QUADRATURE[name]
    model, data = Model(likelihood, prior, intercept), one_column(kind)
    posterior = pose(model, data)
    loc = float(np.ravel(getattr(getattr(prior, "prior", prior), "loc", 0.0))[0])
    w, other = np.meshgrid(grid(*first, points, loc), grid(*second, points, np.inf), indexing="ij")
    scalars, a = {}, other.ravel()
    if intercept is None:
        scalars = dict.fromkeys(posterior.scalars, np.exp(other.reshape(1, -1)))
        a = None
    drawn = Parameters(w.reshape(1, -1, 1), None if a is None else a[None], scalars)
    log_p = np.sum(log_likelihood(model, data, drawn), axis=2)[0]
    for part in log_prior(model, data, posterior, drawn).values():
        log_p = log_p + part.reshape(log_p.shape)
    log_p = log_p.reshape(w.shape) + (other if scalars else 0.0)
    p = np.exp(log_p - np.max(log_p))
    p /= np.sum(p)
    return [np.sum(p * f) for f in (w, w**2, w > loc, other)], loc


def quadrature_z(name, seed, expected, loc):
    likelihood, prior, intercept, kind, *_ = QUADRATURE[name]
    entropy = (seed, list(QUADRATURE).index(name))
    drawn, statistics, _ = nuts_run(Model(likelihood, prior, intercept), one_column(kind), entropy)
    w = drawn.coef[:, :, 0]
    other = drawn.intercept
    if drawn.scalars:
        other = np.log(next(iter(drawn.scalars.values())))
    assert np.mean(statistics[:, :, 0]) < 0.01
    functions = (w, w**2, (w > loc) * 1.0, other)
    return [z_of_mean(f, e) for f, e in zip(functions, expected, strict=True) if np.std(f) > 0]


def test_against_quadrature():
    """Every kind of likelihood, prior, bound and unknown number: pooled z, no outlier."""
    z = {}
    for name in QUADRATURE:
        expected, loc = by_quadrature(name)
        for seed in range(2):
            z[name, seed] = quadrature_z(name, seed, expected, loc)
    pooled = np.concatenate(list(z.values()))
    assert pooled.size >= 100
    assert np.max(np.abs(pooled)) < 4.5, z
    assert 0.8 < np.sqrt(np.mean(pooled**2)) < 1.2, z


def test_a_wrong_density_is_caught():
    """Power: the same z with a prior 10% too narrow fails."""
    expected, loc = by_quadrature("poisson-student-t")
    likelihood, _, intercept, kind, *_ = QUADRATURE["poisson-student-t"]
    model = Model(likelihood, StudentT(3.0, scale=0.18), intercept)
    drawn, _, _ = nuts_run(model, one_column(kind), draws=10_000)
    w = drawn.coef[:, :, 0]
    assert max(abs(z_of_mean(f, e)) for f, e in zip((w, w**2), expected, strict=False)) > 4.5
    assert loc == 0.0


# --- against the other samplers ------------------------------------------------------------------


def z_between(one, other):
    return (np.mean(one) - np.mean(other)) / np.hypot(standard_error(one), standard_error(other))


def test_gibbs_and_nuts_agree_over_seeds():
    """Gaussian x Laplace and ElasticNet, n > p and p > n: pooled z of the right size."""
    z = []
    for k, (n, p) in enumerate([(30, 5), (6, 8)]):
        data = make_case(n, p, weights=True)
        for j, prior in enumerate((Laplace(0.3), ElasticNet(0.4, 0.6, loc=0.1))):
            model = Model(Gaussian(1.3), prior)
            one = sample(model, data, seed=10 * k + j, draws=3000, sampler="gibbs", chains=2)
            other, statistics, _ = nuts_run(model, data, (k, j), draws=1500)
            assert not np.any(statistics[:, :, 0])
            for f in (np.asarray, np.square):
                z += [
                    z_between(f(one["posterior"]["coef"].values[:, :, i]), f(other.coef[:, :, i]))
                    for i in range(p)
                ]
    assert len(z) >= 50
    assert np.max(np.abs(z)) < 4.5, z
    assert 0.75 < np.sqrt(np.mean(np.square(z))) < 1.25, z


def test_a_group_of_two_is_a_scale_mixture():
    """GroupLaplace by NUTS against its own quadrature over two coefficients."""
    rng = np.random.default_rng(8)
    X, y = rng.normal(size=(12, 2)), rng.poisson(1.0, 12) * 1.0
    model, data = Model(Poisson(), GroupLaplace(0.3), None), Data(X, y)
    axis = np.linspace(-2.0, 2.0, 402)
    first, second = np.meshgrid(axis, axis, indexing="ij")
    eta = first[..., None] * X[:, 0] + second[..., None] * X[:, 1]
    log_p = np.sum(y * eta - np.exp(eta), axis=2) - np.hypot(first, second) / 0.3
    p = np.exp(log_p - np.max(log_p))
    p /= np.sum(p)
    drawn, statistics, _ = nuts_run(model, data, draws=4000)
    assert np.mean(statistics[:, :, 0]) < 0.01
    a, b = drawn.coef[:, :, 0], drawn.coef[:, :, 1]
    functions = [(a, first), (b, second), (a**2, first**2), (a * b, first * second)]
    assert max(abs(z_of_mean(x, np.sum(p * f))) for x, f in functions) < 4.5


def test_horseshoe_has_its_marginal():
    """Local scales beside the coefficients leave the closed-form marginal of one coefficient."""
    data = one_column("count")
    model = Model(Poisson(), Horseshoe(0.3), None)
    drawn, _, _ = nuts_run(model, data, draws=6000, tune=500)
    w = grid(-3.0, 3.0, 20_001, 0.0)
    eta = data.offset + w[:, None] * data.X[:, 0]
    log_p = (data.y * eta - np.exp(eta)) @ data.weights + Horseshoe(0.3).log_density(w)
    p = np.exp(log_p - np.max(log_p))
    p /= np.sum(p)
    x = drawn.coef[:, :, 0]
    pairs = [
        (x, w),
        (x**2, w**2),
        ((x > 0) * 1.0, w > 0),
        ((np.abs(x) < 0.1) * 1.0, np.abs(w) < 0.1),
    ]
    assert max(abs(z_of_mean(f, np.sum(p * g))) for f, g in pairs) < 4.5


# --- state, units, hard cases --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("likelihood", "prior"),
    [(Bernoulli(), Laplace(0.5)), (Poisson(), Horseshoe(HalfCauchy(0.5)))],
    ids=["laplace", "horseshoe"],
)
def test_the_cut_into_blocks_does_not_matter(likelihood, prior):
    """Bit for bit: one block of everything, or blocks of seven, or a chain taken up from disk."""
    rng = np.random.default_rng(2)
    data = Data(rng.normal(size=(30, 3)), (rng.random(30) < 0.5) * 1.0)
    model = Model(likelihood, prior)
    whole, statistics, chains = nuts_run(model, data, draws=60, tune=70)
    parts, others, _ = nuts_run(model, data, draws=60, tune=70, cut=7)
    np.testing.assert_array_equal(whole.coef, parts.coef)
    np.testing.assert_array_equal(whole.intercept, parts.intercept)
    np.testing.assert_array_equal(statistics, others)
    assert all(isinstance(part, np.ndarray) for part in chains[0].state.values())


def test_a_chain_taken_up_from_its_arrays():
    """State and streams copied through bytes at any moment: the same bits as without a stop."""
    data = one_column("binary")
    model = Model(Bernoulli(), Laplace(HalfCauchy(1.0)))
    posterior = pose(model, data)
    engine = nuts.prepare(Setup(posterior, starting_point(model, data), 100))
    reference = engine.begin(np.random.SeedSequence(4))
    stopped = engine.begin(np.random.SeedSequence(4))
    expected = advanced(engine, reference, posterior, 150, 100, None)
    advanced(engine, stopped, posterior, 43, 100, None)
    again = nuts.prepare(Setup(posterior, starting_point(model, data), 100))
    taken_up = again.begin(np.random.SeedSequence(99))
    taken_up.iteration = 43
    taken_up.state = {
        name: np.frombuffer(part.tobytes(), part.dtype).reshape(part.shape).copy()
        for name, part in stopped.state.items()
    }
    for name, stream in stopped.streams.items():
        taken_up.streams[name].bit_generator.state = stream.bit_generator.state
    found = advanced(again, taken_up, posterior, 150, 100, None)
    rest = np.concatenate([block.v for block in expected])[43:]
    np.testing.assert_array_equal(np.concatenate([block.v for block in found]), rest)


@pytest.mark.parametrize("factor", [2.0**30, 2.0**-30])
def test_units_of_the_columns_do_not_matter(factor):
    """Powers of two in X and in the prior: the same draws but for rounding in the first steps."""
    data = one_column("count")
    scaled = Data(data.X * factor, data.y, weights=data.weights, offset=data.offset)
    one, _, _ = nuts_run(Model(Poisson(), Laplace(0.3)), data, draws=20, tune=0)
    other, _, _ = nuts_run(Model(Poisson(), Laplace(0.3 / factor)), scaled, draws=20, tune=0)
    np.testing.assert_allclose(other.coef * factor, one.coef, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(other.intercept, one.intercept, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("factor", [1e-8, 1e8])
def test_units_of_the_target_do_not_matter(factor):
    """Gaussian with everything unknown: y, sigma's prior and the scale's prior in other units."""
    data = one_column("real")
    scaled = Data(data.X, data.y * factor, weights=data.weights, offset=data.offset * factor)
    runs = [
        nuts_run(Model(Gaussian(HalfNormal(2.0 * f)), Laplace(HalfCauchy(0.5 * f))), d, draws=1500)[
            0
        ]
        for f, d in ((1.0, data), (factor, scaled))
    ]
    for name in ("sigma", "scale"):
        one, other = np.log(runs[0].scalars[name]), np.log(runs[1].scalars[name] / factor)
        assert abs(z_between(one, other)) < 4.5
    assert abs(z_between(runs[0].coef[:, :, 0], runs[1].coef[:, :, 0] / factor)) < 4.5


def test_separated_data_under_a_proper_prior():
    """No mode without the prior; with it an ordinary posterior."""
    rng = np.random.default_rng(6)
    X = rng.normal(size=(40, 3))
    data = Data(X, (X[:, 0] > 0) * 1.0)
    post = sample(Model(Bernoulli(), Laplace(2.0)), data, seed=1)
    assert post.attrs["sampler"] == "nuts"
    assert post.attrs["rhat_max"] < 1.01
    assert float(post["posterior"]["coef"].values[:, :, 0].min()) > 0.0
    with pytest.raises(ImproperPosteriorError, match="separat"):
        sample(Model(Bernoulli(), Flat()), data, seed=1)


@pytest.mark.parametrize("mean", [1e4, 1e9])
def test_extreme_counts(mean):
    """Poisson counts about 1e9: the posterior sd of the intercept is 1 / sqrt(sum y)."""
    rng = np.random.default_rng(7)
    X = rng.normal(size=(50, 2))
    y = rng.poisson(mean * np.exp(0.2 * X[:, 0])) * 1.0
    post = sample(Model(Poisson(), Laplace(0.5)), Data(X, y), seed=3, draws=500)
    assert post.attrs["rhat_max"] < 1.01
    assert post.attrs["divergences"] == 0
    w = post["posterior"]["coef"].values
    mu = mean * np.exp(0.2 * X[:, 0])
    centred = X - mu @ X / mu.sum()
    sd = np.sqrt(np.diag(np.linalg.inv((centred * mu[:, None]).T @ centred)))
    np.testing.assert_allclose(np.std(w, axis=(0, 1)), sd, rtol=0.1)


def test_more_columns_than_rows():
    """p > n: the Hessian alone is singular, with the prior's precision it is not."""
    rng = np.random.default_rng(9)
    X = rng.normal(size=(20, 40))
    data = Data(X, rng.poisson(np.exp(0.5 * X[:, 0])) * 1.0)
    post = sample(Model(Poisson(), Laplace(0.1)), data, seed=1)
    assert post.attrs["rhat_max"] < 1.01
    assert post.attrs["divergences"] == 0


def test_statistics_of_each_draw():
    data = Data(np.random.default_rng(1).normal(size=(20, 2)), np.arange(20) % 2)
    post = sample(Model(Bernoulli(), Normal(0.5)), data, seed=3, draws=200)
    found = post["sample_stats"]
    assert set(found.data_vars) == {
        "diverging", "tree_depth", "n_steps", "acceptance_rate", "step_size", "energy", "lp",
    }  # fmt: skip
    assert found["diverging"].dtype == bool
    assert found["n_steps"].dtype.kind == "i"
    assert np.all(found["n_steps"] < 2.0 ** (found["tree_depth"] + 1))
    assert np.all((found["acceptance_rate"] > 0) & (found["acceptance_rate"] <= 1))


def test_the_same_seed_and_fewer_chains():
    data = Data(np.random.default_rng(1).normal(size=(20, 2)), np.arange(20) % 2)
    model = Model(Bernoulli(), Laplace(0.5))
    kwargs = {"seed": 3, "draws": 40, "tune": 40, "sampler": "nuts"}
    runs = []
    for chains in (3, 3, 2):
        with pytest.warns(match="fall short"):
            runs.append(sample(model, data, chains=chains, **kwargs)["posterior"])
    np.testing.assert_array_equal(runs[0]["coef"], runs[1]["coef"])
    np.testing.assert_array_equal(runs[0]["coef"].values[:2], runs[2]["coef"].values)
    np.testing.assert_array_equal(runs[0]["intercept"].values[:2], runs[2]["intercept"].values)


# --- how a scale is parted from its coefficients --------------------------------------------------


def test_a_known_combination_stays_centred():
    """Neither of two nearly equal columns is known, but their sum is: a share of the prior's sd
    that the data leave to each would free both from the scale, and the sum would bind it."""
    rng = np.random.default_rng(0)
    x, idle = rng.normal(size=(2, 400))
    X = np.column_stack([x, x + 1e-3 * rng.normal(size=400), 1e-3 * idle])
    data = Data(X, rng.poisson(np.exp(0.5 * x)) * 1.0)
    found = find_start(coordinates(pose(Model(Poisson(), Normal(HalfNormal(1.0)), None), data)),
                       np.zeros(3))  # fmt: skip
    centring = found.coordinates.target.centring
    assert np.all(centring[:2] < 0.2)
    assert centring[2] > 0.95


def test_least_binding_shares_are_optimal():
    """Of c'A c + sum_j p_j (1 - c_j)^2: no slope inside, outward slopes at the bounds."""
    rng = np.random.default_rng(1)
    B = rng.normal(size=(6, 6))
    A, pull, free = B @ B.T, rng.exponential(size=6), np.arange(6) != 4
    c = nuts_start._least_binding(A, pull, free)
    slope = A @ c - pull * (1.0 - c)
    assert c[4] == 0.0
    inside = free & (c > 0.0) & (c < 1.0)
    assert inside.any()
    assert np.all(np.abs(slope[inside]) < 1e-2)
    assert np.all(slope[free & (c == 0.0)] >= 0.0)
    assert np.all(slope[free & (c == 1.0)] <= 0.0)
