"""Normal priors without a square matrix: the same modes as by the Hessian, from products alone."""

import numpy as np
import pytest
import scipy.sparse as sp

import bayesreg as br
from bayesreg.errors import NoModeError, NotCertifiedError
from bayesreg.problem import bind
from bayesreg.solvers import conjugate_gradients, newton
from bayesreg.solvers.newton_system import Columns, NewtonSystem
from bayesreg.solvers.spectrum import quadrature
from bayesreg.solvers.start import starting_point

RNG = np.random.default_rng(0)
#: More columns than rows, solved in the space of the rows, and fewer, in that of the columns.
SHAPES = {"wide": (60, 150), "tall": (150, 60)}


def design(n, p, seed=1, density=0.2):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, p)) * (rng.uniform(size=(n, p)) < density)


def targets(X, seed=2):
    """Of each likelihood, with what else its data need."""
    rng = np.random.default_rng(seed)
    n, p = X.shape
    eta = X @ rng.normal(size=p) / np.sqrt(0.2 * p)
    odds, mean = 1.0 / (1.0 + np.exp(-eta)), np.exp(0.5 + 0.5 * eta)
    trials = rng.integers(1, 9, n).astype(float)
    return {
        "Gaussian": (br.Gaussian(sigma=0.7), eta + rng.normal(size=n), {}),
        "Bernoulli": (br.Bernoulli(), (rng.uniform(size=n) < odds) * 1.0, {}),
        "Binomial": (
            br.Binomial(),
            rng.binomial(trials.astype(int), odds) * 1.0,
            {"trials": trials},
        ),
        "Poisson": (br.Poisson(), rng.poisson(mean) * 1.0, {}),
        "Gamma": (br.Gamma(phi=0.5), rng.gamma(2.0, 0.5 * mean), {}),
        "NegativeBinomial": (br.NegativeBinomial(alpha=0.7), rng.poisson(mean) * 1.0, {}),
    }


LIKELIHOODS = list(targets(design(9, 3)))
INTERCEPTS = {"flat": br.Flat(), "none": None, "Normal": br.Normal(2.0, loc=0.5)}


@pytest.fixture
def forced(monkeypatch):
    """Conjugate gradients whatever the size."""
    monkeypatch.setattr(conjugate_gradients, "_steps_allowed", lambda problem: 1e4)


def by_hessian(problem):
    found = newton.minimise(problem, starting_point(problem, ("x",) * problem.p))
    assert found.settled
    return problem.coefficients(found.v)


def by_steps(problem, aim=0.0):
    assert conjugate_gradients.conjugate_gradients_pay(problem)
    start = starting_point(problem, ("x",) * problem.p)
    return conjugate_gradients.minimise_by_conjugate_gradients(problem, start, aim, 100)


def assert_same_mode(model, data, rtol=1e-10):
    """The point of the Hessian, and find_map's certificate of it at rounding."""
    problem = bind(model, data)
    coef, intercept = by_hessian(problem)
    found = by_steps(problem)
    assert found.settled
    ours, our_intercept = problem.coefficients(found.v)
    size = np.linalg.norm(coef)
    assert np.linalg.norm(ours - coef) <= rtol * size
    assert our_intercept == pytest.approx(intercept, rel=rtol, abs=rtol)
    fit = br.find_map(model, data)
    assert fit.certificate.holds
    assert fit.certificate.relative_gap < 1e-20
    np.testing.assert_array_equal(fit.coef, ours)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("intercept", INTERCEPTS)
@pytest.mark.parametrize("name", LIKELIHOODS)
def test_mode_of_the_hessian(forced, name, intercept, shape):
    X = design(*SHAPES[shape])
    likelihood, y, more = targets(X)[name]
    model = br.Model(likelihood, br.Normal(0.4), intercept=INTERCEPTS[intercept])
    assert_same_mode(model, br.Data(sp.csc_array(X), y, **more))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["Gaussian", "Bernoulli", "Poisson"])
def test_weights_offset_loc_and_standardize(forced, name, shape):
    X = design(*SHAPES[shape])
    likelihood, y, more = targets(X)[name]
    weights = np.where(RNG.uniform(size=y.size) < 0.1, 0.0, RNG.exponential(size=y.size))
    data = br.Data(sp.csc_array(X), y, weights=weights, offset=RNG.normal(size=y.size), **more)
    model = br.Model(likelihood, br.Normal(0.4, loc=0.1), standardize=True)
    assert_same_mode(model, data)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["Gaussian", "Bernoulli", "Gamma"])
def test_scales_over_six_orders_of_magnitude(forced, name, shape):
    X = design(*SHAPES[shape])
    factor = 10.0 ** np.linspace(-3, 3, X.shape[1])
    likelihood, y, more = targets(X)[name]
    prior = br.Normal(0.4 / factor)
    problem = bind(br.Model(likelihood, prior), br.Data(X * factor, y, **more))
    coef, _ = by_hessian(problem)
    found = by_steps(problem)
    assert found.settled
    np.testing.assert_allclose(problem.coefficients(found.v)[0] * factor, coef * factor, atol=1e-10)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["Gaussian", "Bernoulli", "Poisson"])
def test_prior_scales_over_six_orders_of_magnitude(forced, name, shape):
    X = design(*SHAPES[shape])
    likelihood, y, more = targets(X)[name]
    prior = br.Normal(10.0 ** np.linspace(-5, 1, X.shape[1]))
    assert_same_mode(br.Model(likelihood, prior), br.Data(X, y, **more))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["Gaussian", "Bernoulli"])
@pytest.mark.parametrize("mean", [100.0, 1e6])
def test_columns_far_from_zero_cost_nothing(forced, mean, name, shape):
    n, p = SHAPES[shape]
    X = np.random.default_rng(3).normal(size=(n, p))
    likelihood, y, more = targets(X)[name]
    model = br.Model(likelihood, br.Normal(0.4))
    near, far = br.Data(X, y, **more), br.Data(X + mean, y, **more)
    problem = bind(model, far)
    found = by_steps(problem)
    assert found.settled
    rounded = bind(model, br.Data((X + mean) - mean, y, **more))
    coef, _ = by_hessian(rounded)
    np.testing.assert_allclose(problem.coefficients(found.v)[0], coef, atol=1e-10)
    assert found.iterations <= by_steps(bind(model, near)).iterations + 2


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("intercept", INTERCEPTS)
@pytest.mark.parametrize("name", ["Gaussian", "Bernoulli", "Poisson"])
def test_flat_columns_are_eliminated(forced, name, intercept, shape):
    X = design(*SHAPES[shape])
    X[:, :3] = 5.0 + np.random.default_rng(4).normal(size=(X.shape[0], 3))
    likelihood, y, more = targets(X[:, 3:])[name]
    scale = np.full(X.shape[1], 0.4)
    scale[:3] = np.inf
    model = br.Model(likelihood, br.Normal(scale), intercept=INTERCEPTS[intercept])
    problem = bind(model, br.Data(sp.csc_array(X), y, **more))
    coef, _ = by_hessian(problem)
    found = by_steps(problem)
    assert found.settled
    np.testing.assert_allclose(problem.coefficients(found.v)[0], coef, atol=1e-9)
    assert br.find_map(model, br.Data(sp.csc_array(X), y, **more)).certificate.holds


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("intercept", INTERCEPTS)
def test_the_system_is_the_schur_complement(intercept, shape):
    """(H_ww - H_wB H_BB^-1 H_Bw) d = -(g_w - H_wB H_BB^-1 g_B), from the dense Hessian."""
    X = design(*SHAPES[shape])
    X[:, 0] += 3.0
    y = targets(X)["Bernoulli"][1]
    scale = np.full(X.shape[1], 0.4)
    scale[0] = np.inf
    model = br.Model(br.Bernoulli(), br.Normal(scale), intercept=INTERCEPTS[intercept])
    problem = bind(model, br.Data(X, y))
    v = np.random.default_rng(5).normal(size=problem.size)
    eta = problem.linear_predictor(v)
    whole = problem.block(np.arange(problem.size))
    hessian = whole.T @ (problem.curvature_rows(eta)[:, None] * whole)
    hessian += np.diag(problem.penalty.l2)
    gradient = whole.T @ problem.gradient_rows(eta) + problem.penalty.slope(v)
    system = NewtonSystem.at(problem, Columns.of(problem), eta, None)
    reduced = system.gradient(v, eta)
    d, _ = system.solve(reduced, 1e-28 * system.size(reduced), 0.0, 10_000)
    step = system.whole(d, eta, v)
    np.testing.assert_allclose(step, np.linalg.solve(hessian, -gradient), atol=1e-10)
    out = np.r_[0, np.arange(problem.p, problem.size)]
    across = np.linalg.solve(hessian[np.ix_(out, out)], hessian[out])
    schur = hessian - hessian[:, out] @ across
    np.testing.assert_allclose(reduced, (gradient - gradient[out] @ across)[: problem.p] * (
        np.arange(problem.p) > 0), atol=1e-10)  # fmt: skip
    np.testing.assert_allclose(system.diagonal[1:], np.diagonal(schur)[1 : problem.p], rtol=1e-10)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["Gaussian", "Bernoulli"])
def test_a_loose_tolerance_stops_early(forced, name, shape):
    X = design(*SHAPES[shape])
    likelihood, y, _ = targets(X)[name]
    model, data = br.Model(likelihood, br.Normal(1.0)), br.Data(sp.csc_array(X), y)
    loose = br.find_map(model, data, tol=1e-3).certificate
    assert 1e-16 < loose.relative_gap <= 1e-3


def test_zero_columns_stay_at_loc(forced):
    X = design(60, 150)
    X[:, [3, 77]] = 0.0
    y = targets(X)["Bernoulli"][1]
    for standardize in (False, True):
        model = br.Model(br.Bernoulli(), br.Normal(0.4, loc=0.25), standardize=standardize)
        fit = br.find_map(model, br.Data(sp.csc_array(X), y))
        np.testing.assert_array_equal(fit.coef[[3, 77]], 0.25)
        assert fit.certificate.relative_gap < 1e-20


@pytest.mark.parametrize("intercept", [None, br.Normal(1.0), br.Flat()])
def test_one_row(forced, intercept):
    """One row x: w = loc + tau^2 x (y - ...) / (sigma^2 + tau^2 x'x) without an intercept."""
    x = np.array([[1.0, -2.0, 0.0, 0.5]])
    model = br.Model(br.Gaussian(sigma=1.0), br.Normal(2.0), intercept=intercept)
    fit = br.find_map(model, br.Data(x, np.array([3.0])))
    extra = {None: 0.0, br.Normal(1.0): 1.0, br.Flat(): np.inf}[intercept]
    expected = 3.0 * 4.0 * x[0] / (1.0 + 4.0 * (x[0] @ x[0]) + extra)
    np.testing.assert_allclose(fit.coef, expected, atol=1e-13)


def test_constant_target_has_nothing_to_solve(forced):
    X = design(60, 150)
    fit = br.find_map(
        br.Model(br.Gaussian(sigma=1.0), br.Normal(1.0)), br.Data(X, np.full(60, 2.0))
    )
    np.testing.assert_array_equal(fit.coef, 0.0)
    assert fit.intercept == 2.0


@pytest.mark.parametrize("name", ["Gaussian", "Bernoulli"])
def test_when_the_steps_run_out_the_general_method_goes_on(monkeypatch, name):
    """Priors so wide that the system is nearly singular."""
    X = np.vander(np.linspace(0.0, 1.0, 40), 12)[:, :-1] + 0.0
    likelihood, y, _ = targets(X)[name]
    model, data = br.Model(likelihood, br.Normal(1e3)), br.Data(X, y)
    expected = br.find_map(model, data)
    monkeypatch.setattr(conjugate_gradients, "_STEPS", 0.0)
    monkeypatch.setattr(conjugate_gradients, "_steps_allowed", lambda problem: 3.0)
    assert not by_steps(bind(model, data)).settled
    fit = br.find_map(model, data)
    assert fit.certificate.holds
    np.testing.assert_allclose(fit.predict(X), expected.predict(X), rtol=1e-7)


def test_separated_flat_columns_have_no_mode(forced):
    X = design(60, 150)
    y = (X[:, 0] > 0) * 1.0
    scale = np.full(150, 0.4)
    scale[0] = np.inf
    with pytest.raises(NoModeError, match="separate"):
        br.find_map(br.Model(br.Bernoulli(), br.Normal(scale)), br.Data(sp.csc_array(X), y))


def test_no_matrix_that_does_not_fit(monkeypatch):
    """One flat column beside many, and few steps allowed: no certificate, and no square matrix."""
    monkeypatch.setattr(conjugate_gradients, "_STEPS", 0.0)
    monkeypatch.setattr(conjugate_gradients, "_steps_allowed", lambda problem: 3.0)
    X = design(60, 150)
    y = targets(X)["Bernoulli"][1]
    scale = np.full(150, 0.4)
    scale[0] = np.inf
    model, data = br.Model(br.Bernoulli(), br.Normal(scale)), br.Data(sp.csc_array(X), y)
    assert br.find_map(model, data).settled
    monkeypatch.setattr(conjugate_gradients, "_LARGEST_ORDER", 100)
    with pytest.raises(NotCertifiedError) as error:
        br.find_map(model, data)
    assert error.value.estimate.iterations <= 3


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["Gaussian", "Poisson"])
def test_path_is_find_map_at_each_scale(forced, name, shape):
    X = sp.csc_array(design(*SHAPES[shape]))
    likelihood, y, more = targets(X.toarray())[name]
    data, scales = br.Data(X, y, **more), np.geomspace(0.01, 2.0, 8)
    path = br.find_map_path(br.Model(likelihood, br.Normal(0.4)), data, scales)
    for k, scale in enumerate(scales):
        coef, _ = by_hessian(bind(br.Model(likelihood, br.Normal(scale)), data))
        np.testing.assert_allclose(path.coef[k], coef, atol=1e-10)
        assert path.certificates[k].relative_gap < 1e-11


def test_only_where_priors_are_smooth_and_proper():
    n, p = 5000, 20_000
    X = sp.random_array((n, p), density=1e-3, rng=np.random.default_rng(0), format="csc")
    y = (np.arange(n) % 2) * 1.0

    def pays(prior, X=X, likelihood=None):
        model = br.Model(likelihood or br.Bernoulli(), prior)
        return conjugate_gradients.conjugate_gradients_pay(bind(model, br.Data(X, y)))

    assert pays(br.Normal(1.0))
    assert pays(br.Normal(1.0), likelihood=br.Gaussian(sigma=1.0))
    assert pays(br.Normal([np.inf] * 5 + [1.0] * (p - 5)))
    assert not pays(br.Normal([np.inf] * 100 + [1.0] * (p - 100)))
    assert not pays(br.Laplace(1.0))
    assert not pays(br.ElasticNet(1.0, 1.0))
    assert not pays(br.HalfNormal(1.0))
    assert not pays(br.Normal(1.0), X=X[:, :50])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["Gaussian", "Bernoulli"])
def test_default_scales_are_even_in_degrees_of_freedom(monkeypatch, name, shape):
    """Those of the singular values, to what random signs leave open."""
    n, p = (5 * size for size in SHAPES[shape])
    X = sp.csc_array(design(n, p))
    likelihood, y, _ = targets(X.toarray())[name]
    model, data = br.Model(likelihood, br.Normal(np.linspace(0.1, 0.4, p))), br.Data(X, y)
    exact = br.find_map_path(model, data, n_scales=7, tol=1e-4).scales
    monkeypatch.setattr(conjugate_gradients, "_steps_allowed", lambda problem: 1e4)
    found = br.find_map_path(model, data, n_scales=7, tol=1e-4).scales
    np.testing.assert_allclose(np.log(found), np.log(exact), atol=0.2)


def test_quadrature_of_a_small_matrix_is_exact():
    """Lanczos' method ends when every direction has been met: trace and determinant to rounding."""
    values = np.array([5.0, 3.0, 1.0, 0.5])
    nodes, weights = quadrature(lambda x: values * x, 4)
    assert np.all(np.diff(nodes) <= 0)
    assert weights.sum() == pytest.approx(4.0)
    assert weights @ nodes == pytest.approx(values.sum(), rel=1e-12)
    assert weights @ np.log(nodes) == pytest.approx(np.log(values).sum(), rel=1e-12)


def test_ridge_path_of_few_sparse_rows():
    """Too small for conjugate gradients: by the matrix of the rows."""
    X = sp.csc_array(design(60, 150))
    y = targets(X.toarray())["Gaussian"][1]
    model, data = br.Model(br.Gaussian(sigma=0.7), br.Normal(0.4)), br.Data(X, y)
    scales = np.geomspace(0.01, 2.0, 5)
    path = br.find_map_path(model, data, scales)
    dense = br.find_map_path(model, br.Data(X.toarray(), y), scales)
    np.testing.assert_allclose(path.coef, dense.coef, atol=1e-12)
