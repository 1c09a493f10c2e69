"""Many more rows than columns: modes by way of samples of the rows, and the few passes around."""

import decimal
import math

import numpy as np
import pytest

import bayesreg as br
from bayesreg.errors import NoModeError, NotCertifiedError
from bayesreg.likelihoods._relative_entropy import relative_entropy
from bayesreg.problem import bind
from bayesreg.proof.null import null_deviance
from bayesreg.proof.null_rows import null_rows
from bayesreg.proof.point import certify_point
from bayesreg.solvers import newton, tall
from bayesreg.solvers.start import starting_point

N, P = 21_000, 10


def design(seed=0, n=N, p=P):
    """Neighbouring columns correlated by a half."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    for j in range(1, p):
        X[:, j] = 0.5 * X[:, j - 1] + math.sqrt(0.75) * X[:, j]
    return X, 0.5 * rng.normal(size=p) / math.sqrt(p / 10), rng


X, W, RNG = design()
ETA = X @ W
TRIALS = RNG.integers(1, 9, N).astype(float)
ODDS = 1.0 / (1.0 + np.exp(-ETA))
Y = (RNG.uniform(size=N) < ODDS).astype(float)
COUNTS = RNG.poisson(np.exp(0.5 * ETA)).astype(float)

ROWS = {
    "Bernoulli": (br.Bernoulli(), Y, {}),
    "weights": (br.Bernoulli(), Y, {"weights": RNG.exponential(size=N) ** 2}),
    "rows of weight 0": (br.Bernoulli(), Y, {"weights": (RNG.uniform(size=N) < 0.98) * 1.0}),
    "Binomial": (br.Binomial(), RNG.binomial(TRIALS.astype(int), ODDS) * 1.0, {"trials": TRIALS}),
    "Poisson": (br.Poisson(), COUNTS, {}),
    "offset": (br.Poisson(), COUNTS, {"offset": RNG.normal(size=N)}),
    "Gamma": (br.Gamma(phi=0.5), RNG.gamma(2.0, 0.5 * np.exp(ETA)), {}),
    "NegativeBinomial": (br.NegativeBinomial(alpha=0.7), COUNTS, {}),
}
INTERCEPTS = {"flat": br.Flat(), "none": None, "Normal": br.Normal(2.0)}


def by_newton(problem, names):
    """The mode by the general method, all rows in every step."""
    found = newton.minimise(problem, starting_point(problem, names))
    assert found.settled
    return problem.coefficients(found.v)


def assert_mode(model, data, rtol=1e-10):
    """find_map by samples: certified beyond the default, and the point of the general method."""
    problem = bind(model, data)
    assert tall.sampling_pays(problem)
    fit = br.find_map(model, data)
    coef, intercept = by_newton(problem, data.names)
    np.testing.assert_allclose(fit.coef, coef, rtol=rtol, atol=rtol * np.max(np.abs(coef)))
    assert fit.intercept == pytest.approx(intercept, rel=rtol, abs=rtol)
    assert br.certify(model, data, fit.coef, fit.intercept, tol=1e-12).holds
    return fit


@pytest.mark.parametrize("intercept", INTERCEPTS.values(), ids=INTERCEPTS)
@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_all_digits_by_default(rows, intercept):
    likelihood, y, more = rows
    loc = np.linspace(-0.2, 0.2, P)
    model = br.Model(likelihood, br.Normal(0.5, loc=loc), intercept=intercept)
    data = br.Data(X, y, **more)
    assert_mode(model, data)
    start = starting_point(bind(model, data), data.names)
    found = tall.minimise_by_sampling(bind(model, data), start, 0.0, 100)
    assert found.settled
    assert found.iterations < 40


def test_columns_in_any_units_order_and_place():
    units = 10.0 ** np.linspace(-6, 6, P)
    model = br.Model(br.Bernoulli(), br.Normal(scale=1.0 / units))
    fit = assert_mode(model, br.Data(np.asfortranarray(X * units), Y))
    plain = br.find_map(br.Model(br.Bernoulli(), br.Normal(1.0)), br.Data(X, Y))
    np.testing.assert_allclose(fit.coef * units, plain.coef, rtol=1e-10)
    assert_mode(br.Model(br.Bernoulli(), br.Normal(1.0)), br.Data(X + 1e4, Y))
    covariance = 0.5 ** np.abs(np.subtract.outer(np.arange(P), np.arange(P)))
    assert_mode(br.Model(br.Bernoulli(), br.MultivariateNormal(covariance)), br.Data(X, Y))
    assert_mode(br.Model(br.Poisson(), br.Normal(1.0), standardize=True), br.Data(X, COUNTS))


def hostile():
    rare = (RNG.uniform(size=(N, P)) < 0.001).astype(float)
    rare[:, 0] = X[:, 0]
    few = np.zeros(N)
    few[:7] = 1.0
    outliers = X.copy()
    outliers[::1000] *= 1e4
    by_target, by_column = np.argsort(Y, kind="stable"), np.argsort(X[:, 0])
    return {
        "sorted by y": (br.Bernoulli(), X[by_target], Y[by_target], 1.0),
        "sorted by a column": (br.Bernoulli(), X[by_column], Y[by_column], 1.0),
        "seven events": (br.Bernoulli(), X, few, 1.0),
        "columns the sample hardly sees": (br.Bernoulli(), rare, Y, 1.0),
        "the same, weak prior": (br.Poisson(), rare, COUNTS, 100.0),
        "separated": (br.Bernoulli(), X, (ETA > 0) * 1.0, 10.0),
        "far rows": (br.Bernoulli(), outliers, Y, 1.0),
        "a period": (br.Bernoulli(), X, np.arange(N) % 2 * 1.0, 1.0),
        "large counts": (br.Poisson(), X, RNG.poisson(np.exp(12 + 0.3 * ETA)) * 1.0, 1.0),
        "strong prior": (br.Bernoulli(), X, Y, 1e-3),
    }


HOSTILE = hostile()


@pytest.mark.parametrize("case", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("intercept", INTERCEPTS.values(), ids=INTERCEPTS)
def test_a_sample_that_misleads_costs_time_and_nothing_else(case, intercept):
    likelihood, rows, y, scale = case
    assert_mode(br.Model(likelihood, br.Normal(scale), intercept=intercept), br.Data(rows, y), 1e-9)


def wide_enough(seed=1):
    """Enough multiply-adds for stopping early to be worth it."""
    rows, w, rng = design(seed, n=20_000, p=40)
    return rows, (rng.uniform(size=20_000) < 1.0 / (1.0 + np.exp(-rows @ w))).astype(float)


def test_a_looser_tolerance_stops_earlier_at_a_point_that_keeps_it():
    rows, y = wide_enough()
    model, data = br.Model(br.Bernoulli(), br.Normal(0.3)), br.Data(rows, y)
    steps = []
    for tol in (1e-3, 1e-6, 1e-8):
        fit = br.find_map(model, data, tol=tol)
        assert fit.certificate.relative_gap <= tol
        assert fit.settled
        assert br.certify(model, data, fit.coef, fit.intercept, tol=tol).holds
        steps.append(fit.iterations)
    assert steps[0] < steps[1] < steps[2]
    assert fit.certificate.relative_gap < 1e-20


def test_the_same_bits_every_time():
    rows, y = wide_enough()
    model = br.Model(br.Bernoulli(), br.Normal(0.3))
    first, second = (br.find_map(model, br.Data(rows, y), tol=1e-6) for _ in range(2))
    assert first.coef.tobytes() == second.coef.tobytes()
    assert first.log_density == second.log_density


@pytest.mark.parametrize("allowed", [1, 2, 3])
def test_iterations_allowed_are_kept(allowed):
    model, data = br.Model(br.Bernoulli(), br.Normal(0.3)), br.Data(X, Y)
    with pytest.raises(NotCertifiedError, match="iterations were used") as failure:
        br.find_map(model, data, max_iterations=allowed, tol=1e-15)
    assert failure.value.estimate.iterations == allowed
    start = starting_point(bind(model, data), data.names)
    found = tall.minimise_by_sampling(bind(model, data), start, 0.0, allowed)
    assert not found.settled
    assert found.iterations == allowed


def test_what_has_no_mode_still_says_so():
    model = br.Model(br.Bernoulli(), br.Normal(1.0))
    with pytest.raises(NoModeError, match="in every row"):
        br.find_map(model, br.Data(X, np.ones(N)))
    part_flat = br.Model(br.Bernoulli(), {"x0": br.Flat(), "x[1-9]": br.Normal(1.0)})
    with pytest.raises(NoModeError, match="separate"):
        br.find_map(part_flat, br.Data(X, (X[:, 0] > 0) * 1.0))


NOT_FOR_SAMPLES = {
    "a kink": br.Model(br.Bernoulli(), br.ElasticNet(1.0, 1.0)),
    "a bound": br.Model(br.Bernoulli(), br.HalfNormal(1.0)),
    "a flat column": br.Model(br.Bernoulli(), {"x0": br.Flat(), "x[1-9]": br.Normal(1.0)}),
    "a Gaussian": br.Model(br.Gaussian(1.0), br.Normal(1.0)),
    "a heavy tail": br.Model(br.Bernoulli(), br.StudentT(3.0, 1.0)),
}


@pytest.mark.parametrize("model", NOT_FOR_SAMPLES.values(), ids=NOT_FOR_SAMPLES)
def test_only_smooth_models_are_sampled(model):
    assert not tall.sampling_pays(bind(model, br.Data(X, Y)))


@pytest.mark.parametrize("size", [250, 1000, 4000])
def test_a_sample_is_spread_evenly_and_stands_for_all_rows(size):
    weights = RNG.uniform(1.0, 2.0, N)
    place = np.arange(N, dtype=float)
    problem = bind(br.Model(br.Gaussian(1.0), br.Normal(1.0)), br.Data(X, place, weights=weights))
    sample = tall._sample(problem, size)
    rows = sample.y.astype(int)
    assert np.all(np.diff(rows) > 0)
    assert 0.8 * size <= rows.size <= size
    np.testing.assert_array_equal(sample.X, X[rows])
    np.testing.assert_allclose(sample.weights, weights[rows] * N / rows.size)
    # The gap between two runs is less than two stretches.
    assert np.max(np.diff(rows)) <= 2 * N / (rows.size / tall._ROWS_IN_A_RUN)


def test_lbfgs_inverts_a_quadratic():
    """As many steps as dimensions, and one for rounding, end at the minimum from any start."""
    rng = np.random.default_rng(3)
    A = rng.normal(size=(6, 6))
    A = A @ A.T + np.eye(6)
    unit = bind(br.Model(br.Bernoulli(), br.Normal(1.0), intercept=None), br.Data(X[:, :6], Y))
    steps = tall._Steps(tall._Hessian.at(unit, np.zeros(N)))
    v, minimum = rng.normal(size=6), rng.normal(size=6)
    for _ in range(7):
        step = steps.step(A @ (v - minimum))
        # exact line search, for the theorem
        step = step * -(step @ A @ (v - minimum)) / (step @ A @ step)
        steps.learn(step, A @ step)
        # The secant equation: what the last step taught is reproduced.
        np.testing.assert_allclose(-steps.step(A @ step), step, rtol=1e-9, atol=1e-12)
        v = v + step
    np.testing.assert_allclose(v, minimum, atol=1e-9)


# ------------------------------------------------------------------------------ passes around


def entropy(mean):
    return -(mean * math.log(mean) + (1 - mean) * math.log1p(-mean))


def test_null_deviance_by_target_is_that_of_all_rows():
    weights = RNG.exponential(size=N)
    model = br.Model(br.Bernoulli(), br.Normal(1.0))
    problem = bind(model, br.Data(X, Y, weights=weights))
    assert null_rows(problem).n == 2
    mean = weights @ Y / weights.sum()
    assert null_deviance(problem) == pytest.approx(2 * weights.sum() * entropy(mean), rel=1e-13)
    counts = bind(
        br.Model(br.Poisson(), br.Normal(1.0)), br.Data(X, COUNTS, offset=np.full(N, 3.0))
    )
    few = null_rows(counts)
    assert few.n == np.unique(COUNTS).size
    assert few.weights.sum() == N
    for a in (-4.0, 0.5):
        v = np.append(np.zeros(P), a)
        assert few.loss(few.linear_predictor(v)) == pytest.approx(
            counts.loss(counts.linear_predictor(v)), rel=1e-12
        )
    positive = COUNTS[COUNTS > 0]
    half = np.sum(positive * np.log(positive / COUNTS.mean()))
    assert null_deviance(counts) == pytest.approx(2 * half, rel=1e-12)


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (br.Model(br.Gamma(1.0), br.Normal(1.0)), br.Data(X, Y + 0.5)),
        (br.Model(br.Poisson(), br.Normal(1.0)), br.Data(X, COUNTS + 1e6)),
        (br.Model(br.Poisson(), br.Normal(1.0)), br.Data(X, COUNTS, offset=ETA)),
        (br.Model(br.Poisson(), br.Normal(1.0, loc=0.1)), br.Data(X, COUNTS)),
        (br.Model(br.Binomial(), br.Normal(1.0)), br.Data(X, Y, trials=TRIALS)),
    ],
    ids=["not whole", "large", "offsets", "loc", "trials"],
)
def test_rows_that_differ_are_not_counted_as_one(model, data):
    problem = bind(model, data)
    assert null_rows(problem) is problem


@pytest.mark.parametrize("intercept", [br.Flat(), None], ids=["flat", "none"])
def test_gap_of_a_normal_prior_is_the_gradient_in_its_metric(intercept):
    """With u the gradient of the loss: gap = sum_j (x_j' theta + l2 w_j)^2 / (2 l2)."""
    rows, w, rng = design(2, n=20_000, p=40)
    y = rng.poisson(np.exp(0.3 * rows @ w)).astype(float)
    model = br.Model(br.Poisson(), br.Normal(0.1), intercept=intercept)
    data = br.Data(rows, y)
    fit = br.find_map(model, data)
    w = fit.coef + 1e-4
    a = fit.intercept
    if intercept is not None:
        a = math.log(y.sum() / np.exp(rows @ w).sum())
    gradient = rows.T @ (np.exp(rows @ w + a) - y) + w / 0.01
    certificate = br.certify(model, data, w, a, tol=1.0)
    assert certificate.gap == pytest.approx(np.sum(gradient**2) * 0.01 / 2, rel=1e-8)
    assert certificate.flat_residual == 0.0
    if intercept is not None:
        off = br.certify(model, data, w, a + 1e-3, tol=1.0)
        # The intercept is refitted for the dual point; that it is off costs what J rises.
        rise = y.sum() * (math.exp(1e-3) - 1 - 1e-3)
        assert off.gap == pytest.approx(certificate.gap + rise, rel=1e-6)


def test_the_linear_predictor_follows_a_vector_changed_in_place():
    problem = bind(br.Model(br.Bernoulli(), br.Normal(1.0)), br.Data(X, Y))
    v = np.append(W, 0.25)
    first = problem.linear_predictor(v)
    again = problem.linear_predictor(v)
    np.testing.assert_array_equal(first, again)
    again[:] = 0.0
    np.testing.assert_array_equal(problem.linear_predictor(v), first)
    v[0] += 1.0
    np.testing.assert_allclose(problem.linear_predictor(v), first + X[:, 0], atol=1e-12)
    assert certify_point(problem, v).gap > 1.0


@pytest.mark.parametrize("largest", [1e-300, 1e-12, 1e-6, 1e-3, 0.04, 0.9, 50.0])
def test_relative_entropy_whatever_else_is_in_the_array(largest):
    """(1 + x) log(1 + x) - x against fifty digits: its series is cut by the largest entry."""
    shares = np.array([1.0, -0.7, 0.3, -1e-3, 1e-7])
    x = shares * largest if largest < 1 else np.abs(shares) * largest
    with decimal.localcontext(prec=700 if largest < 1e-20 else 60):
        exact = [(1 + t) * (1 + t).ln() - t for t in map(decimal.Decimal, x)]
        exact = [float(value) for value in exact]
    np.testing.assert_allclose(relative_entropy(x), exact, rtol=4e-15)
