"""from_pymc: the model and data that a PyMC model is, or why it is no penalised regression."""

import dataclasses

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from helpers import LIKELIHOODS, LOCAL_LIKELIHOODS, MIXED_PRIOR, make_data, make_model
from scipy import stats

import bayesreg as br
from bayesreg.errors import ModelTypeError, NoEquivalentError
from bayesreg.pymc import read_priors
from bayesreg.pymc.agreement import require_agreement

RNG = np.random.default_rng(0)
N_ROWS, P = 30, 4
X = RNG.normal(2.0, [0.3, 1.0, 2.0, 5.0], (N_ROWS, P))
Y = RNG.normal(size=N_ROWS)
BINARY, COUNTS = (Y > 0).astype(int), RNG.poisson(2.0, N_ROWS)
OFFSET, GROUP = RNG.normal(size=N_ROWS), np.resize([0, 1, 2], N_ROWS)
SPREAD = RNG.uniform(0.5, 2.0, N_ROWS)
COORDS = {"feature": ["age", "bmi", "bp", "s1"], "obs": range(N_ROWS)}


def read(build, **keywords):
    with pm.Model(coords=COORDS) as model:
        build()
    return br.from_pymc(model, **keywords)


def normal(mu, sigma=1.5, observed=Y, **keywords):
    return pm.Normal("y", mu, sigma, observed=observed, **keywords)


# ---- there and back -----------------------------------------------------------------------------


def generated(seed):
    """A model and data: any likelihood, prior, intercept, weights, offset, size."""
    rng = np.random.default_rng([7, seed])
    kinds = [row.values[0] for row in (*LIKELIHOODS, *LOCAL_LIKELIHOODS)]
    likelihood = kinds[seed % len(kinds)]
    p = int(rng.integers(1, 9))
    scale = float(rng.uniform(0.1, 2.0)) if rng.random() < 0.5 else rng.uniform(0.1, 2.0, p)
    loc = 0.0 if rng.random() < 0.6 else rng.normal(size=p)
    prior = [
        br.Laplace(scale, loc), br.Normal(scale, loc), br.ElasticNet(scale, 1.5, loc),
        br.StudentT(3.0, scale, loc), br.Cauchy(scale, loc), br.Flat(),
    ][seed // 3 % 6]  # fmt: skip
    intercept = [br.Flat(), None, br.Normal(2.0, loc=1.0), br.Laplace(0.7)][seed // 2 % 4]
    data = make_data(likelihood, n=40, p=p, seed=seed, weights=seed % 4 == 1, offset=seed % 5 == 2)
    names = [f"column {j}" for j in range(p)]
    data = br.Data(data.X, data.y, data.weights, data.offset, names, data.trials)
    return br.Model(likelihood, prior, intercept), data


def assert_same_data(found, expected):
    used = slice(None) if expected.weights is None else expected.weights > 0
    for name in ("X", "y", "offset", "trials"):
        one, other = getattr(found, name), getattr(expected, name)
        if other is None:
            assert one is None
        elif name == "offset":
            np.testing.assert_allclose(one, other[used], rtol=1e-14, atol=1e-14)
        else:
            np.testing.assert_array_equal(one, other[used])
    assert found.names == expected.names


def assert_same_penalty(model, other, data, scale=1.0):
    for one, two in [
        (model.coefficient_penalty(data), other.coefficient_penalty(data)),
        (model.intercept_penalty(), other.intercept_penalty()),
    ]:
        assert (one is None) == (two is None)
        for name in ("l1", "l2", "loc") if one is not None else ():
            np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=1e-14)
        if one is not None and one.tails is not None:
            np.testing.assert_allclose(one.tails.scale, two.tails.scale, rtol=1e-14)


@pytest.mark.parametrize("seed", range(50))
def test_fifty_generated_models_come_back(seed):
    model, data = generated(seed)
    found = br.from_pymc(br.to_pymc(model, data))
    assert_same_data(found.data, data)
    assert_same_penalty(found.model, model, found.data)
    assert type(found.model.prior) is type(model.prior)
    if data.weights is None:
        assert repr(found.model.likelihood) == repr(model.likelihood)
        assert found.data.weights is None
    else:
        # Of sigma / sqrt(s) only the quotient is in the PyMC model.
        s = data.weights[data.weights > 0]
        noise = found.model.likelihood.noise / model.likelihood.noise
        np.testing.assert_allclose(found.data.weights / noise**2, s, rtol=1e-13)
    assert found.difference < 1e-9


@pytest.mark.parametrize("sigma", [br.HalfNormal(2.0), br.Exponential(0.7), br.Uniform(0.1, 4.0),
                                   br.HalfCauchy(1.5), br.Jeffreys(), br.InverseGamma(2.0, 3.0),
                                   br.Flat()])  # fmt: skip
@pytest.mark.parametrize("relative", [False, True])
def test_an_unknown_sigma_comes_back_and_is_named(sigma, relative):
    data = make_data(br.Gaussian(1.5))
    model = br.Model(br.Gaussian(sigma), br.Laplace(0.3, relative_to_noise=relative))
    found = br.from_pymc(br.to_pymc(model, data))
    assert found.model.prior == model.prior
    assert type(found.model.likelihood.sigma) is type(sigma)
    for name, value in vars(sigma).items():
        assert getattr(found.model.likelihood.sigma, name) == pytest.approx(value, rel=1e-8)
    assert any("sigma is unknown" in note and "at_sigma" in note for note in found.notes)


@pytest.mark.parametrize("sigma", [br.HalfNormal(2.0), br.Uniform(0.1, 4.0), br.HalfCauchy(1.5),
                                   br.Jeffreys(), br.InverseGamma(2.0, 3.0)])  # fmt: skip
@pytest.mark.parametrize("nu", [1.0, 4.0])
def test_an_unknown_sigma_of_student_t_comes_back(nu, sigma):
    data = make_data(br.StudentT(4.0, sigma=1.5))
    model = br.Model(br.StudentT(nu, sigma=sigma), br.Laplace(0.3))
    found = br.from_pymc(br.to_pymc(model, data))
    assert found.model.prior == model.prior
    assert found.model.likelihood.nu == nu
    assert type(found.model.likelihood.sigma) is type(sigma)
    for name, value in vars(sigma).items():
        assert getattr(found.model.likelihood.sigma, name) == pytest.approx(value, rel=1e-8)
    assert any("sigma is unknown" in note and "joint" in note for note in found.notes)


def test_a_cauchy_of_free_scale_is_read():
    with pm.Model() as pm_model:
        pm.Cauchy("y", X @ coefficients(), pm.HalfNormal("width", 2.0), observed=Y)
    found = br.from_pymc(pm_model)
    assert found.model.likelihood == br.StudentT(1.0, sigma=br.HalfNormal(2.0))


@pytest.mark.parametrize("standardize", [False, True])
def test_priors_that_differ_between_columns_come_back_as_one_density(standardize):
    data = make_data(br.Gaussian(1.5))
    model = make_model(prior=MIXED_PRIOR, standardize=standardize)
    found = br.from_pymc(br.to_pymc(model, data))
    assert_same_penalty(found.model, model, found.data)


def test_a_covariance_comes_back():
    covariance = 0.3 + 0.7 * np.eye(P)
    data = br.Data(X, Y)
    model = br.Model(br.Gaussian(1.5), br.MultivariateNormal(covariance, loc=0.1))
    found = br.from_pymc(br.to_pymc(model, data))
    np.testing.assert_allclose(found.model.prior.covariance, covariance, rtol=1e-14)
    assert found.model.prior.loc == 0.1


# ---- as people write them -----------------------------------------------------------------------

GAUSSIAN = br.Gaussian(1.5)


def as_matmul():
    normal(pm.Flat("a") + X @ pm.Laplace("beta", 0, 0.3, shape=P))


def as_dot_of_data():
    design, beta = pm.Data("X", X), pm.Laplace("beta", 0, 0.3, shape=P)
    normal(pm.Deterministic("mu", pm.Flat("a") + pm.math.dot(design, beta)))


def as_broadcast_sum():
    normal(pm.Flat("a") + (X * pm.Laplace("beta", 0, 0.3, shape=P)).sum(axis=-1))


def as_dims():
    mu = pm.Flat("a") + X @ pm.Laplace("beta", 0, 0.3, dims="feature")
    normal(mu, dims="obs")


def as_scalars():
    beta = [pm.Laplace(f"b{j}", 0, 0.3) for j in range(P)]
    normal(sum((b * X[:, j] for j, b in enumerate(beta)), start=pm.Flat("a")))


def as_stack():
    beta = pt.stack([pm.Laplace(f"b{j}", 0, 0.3) for j in range(P)])
    normal(pm.Flat("a") + X @ beta)


def as_two_vectors():
    one, two = (pm.Laplace(name, 0, 0.3, shape=2) for name in ("one", "two"))
    normal(X[:, 2:] @ two + X[:, :2] @ one + pm.Flat("a", shape=1))


def as_columns():
    beta = pm.Laplace("beta", 0, 0.3, shape=(P, 1))
    normal(pm.Flat("a") + X @ beta, observed=Y[:, None])


IDIOMS = {
    as_matmul: ("x0", "x1", "x2", "x3"),
    as_dot_of_data: ("x0", "x1", "x2", "x3"),
    as_broadcast_sum: ("x0", "x1", "x2", "x3"),
    as_dims: ("age", "bmi", "bp", "s1"),
    as_scalars: ("b0", "b1", "b2", "b3"),
    as_stack: ("b0", "b1", "b2", "b3"),
    as_two_vectors: ("one[0]", "one[1]", "two[0]", "two[1]"),
    as_columns: ("beta[0,0]", "beta[1,0]", "beta[2,0]", "beta[3,0]"),
}


@pytest.mark.parametrize("build", IDIOMS)
def test_one_regression_in_many_words(build):
    found = read(build)
    assert found.model == br.Model(GAUSSIAN, br.Laplace(0.3))
    np.testing.assert_array_equal(found.data.X, X)
    np.testing.assert_array_equal(found.data.y, Y)
    assert found.data.names == IDIOMS[build]
    assert found.intercept == "a"
    assert found.notes == ()


def coefficients(prior=None):
    return pm.Normal("w", 0, 0.5, shape=P) if prior is None else prior


def manual_logit():
    pm.Bernoulli("y", p=1 / (1 + pm.math.exp(-(X @ coefficients()))), observed=BINARY)


def gamma_by_mean():
    mu = pt.exp(X @ coefficients())
    pm.Gamma("y", alpha=2.5, beta=2.5 / mu, observed=np.exp(Y))


def exposure():
    pm.Poisson("y", np.exp(OFFSET) * pt.exp(X @ coefficients()), observed=COUNTS)


LINKS = [
    (lambda: pm.Bernoulli("y", logit_p=X @ coefficients(), observed=BINARY), br.Bernoulli()),
    (lambda: pm.Bernoulli("y", p=pm.math.invlogit(X @ coefficients()), observed=BINARY),
     br.Bernoulli()),
    (manual_logit, br.Bernoulli()),
    (lambda: pm.Binomial("y", 9, pm.math.sigmoid(X @ coefficients()), observed=COUNTS),
     br.Binomial()),
    (lambda: pm.Poisson("y", pm.math.exp(X @ coefficients()), observed=COUNTS), br.Poisson()),
    (exposure, br.Poisson()),
    (lambda: pm.NegativeBinomial("y", mu=pt.exp(X @ coefficients()), alpha=2.5, observed=COUNTS),
     br.NegativeBinomial(2.5)),
    (gamma_by_mean, br.Gamma(0.4)),
    (lambda: pm.StudentT("y", nu=4, mu=X @ coefficients(), sigma=1.5, observed=Y),
     br.StudentT(4.0, sigma=1.5)),
    (lambda: pm.Cauchy("y", X @ coefficients(), 1.5, observed=Y), br.StudentT(1.0, sigma=1.5)),
    (lambda: pm.Laplace("y", X @ coefficients(), 1.5, observed=Y),
     br.AsymmetricLaplace(0.5, 0.75)),
]  # fmt: skip


@pytest.mark.parametrize(("build", "likelihood"), LINKS)
def test_likelihoods_and_links(build, likelihood):
    found = read(build)
    assert found.model == br.Model(likelihood, br.Normal(0.5), None)
    np.testing.assert_array_equal(found.data.X, X)
    if build is exposure:
        np.testing.assert_allclose(found.data.offset, OFFSET, rtol=1e-14, atol=1e-15)


PRIORS = [
    (lambda: pm.Normal("w", 0, tau=4.0, shape=P), br.Normal(0.5)),
    (lambda: pm.Normal("w", 1.0, [0.1, 0.2, 0.3, 0.4], shape=P),
     br.Normal([0.1, 0.2, 0.3, 0.4], loc=1.0)),
    (lambda: pm.HalfNormal("w", 0.5, shape=P), br.HalfNormal(0.5)),
    (lambda: pm.Exponential("w", 2.5, shape=P), br.Exponential(0.4)),
    (lambda: pm.Uniform("w", -1, 1, shape=P), br.Uniform(-1.0, 1.0)),
    (lambda: pm.StudentT("w", nu=3, mu=0, sigma=2.5, shape=P), br.StudentT(3.0, 2.5)),
    (lambda: pm.Cauchy("w", 0, 0.3, shape=P), br.Cauchy(0.3)),
    (lambda: pm.HalfCauchy("w", 0.3, shape=P), br.Truncated(br.Cauchy(0.3), lower=0.0)),
    (lambda: pm.HalfStudentT("w", nu=3, sigma=0.3, shape=P),
     br.Truncated(br.StudentT(3.0, 0.3), lower=0.0)),
    (lambda: pm.HalfFlat("w", shape=P), br.Truncated(br.Flat(), lower=0.0)),
    (lambda: pm.TruncatedNormal("w", 0.1, 0.5, lower=0, upper=2, shape=P),
     br.Truncated(br.Normal(0.5, loc=0.1), 0.0, 2.0)),
    (lambda: pm.Truncated("w", pm.Laplace.dist(0, 0.5), lower=-0.1, upper=1.0, shape=P),
     br.Truncated(br.Laplace(0.5), -0.1, 1.0)),
    (lambda: pm.Flat("w", shape=P), br.Flat()),
]  # fmt: skip


@pytest.mark.parametrize(("build", "prior"), PRIORS)
def test_priors(build, prior):
    found = read(lambda: normal(X @ build()))
    assert found.model == br.Model(GAUSSIAN, prior, None)


def test_different_priors_are_named_by_column():
    def build():
        beta = pm.Normal("beta", 0, 2.0, dims="feature")
        slope, level = pm.Laplace("slope", 0, 0.1), pm.Normal("level", 1, 3)
        normal(level + X @ beta + slope * SPREAD - 1.0)

    found = read(build)
    names = ("age", "bmi", "bp", "s1")
    assert found.model.prior == {
        **dict.fromkeys(names, br.Normal(2.0)), "slope": br.Laplace(0.1),
    }  # fmt: skip
    assert found.model.intercept == br.Normal(3.0, loc=1.0)
    assert found.coefficients == {"beta": names, "slope": ("slope",)}
    np.testing.assert_array_equal(found.data.offset, np.full(N_ROWS, -1.0))
    text = str(found)
    for part in ("the intercept has a prior (level ~ ", "the prior differs", "is the offset"):
        assert part in text


def test_what_is_linear_in_other_ways():
    found = read(lambda: normal(pm.Normal("level", 0, 1, shape=3)[GROUP]))
    np.testing.assert_array_equal(found.data.X, np.eye(3)[GROUP])
    centred = (X - X.mean(axis=0)) / X.std(axis=0)
    found = read(lambda: normal(pt.dot(centred, coefficients()) * 1.0))
    np.testing.assert_array_equal(found.data.X, centred)
    found = read(lambda: normal(X @ pm.Deterministic("beta", 0.25 * pm.Normal("z", shape=P))))
    np.testing.assert_array_equal(found.data.X, 0.25 * X)
    found = read(lambda: normal(np.column_stack([np.ones(N_ROWS), X]) @ pm.Normal("w", shape=5)))
    assert found.intercept is None
    assert "is shrunk with the rest" in found.notes[0]


def test_a_sigma_for_each_row_is_weights():
    found = read(lambda: normal(X @ coefficients(), SPREAD))
    sigma = found.model.likelihood.sigma / np.sqrt(found.data.weights)
    np.testing.assert_allclose(sigma, SPREAD, rtol=1e-14)
    assert np.mean(found.data.weights) == pytest.approx(1.0)


def test_park_and_casella():
    def build():
        sigma = pm.HalfCauchy("sigma", 2)
        normal(X @ pm.Laplace("w", 0, 0.5 * sigma, shape=P), sigma)

    found = read(build)
    prior = br.Laplace(0.5, relative_to_noise=True)
    assert found.model == br.Model(br.Gaussian(br.HalfCauchy(2.0)), prior, None)
    stated = read(build, given={"sigma": 2.0})
    assert stated.model == br.Model(br.Gaussian(2.0), br.Laplace(1.0), None)


def test_hyperparameters_stated_as_numbers():
    def build():
        tau = pm.HalfCauchy("tau", 1)
        normal(X @ pm.Laplace("w", 0, tau, shape=P))

    assert read(build, given={"tau": 0.25}).model.prior == br.Laplace(0.25)
    with pytest.raises(NoEquivalentError, match=r"'tua'.*Did you mean 'tau'"):
        read(build, given={"tua": 0.25})


def test_the_mode_that_follows_is_certified():
    model, data = read(as_matmul)
    assert br.find_map(model, data).certificate.holds


# ---- no equivalent ------------------------------------------------------------------------------


def hyper():
    normal(X @ pm.Laplace("w", 0, pm.HalfCauchy("tau", 1), shape=P))


def product():
    normal(X @ (pm.HalfNormal("tau", 1) * pm.Normal("z", 0, 1, shape=P)))


def hierarchy():
    m = pm.Normal("m", 0, 1)
    normal(m + X @ pm.Normal("w", m, 1, shape=P))


def potential():
    w = coefficients()
    pm.Potential("penalty", -pt.abs(w).sum())
    normal(X @ w)


def two_targets():
    mu = X @ coefficients()
    normal(mu)
    pm.Normal("y2", mu, 1, observed=Y)


def unused():
    pm.Normal("q", 0, 1)
    normal(X @ coefficients())


def sigma_of_variance():
    normal(X @ coefficients(), pt.sqrt(pm.InverseGamma("variance", 2, 1)))


def other_custom():
    normal(X @ pm.CustomDist("w", 0.0, 1.0, 2.0, 3.0, logp=lambda v, *p: -(v**4), shape=P))


def minibatch():
    rows, targets = pm.Minibatch(X, Y, batch_size=5)
    pm.Normal("y", rows @ coefficients(), 1.0, observed=targets, total_size=N_ROWS)


def missing():
    with pytest.warns(match="missing values"):
        normal(X @ coefficients(), observed=np.ma.masked_array(Y, Y > 1))


def of_counts(**zero_inflation):
    mu = pt.exp(X @ coefficients())
    pm.ZeroInflatedPoisson("y", mu=mu, observed=COUNTS, **zero_inflation)


def correlated_beside_another():
    w = pm.MvNormal("w", np.zeros(2), np.eye(2))
    normal(X[:, :2] @ w + X[:, 2] * pm.Normal("b", 0, 1))


def scale_in_units_of_a_student_sigma():
    sigma = pm.HalfNormal("s")
    w = pm.Normal("w", 0, 0.5 * sigma, shape=P)
    pm.StudentT("y", nu=3, mu=X @ w, sigma=sigma, observed=Y)


REFUSED = [
    (hyper, r"tau is a hyperprior.*given=\{'tau': 0\.5\}"),
    (product, r"not linear in tau, z.*given=\{'tau': 1\.0\}"),
    (hierarchy, "prior of w depends on m, which is a coefficient itself"),
    (potential, "Potential, penalty"),
    (two_targets, r"has 2 \(y, y2\)"),
    (lambda: coefficients(), r"has 0 \(none\)"),
    (unused, "q is neither in the linear predictor"),
    (sigma_of_variance, "sigma is a function of variance"),
    (other_custom, r"CustomDist.*a named distribution, such as pm\.Laplace"),
    (minibatch, "y is a minibatch"),
    (missing, "is missing, and PyMC imputes it"),
    (lambda: of_counts(psi=0.5), "Mixture is no likelihood"),
    (lambda: pm.Categorical("y", logit_p=X[:, :3] * pm.Normal("w"), observed=GROUP),
     r"Categorical is no likelihood.*Multinomial\(\)"),
    (lambda: normal(X @ pm.LogNormal("w", 0, 1, shape=P)), "LogNormal is no prior.*HalfNormal"),
    (lambda: normal(X @ coefficients(), pm.LogNormal("s", 0, 1)), "s ~ LogNormal is no prior"),
    (lambda: normal(X @ pt.abs(coefficients())), "not linear in w"),
    (lambda: normal(pt.clip(X @ coefficients(), -1, 1)), "not linear in w"),
    (lambda: pm.Bernoulli("y", pm.math.invprobit(X @ coefficients()), observed=BINARY),
     "not linear in w.*another link than logit"),
    (lambda: normal(pm.Normal("a", 0, 1) + OFFSET), "no coefficients besides an intercept"),
    (lambda: normal(X @ coefficients(), observed=Y[:, None]), r"together they are \(30, 30\)"),
    (lambda: pm.StudentT("y", nu=pm.Exponential("nu", 1), mu=X @ coefficients(),
                         sigma=pm.HalfNormal("s"), observed=Y), r"unknown \(nu\)"),
    (lambda: pm.StudentT("y", nu=3, mu=X @ coefficients(), sigma=2 * pm.HalfNormal("s"),
                         observed=Y), "sigma is a function of s"),
    (lambda: pm.Laplace("y", X @ coefficients(), pm.HalfNormal("b"), observed=Y),
     r"unknown \(b\)"),
    (scale_in_units_of_a_student_sigma, "in units of the sigma of StudentT"),
    (lambda: pm.StudentT("y", nu=3, mu=X @ coefficients(), sigma=SPREAD, observed=Y),
     "sigma of its own in each row"),
    (lambda: normal(X @ pm.StudentT("w", nu=[1.0, 2.0, 3.0, 4.0], sigma=1)), "differ between coe"),
    (correlated_beside_another, "multivariate normal prior stands beside"),
]  # fmt: skip


@pytest.mark.parametrize(("build", "reason"), REFUSED)
def test_refused_with_the_reason_and_what_is_nearest(build, reason):
    with pytest.raises(NoEquivalentError, match=f"(?s){reason}") as caught:
        read(build)
    assert "Nearest" in str(caught.value)


def test_what_is_no_pymc_model():
    with pytest.raises(ModelTypeError, match=r"reads a pymc\.Model; got builtins\.dict"):
        br.from_pymc({})
    with pytest.raises(ModelTypeError, match=r"reads a bambi\.Model; got builtins\.dict"):
        br.from_bambi({})


@pytest.mark.parametrize(
    "call",
    [
        lambda model: br.to_prior(model, sigma=1.0),
        lambda model: br.to_prior("pymc.Normal", model, sigma=1.0),
        lambda model: br.convert(model, to="sklearn.Ridge", n=30),
        lambda model: br.to_penalty(model, "sklearn.Ridge"),
        lambda model: br.explain(model),
        lambda model: br.from_sklearn(model),
        lambda model: br.find_map(model, br.Data(X, Y)),
        lambda model: br.from_bambi(model),
    ],
)
def test_a_pymc_model_elsewhere_is_pointed_to_from_pymc(call):
    with pm.Model() as model:
        as_matmul()
    with pytest.raises(br.errors.BayesregError, match=r"pymc.*from_pymc"):
        call(model)


def test_what_was_read_is_pointed_to_its_model():
    found = read(as_matmul)
    for call in (lambda: br.to_penalty(found, "sklearn.Lasso"), lambda: br.to_prior(found)):
        with pytest.raises(br.errors.ConversionError, match=r"FromPyMC has its model in \.model"):
            call()
    with pytest.raises(br.errors.ConversionError, match=r"bayesreg\.to_penalty\(model"):
        br.to_prior(found.model)


# ---- a misread model is not returned ------------------------------------------------------------


@pytest.mark.parametrize("factor", [1.0001, 2.0])
def test_a_scale_misread_by_a_ten_thousandth_is_seen(monkeypatch, factor):
    wrong = {
        **read_priors._READERS,
        "Laplace": lambda mu, b: read_priors.Part("Laplace", {"scale": factor * b, "loc": mu}),
    }
    monkeypatch.setattr(read_priors, "_READERS", wrong)
    with pytest.raises(NoEquivalentError, match="the prior of this model is not what was read"):
        read(as_matmul)


@pytest.mark.parametrize(
    "change",
    [
        lambda model, data: (br.Model(br.Gaussian(1.5002), model.prior), data),
        lambda model, data: (model, dataclasses.replace(data, y=data.y + 1e-4)),
        lambda model, data: (model, dataclasses.replace(data, X=data.X * 1.0001)),
        lambda model, data: (br.Model(model.likelihood, br.Normal(1e4 * 1.001)), data),
    ],
)
def test_the_comparison_has_power(change):
    wide = br.Model(br.Gaussian(1.5), br.Normal(1e4))
    data = br.Data(X, Y)
    pm_model = br.to_pymc(wide, data)
    rest = ({"coef": data.names}, "intercept", None, {"coef": (P,), "intercept": ()})
    assert require_agreement(pm_model, wide, data, *rest) < 1e-9
    with pytest.raises(NoEquivalentError, match="not what was read"):
        require_agreement(pm_model, *change(wide, data), *rest)


def test_the_reading_has_the_density_of_scipy():
    """Outside both: a model written by hand against scipy.stats."""
    model, data = read(as_matmul)
    w, a = RNG.normal(size=P), 0.3
    expected = np.sum(stats.norm.logpdf(Y, a + X @ w, 1.5)) + np.sum(
        stats.laplace.logpdf(w, 0, 0.3)
    )
    assert model.log_density(data, w, a) == pytest.approx(expected, rel=1e-12)
