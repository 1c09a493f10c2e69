"""Posteriors that do not integrate over sigma or a scale, by quadrature over growing boxes.

The density of (log sigma, log scale), coefficients integrated out in closed form, is summed over
the rings T/2 < max(|log sigma|, |log scale|) <= T. Where it integrates they vanish as T doubles;
where it does not, they grow.
"""

import warnings
from itertools import product

import numpy as np
import pytest

from bayesreg import (
    Bernoulli,
    Data,
    ElasticNet,
    Exponential,
    Flat,
    Gaussian,
    HalfCauchy,
    HalfNormal,
    InverseGamma,
    Jeffreys,
    Laplace,
    Model,
    Normal,
    Truncated,
    Uniform,
    sample,
)
from bayesreg.errors import ImproperPosteriorError, PriorTailWarning
from bayesreg.posterior.corners import Corners
from bayesreg.posterior.marginal import gaussian_marginal
from bayesreg.posterior.propriety import require_proper
from bayesreg.posterior.scalar_propriety import scales_left_to_their_prior, why_scalars_diverge
from bayesreg.posterior.target import pose

FAR, STEP = 48.0, 0.6


SHAPES = {
    "tall": (9, 2), "short": (4, 2), "square": (4, 3), "wide": (4, 6), "one": (1, 2),
    "two": (2, 1), "constant": (6, 2), "exact": (9, 2), "dependent": (5, 6),
}  # fmt: skip


def make_data(kind):
    rng = np.random.default_rng(3)
    n, p = SHAPES[kind]
    X = rng.normal(size=(n, p))
    y = 1.0 + X[:, 0] + rng.normal(size=n)
    if kind == "constant":
        y = np.full(n, 2.5)
    if kind == "exact":
        y = 0.3 + 0.2 * X[:, 0] - 0.3 * X[:, 1]
    if kind == "dependent":
        X[:, 2:] = X[:, :1]
    return Data(X, y)


def settles(posterior):
    marginal = gaussian_marginal(posterior)
    t = np.arange(-FAR, FAR + STEP / 2, STEP)
    grids = np.meshgrid(*(t for _ in posterior.scalars), indexing="ij")
    values = dict(zip(posterior.scalars, (np.exp(grid) for grid in grids), strict=True))
    sigma = values.get("sigma", 1.0)
    scale = next((value for name, value in values.items() if name != "sigma"), 1.0)
    log_p = marginal.log_likelihood(sigma, scale)
    for (name, prior), grid in zip(posterior.scalars.items(), grids, strict=True):
        with np.errstate(over="ignore"):
            log_p = log_p + prior.log_density(values[name]) + grid
    distance = np.max(np.abs(grids), axis=0)
    rings = [
        np.logaddexp.reduce(log_p[(distance > T / 2) & (distance <= T)]) for T in (FAR / 2, FAR)
    ]
    return bool(rings[1] == -np.inf or rings[1] - rings[0] < np.log(1e-2))


PROPER = [HalfNormal(1.0), HalfCauchy(1.0), InverseGamma(1.0, 1.0), Exponential(1.0)]
ON_SIGMA = [Jeffreys(), Flat(), *PROPER, Uniform(0.0, 2.0), Uniform(0.1, 2.0)]
ON_SCALE = [Flat(), *PROPER, Jeffreys(), Uniform(0.0, 2.0)]
KINDS = list(SHAPES)
INTERCEPTS = [Flat(), None, Normal(1.0)]


def models(sigmas, scales, intercepts):
    for sigma, scale, relative, intercept in product(sigmas, scales, [True, False], intercepts):
        known = isinstance(sigma, float)
        on_intercept = intercept
        if isinstance(intercept, Normal) and not known:
            on_intercept = Normal(1.0, relative_to_noise=True)
        yield Model(Gaussian(sigma), Normal(scale, relative_to_noise=relative), on_intercept)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("sigmas", "scales"),
    [(ON_SIGMA, [0.7]), ([0.8], ON_SCALE), (ON_SIGMA, ON_SCALE)],
    ids=["sigma", "scale", "both"],
)
def test_refused_exactly_where_the_integral_diverges(kind, sigmas, scales):
    data = make_data(kind)
    wrong = []
    for model in models(sigmas, scales, INTERCEPTS):
        posterior = pose(model, data)
        reason = why_scalars_diverge(posterior, data.names)
        if (reason is None) != settles(posterior):
            wrong.append((model, reason))
    assert not wrong


# --- two scales, by dense quadrature ------------------------------------------------------------


def dense_settles(posterior, far=36.0, step=1.5):
    """The same with any number of scales, from the covariance of y on its contrasts."""
    problem = posterior.problem
    X, flat = problem.block(np.arange(problem.size)), problem.penalty.is_flat
    H = np.linalg.qr(X[:, flat], mode="complete")[0][:, np.sum(flat) :]
    t, columns = H.T @ problem.y, H.T @ X[:, ~flat] / np.sqrt(problem.penalty.l2[~flat])
    axis = np.arange(-far, far + step / 2, step)
    grids = [g.ravel() for g in np.meshgrid(*(axis for _ in posterior.scalars), indexing="ij")]
    values = {name: np.exp(g) for name, g in zip(posterior.scalars, grids, strict=True)}
    factor = posterior.factors(values)[:, ~flat]
    # Relative to the noise, so that what is small beside it keeps its digits.
    ratio = factor / values["sigma"][:, None]
    U = (columns[None] * ratio[:, None]).transpose(0, 2, 1)
    R = np.linalg.qr(np.concatenate([np.broadcast_to(np.eye(t.size), (len(U), t.size, t.size)), U],
                                    axis=1), mode="r")  # fmt: skip
    solved = np.linalg.solve(R.transpose(0, 2, 1), np.broadcast_to(t[:, None], (len(U), t.size, 1)))
    log_p = -t.size * np.log(values["sigma"])
    log_p -= np.sum(np.log(np.abs(np.diagonal(R, axis1=1, axis2=2))), axis=1)
    log_p -= 0.5 * np.sum(solved[:, :, 0] ** 2, axis=1) / values["sigma"] ** 2
    for (name, prior), grid in zip(posterior.scalars.items(), grids, strict=True):
        with np.errstate(over="ignore"):
            log_p = log_p + prior.log_density(values[name]) + grid
    distance = np.max(np.abs(grids), axis=0)
    rings = [
        np.logaddexp.reduce(log_p[(distance > T / 2) & (distance <= T)]) for T in (far / 2, far)
    ]
    return bool(rings[1] == -np.inf or rings[1] - rings[0] < np.log(1e-2))


@pytest.mark.parametrize("relative", list(product([True, False], repeat=2)), ids=str)
@pytest.mark.parametrize("kind", ["tall", "square", "two", "constant"])
def test_two_scales(kind, relative):
    data = make_data(kind)
    if data.p == 1:
        data = Data(np.column_stack([data.X, [1.0, 3.0]]), data.y)
    wrong = []
    for on_sigma, first, second in product(
        [Jeffreys(), HalfNormal(1.0)], [HalfCauchy(1.0), Flat()], [HalfCauchy(1.0)]
    ):
        prior = {
            "x0": Normal(first, relative_to_noise=relative[0]),
            "x[12]": Normal(second, relative_to_noise=relative[1]),
        }
        posterior = pose(Model(Gaussian(on_sigma), prior), data)
        if (why_scalars_diverge(posterior, data.names) is None) != dense_settles(posterior):
            wrong.append((on_sigma, first, second))
    assert not wrong


# --- what design.md states, for every prior -----------------------------------------------------


def refuses(model, data, match):
    with pytest.raises(ImproperPosteriorError, match=match):
        require_proper(pose(model, data), data.names)


KINKED = [Normal(0.7), Laplace(0.7), ElasticNet(0.7, 0.8)]


@pytest.mark.parametrize("prior", KINKED, ids=repr)
@pytest.mark.parametrize(("intercept", "improper"), [(Flat(), 3), (None, 4), (Normal(1.0), 3)])
def test_absolute_prior_with_jeffreys_sigma(prior, intercept, improper):
    """Improper from p = n - 1 columns on with an intercept, from p = n on without."""
    rng = np.random.default_rng(0)
    for p in range(1, 6):
        data = Data(rng.normal(size=(4, p)), rng.normal(size=4))
        model = Model(Gaussian(Jeffreys()), prior, intercept)
        if p >= improper:
            refuses(model, data, r"sigma goes to 0.*without residual.*InverseGamma")
        else:
            require_proper(pose(model, data), data.names)
        for on_sigma in (HalfNormal(1.0), InverseGamma(1.0, 1.0)):
            require_proper(pose(Model(Gaussian(on_sigma), prior, intercept), data), data.names)


@pytest.mark.parametrize("kind", [Normal, Laplace])
def test_relative_prior_with_jeffreys_sigma_needs_a_y_that_varies(kind):
    model = Model(Gaussian(Jeffreys()), kind(0.7, relative_to_noise=True))
    refuses(model, make_data("constant"), r"sigma goes to 0.*at their loc \(a constant y")
    require_proper(pose(model, make_data("wide")), make_data("wide").names)
    exact = make_data("exact")
    flat = Model(Gaussian(Jeffreys()), {"x[01]": Flat()})
    refuses(flat, exact, "without residual")


@pytest.mark.parametrize("likelihood", [Gaussian(1.0), Gaussian(HalfNormal(1.0)), Bernoulli()])
@pytest.mark.parametrize("kind", [Normal, Laplace])
def test_one_over_scale_is_always_improper(likelihood, kind):
    data = make_data("tall")
    data = Data(data.X, (data.y > 1).astype(float))
    refuses(Model(likelihood, kind(Jeffreys())), data, r"p\(scale\).*infinite mass near 0")


def test_a_flat_scale_of_a_classifier():
    """The likelihood must close its columns, and there must be two of them."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    noisy = Data(X, (X[:, 0] + 2 * rng.normal(size=40) > 0).astype(float))
    model = Model(Bernoulli(), Normal(Flat()))
    require_proper(pose(model, noisy), noisy.names)
    refuses(model, Data(X, (X[:, 0] > 0).astype(float)), "neither does the likelihood")
    refuses(model, Data(X[:, :1], noisy.y), "neither does the likelihood")


def test_bounds_can_keep_the_data_from_being_fitted():
    """y falls along x: a coefficient bounded to be positive leaves a residual."""
    data = Data(np.array([[0.0], [1.0]]), np.array([1.0, 0.0]))
    prior = Truncated(Normal(1.0), 0.0)
    require_proper(pose(Model(Gaussian(Jeffreys()), prior), data), data.names)
    refuses(Model(Gaussian(Jeffreys()), Normal(1.0)), data, "without residual")


def test_too_few_rows_for_an_improper_sigma():
    data = make_data("two")
    refuses(Model(Gaussian(Flat()), Normal(1.0, relative_to_noise=True)), data, "1 contrast ")
    require_proper(pose(Model(Gaussian(Flat()), Normal(1.0, relative_to_noise=True), None), data),
                   data.names)  # fmt: skip


# --- the warning --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("on_sigma", [Jeffreys(), HalfNormal(1.0)], ids=repr)
def test_warned_exactly_where_the_likelihood_of_the_scale_stays(kind, on_sigma):
    """Against the integrated likelihood of the scale at 1e9 and 1e12."""
    data = make_data(kind)
    model = Model(Gaussian(on_sigma), Normal(HalfCauchy(1.0), relative_to_noise=True))
    posterior = pose(model, data)
    if why_scalars_diverge(posterior, data.names) is not None:
        return
    marginal = gaussian_marginal(posterior)
    t = np.arange(-60.0, 30.0, 0.05)
    log_p = [
        np.logaddexp.reduce(
            marginal.log_likelihood(np.exp(t), scale) + on_sigma.log_density(np.exp(t)) + t
        )
        for scale in (1e9, 1e12)
    ]
    stays = log_p[0] - log_p[1] < 0.1
    assert stays == bool(scales_left_to_their_prior(posterior))
    fitted = kind in ("wide", "square", "two") and isinstance(on_sigma, Jeffreys)
    assert stays == (fitted or kind == "one")  # one row says nothing beside an intercept


def test_sample_refuses_and_warns():
    data = make_data("wide")
    with pytest.raises(ImproperPosteriorError, match="without residual"):
        sample(Model(Gaussian(Jeffreys()), Normal(1.0)), data, seed=1)
    model = Model(Gaussian(Jeffreys()), Normal(HalfCauchy(1.0), relative_to_noise=True))
    with pytest.warns(PriorTailWarning, match=r"likelihood of scale does not fall.*HalfCauchy"):
        sample(model, data, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", PriorTailWarning)
        sample(model, make_data("tall"), seed=1)


# --- numerics -----------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize(
    ("kind", "rank", "fits"),
    [("tall", 2, False), ("wide", 3, True), ("dependent", 2, False), ("exact", 2, True)],
)
def test_rank_and_fit_do_not_depend_on_units(unit, kind, rank, fits):
    data = make_data(kind)
    units = np.resize([unit, 1.0], data.p)
    corners = Corners(pose(Model(Gaussian(Jeffreys()), Normal(1.0)), Data(data.X * units, data.y)))
    everything = np.ones(data.p + 1, dtype=bool)
    assert corners.rank(everything) == rank
    assert corners.fits(everything) == fits


def test_an_exact_fit_of_many_rows_is_found():
    """More rows than the first look takes."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(500, 3))
    y = 1.0 + X @ [1.0, 0.0, -2.0]
    model = Model(Gaussian(HalfNormal(1.0)), Laplace(1.0))
    refuses(model, Data(X, y), "without residual")
    y[-1] += 1e-3
    require_proper(pose(model, Data(X, y)), ("x0", "x1", "x2"))
