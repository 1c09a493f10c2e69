"""Gibbs sampling with unknown sigma and scales: against quadrature and outside references."""

import itertools
import json
from pathlib import Path

import arviz_stats
import numpy as np
import pytest
from helpers import engine_draws
from scipy import special
from test_sampler_gibbs import z_of_mean

from bayesreg import (
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
    Uniform,
)
from bayesreg.posterior import gibbs
from bayesreg.posterior.target import pose

REFERENCE = Path(__file__).parent / "reference"


# --- quadrature ---------------------------------------------------------------------------------
#
# A grid over (w, log sigma, log scale_1, ...) with every density written out by its textbook
# formula; coefficients on x = sinh, so that heavy tails fit and 0 is a boundary of cells.


def log_density_of_scalar(prior, s):
    if isinstance(prior, Flat):
        return np.zeros_like(s)
    if isinstance(prior, Jeffreys):
        return -np.log(s)
    if isinstance(prior, HalfNormal):
        return -0.5 * (s / prior.scale) ** 2
    if isinstance(prior, Exponential):
        return -s / prior.scale
    if isinstance(prior, HalfCauchy):
        return -np.log1p((s / prior.scale) ** 2)
    if isinstance(prior, InverseGamma):
        return -(2 * prior.shape + 1) * np.log(s) - prior.scale / s**2
    return np.where((s >= prior.lower) & (s <= prior.upper), 0.0, -np.inf)


def log_density_of_coefficient(prior, w, scale):
    """Up to a constant that does not depend on w or scale."""
    x = (w - prior.loc) / scale
    if isinstance(prior, Laplace):
        return -np.abs(x) - np.log(scale)
    if isinstance(prior, Normal):
        return -0.5 * x**2 - np.log(scale)
    if isinstance(prior, ElasticNet):
        return (
            -np.abs(x) / prior.laplace_scale - 0.5 * (x / prior.normal_scale) ** 2 - np.log(scale)
        )
    if isinstance(prior, Horseshoe):
        m = 0.5 * x**2
        far = m > 300
        log_e1 = np.log(special.exp1(np.where(far, 1.0, m))) + np.where(far, 0.0, m)
        return np.where(far, -np.log1p(m), log_e1) - np.log(scale)
    nu = 1.0 if isinstance(prior, Cauchy) else prior.nu
    return -0.5 * (nu + 1) * np.log1p(x**2 / nu) - np.log(scale)


def is_unknown(scale):
    return not isinstance(scale, float)


def quadrature(case, points):
    """E of asinh w, its square and [w > 0] for each w, log s and its square for each scalar."""
    data, p = case.data, case.data.p
    posterior = pose(case.model, data)
    names = list(posterior.scalars)
    x, reach = case.axes(points)
    axes = np.meshgrid(*[x] * p, *[reach] * len(names), indexing="ij", sparse=True)
    values = dict(zip(names, (np.exp(t) for t in axes[p:]), strict=True))
    w = [case.unit * np.sinh(axis) for axis in axes[:p]]
    log_p = sum(np.log(np.cosh(axis)) for axis in axes[:p])
    # Densities are taken in s, the grid is even in log s.
    for name, t in zip(names, axes[p:], strict=True):
        log_p = log_p + log_density_of_scalar(posterior.scalars[name], np.exp(t)) + t
    sigma = values.get("sigma", np.array(posterior.problem.likelihood.noise))
    log_p = log_p + log_likelihood(case, w, sigma) + log_priors(case, w, values, sigma)
    return expectations(np.exp(log_p - np.max(log_p)), axes, p)


def log_likelihood(case, w, sigma):
    """A flat intercept is integrated out: n - 1 contrasts are left."""
    data, p = case.data, case.data.p
    X, y = np.array(data.X), np.array(data.y)
    s = np.ones(y.size) if data.weights is None else data.weights
    contrasts = y.size
    if case.model.intercept is not None:
        X, y = X - s @ X / s.sum(), y - s @ y / s.sum()
        contrasts -= 1
    rss = (s * y) @ y - 2 * sum((s * y) @ X[:, j] * w[j] for j in range(p))
    for j, k in itertools.product(range(p), repeat=2):
        rss = rss + (s * X[:, j]) @ X[:, k] * w[j] * w[k]
    return -contrasts * np.log(sigma) - 0.5 * rss / sigma**2


def expectations(density, axes, p):
    density = density / density.sum()
    for axis in range(p):
        assert np.take(density, [0, -1], axis=axis).sum() < 1e-4
    found = []
    for j in range(p):
        found += [np.sum(density * axes[j]), np.sum(density * axes[j] ** 2),
                  np.sum(density * (axes[j] > 0))]  # fmt: skip
    for t in axes[p:]:
        found += [np.sum(density * t), np.sum(density * t**2)]
    return np.array(found)


def log_priors(case, w, values, sigma):
    prior = case.model.prior
    if isinstance(prior, GroupLaplace):
        scale = values["scale"] if is_unknown(prior.scale) else prior.scale
        factor = scale * (sigma if prior.relative_to_noise else 1.0)
        return -np.sqrt(w[0] ** 2 + w[1] ** 2) / factor - 2 * np.log(factor)
    mapped = isinstance(prior, dict)
    total = 0.0
    for j, column in enumerate(w):
        own = prior[f"x{j}"] if mapped else prior
        scale = own.scale
        if is_unknown(scale):
            scale = values[f"scale[x{j}]" if mapped else "scale"]
        if own.relative_to_noise:
            scale = scale * sigma
        total = total + log_density_of_coefficient(own, column, scale)
    return total


def quadrature_of_two_scales(case):
    """The same for a known sigma and w_j with a scale of its own each: sums over one at a time."""
    x, reach = case.axes((800, 800))
    w, s = case.unit * np.sinh(x), np.exp(reach)
    u, v = np.meshgrid(w, w, indexing="ij")
    likelihood = log_likelihood(case, [u, v], case.model.likelihood.sigma)
    likelihood = np.exp(likelihood - np.max(likelihood))
    marginal, moments = [], []
    for prior in case.model.prior.values():
        joint = (
            np.exp(
                log_density_of_coefficient(prior, w[:, None], s)
                + log_density_of_scalar(prior.scale, s)
                + reach
            )
            * np.cosh(x)[:, None]
        )
        marginal.append(joint.sum(axis=1))
        moments.append((joint @ reach, joint @ reach**2))
    density = likelihood * marginal[0][:, None] * marginal[1]
    found = expectations(density, np.meshgrid(x, x, indexing="ij", sparse=True), 2).tolist()
    found += [np.sum(likelihood * m[:, None] * marginal[1]) / density.sum() for m in moments[0]]
    found += [np.sum(likelihood * marginal[0][:, None] * m) / density.sum() for m in moments[1]]
    return np.array(found)


class Case:
    """A model, its data, and the box of the grid: |w| < unit sinh(width), logs of the scalars."""

    def __init__(self, prior, sigma, data, intercept=Flat(), *, unit=0.3, width=5.0,  # noqa: B008
                 logs=(-7.0, 5.0)):  # fmt: skip
        self.model = Model(Gaussian(sigma), prior, intercept)
        self.data, self.unit, self.width, self.logs = data, unit, width, logs

    def axes(self, points):
        """Cells of x = asinh(w / unit) and of log s; 0 is between two of them."""
        x, reach = ((np.arange(count) + 0.5) / count for count in points)
        low, high = self.logs
        return self.width * (2 * x - 1), low + (high - low) * reach


def rows(n, p=1, weights=False, seed=0):
    rng = np.random.default_rng([n, p, seed])
    X = rng.normal(size=(n, p)) + 0.5
    y = 0.7 * X[:, 0] + 0.6 * rng.normal(size=n) + 1.0
    return Data(X, y, weights=rng.uniform(0.3, 3.0, n) if weights else None)


RELATIVE = {"relative_to_noise": True}
# Where the coefficients may be far nearer to 0 than their prior's scale.
FINE = {"unit": 1e-4, "width": 12.0, "logs": (-12.0, 6.0)}
SIX, TWO = rows(6, weights=True), rows(2)
PROPER = InverseGamma(2.0, 1.0)
DENSITIES = [HalfNormal(0.5), HalfCauchy(0.5), Exponential(0.4), PROPER]
TWO_SCALES = {"x0": Laplace(PROPER), "x1": Normal(HalfNormal(0.7))}
CASES = {
    # Every density of sigma and of a scale, absolute and relative, on the Gram matrix.
    **{f"sigma-{type(s).__name__}": Case(Laplace(0.4, loc=0.1), s, SIX)
       for s in (Flat(), Jeffreys(), *DENSITIES)},
    "sigma-Uniform": Case(Laplace(0.4, loc=0.1), Uniform(0.2, 0.9), SIX,
                          logs=(np.log(0.2), np.log(0.9))),
    **{f"relative-{type(s).__name__}": Case(Laplace(0.6, loc=0.1, **RELATIVE), s, SIX)
       for s in (Flat(), Jeffreys(), *DENSITIES)},
    "relative-Uniform": Case(Laplace(0.6, loc=0.1, **RELATIVE), Uniform(0.2, 0.9), SIX,
                             logs=(np.log(0.2), np.log(0.9))),
    **{f"scale-{type(s).__name__}": Case(Laplace(s), HalfNormal(0.7), SIX, **FINE)
       for s in DENSITIES},
    "scale-Uniform": Case(Laplace(Uniform(0.1, 1.5)), 0.7, SIX,
                          logs=(np.log(0.1), np.log(1.5))),
    "relative-scale": Case(Laplace(HalfNormal(1.0), **RELATIVE), Jeffreys(), SIX, **FINE),
    "given-sigma-scale": Case(Laplace(HalfNormal(1.0)), 0.7, SIX, **FINE),
    "no-intercept": Case(Laplace(HalfNormal(1.0)), PROPER, SIX, None, **FINE),
    # The other priors.
    "normal-relative-scale": Case(Normal(HalfCauchy(1.0), **RELATIVE), Jeffreys(), SIX,
                                  unit=1e-4, width=12.0, logs=(-10.0, 9.0)),
    "elastic-net-relative": Case(ElasticNet(0.6, 0.9, **RELATIVE), HalfNormal(1.0), SIX),
    "student": Case(StudentT(3.0, 0.3, loc=0.2), Jeffreys(), SIX),
    "student-relative": Case(StudentT(2.5, 0.3, **RELATIVE), HalfNormal(1.0), SIX),
    "cauchy": Case(Cauchy(0.3), HalfCauchy(1.0), SIX),
    "horseshoe": Case(Horseshoe(0.4), HalfNormal(1.0), SIX, **FINE),
    "horseshoe-scale": Case(Horseshoe(HalfCauchy(0.4)), HalfNormal(1.0), SIX, **FINE),
    "horseshoe-relative-scale": Case(Horseshoe(HalfNormal(0.6), **RELATIVE), Jeffreys(), SIX,
                                     **FINE),
    "group": Case(GroupLaplace(0.3), HalfNormal(1.0), rows(6, 2)),
    "group-relative": Case(GroupLaplace(0.5, **RELATIVE), Jeffreys(), rows(6, 2)),
    # One contrast or two, so as many columns as contrasts or more: in the rows.
    "rows-sigma": Case(Laplace(0.4), PROPER, TWO),
    "rows-relative": Case(Laplace(0.4, **RELATIVE), PROPER, TWO),
    "rows-scale": Case(Laplace(HalfNormal(0.8)), PROPER, TWO, **FINE),
    "rows-relative-scale": Case(Laplace(Exponential(0.8), **RELATIVE), Exponential(1.0), TWO,
                                unit=1e-4, width=12.0, logs=(-14.0, 5.0)),
    "rows-normal-scale": Case(Normal(HalfNormal(0.8)), PROPER, TWO, **FINE),
    "rows-two": Case(Laplace(0.4), PROPER, rows(2, 2), width=5.0),
    "rows-student": Case(StudentT(3.0, 0.4), PROPER, rows(2, 2), width=7.0),
    "rows-horseshoe": Case(Horseshoe(HalfNormal(0.6)), 0.7, TWO, **FINE),
    "rows-group": Case(GroupLaplace(0.4, **RELATIVE), PROPER, rows(2, 2), width=6.0),
    # Several scales, and priors of both kinds: several parts of the covariance of the rows.
    "rows-absolute-and-relative": Case(
        {"x0": Laplace(0.4), "x1": Laplace(0.5, **RELATIVE)}, PROPER, rows(2, 2), width=6.0),
    "two-scales": Case(TWO_SCALES, 0.7, rows(8, 2), **FINE),
    "rows-two-scales": Case(TWO_SCALES, 0.7, rows(2, 2), **FINE),
    # Unknown scales of the other priors.
    "elastic-net-scale": Case(ElasticNet(0.6, 0.9, scale=HalfNormal(0.7)), HalfNormal(1.0), SIX,
                              **FINE),
    "student-scale": Case(StudentT(3.0, HalfCauchy(0.5), loc=0.2), HalfNormal(1.0), SIX, **FINE),
    "cauchy-relative-scale": Case(Cauchy(Exponential(0.4), **RELATIVE), PROPER, SIX, **FINE),
    "group-scale": Case(GroupLaplace(PROPER), 0.7, rows(6, 2)),
    "rows-student-scale": Case(StudentT(3.0, HalfNormal(0.5)), PROPER, TWO, **FINE),
    "rows-group-scale": Case(GroupLaplace(PROPER), 0.7, rows(2, 2), width=7.0),
}  # fmt: skip


def expected_of(case):
    if isinstance(case.model.prior, dict) and case.model.prior == TWO_SCALES:
        return quadrature_of_two_scales(case)
    dimensions = case.data.p + len(pose(case.model, case.data).scalars)
    fine = case.data.p == 1
    return quadrature(case, (1200, 1000) if dimensions == 2 else (240, 120) if fine else (200, 80))


def z_scores(name, seed):
    case = CASES[name]
    drawn = engine_draws(
        gibbs, case.model, case.data, (seed, list(CASES).index(name)), 8000, 200, 2
    )
    found = []
    for j in range(case.data.p):
        w = drawn.v[:, :, j]
        x = np.arcsinh(w / case.unit)
        found += [x, x**2, (w > 0).astype(float)]
    for s in drawn.scalars.values():
        found += [np.log(s), np.log(s) ** 2]
    expected = expected_of(case)
    return np.array([z_of_mean(f, e) for f, e in zip(found, expected, strict=True)])


def test_against_quadrature():
    """Every prior, density and engine: pooled z of the right size, no outlier."""
    z = {name: z_scores(name, 1) for name in CASES}
    pooled = np.concatenate(list(z.values()))
    assert pooled.size >= 200
    assert np.max(np.abs(pooled)) < 4.5, z
    assert 0.8 < np.sqrt(np.mean(pooled**2)) < 1.2, z


def test_a_flat_intercept_is_the_limit_of_a_vague_one():
    """Which leaves n - 1 contrasts to say how large sigma is: n of them would be 12% off here."""
    data = rows(5)
    log_sigma = [
        np.log(
            engine_draws(
                gibbs, Model(Gaussian(Jeffreys()), Laplace(0.3), intercept), data, 3, 20_000
            ).scalars["sigma"]
        )
        for intercept in (Flat(), Normal(1e4))
    ]
    assert abs(difference(*log_sigma)) < 4.5
    with_n = log_sigma[0] + 0.5 * np.log(4 / 5)
    assert abs(difference(with_n, log_sigma[1])) > 6.0


def difference(x, y):
    """z of the difference of two means."""
    return (np.mean(x) - np.mean(y)) / np.hypot(standard_error(x), standard_error(y))


def standard_error(x):
    return np.std(x) / np.sqrt(float(arviz_stats.ess(x, method="mean")))


# --- outside references -------------------------------------------------------------------------


def test_mtcars_against_stan():
    """Means, sigma's included, within both Monte Carlo errors; standard deviations within 5%."""
    case = json.loads((REFERENCE / "stan_gauss_mtcars_laplace.json").read_text())
    data = Data(np.array(case["X"]), np.array(case["y"], dtype=float), names=case["x_columns"])
    model = Model(Gaussian(Exponential(1.0)), Laplace(1.0))
    found = []
    for seed in range(8):
        drawn = engine_draws(gibbs, model, data, seed, 5000)
        found.append(np.dstack([drawn.v, drawn.scalars["sigma"][:, :, None]]))
    rows = {row["variable"]: row for row in case["summary"]}
    check = case["independent_check"]
    for k, name in enumerate([*data.names, "(Intercept)", "sigma"]):
        x = np.concatenate([draws[:, :, k] for draws in found])
        own = list(rows).index(name)
        z = (np.mean(x) - rows[name]["mean"]) / np.hypot(standard_error(x), rows[name]["mcse_mean"])
        assert abs(z) < 4.0, name
        z = (np.mean(x) - check["mean"][own]) / np.hypot(standard_error(x), check["mcse"][own])
        assert abs(z) < 4.0, name
        assert np.std(x) == pytest.approx(rows[name]["sd"], rel=0.05)


def diabetes():
    """As Park and Casella have it: columns of unit norm, y centred."""
    case = json.loads((REFERENCE / "penalised_optima_data.json").read_text())["diabetes"]
    X, y = (np.array(case[name], dtype=float) for name in ("X", "y"))
    X = X - X.mean(axis=0)
    return Data(X / np.linalg.norm(X, axis=0), y - y.mean())


def test_park_and_casella_table_1():
    """Medians and 95% limits within 0.1 posterior sd of the printed ones."""
    table = json.loads((REFERENCE / "park_casella_table1.json").read_text())
    prior = Laplace(1.0 / table["lambda_used"], relative_to_noise=True)
    model = Model(Gaussian(Jeffreys()), prior)
    w = engine_draws(gibbs, model, diabetes(), 1, 20_000).v[:, :, :10].reshape(-1, 10)
    sd = w.std(axis=0)
    limits = np.array(table["ci95"]).T
    printed = np.vstack([limits[0], table["bayes_median"], limits[1]])
    ours = np.quantile(w, [0.025, 0.5, 0.975], axis=0)
    assert np.max(np.abs(ours - printed) / sd) < 0.1


def test_park_and_casella_lambda():
    """lambda^2 ~ Gamma(1, 1.78), so scale^2 = 1 / lambda^2 is inverse gamma: median 0.277."""
    model = Model(Gaussian(Jeffreys()), Laplace(InverseGamma(1.0, 1.78), relative_to_noise=True))
    drawn = engine_draws(gibbs, model, diabetes(), 1, 20_000)
    low, middle, high = np.quantile(1.0 / drawn.scalars["scale"], [0.025, 0.5, 0.975])
    assert middle == pytest.approx(0.277, abs=0.002)
    assert (low, high) == pytest.approx((0.143, 0.484), abs=0.006)


# --- more columns than rows ---------------------------------------------------------------------


def wide(n=50, p=150):
    rng = np.random.default_rng([n, p])
    X = rng.normal(size=(n, p))
    y = X[:, :5] @ np.array([1.0, -1.0, 0.8, 0.6, -0.6]) + 0.7 * rng.normal(size=n)
    return Data((X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std())


WIDE_MODELS = {
    "absolute": Model(Gaussian(HalfNormal(1.0)), Laplace(0.05)),
    "relative": Model(Gaussian(InverseGamma(1.0, 0.2)), Laplace(0.2, relative_to_noise=True)),
    "scale": Model(Gaussian(HalfNormal(1.0)), Laplace(HalfCauchy(0.2))),
    "relative-scale": Model(Gaussian(Jeffreys()), Laplace(HalfNormal(0.3), relative_to_noise=True)),
    "two-scales": Model(
        Gaussian(HalfNormal(1.0)),
        {"x?": Laplace(HalfNormal(1.0)), "x??*": Laplace(HalfNormal(0.2))},
    ),
}


def worst_rhat(drawn):
    return max(float(arviz_stats.rhat(np.log(s))) for s in drawn.scalars.values())


@pytest.mark.parametrize("name", WIDE_MODELS)
def test_sigma_and_scales_are_not_stuck(name):
    """Weights look converged long before sigma does: so look at log sigma and log scale."""
    drawn = engine_draws(gibbs, WIDE_MODELS[name], wide(), 1, 1500, 300, 4)
    assert worst_rhat(drawn) < 1.02


def test_given_the_coefficients_alone_sigma_is_stuck(monkeypatch):
    """The trap itself: without the move on the rows the same draws do not agree."""
    monkeypatch.setattr(gibbs, "_runs_on_gram", lambda posterior, rows: True)
    assert worst_rhat(engine_draws(gibbs, WIDE_MODELS["absolute"], wide(), 1, 1500, 300, 4)) > 1.05


def test_both_engines_agree(monkeypatch):
    """Where there are three contrasts per column either may run."""
    data, model = rows(13, 4), Model(Gaussian(HalfNormal(1.0)), Laplace(HalfNormal(0.5)))
    on_gram = engine_draws(gibbs, model, data, 1, 10_000)
    monkeypatch.setattr(gibbs, "_runs_on_gram", lambda posterior, rows: False)
    on_rows = engine_draws(gibbs, model, data, 2, 10_000)
    pairs = [(on_gram.v[:, :, j], on_rows.v[:, :, j]) for j in range(5)]
    pairs += [tuple(np.log(d.scalars[k]) for d in (on_gram, on_rows)) for k in on_gram.scalars]
    assert max(abs(difference(*pair)) for pair in pairs) < 4.5
