"""One table of our parts, and small awkward data for them.

A new prior or likelihood is one row here and thereby enters every test.  Import with
``from helpers import PRIORS, LIKELIHOODS, make_data``.
"""

import numpy as np
import pytest

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
    HalfNormal,
    Laplace,
    Model,
    Multinomial,
    MultivariateNormal,
    NegativeBinomial,
    Normal,
    Poisson,
    StudentT,
    Truncated,
    Uniform,
)
from bayesreg.posterior.memory import Memory
from bayesreg.posterior.progress import Nobody
from bayesreg.posterior.protocol import Block, Draws, Setup
from bayesreg.posterior.run import Plan, block_length, one_linear_algebra_thread, run
from bayesreg.posterior.target import pose

#: Columns of the default data; the length of every per-coefficient scale below.
P = 7

_SCALES = (0.1, 0.4, 0.2, 1.0, 0.3, 2.0, 0.15)
_SCALES_ABOVE = (0.3, 0.6, 0.4, 1.2, 0.5, 2.2, 0.35)
_LOCS = (0.0, 0.3, -0.2, 0.0, 0.1, 0.0, -0.5)
_FLAT_TWICE = (0.1, np.inf, 0.2, 1.0, np.inf, 2.0, 0.15)


def _param(value, name):
    return pytest.param(value, id=name)


LIKELIHOODS = [
    _param(Gaussian(sigma=1.5), "gaussian"),
    _param(Bernoulli(), "bernoulli"),
    _param(Poisson(), "poisson"),
    _param(Binomial(), "binomial"),
    _param(Gamma(phi=0.4), "gamma"),
    _param(NegativeBinomial(alpha=1.5), "negative-binomial"),
]

#: Likelihoods of K classes, whose coefficients are (K, p): tested in test_multinomial*.py.
CLASS_LIKELIHOODS = [
    _param(Multinomial(), "multinomial"),
    _param(Multinomial(classes=3), "multinomial-stated"),
]

#: Likelihoods whose loss has corners: tests of derivatives are not for them.
KINKED_LIKELIHOODS = [_param(AsymmetricLaplace(q=0.3, s=0.8), "asymmetric-laplace")]

PRIORS = [
    _param(Laplace(scale=0.3), "laplace"),
    _param(Laplace(scale=0.3, loc=0.25), "laplace-loc"),
    _param(Laplace(scale=_SCALES, loc=_LOCS), "laplace-vector"),
    _param(Laplace(scale=_FLAT_TWICE), "laplace-some-flat"),
    _param(Laplace(scale=0.2, loc=0.1, relative_to_noise=True), "laplace-relative"),
    _param(Normal(scale=0.5), "normal"),
    _param(Normal(scale=0.5, loc=-0.3), "normal-loc"),
    _param(Normal(scale=_SCALES, loc=_LOCS), "normal-vector"),
    _param(Normal(scale=_FLAT_TWICE), "normal-some-flat"),
    _param(Normal(scale=0.4, loc=0.1, relative_to_noise=True), "normal-relative"),
    _param(ElasticNet(laplace_scale=0.3, normal_scale=0.6), "elastic-net"),
    _param(ElasticNet(0.3, 0.6, loc=0.2), "elastic-net-loc"),
    _param(ElasticNet(_SCALES, _FLAT_TWICE, loc=_LOCS), "elastic-net-vector"),
    _param(ElasticNet(_FLAT_TWICE, _FLAT_TWICE), "elastic-net-some-flat"),
    _param(ElasticNet(np.inf, 0.5), "elastic-net-only-l2"),
    _param(ElasticNet(0.3, np.inf), "elastic-net-only-l1"),
    _param(ElasticNet(0.2, 0.5, loc=0.1, relative_to_noise=True), "elastic-net-relative"),
    _param(Flat(), "flat"),
]

#: Priors with bounds: their density ends somewhere, so tests place their points inside.
BOUNDED_PRIORS = [
    _param(HalfNormal(scale=0.5), "half-normal"),
    _param(Exponential(scale=0.3), "exponential"),
    _param(Uniform(-0.2, 0.15), "uniform"),
    _param(Truncated(Laplace(0.3, loc=0.1), lower=-0.1, upper=0.2), "truncated-laplace"),
    _param(Truncated(Normal(0.5, loc=0.4), upper=_SCALES), "truncated-normal-vector"),
    _param(Truncated(ElasticNet(0.3, 0.6), lower=0.0), "truncated-elastic-net"),
]

#: A loss that is not convex in eta, priors that are not log-concave: their modes are local.
LOCAL_LIKELIHOODS = [
    _param(StudentT(nu=4.0, sigma=1.5), "student-t"),
    _param(StudentT(nu=1.0, sigma=0.5), "cauchy-noise"),
    _param(StudentT(nu=50.0, sigma=2.0), "nearly-gaussian"),
]

LOCAL_PRIORS = [
    _param(StudentT(nu=3.0, scale=0.4), "student-t-prior"),
    _param(StudentT(nu=0.5, scale=_SCALES, loc=_LOCS), "student-t-prior-vector"),
    _param(StudentT(nu=4.0, scale=_FLAT_TWICE), "student-t-prior-some-flat"),
    _param(StudentT(nu=4.0, scale=0.3, loc=0.1, relative_to_noise=True), "student-t-relative"),
    _param(Cauchy(scale=0.3), "cauchy"),
    _param(Cauchy(scale=0.2, loc=_LOCS, relative_to_noise=True), "cauchy-relative"),
    _param(Truncated(StudentT(3.0, 0.4, loc=0.1), lower=-0.1), "truncated-student-t"),
    _param(Truncated(Cauchy(0.4), lower=0.2, upper=_SCALES_ABOVE), "truncated-cauchy"),
]

_LABELS = (0, 1, 0, 2, 1, 1, 0)
_COVARIANCE = np.multiply.outer(_SCALES, _SCALES) * (0.4 + 0.6 * np.eye(P))

#: Joint densities of all coefficients: they share a norm or a covariance.
JOINT_PRIORS = [
    _param(GroupLaplace(scale=0.4), "group"),
    _param(GroupLaplace(scale=0.3, loc=_LOCS, groups=_LABELS), "groups-loc"),
    _param(GroupLaplace((0.2, np.inf, 0.4), groups=_LABELS), "groups-some-flat"),
    _param(GroupLaplace(0.2, 0.1, True, groups=_LABELS), "groups-relative"),
    _param(MultivariateNormal(_COVARIANCE), "covariance"),
    _param(MultivariateNormal(_COVARIANCE, loc=_LOCS), "covariance-loc"),
    _param(MultivariateNormal(_COVARIANCE, 0.1, relative_to_noise=True), "covariance-relative"),
]

#: Priors by column name; together they reach x0 ... x6 exactly once.
MIXED_PRIOR = {"x0": Flat(), "x[1-3]": Laplace(0.3, loc=[0.0, 0.2, 0.0]), "x[4-6]": Normal(0.5)}

#: The same with a group and a covariance whose columns lie apart.
MIXED_JOINT_PRIOR = {
    "x1": Laplace(0.3),
    "x[0246]": GroupLaplace(0.3, loc=[0.0, 0.1, 0.0, 0.0]),
    "x[35]": MultivariateNormal([[0.5, -0.3], [-0.3, 0.4]], loc=[0.1, 0.0]),
}


def _combinations(likelihoods, joint):
    rows = []
    for likelihood in likelihoods:
        for prior in [*PRIORS, _param(MIXED_PRIOR, "mixed"), *joint]:
            needs_noise = getattr(prior.values[0], "relative_to_noise", False)
            if needs_noise and not isinstance(likelihood.values[0], Gaussian):
                continue
            name = f"{likelihood.id}-{prior.id}"
            rows.append(pytest.param(likelihood.values[0], prior.values[0], id=name))
    return rows


#: Every (likelihood, prior) that makes a model, the mappings included.
COMBINATIONS = _combinations(LIKELIHOODS, [*JOINT_PRIORS, _param(MIXED_JOINT_PRIOR, "mixed-joint")])

#: Those whose priors are independent between coefficients.
SEPARABLE_COMBINATIONS = _combinations(LIKELIHOODS, [])

#: Those of a loss with corners; groups it does not take.
KINKED_COMBINATIONS = _combinations(
    KINKED_LIKELIHOODS,
    [row for row in JOINT_PRIORS if not isinstance(row.values[0], GroupLaplace)],
)


def make_design(n=60, p=P, seed=0):
    """Correlated, uncentred columns whose standard deviations run from 0.2 to 5."""
    rng = np.random.default_rng([seed, n, p])
    common = rng.normal(size=(n, 1))
    unit = 0.6 * common + 0.8 * rng.normal(size=(n, p))
    scales = np.geomspace(0.2, 5.0, p)
    centres = scales * np.resize([2.0, -1.0, 0.5, 0.0], p)
    return unit * scales + centres


def make_data(likelihood, n=60, p=P, seed=0, weights=False, offset=False):
    """Data drawn from a sparse truth under ``likelihood``.

    With ``weights`` they run from 0.2 to 3 and two rows have weight 0; trials run from 1 to 6.
    """
    rng = np.random.default_rng([seed, n, p, 1])
    X = make_design(n, p, seed)
    effects = np.resize([0.6, 0.0, -0.4, 0.0, 0.0, 0.3, 0.0], p)
    unit = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
    shift = rng.normal(0, 0.3, n) if offset else None
    eta = likelihood.noise * (0.4 + unit @ effects) + (0.0 if shift is None else shift)
    trials = np.resize([1.0, 4.0, 6.0, 2.0, 1.0], n) if isinstance(likelihood, Binomial) else None
    y = (likelihood if trials is None else likelihood.for_trials(trials)).draw(eta, rng)
    s = rng.uniform(0.2, 3.0, n) if weights else None
    if s is not None:
        s[[1, n // 2]] = 0.0
    return Data(X, y, weights=s, offset=shift, trials=trials)


def rows_of(data, rows):
    """The chosen rows (indices or a mask) of data, with everything that belongs to them."""
    parts = (data.y, data.weights, data.offset, data.trials)
    y, s, shift, trials = (None if part is None else part[rows] for part in parts)
    return Data(data.X[rows], y, s, shift, data.names, trials)


def with_design(data, X):
    """The same rows with another design matrix."""
    return Data(X, data.y, data.weights, data.offset, trials=data.trials)


def make_class_data(classes=3, n=80, p=P, seed=0, weights=False):
    """Codes 0 ... K - 1 drawn from a sparse truth, on the design of :func:`make_design`.

    With ``weights`` they run from 0.2 to 3 and two rows have weight 0.
    """
    rng = np.random.default_rng([seed, n, p, classes])
    X = make_design(n, p, seed)
    unit = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
    effects = rng.normal(size=(classes, p)) * (rng.random((classes, p)) < 0.5)
    eta = unit @ effects.T + 0.5 * rng.normal(size=classes)
    y = Multinomial(classes).draw(eta, rng)
    y[:classes] = np.arange(classes)
    s = rng.uniform(0.2, 3.0, n) if weights else None
    if s is not None:
        s[[classes, n // 2]] = 0.0
    return Data(X, y, weights=s)


def make_model(likelihood=None, prior=None, intercept=Flat(), standardize=False):  # noqa: B008
    """A model whose parts default to the first rows of the tables."""
    likelihood = LIKELIHOODS[0].values[0] if likelihood is None else likelihood
    prior = PRIORS[0].values[0] if prior is None else prior
    return Model(likelihood, prior, intercept, standardize=standardize)


class _AsDrawn:
    """Blocks as the engine fills them, in place of variables in the user's units."""

    def __init__(self, posterior):
        self.widths = posterior.problem.size, len(posterior.scalars)

    def empty(self, count, statistics):
        return Block.empty(count, *self.widths, statistics)

    def __call__(self, chain, block):
        parts = ("v", "scalars", "statistics")
        return {"block": {name: getattr(block, name) for name in parts}}


def engine_draws(sampler, model, data, seed=1, draws=1000, tune=200, chains=2):
    """Draws of one sampler (a module with ``unsuited`` and ``prepare``), as sample() drives it."""
    posterior = pose(model, data)
    assert sampler.unsuited(posterior) is None
    with one_linear_algebra_thread():
        engine = sampler.prepare(Setup(posterior, posterior.problem.start, tune))
        begun = [engine.begin(child) for child in np.random.SeedSequence(seed).spawn(chains)]
        memory = Memory(draws)
        plan = Plan(tune, draws, block_length(engine, posterior.problem.size, data.n))
        assert run(engine, begun, _AsDrawn(posterior), memory, Nobody(), plan, cores=1)
    found = memory.groups["block"]
    named = (
        {name: found[part][:, :, k] for k, name in enumerate(names)}
        for part, names in (("scalars", posterior.scalars), ("statistics", engine.statistics))
    )
    return Draws(found["v"], *named)


def figures(draws):
    """Mean and log deviation, and their Monte Carlo errors, of a (chain, draw) array."""
    import arviz_stats

    mean, deviation = np.mean(draws), np.std(draws)
    square = (draws - mean) ** 2
    of_mean = deviation / np.sqrt(float(arviz_stats.ess(draws, method="mean")))
    of_square = np.std(square) / np.sqrt(float(arviz_stats.ess(square, method="mean")))
    return [(mean, of_mean), (np.log(deviation), 0.5 * of_square / deviation**2)]
