"""Gibbs sampling: against quadrature, exact draws, simulation-based calibration, Geweke's test."""

import json
import os
import subprocess
import sys

import arviz_stats
import numpy as np
import pytest
from helpers import engine_draws, make_design
from scipy import special, stats
from test_sampler_exact import closed_form, make_case, p_values

from bayesreg import (
    Data,
    ElasticNet,
    Flat,
    Gaussian,
    InverseGamma,
    Laplace,
    Model,
    Normal,
    bind,
    sample,
)
from bayesreg._kernels import mixing
from bayesreg._kernels.gram_gibbs import Gram, gibbs_gram
from bayesreg._kernels.mixing import inverse_gaussian
from bayesreg._kernels.row_gibbs import Rows, gibbs_rows
from bayesreg._kernels.scale_moves import GIVEN, Unknowns
from bayesreg.errors import ImproperPosteriorError
from bayesreg.posterior import gibbs, run
from bayesreg.posterior.scalars import encode


def gibbs_draws(model, data, seed=1, draws=4000, tune=200, chains=2):
    """Draws of (coef, intercept), shape (chains, draws, size)."""
    return engine_draws(gibbs, model, data, seed, draws, tune, chains).v


def z_of_mean(x, expected):
    """(mean - expected) / Monte Carlo standard error, for x of shape (chains, draws)."""
    return (np.mean(x) - expected) * np.sqrt(float(arviz_stats.ess(x, method="mean"))) / np.std(x)


# --- the inverse-Gaussian variate ---------------------------------------------------------------


@pytest.mark.parametrize("kappa", [1e-12, 1e-3, 0.1, 1.0, 30.0, 1e4])
def test_inverse_gaussian_has_its_distribution(kappa):
    rng = np.random.default_rng(7)
    x = np.array([inverse_gaussian(kappa, rng.normal(), rng.random()) for _ in range(20_000)])
    # scipy's invgauss(mu, scale=c) has mean mu c and shape c; its mean is capped for Levy's limit.
    reference = stats.levy() if kappa < 1e-10 else stats.invgauss(1.0 / kappa)
    assert stats.kstest(x, reference.cdf).pvalue > 0.001


def test_inverse_gaussian_at_zero_is_levy_and_never_breaks():
    rng = np.random.default_rng(8)
    x = np.array([inverse_gaussian(0.0, rng.normal(), rng.random()) for _ in range(20_000)])
    assert stats.kstest(x, stats.levy().cdf).pvalue > 0.001
    for kappa in (0.0, 1e-300, 1e-30, 1.0, 1e30, 1e150):
        for z in (0.0, 1e-170, 1e-8, 1.0, 38.0):
            for uniform in (0.0, 0.5, 1.0 - 2**-53):
                assert 0.0 < inverse_gaussian(kappa, z, uniform) < np.inf


# --- against quadrature -------------------------------------------------------------------------


def quadrature(model, data, width=12.0, points=1501):
    """Mean, second moment and P(w > 0) of each coefficient of a two-column model, on a grid."""
    problem = bind(model, data)
    assert problem.p == 2
    assert problem.flat_intercept or not problem.has_intercept
    s = problem.weights / model.likelihood.sigma**2
    X, y = np.array(problem.X), problem.y - problem.offset
    if problem.has_intercept:
        X, y = X - s @ X / np.sum(s), y - s @ y / np.sum(s)
    G, b = (X * s[:, None]).T @ X, X.T @ (s * y)
    penalty = problem.penalty
    start = np.linalg.solve(G + np.diag(penalty.l2[:2] + 1e-6 + penalty.l1[:2] ** 2 / 2), b)
    sd = 1 / np.sqrt(np.diag(G) / 4 + penalty.l2[:2] + penalty.l1[:2] ** 2 / 2)
    # Midpoints of cells with 0 on a boundary: P(w > 0) is a sum of whole cells.
    axes = []
    for centre, half in zip(start, width * sd, strict=True):
        h = 2 * half / points
        axes.append(h * (np.arange(points) + np.round((centre - half) / h) + 0.5))
    u, v = np.meshgrid(*axes, indexing="ij")
    log_p = b[0] * u + b[1] * v - 0.5 * (G[0, 0] * u**2 + G[1, 1] * v**2) - G[0, 1] * u * v
    for j, w in enumerate((u, v)):
        d = np.abs(w - penalty.loc[j])
        log_p -= penalty.l1[j] * d + 0.5 * penalty.l2[j] * d**2
    p = np.exp(log_p - np.max(log_p))
    p /= np.sum(p)
    assert max(p[0].sum(), p[-1].sum(), p[:, 0].sum(), p[:, -1].sum()) < 1e-6
    return np.array([[np.sum(p * w), np.sum(p * w**2), np.sum(p * (w > 0))] for w in (u, v)])


def two_columns(n, weights=False, offset=False, seed=0):
    rng = np.random.default_rng([seed, n])
    X = make_design(n, 2, seed)
    s = rng.uniform(0.2, 3.0, n) if weights else None
    shift = rng.normal(size=n) if offset else None
    y = 0.6 * X[:, 0] + 1.5 * rng.normal(size=n) + (0.0 if shift is None else shift)
    return Data(X, y, weights=s, offset=shift)


QUADRATURE_CASES = {
    "laplace": (Laplace(0.3), Flat(), two_columns(12)),
    "laplace-no-intercept": (Laplace(0.5), None, two_columns(12, seed=1)),
    "laplace-loc-scales": (
        Laplace([0.2, 1.0], loc=[0.4, -0.2]),
        Flat(),
        two_columns(12, True, True),
    ),
    "laplace-strong": (Laplace(0.05), Flat(), two_columns(12)),
    "laplace-vague": (Laplace(50.0), Flat(), two_columns(12)),
    "laplace-relative": (Laplace(0.2, relative_to_noise=True), Flat(), two_columns(12, True)),
    "elastic-net": (ElasticNet(0.4, 0.5, loc=0.1), Flat(), two_columns(12)),
    "with-normal": (
        {"x0": Laplace(0.3), "x1": Normal(0.4, loc=0.2)},
        Flat(),
        two_columns(12, True),
    ),
    "with-flat": ({"x0": Laplace(0.3), "x1": Flat()}, Flat(), two_columns(12)),
    "wide": (Laplace(0.4), None, two_columns(1)),
    "wide-elastic-net": (ElasticNet(0.4, 0.8), None, two_columns(1, seed=3)),
}


def quadrature_z(name, seed):
    prior, intercept, data = QUADRATURE_CASES[name]
    model = Model(Gaussian(1.5), prior, intercept)
    expected = quadrature(model, data)
    # Seeds differ by case as well: common random numbers would make the z depend on each other.
    entropy = (seed, list(QUADRATURE_CASES).index(name))
    v = gibbs_draws(model, data, entropy, draws=8000)
    functions = (lambda w: w, np.square, lambda w: (w > 0).astype(float))
    return [
        z_of_mean(f(v[:, :, j]), expected[j, k]) for j in range(2) for k, f in enumerate(functions)
    ]


def test_against_quadrature():
    """Mean, second moment and P(w > 0) of every case: pooled z of the right size, no outlier."""
    z = {(name, seed): quadrature_z(name, seed) for name in QUADRATURE_CASES for seed in range(3)}
    pooled = np.concatenate(list(z.values()))
    assert pooled.size >= 100
    assert np.max(np.abs(pooled)) < 4.5, z
    assert 0.8 < np.sqrt(np.mean(pooled**2)) < 1.2, z


# --- against exact draws ------------------------------------------------------------------------


@pytest.mark.parametrize("intercept", [Flat(), Normal(0.7, loc=1.0), None], ids=str)
@pytest.mark.parametrize(("n", "p"), [(40, 5), (6, 9)])
@pytest.mark.parametrize("extras", [False, True], ids=["plain", "weights-offset"])
def test_normal_priors_have_their_closed_form(n, p, intercept, extras):
    """Without a kink the conditional is the posterior: draws are independent and exact."""
    data = make_case(n, p, weights=extras, offset=extras)
    model = Model(Gaussian(1.3), Normal(0.5, loc=0.5), intercept)
    v = gibbs_draws(model, data, tune=1).reshape(-1, bind(model, data).size)
    assert min(p_values(v, *closed_form(model, data))) > 1e-4


@pytest.mark.parametrize(("n", "p"), [(40, 5), (6, 9)])
def test_a_negligible_kink_changes_nothing(n, p):
    data = make_case(n, p)
    expected, covariance = closed_form(Model(Gaussian(1.3), Normal(0.5)), data)
    model = Model(Gaussian(1.3), {"x0": ElasticNet(1e6, 0.5), "x[1-9]": Normal(0.5)})
    v = gibbs_draws(model, data)
    z = [z_of_mean(v[:, :, j], expected[j]) for j in range(p + 1)]
    assert np.max(np.abs(z)) < 4.5
    np.testing.assert_allclose(np.var(v, axis=(0, 1)), np.diag(covariance), rtol=0.1)


@pytest.mark.parametrize(
    "intercept", [Laplace(0.5, loc=1.0), ElasticNet(0.5, 1.0), Normal(0.5)], ids=str
)
def test_a_proper_intercept_is_one_more_column(intercept):
    """The same posterior, stated with a column of ones and no intercept."""
    data = make_case(20, 2, weights=True)
    with_ones = Data(np.column_stack([data.X, np.ones(20)]), data.y, weights=data.weights)
    one = gibbs_draws(Model(Gaussian(1.3), Laplace(0.3), intercept), data)
    mapped = {"x[01]": Laplace(0.3), "x2": intercept}
    other = gibbs_draws(Model(Gaussian(1.3), mapped, None), with_ones)
    np.testing.assert_array_equal(one, other)


def test_flat_intercept_is_the_limit_of_a_vague_one():
    data = make_case(6, 9)
    flat = gibbs_draws(Model(Gaussian(1.3), Laplace(0.3)), data)
    vague = gibbs_draws(Model(Gaussian(1.3), Laplace(0.3), Normal(1e4)), data, seed=2)
    for j in range(10):
        error = [np.std(v[:, :, j]) / np.sqrt(float(arviz_stats.ess(v[:, :, j], method="mean")))
                 for v in (flat, vague)]  # fmt: skip
        z = (np.mean(flat[:, :, j]) - np.mean(vague[:, :, j])) / np.hypot(*error)
        assert abs(z) < 4.5


# --- simulation-based calibration ---------------------------------------------------------------


KEPT, THIN = 63, 8
SBC_PRIOR = Laplace(0.7, loc=0.2)


def sbc_ranks(sampled_prior, intercept, n, replications, seed, p=4):
    """Ranks of the truth among thinned draws, one column for each quantity.

    Every coefficient, the log prior, and with a proper intercept (or none) also the intercept
    and the joint log likelihood: a flat intercept is no draw from its prior.
    """
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    model = Model(Gaussian(1.0), sampled_prior, intercept)
    ranks = []
    for replication in range(replications):
        w = _prior_draw(SBC_PRIOR, p, rng)
        a = _prior_draw(intercept, 1, rng)[0] if isinstance(intercept, Normal) else 0.0
        y = X @ w + a + rng.normal(size=n)
        v = gibbs_draws(model, Data(X, y), (seed, replication), KEPT * THIN, 100, 1)[0]
        v = v[THIN - 1 :: THIN]
        both = np.vstack([np.append(w, a)[: v.shape[1]], v])
        ranked = [both[:, :p], np.sum(np.abs(both[:, :p] - SBC_PRIOR.loc), axis=1)[:, None]]
        if not isinstance(intercept, Flat):
            eta = both[:, :p] @ X.T + (both[:, p:] if intercept is not None else 0.0)
            ranked += [both[:, p:], np.sum((y - eta) ** 2, axis=1)[:, None]]
        quantities = np.hstack(ranked)
        ranks.append(np.sum(quantities[1:] < quantities[0], axis=0))
    return np.array(ranks)


def _prior_draw(prior, size, rng):
    if isinstance(prior, Normal):
        return prior.loc + prior.scale * rng.normal(size=size)
    return prior.loc + prior.scale * rng.laplace(size=size)


def smallest_adjusted_p(ranks, levels=64, bins=16):
    """Uniformity of the ranks: chi-square and Kolmogorov-Smirnov, Holm-adjusted over all."""
    found = []
    jitter = np.random.default_rng(0).random(ranks.shape)
    for column, shift in zip(ranks.T, jitter.T, strict=True):
        counts = np.bincount(column * bins // levels, minlength=bins)
        found.append(stats.chisquare(counts).pvalue)
        found.append(stats.kstest((column + shift) / levels, "uniform").pvalue)
    return min(1.0, min(found) * len(found))


SBC_CASES = [(3, None), (3, Normal(1.0)), (8, Normal(1.0, loc=0.5)), (3, Flat()), (8, Flat())]
REPLICATIONS = 1000


@pytest.mark.parametrize(("n", "intercept"), SBC_CASES, ids=str)
def test_simulation_based_calibration(n, intercept):
    assert smallest_adjusted_p(sbc_ranks(SBC_PRIOR, intercept, n, REPLICATIONS, seed=5)) > 0.01


@pytest.mark.slow
@pytest.mark.parametrize(("n", "intercept"), SBC_CASES, ids=str)
def test_simulation_based_calibration_at_full_size(n, intercept):
    assert smallest_adjusted_p(sbc_ranks(SBC_PRIOR, intercept, n, 10_000, seed=6)) > 0.01


@pytest.mark.parametrize("factor", [0.75, 1.25])
@pytest.mark.parametrize(("n", "intercept"), [(3, None), (3, Flat())], ids=str)
def test_calibration_catches_a_wrong_scale(n, intercept, factor):
    """The mutants: a prior scale wrong by 25%, at the size of the test above."""
    mutant = Laplace(SBC_PRIOR.scale * factor, loc=SBC_PRIOR.loc)
    assert smallest_adjusted_p(sbc_ranks(mutant, intercept, n, REPLICATIONS, seed=5)) < 1e-4


# --- Geweke's joint distribution test -----------------------------------------------------------

GEWEKE_SIGMA, GEWEKE_SCALE = InverseGamma(3.0, 3.0), InverseGamma(4.0, 3.0)


def geweke_kernel(A, relative, unknown, rate):
    """(y, u, scalars, rng) -> one iteration in place, with coefficients Laplace(scale / rate)."""
    n, q = A.shape
    each = np.full(q, int(unknown and relative))
    mixture = mixing.Mixture(
        np.full(q, mixing.LAPLACE), np.full(q, rate), np.zeros(q), np.ones(q), np.full(q, -1),
        each, np.full(q, 0 if unknown else mixing.KNOWN),
    )  # fmt: skip
    encoded = encode([GEWEKE_SIGMA, GEWEKE_SCALE])
    codes = encoded.codes if unknown else np.array([GIVEN])
    unknowns = Unknowns(codes, encoded.parameters[: codes.size])
    gram, first = A.T @ A, np.array([0, q])

    def iterate(y, u, scalars, rng):
        out, scalar_out = np.empty((1, q)), np.empty((1, scalars.size))
        if n < q:
            rows = Rows(A, y, 0.0, n, first)
            return gibbs_rows(rows, mixture, unknowns, 0, u, scalars, rng, out, scalar_out)
        centre = np.linalg.solve(gram, A.T @ y)
        rows = Gram(gram, A.T @ y, centre, float(np.sum((y - A @ centre) ** 2)), n)
        return gibbs_gram(rows, mixture, unknowns, 0, u, scalars, rng, out, scalar_out)

    return iterate


def geweke_z(n, q, relative=False, unknown=False, rate=1.0, iterations=30_000, seed=3):
    """Alternate y | u and u | y: all must keep their prior. Largest z of E|u|, E u^2, E log s.

    The prior has rate 1; another one that the kernel is told makes a mutant.
    """
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(n, q)) * 0.7
    iterate = geweke_kernel(A, relative, unknown, rate)
    scalars = np.ones(2 if unknown else 1)
    u, kept = rng.laplace(size=q), np.empty((1, iterations, q + scalars.size))
    for t in range(iterations):
        y = A @ u + scalars[0] * rng.normal(size=n)
        assert iterate(y, u, scalars, rng) == 1
        kept[0, t] = np.concatenate([u, np.log(scalars)])
    spread = np.exp(2 * kept[:, :, q + 1]) if unknown else np.ones((1, iterations))
    spread = spread * np.exp(2 * kept[:, :, q]) if relative else spread
    z = []
    for j in range(q):
        z += [z_of_mean(np.abs(kept[:, :, j]) / np.sqrt(spread), 1.0),
              z_of_mean(kept[:, :, j] ** 2 / spread, 2.0)]  # fmt: skip
    priors = (GEWEKE_SIGMA, GEWEKE_SCALE) if unknown else ()
    for k, prior in enumerate(priors):
        # log of s^2 ~ InverseGamma(shape, scale): mean log(scale) - digamma(shape)
        mean = 0.5 * (np.log(prior.scale) - special.digamma(prior.shape))
        variance = 0.25 * special.polygamma(1, prior.shape)
        log_s = kept[:, :, q + k]
        z += [z_of_mean(log_s, mean), z_of_mean((log_s - mean) ** 2, variance)]
    return np.max(np.abs(z))


UNKNOWN = pytest.mark.parametrize(
    ("relative", "unknown"), [(False, False), (False, True), (True, True)],
    ids=["known", "absolute", "relative"],
)  # fmt: skip


@UNKNOWN
@pytest.mark.parametrize(("n", "q"), [(4, 3), (2, 4)])
def test_geweke(n, q, relative, unknown):
    assert geweke_z(n, q, relative, unknown) < 4.5


@UNKNOWN
@pytest.mark.parametrize(("n", "q"), [(4, 3), (2, 4)])
def test_geweke_catches_a_wrong_rate(n, q, relative, unknown):
    assert geweke_z(n, q, relative, unknown, rate=1.25) > 6.0


# --- scales, degenerate columns, processes ------------------------------------------------------


@pytest.mark.parametrize("factor", [2.0**40, 1e150, 1e-150])
@pytest.mark.parametrize("shape", [(40, 5), (6, 9)])
def test_units_do_not_matter(factor, shape):
    data = make_case(*shape)
    scaled = Data(data.X * factor, data.y)
    results = []
    for model, rows in (
        (Model(Gaussian(1.3), Laplace(0.5)), data),
        (Model(Gaussian(1.3), Laplace(0.5 / factor)), scaled),
    ):
        v = gibbs_draws(model, rows, 3, 20, 5, 1)
        results.append(v[0, :, :-1] * bind(model, rows).unit)
    np.testing.assert_allclose(results[1] * factor, results[0], rtol=1e-8, atol=1e-10)


def test_duplicate_and_zero_columns():
    """A zero column keeps its prior; two copies share what one would have."""
    x = np.arange(8.0) - 3.5
    data = Data(np.column_stack([x, x, np.zeros(8)]), 0.5 * x)
    v = gibbs_draws(Model(Gaussian(1.0), Laplace(0.5)), data, draws=20_000)
    assert abs(z_of_mean(np.abs(v[:, :, 2]), 0.5)) < 4.5
    assert abs(z_of_mean(v[:, :, 0] - v[:, :, 1], 0.0)) < 4.5


def test_pinned_columns_stay_at_loc():
    X = np.column_stack([np.full(20, 3.0), make_design(20, 2)])
    data = Data(X, make_case(20, 2).y)
    v = gibbs_draws(Model(Gaussian(1.3), Laplace(0.5, loc=0.25), standardize=True), data)
    assert np.all(v[:, :, 0] == 0.25)
    assert np.all(np.std(v[:, :, 1:], axis=(0, 1)) > 0)


def test_collinear_columns_under_a_hopelessly_wide_prior_are_refused():
    x = np.arange(8.0)
    data = Data(np.column_stack([x, x]), x)
    with pytest.raises(ImproperPosteriorError, match="collinear"):
        gibbs_draws(Model(Gaussian(1e-6), Laplace(1e6)), data)


@pytest.mark.parametrize("shape", [(40, 5), (6, 9)])
def test_blocks_do_not_change_the_draws(monkeypatch, shape):
    model, data = Model(Gaussian(1.3), Laplace(0.5)), make_case(*shape)
    whole = gibbs_draws(model, data, draws=300)
    monkeypatch.setattr(run, "_LONGEST_BLOCK", 7)
    np.testing.assert_array_equal(gibbs_draws(model, data, draws=300), whole)


PROGRAM = """
import json
import numpy as np
import bayesreg as br
from bayesreg._kernels import gram_gibbs, row_gibbs
rng = np.random.default_rng(0)
model = br.Model(br.Gaussian(br.HalfNormal(1.0)), br.Laplace(br.HalfNormal(0.1)))
for n, p in ((30, 4), (4, 30)):
    br.sample(model, br.Data(rng.normal(size=(n, p)), rng.normal(size=n)), draws=2000, seed=1)
parts = [gram_gibbs.gibbs_gram.stats, row_gibbs.gibbs_rows.stats]
print(json.dumps([[sum(s.cache_hits.values()), sum(s.cache_misses.values())] for s in parts]))
"""


def test_a_second_process_compiles_nothing():
    """Whether the first one found the kernels on disk or not."""
    runs = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True
            ).stdout
        )
        for _ in range(2)
    ]
    assert [sum(counts) for counts in runs[0]] == [1, 1]
    assert runs[1] == [[1, 0], [1, 0]]


def test_the_bits_do_not_depend_on_the_number_of_threads():
    code = (
        "import numpy as np, bayesreg as br, hashlib\n"
        "rng = np.random.default_rng(0)\n"
        "X = rng.normal(size=(3000, 60)); y = rng.normal(size=3000)\n"
        "post = br.sample(br.Model(br.Gaussian(1.0), br.Laplace(0.1)), br.Data(X, y), draws=400,\n"
        "                 chains=2, seed=1)\n"
        "print(hashlib.sha256(post['posterior']['coef'].values.tobytes()).hexdigest())\n"
    )
    found = set()
    for threads in ("1", "2"):
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
        run = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code], env=environment, check=True,
            capture_output=True, text=True,
        )  # fmt: skip
        found.add(run.stdout)
    assert len(found) == 1


def test_through_sample():
    post = sample(Model(Gaussian(1.3), Laplace(0.5)), make_case(40, 5), seed=1)
    assert post.attrs["sampler"] == "gibbs"
    assert post.attrs["rhat_max"] < 1.01
