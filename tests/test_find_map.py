"""find_map: optimality of every part, exact zeros, edge cases, failures that are told."""

import warnings

import numpy as np
import pytest
from helpers import MIXED_PRIOR, SEPARABLE_COMBINATIONS, make_data, make_design

import bayesreg as br
from bayesreg.errors import (
    DataError,
    DataTypeError,
    ModelError,
    NoModeError,
    NotCertifiedError,
    NotCertifiedWarning,
    NotUniqueWarning,
)
from bayesreg.likelihoods import likelihood_of_rows
from bayesreg.problem import bind

INTERCEPTS = [br.Flat(), br.Normal(0.5, loc=1.0), br.Laplace(0.2), br.ElasticNet(0.2, 0.3), None]


def subgradient_violation(model, data, fit):
    """Distance from stationarity relative to the size of the terms, written out here."""
    weights = np.ones(data.y.size) if data.weights is None else data.weights
    eta = model.linear_predictor(data, fit.coef, fit.intercept)
    likelihood = likelihood_of_rows(model.likelihood, data.trials)
    by_row = weights * likelihood.gradient(data.y, eta)
    worst = 0.0
    for j in range(data.p):
        pull = data.X[:, j] @ by_row + fit.l2[j] * (fit.coef[j] - fit.loc[j])
        terms = np.abs(data.X[:, j]) @ np.abs(by_row) + fit.l1[j]
        if fit.coef[j] == fit.loc[j] and fit.l1[j] > 0:
            worst = max(worst, (abs(pull) - fit.l1[j]) / terms)
        else:
            worst = max(worst, abs(pull + fit.l1[j] * np.sign(fit.coef[j] - fit.loc[j])) / terms)
    if isinstance(model.intercept, br.Flat):
        worst = max(worst, abs(by_row.sum()) / np.abs(by_row).sum())
    return worst


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize(("likelihood", "prior"), SEPARABLE_COMBINATIONS)
def test_optimality_conditions(likelihood, prior, standardize):
    model = br.Model(likelihood, prior, standardize=standardize)
    data = make_data(likelihood, weights=True, offset=True)
    fit = br.find_map(model, data)
    assert subgradient_violation(model, data, fit) < 1e-12
    assert fit.certificate.holds
    assert fit.certificate.relative_gap <= 1e-12
    assert fit.certificate.zeros_proved
    assert fit.log_density == pytest.approx(
        model.log_density(data, fit.coef, fit.intercept), rel=1e-12
    )


@pytest.mark.parametrize("intercept", INTERCEPTS, ids=str)
@pytest.mark.parametrize("prior", [br.Laplace(0.3), br.Normal(0.5), MIXED_PRIOR], ids=str)
@pytest.mark.parametrize("likelihood", [br.Gaussian(1.5), br.Bernoulli(), br.Poisson()], ids=str)
def test_intercept_priors(likelihood, prior, intercept):
    """A proper intercept prior is the same as a column of ones with that prior."""
    data = make_data(likelihood, offset=True)
    fit = br.find_map(br.Model(likelihood, prior, intercept), data)
    assert fit.certificate.relative_gap <= 1e-12
    parts = prior if isinstance(prior, dict) else {f"x{j}": prior for j in range(data.p)}
    as_column = {**parts, "one": br.Normal(1e-9) if intercept is None else intercept}
    with_ones = br.Data(
        np.column_stack([data.X, np.ones(data.n)]), data.y, offset=data.offset,
        names=[*data.names, "one"],
    )  # fmt: skip
    twin = br.find_map(br.Model(likelihood, as_column, None), with_ones)
    np.testing.assert_allclose(twin.coef[:-1], fit.coef, rtol=1e-8, atol=1e-9)
    if intercept is not None:
        assert twin.coef[-1] == pytest.approx(fit.intercept, rel=1e-8, abs=1e-9)


def test_gaussian_normal_closed_form():
    data = make_data(br.Gaussian(1.5), weights=True, offset=True)
    model = br.Model(br.Gaussian(1.5), br.Normal(0.5, loc=0.2), intercept=br.Normal(2.0))
    fit = br.find_map(model, data)
    Z = np.column_stack([data.X, np.ones(data.y.size)])
    prior = np.diag([1 / 0.5**2] * data.p + [1 / 2.0**2])
    S = np.diag(data.weights) / 1.5**2
    rhs = Z.T @ S @ (data.y - data.offset) + prior @ np.array([0.2] * data.p + [0.0])
    expected = np.linalg.solve(Z.T @ S @ Z + prior, rhs)
    np.testing.assert_allclose(np.append(fit.coef, fit.intercept), expected, rtol=1e-11)


def test_orthogonal_design_is_soft_thresholding():
    rng = np.random.default_rng(0)
    Q = np.linalg.qr(rng.normal(size=(40, 6)))[0]
    y = Q @ np.array([3.0, -2.0, 0.5, 0.1, 0.0, -0.2]) + 0.1 * rng.normal(size=40)
    sigma, b = 0.7, 0.9
    fit = br.find_map(br.Model(br.Gaussian(sigma), br.Laplace(b), intercept=None), br.Data(Q, y))
    projected = Q.T @ y
    threshold = sigma**2 / b
    expected = np.sign(projected) * np.maximum(np.abs(projected) - threshold, 0.0)
    np.testing.assert_allclose(fit.coef, expected, atol=1e-13)
    assert np.array_equal(fit.coef == 0, expected == 0)
    assert fit.lambda1[0] == pytest.approx(threshold, rel=1e-15)


def test_zeros_are_exact_and_at_loc():
    data = make_data(br.Gaussian(1.5))
    fit = br.find_map(br.Model(br.Gaussian(1.5), br.Laplace(0.01, loc=0.25)), data)
    assert np.any(fit.coef == 0.25)
    assert np.array_equal(fit.at_loc, fit.coef == 0.25)
    fit = br.find_map(br.Model(br.Gaussian(1.5), br.Laplace(0.05)), data)
    assert fit.n_zeros == np.count_nonzero(fit.coef == 0.0) > 0


@pytest.mark.parametrize("likelihood", [br.Gaussian(1.5), br.Bernoulli(), br.Poisson()], ids=str)
def test_smallest_scale_is_the_threshold(likelihood):
    """Up to the smallest scale everything is at loc; just above it something moves."""
    from bayesreg.solvers import smallest_scale

    data = make_data(likelihood, weights=True)
    model = br.Model(likelihood, br.Laplace(1.0, loc=0.1))
    edge = smallest_scale(model, data)
    below = br.find_map(br.Model(likelihood, br.Laplace(edge * (1 - 1e-9), loc=0.1)), data)
    above = br.find_map(br.Model(likelihood, br.Laplace(edge * (1 + 1e-6), loc=0.1)), data)
    assert np.all(below.coef == 0.1)
    assert np.count_nonzero(above.coef != 0.1) == 1


@pytest.mark.parametrize("kind", [br.Laplace, br.Normal])
def test_a_wide_prior_gives_least_squares(kind):
    data = make_data(br.Gaussian(1.5), weights=True)
    Z = np.column_stack([data.X, np.ones(data.y.size)]) * np.sqrt(data.weights)[:, None]
    expected = np.linalg.lstsq(Z, data.y * np.sqrt(data.weights), rcond=None)[0]
    for scale in (1e9, 1e12, 1e100, np.inf):
        fit = br.find_map(br.Model(br.Gaussian(1.5), kind(scale)), data)
        np.testing.assert_allclose(fit.coef, expected[:-1], rtol=1e-7)


@pytest.mark.parametrize(
    "prior", [br.Laplace(0.4), br.Normal(0.4), br.ElasticNet(0.4, 0.6)], ids=str
)
@pytest.mark.parametrize("likelihood", [br.Gaussian(1.5), br.Bernoulli(), br.Poisson()], ids=str)
def test_more_columns_than_rows(likelihood, prior):
    X = make_design(n=25, p=80)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    y = likelihood.draw(X[:, 0] - 0.5 * X[:, 1], np.random.default_rng(1))
    fit = br.find_map(br.Model(likelihood, prior), br.Data(X, y))
    assert fit.certificate.relative_gap <= 1e-11
    assert fit.certificate.zeros_proved


def test_ridge_in_n_dimensions_equals_ridge_in_p():
    """p > n solves n x n systems; the same data with the columns doubled up agree with p x p."""
    X = make_design(n=12, p=30)
    y = make_data(br.Gaussian(1.5), n=12).y
    fit = br.find_map(br.Model(br.Gaussian(1.5), br.Normal(0.7)), br.Data(X, y))
    centred = X - X.mean(axis=0)
    A = centred.T @ centred / 1.5**2 + np.eye(30) / 0.7**2
    expected = np.linalg.solve(A, centred.T @ (y - y.mean()) / 1.5**2)
    np.testing.assert_allclose(fit.coef, expected, rtol=1e-9, atol=1e-12)


DEGENERATE = {
    "constant column": lambda X: np.column_stack([X[:, :2], np.full(len(X), 3.0)]),
    "zero column": lambda X: np.column_stack([X[:, :2], np.zeros(len(X))]),
    "duplicate column": lambda X: np.column_stack([X[:, :2], X[:, 0]]),
    "one column": lambda X: X[:, :1],
    "one row": lambda X: X[:1],
    "two rows": lambda X: X[:2],
    "huge offset of a column": lambda X: np.column_stack([X[:, :2], X[:, 2] + 1e7]),
}


@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.parametrize(
    "prior", [br.Normal(0.5), br.ElasticNet(0.3, 0.7), br.Laplace(0.3)], ids=str
)
@pytest.mark.parametrize("likelihood", [br.Gaussian(1.5), br.Bernoulli(), br.Poisson()], ids=str)
def test_degenerate_data_under_proper_priors(likelihood, prior, case):
    base = make_data(likelihood)
    X = DEGENERATE[case](base.X)
    data = br.Data(X, base.y[: len(X)])
    model = br.Model(likelihood, prior, intercept=br.Normal(2.0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotUniqueWarning)
        fit = br.find_map(model, data)
    assert fit.certificate.holds
    if case != "huge offset of a column":
        assert fit.certificate.relative_gap <= 1e-10
    if case == "zero column":
        assert fit.coef[-1] == 0.0


def test_constant_column_stays_at_loc_when_standardised():
    base = make_data(br.Gaussian(1.5))
    X = np.column_stack([base.X, np.full(base.n, 0.1)])
    model = br.Model(br.Gaussian(1.5), br.Normal(0.5, loc=0.25), standardize=True)
    fit = br.find_map(model, br.Data(X, base.y))
    assert fit.coef[-1] == 0.25
    assert fit.certificate.holds


def test_constant_target_and_perfect_fit():
    X = make_design()
    fit = br.find_map(br.Model(br.Gaussian(1.0), br.Laplace(0.5)), br.Data(X, np.full(60, 2.0)))
    assert fit.n_zeros == 7
    assert fit.intercept == pytest.approx(2.0, rel=1e-15)
    w = np.arange(1.0, 8.0)
    fit = br.find_map(br.Model(br.Gaussian(1.0), br.Flat()), br.Data(X, X @ w + 1.0))
    np.testing.assert_allclose(fit.coef, w, rtol=1e-9)
    assert fit.certificate.holds


def test_perfect_separation_under_a_proper_prior():
    x = np.array([-2.0, -1.0, 1.0, 2.0])
    data = br.Data(x[:, None], (x > 0).astype(float))
    fit = br.find_map(br.Model(br.Bernoulli(), br.Normal(10.0)), data)
    assert fit.certificate.relative_gap <= 1e-10
    assert fit.coef[0] > 1


@pytest.mark.parametrize("scale", [2.0**500, 2.0**-500, 1e150, 1e-150])
@pytest.mark.parametrize("prior", [br.Laplace, br.Normal])
def test_extreme_columns_with_matching_priors(prior, scale):
    base = make_data(br.Gaussian(1.5))
    plain = br.find_map(br.Model(br.Gaussian(1.5), prior(0.3)), base)
    X = base.X * scale
    fit = br.find_map(br.Model(br.Gaussian(1.5), prior(0.3 / scale)), br.Data(X, base.y))
    np.testing.assert_allclose(fit.coef * scale, plain.coef, rtol=1e-10)
    assert fit.certificate.holds


def test_power_of_two_rescaling_is_nearly_bit_exact():
    base = make_data(br.Gaussian(1.5))
    scale = np.exp2(np.array([3, -2, 0, 5, -7, 1, 2]))
    for prior in (br.Laplace, br.Normal):
        plain = br.find_map(br.Model(br.Gaussian(1.5), prior(0.3)), base)
        model = br.Model(br.Gaussian(1.5), prior(0.3 / scale))
        fit = br.find_map(model, br.Data(base.X * scale, base.y))
        np.testing.assert_array_almost_equal_nulp(fit.coef * scale, plain.coef, nulp=64)


def test_float32_and_orders_agree():
    data = make_data(br.Gaussian(1.5))
    model = br.Model(br.Gaussian(1.5), br.Laplace(0.3))
    X = data.X.astype(np.float32)
    fits = [
        br.find_map(model, br.Data(form, data.y)).coef
        for form in (X, X.astype(float), np.asfortranarray(X.astype(float)), X.tolist())
    ]
    for coef in fits[1:]:
        np.testing.assert_allclose(coef, fits[0], rtol=1e-12)


# ---- failures are told -------------------------------------------------------------------------


def test_separation_under_a_flat_prior_says_so():
    x = np.array([-2.0, -1.0, 1.0, 2.0])
    data = br.Data(x[:, None], (x > 0).astype(float), names=["dose"])
    with pytest.raises(NoModeError, match=r"'dose'.*separate"):
        br.find_map(br.Model(br.Bernoulli(), br.Flat()), data)


def test_quasi_separation_under_a_flat_prior_says_so():
    x = np.array([-2.0, -1.0, 0.0, 0.0, 1.0, 2.0])
    y = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    with pytest.raises(NoModeError, match="separate"):
        br.find_map(br.Model(br.Bernoulli(), br.Flat()), br.Data(x[:, None], y))


def test_poisson_zeros_separated_by_a_flat_column():
    group = np.repeat([0.0, 1.0], 10)
    y = np.where(group == 1, 0.0, np.arange(20) % 4 + 1.0)
    with pytest.raises(NoModeError, match="separate"):
        br.find_map(br.Model(br.Poisson(), br.Flat()), br.Data(group[:, None], y))


@pytest.mark.parametrize(
    ("likelihood", "y"),
    [(br.Bernoulli(), np.ones(10)), (br.Bernoulli(), np.zeros(10)), (br.Poisson(), np.zeros(10))],
)
def test_one_sided_targets_with_a_flat_intercept(likelihood, y):
    data = br.Data(np.arange(10.0)[:, None], y)
    with pytest.raises(NoModeError, match="intercept"):
        br.find_map(br.Model(likelihood, br.Laplace(1.0)), data)
    fit = br.find_map(br.Model(likelihood, br.Laplace(1.0), intercept=br.Normal(1.0)), data)
    assert fit.certificate.holds


def test_too_few_iterations_is_never_silent():
    data = make_data(br.Poisson())
    model = br.Model(br.Poisson(), br.Laplace(0.3))
    with pytest.raises(NotCertifiedError, match="raise max_iterations") as caught:
        br.find_map(model, data, max_iterations=1)
    assert not caught.value.estimate.certificate.holds
    with pytest.warns(NotCertifiedWarning, match="not certified"):
        br.find_map(model, data, max_iterations=1, on_failure="warn")
    fit = br.find_map(model, data, max_iterations=1, on_failure="return")
    assert not fit.certificate.holds


def test_duplicates_under_pure_l1_are_flagged():
    base = make_data(br.Gaussian(1.5))
    data = br.Data(np.column_stack([base.X, base.X[:, 2]]), base.y)
    with pytest.warns(NotUniqueWarning, match="not unique"):
        fit = br.find_map(br.Model(br.Gaussian(1.5), br.Laplace(0.3)), data)
    assert not fit.unique
    assert fit.certificate.holds
    single = br.find_map(br.Model(br.Gaussian(1.5), br.Laplace(0.3)), base)
    assert fit.coef[2] + fit.coef[-1] == pytest.approx(single.coef[2], rel=1e-8)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"target": "joint"}, "target must be None or 'conditional'"),
        ({"tol": 0.0}, "tol must be a positive"),
        ({"tol": float("nan")}, "tol must be a positive"),
        ({"on_failure": "ignore"}, "on_failure must be one of"),
        ({"max_iterations": 0}, "max_iterations must be a whole number"),
    ],
)
def test_bad_options(arguments, match):
    data = make_data(br.Gaussian(1.5))
    with pytest.raises(ModelError, match=match):
        br.find_map(br.Model(br.Gaussian(1.5), br.Laplace(0.3)), data, **arguments)


def test_results_read_well_and_are_plain():
    import json

    data = make_data(br.Gaussian(1.5))
    fit = br.find_map(br.Model(br.Gaussian(1.5), br.Laplace(0.05)), data)
    text = str(fit)
    assert "certificate holds" in text
    assert "\nx0" in text
    assert json.loads(json.dumps(fit.to_dict()))["certificate"]["holds"] is True
    with pytest.raises(ValueError, match="read-only"):
        fit.coef[0] = 1.0
    np.testing.assert_allclose(fit.predict(data.X), data.X @ fit.coef + fit.intercept)


def test_bound_problem_is_what_was_solved():
    """Constants kept: -log density = J + constants, standardised, weighted, offset."""
    data = make_data(br.Gaussian(1.5), weights=True, offset=True)
    model = br.Model(br.Gaussian(1.5), br.Laplace(0.3), standardize=True)
    fit = br.find_map(model, data)
    problem = bind(model, data)
    v = problem.extended(fit.coef, fit.intercept)
    assert -(problem.value(v) + problem.constants) == pytest.approx(fit.log_density, rel=1e-14)


def test_predict_takes_what_data_takes():
    import pandas as pd
    from scipy import sparse

    data = make_data(br.Poisson())
    fit = br.find_map(br.Model(br.Poisson(), br.Laplace(0.3)), data)
    expected = np.exp(data.X @ fit.coef + fit.intercept + 0.5)
    frame = pd.DataFrame(data.X, columns=data.names)
    for X in (data.X, data.X.tolist(), frame, sparse.csr_array(data.X)):
        for offset in (0.5, np.full(data.n, 0.5)):
            np.testing.assert_allclose(fit.predict(X, offset), expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        (lambda X: {"X": X[0]}, DataError, "two-dimensional"),
        (lambda X: {"X": X[:, 1:]}, DataError, "X has 6 columns, but the fit is on 7"),
        (lambda X: {"X": X * np.nan}, DataError, "NaN"),
        (lambda X: {"X": X.astype(str)}, DataTypeError, "X must be real numbers"),
        (lambda X: {"X": None}, DataTypeError, "X is None"),
        (lambda X: {"X": 3.0}, DataError, "two-dimensional"),
        (lambda X: {"X": X, "offset": "1"}, DataTypeError, "offset must be real numbers"),
        (lambda X: {"X": X, "offset": [1.0]}, DataError, "offset has 1 entries"),
        (lambda X: {"X": X, "offset": np.inf}, DataError, "offset must be finite"),
    ],
)
def test_predict_says_what_it_cannot_use(change, error, match):
    data = make_data(br.Gaussian(1.5))
    fit = br.find_map(br.Model(br.Gaussian(1.5), br.Laplace(0.3)), data)
    with pytest.raises(error, match=match):
        fit.predict(**change(data.X))


def test_predict_refuses_columns_in_another_order():
    import pandas as pd

    data = make_data(br.Gaussian(1.5))
    fit = br.find_map(br.Model(br.Gaussian(1.5), br.Laplace(0.3)), data)
    frame = pd.DataFrame(data.X, columns=data.names)
    with pytest.raises(DataError, match="in another order"):
        fit.predict(frame[list(reversed(data.names))])
