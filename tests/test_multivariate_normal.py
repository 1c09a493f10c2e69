"""MultivariateNormal: closed forms, units, verbs, refusals."""

import warnings

import numpy as np
import pytest
from helpers import LIKELIHOODS, make_data
from scipy import sparse, stats

import bayesreg as br
from bayesreg.errors import ModelError, ModelTypeError, NoEquivalentError
from bayesreg.problem import bind
from bayesreg.testing import check_prior
from bayesreg.wording import describe

P = 7


def covariance(p=P, seed=0, spread=1.0):
    rng = np.random.default_rng([seed, p])
    root = rng.normal(size=(p, p)) * np.exp(spread * rng.normal(size=(p, 1)))
    return root @ root.T / p + 0.01 * np.diag(np.diag(root @ root.T)) / p


def closed_form(data, S, m, sigma, with_intercept=True):
    """The generalised ridge solution and its log density, from normal equations."""
    s = np.ones(data.y.size) if data.weights is None else data.weights
    y = data.y - (0 if data.offset is None else data.offset)
    Z = np.column_stack([data.X, np.ones(len(y))]) if with_intercept else data.X
    precision = np.zeros((Z.shape[1],) * 2)
    precision[: data.p, : data.p] = np.linalg.inv(S)
    centre = np.zeros(Z.shape[1])
    centre[: data.p] = m
    A = Z.T @ (s[:, None] * Z) / sigma**2 + precision
    return np.linalg.solve(A, Z.T @ (s * y) / sigma**2 + precision @ centre)


@pytest.mark.parametrize("setting", [{}, {"weights": True, "offset": True}], ids=["", "weights"])
@pytest.mark.parametrize("intercept", [br.Flat(), None], ids=str)
def test_mode_is_the_closed_form(setting, intercept):
    data = make_data(br.Gaussian(1.5), **setting)
    S, m = covariance(), np.linspace(-0.5, 0.5, P)
    fit = br.find_map(br.Model(br.Gaussian(1.5), br.MultivariateNormal(S, m), intercept), data)
    expected = closed_form(data, S, m, 1.5, intercept is not None)
    np.testing.assert_allclose(fit.coef, expected[:P], rtol=1e-9, atol=1e-11)
    assert fit.certificate.relative_gap <= 1e-12
    assert fit.unique
    np.testing.assert_allclose(fit.l2, np.diag(np.linalg.inv(S)), rtol=1e-9)
    assert np.array_equal(fit.loc, m)
    assert np.all(fit.l1 == 0)


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_a_diagonal_covariance_is_normal(likelihood, standardize):
    data = make_data(likelihood, weights=True, offset=True)
    scale, loc = np.geomspace(0.1, 2.0, P), np.linspace(-0.3, 0.2, P)
    joint = br.MultivariateNormal(np.diag(scale**2), loc)
    one = br.find_map(br.Model(likelihood, joint, standardize=standardize), data)
    normal = br.Model(likelihood, br.Normal(scale, loc), standardize=standardize)
    other = br.find_map(normal, data)
    np.testing.assert_allclose(one.coef, other.coef, rtol=1e-10, atol=1e-13)
    assert one.intercept == pytest.approx(other.intercept, rel=1e-10)
    assert one.log_density == pytest.approx(other.log_density, rel=1e-12)
    assert one.certificate.relative_gap <= 1e-12


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_gradient_vanishes_at_the_mode(likelihood, standardize):
    data = make_data(likelihood, weights=True)
    prior = {
        "x[135]": br.MultivariateNormal(covariance(3), loc=[0.1, 0.0, -0.1]),
        "x[0246]": br.Normal(0.5),
    }
    model = br.Model(likelihood, prior, standardize=standardize)
    fit = br.find_map(model, data)
    in_coef, in_intercept = model.gradient(data, fit.coef, fit.intercept)
    size = np.abs(data.X).sum(axis=0)
    assert np.all(np.abs(in_coef) <= 1e-10 * size)
    assert abs(in_intercept) <= 1e-10 * data.n
    density = model.log_density(data, fit.coef, fit.intercept)
    assert fit.log_density == pytest.approx(density, rel=1e-12)


def test_columns_of_a_key_are_in_the_order_of_the_data():
    data = make_data(br.Gaussian(1.5), p=4)
    S = covariance(2)
    prior = {"x[31]": br.MultivariateNormal(S), "x[02]": br.Flat()}
    model = br.Model(br.Gaussian(1.5), prior)
    w = np.array([0.3, -0.2, 0.5, 0.9])
    expected = stats.multivariate_normal.logpdf(w[[1, 3]], [0, 0], S)
    assert model.log_prior(data, w) == pytest.approx(expected, rel=1e-12)


def test_a_block_of_one_is_normal():
    data = make_data(br.Poisson())
    prior = {"x0": br.MultivariateNormal([[0.25]], loc=0.1), "x[1-6]": br.Laplace(0.2)}
    one = br.find_map(br.Model(br.Poisson(), prior), data)
    other = br.find_map(br.Model(br.Poisson(), {**prior, "x0": br.Normal(0.5, 0.1)}), data)
    assert np.array_equal(one.coef, other.coef)


def test_relative_to_noise_multiplies_the_covariance_by_sigma_squared():
    data = make_data(br.Gaussian(2.0))
    S = covariance()
    relative = br.Model(br.Gaussian(2.0), br.MultivariateNormal(S, 0.1, relative_to_noise=True))
    absolute = br.Model(br.Gaussian(2.0), br.MultivariateNormal(4.0 * S, 0.1))
    one, other = br.find_map(relative, data), br.find_map(absolute, data)
    np.testing.assert_allclose(one.coef, other.coef, rtol=1e-12)
    assert one.log_density == pytest.approx(other.log_density, rel=1e-13)


def test_sparse_is_dense():
    rng = np.random.default_rng(1)
    X = np.where(rng.random((60, 8)) < 0.3, rng.normal(size=(60, 8)), 0.0)
    y = X[:, :3] @ [1.0, 2.0, -1.0] + rng.normal(size=60)
    prior = {"x[257]": br.MultivariateNormal(covariance(3), loc=0.2), "x[01346]": br.Laplace(0.3)}
    model = br.Model(br.Gaussian(1.0), prior, standardize=True)
    one = br.find_map(model, br.Data(sparse.csr_array(X), y))
    other = br.find_map(model, br.Data(X, y))
    np.testing.assert_allclose(one.coef, other.coef, rtol=1e-10, atol=1e-13)
    assert one.certificate.holds


def test_constant_columns_stay_at_loc_and_leave_the_marginal_of_the_others():
    data = make_data(br.Gaussian(1.5))
    X, S = data.X.copy(), covariance()
    X[:, 3] = 2.0
    loc = np.linspace(0, 1, P)
    model = br.Model(br.Gaussian(1.5), br.MultivariateNormal(S, loc), standardize=True)
    fit = br.find_map(model, br.Data(X, data.y))
    kept = np.arange(P) != 3
    marginal = br.MultivariateNormal(S[np.ix_(kept, kept)], loc[kept])
    others = br.find_map(
        br.Model(br.Gaussian(1.5), marginal, standardize=True), br.Data(X[:, kept], data.y)
    )
    assert fit.coef[3] == loc[3]
    np.testing.assert_allclose(fit.coef[kept], others.coef, rtol=1e-9, atol=1e-12)
    assert fit.log_density == pytest.approx(others.log_density, rel=1e-12)


@pytest.mark.parametrize("unit", [2.0**40, 2.0**-500, 1e150, 1e-150])
def test_units(unit):
    """X in other units with the covariance to match: the same fit."""
    data = make_data(br.Gaussian(1.5))
    S = covariance()
    plain = br.find_map(br.Model(br.Gaussian(1.5), br.MultivariateNormal(S)), data)
    with np.errstate(under="ignore"):
        scaled = S / unit / unit
    if np.all(np.diag(scaled) >= 1e-300) and np.all(np.diag(scaled) <= 1e300):
        fit = br.find_map(
            br.Model(br.Gaussian(1.5), br.MultivariateNormal(scaled)),
            br.Data(data.X * unit, data.y),
        )
        np.testing.assert_allclose(fit.coef * unit, plain.coef, rtol=1e-9)
    else:
        with pytest.raises(ModelError, match="variance"):
            br.MultivariateNormal(scaled)


def test_a_column_beyond_floating_point_is_refused():
    data = make_data(br.Gaussian(1.5))
    model = br.Model(br.Gaussian(1.5), br.MultivariateNormal(1e290 * np.eye(P)))
    with pytest.raises(ModelError, match="beyond the range of floating point"):
        br.find_map(model, br.Data(data.X * 1e200, data.y))


def test_path_scales_the_covariance():
    data = make_data(br.Gaussian(1.5))
    S = covariance()
    model = br.Model(br.Gaussian(1.5), br.MultivariateNormal(S, 0.1))
    assert model.rescaled(3.0).prior.covariance == br.MultivariateNormal(9.0 * S).covariance
    path = br.find_map_path(model, data, n_scales=6)
    assert path.scales[0] < path.scales[-1]
    for scale, estimate in zip(path.scales, path.estimates, strict=True):
        factor = scale / np.sqrt(S[0, 0])
        expected = closed_form(data, factor**2 * S, 0.1, 1.5)
        np.testing.assert_allclose(estimate.coef, expected[:P], rtol=1e-8, atol=1e-10)
        density = estimate.model.log_density(data, estimate.coef, estimate.intercept)
        assert estimate.log_density == pytest.approx(density, rel=1e-11)


def test_exact_draws_have_the_posterior_moments():
    data = make_data(br.Gaussian(1.5))
    S, m = covariance(), np.full(P, 0.2)
    model = br.Model(br.Gaussian(1.5), br.MultivariateNormal(S, m), br.Normal(1.0))
    post = br.sample(model, data, draws=4000, chains=4, seed=1, progress=False)
    assert post.attrs["sampler"] == "exact"
    Z = np.column_stack([data.X, np.ones(data.n)])
    prior = np.zeros((P + 1, P + 1))
    prior[:P, :P], prior[P, P] = np.linalg.inv(S), 1.0
    posterior = np.linalg.inv(Z.T @ Z / 1.5**2 + prior)
    mean = posterior @ (Z.T @ data.y / 1.5**2 + prior @ np.append(m, 0.0))
    draws = np.column_stack(
        [
            post["posterior"]["coef"].values.reshape(-1, P),
            post["posterior"]["intercept"].values.ravel(),
        ]
    )
    z = (draws.mean(axis=0) - mean) / np.sqrt(np.diag(posterior) / len(draws))
    assert np.max(np.abs(z)) < 4.5
    found = np.linalg.solve(np.linalg.cholesky(posterior), np.cov(draws.T))
    whitened = np.linalg.solve(np.linalg.cholesky(posterior), found.T)
    np.testing.assert_allclose(whitened, np.eye(P + 1), atol=0.06)
    total = post["log_prior"]["coef"].sum("feature").values.ravel()[:5]
    expected = stats.multivariate_normal.logpdf(draws[:5, :P], m, S)
    np.testing.assert_allclose(total, expected, rtol=1e-9)


def test_nuts_runs_in_the_independent_coordinates():
    data = make_data(br.Bernoulli())
    model = br.Model(br.Bernoulli(), br.MultivariateNormal(covariance(spread=0.3)))
    with warnings.catch_warnings():
        # A short run shows that draws come back in the user's coordinates.
        warnings.simplefilter("ignore", br.errors.ConvergenceWarning)
        post = br.sample(model, data, draws=200, chains=2, tune=200, seed=2, progress=False)
    assert post.attrs["sampler"] == "nuts"
    mean = post["posterior"]["coef"].mean(("chain", "draw")).values
    sd = post["posterior"]["coef"].std(("chain", "draw")).values
    assert np.all(np.abs(mean - br.find_map(model, data).coef) < 2 * sd)


def test_verbs():
    data = make_data(br.Gaussian(1.5))
    model = br.Model(br.Gaussian(1.5), br.MultivariateNormal(covariance()))
    assert "Lambda = sigma^2 S^-1 with S the prior covariance" in describe(model, data)
    assert br.from_text(repr(model)) == model
    assert br.from_dict(br.to_dict(model)) == model
    assert [v.name for v in br.to_pymc(model, data).free_RVs] == ["coef", "intercept"]
    with pytest.raises(NoEquivalentError, match="several coefficients share"):
        br.to_penalty(model, "sklearn.Ridge", data)
    report = br.verify(model, data)
    assert report.passed, report
    assert {check.passed for check in report.checks if "twin" not in check.name} == {True}


def test_certificate_bounds_the_excess_of_any_point():
    data = make_data(br.Gaussian(1.5), weights=True)
    model = br.Model(br.Gaussian(1.5), br.MultivariateNormal(covariance(), 0.3))
    fit = br.find_map(model, data)
    rng = np.random.default_rng(0)
    for distance in (1e-6, 1e-3, 0.1, 1.0):
        w = fit.coef + distance * rng.normal(size=P)
        excess = fit.log_density - model.log_density(data, w, fit.intercept)
        # The excess is a difference of densities, and known to their rounding only.
        rounding = 8 * np.finfo(float).eps * abs(fit.log_density)
        assert br.certify(model, data, w, fit.intercept).gap >= excess * (1 - 1e-9) - rounding


def test_check_prior_passes_and_sees_a_wrong_factor():
    check_prior(br.MultivariateNormal(covariance(3)), size=3)

    class Wrong(br.MultivariateNormal):
        def penalty(self, size, noise=1.0):
            return br.MultivariateNormal(np.diag(np.diag(self.covariance))).penalty(size, noise)

    with pytest.raises(AssertionError, match="log_density"):
        check_prior(Wrong([[1.0, 0.5], [0.5, 1.0]]), size=2)


def test_bind_whitens():
    data = make_data(br.Gaussian(1.5))
    S = covariance()
    problem = bind(br.Model(br.Gaussian(1.5), br.MultivariateNormal(S, 0.5)), data)
    v = problem.extended(np.full(P, 0.5), 0.0)
    assert np.all(v[:P] == 0)
    w = np.random.default_rng(1).normal(size=P)
    np.testing.assert_allclose(problem.coefficients(problem.extended(w, 2.0))[0], w, rtol=1e-9)
    assert np.all(problem.penalty.l2[:P] == 1.0)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ([[1.0, 2.0], [2.0, 1.0]], ModelError, "not positive definite.*eigenvalue -1"),
        ([[1.0, 1.0], [1.0, 1.0]], ModelError, "not positive definite.*identity"),
        ([[1.0, 0.2], [0.3, 1.0]], ModelError, r"not symmetric: \[0\]\[1\] = 0.2 but \[1\]\[0\]"),
        ([[1.0, 0.0], [0.0, 0.0]], ModelError, r"variance \[1\]\[1\] = 0.0"),
        ([[1.0, 0.0], [0.0, -1.0]], ModelError, r"variance \[1\]\[1\] = -1.0"),
        ([[1.0, np.nan], [np.nan, 1.0]], ModelError, r"entry \[0\]\[1\] = nan"),
        ([[1.0, np.inf], [np.inf, 1.0]], ModelError, r"entry \[0\]\[1\] = inf"),
        ([[1.0, 0.0]], ModelError, "square matrix"),
        ([1.0, 2.0], ModelError, "square matrix"),
        ([[1.0], [1.0, 2.0]], ModelError, "square matrix"),
        (2.0, ModelError, "square matrix"),
        ([], ModelError, "square matrix"),
        ([["a", "b"], ["b", "a"]], ModelTypeError, "real numbers"),
        ([[True, False], [False, True]], ModelTypeError, "real numbers"),
        ([[1j, 0], [0, 1j]], ModelTypeError, "real numbers"),
    ],
)
def test_bad_covariances(value, error, message):
    with pytest.raises(error, match=message):
        br.MultivariateNormal(value)


def test_wrong_sizes_are_named():
    data = make_data(br.Gaussian(1.5))
    with pytest.raises(ModelError, match="is 2 x 2 but applies to 7 coefficients"):
        br.find_map(br.Model(br.Gaussian(1.5), br.MultivariateNormal(np.eye(2))), data)
    with pytest.raises(ModelError, match="loc has 3 entries"):
        br.find_map(br.Model(br.Gaussian(1.5), br.MultivariateNormal(np.eye(7), [1, 2, 3])), data)
    with pytest.raises(ModelError, match="is 2 x 2 but applies to 1 coeff"):
        br.find_map(br.Model(br.Gaussian(1.5), br.Flat(), br.MultivariateNormal(np.eye(2))), data)
    with pytest.raises(ModelError, match="one by one"):
        br.Truncated(br.MultivariateNormal(np.eye(2)), lower=0.0)
