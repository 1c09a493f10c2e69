"""No certificate where there is no mode, however near the infimum a point is; and none refused."""

import itertools

import numpy as np
import pytest
from helpers import make_data

import bayesreg as br
from bayesreg.class_problem import bind_classes
from bayesreg.errors import NoModeError
from bayesreg.problem import bind
from bayesreg.proof import existence, existence_classes

TOLERANCES = [1e-3, 1e-8, 1e-12]
LEVELS = np.repeat([0.0, 1.0, 1.0], [20, 15, 10])[:, None]
MARKED = np.repeat([0.0, 0.0, 1.0], [20, 15, 10])
NOISE = np.random.default_rng(0).normal(size=(45, 3))
MIXED = {"x0": br.Flat(), "x[1-3]": br.Laplace(0.3)}
QUASI_SEPARATED = {
    "Bernoulli": (br.Bernoulli(), MARKED, {}),
    "Binomial": (br.Binomial(), 4 * MARKED, {"trials": np.full(45, 4.0)}),
    "Poisson": (br.Poisson(), 3 * MARKED, {}),
    "NegativeBinomial": (br.NegativeBinomial(alpha=0.5), 3 * MARKED, {}),
    "Multinomial": (br.Multinomial(), np.repeat([0, 0, 1, 2], [20, 10, 10, 5]), {}),
}


@pytest.mark.parametrize("tol", TOLERANCES)
@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("name", QUASI_SEPARATED)
def test_one_level_without_events_has_no_mode(name, mixed, tol):
    likelihood, y, more = QUASI_SEPARATED[name]
    X, prior = (np.hstack([LEVELS, NOISE]), MIXED) if mixed else (LEVELS, br.Flat())
    with pytest.raises(NoModeError, match="separate"):
        br.find_map(br.Model(likelihood, prior), br.Data(X, y, **more), tol=tol)


@pytest.mark.parametrize("name", QUASI_SEPARATED)
def test_a_point_near_the_infimum_is_not_certified(name):
    likelihood, y, more = QUASI_SEPARATED[name]
    data = br.Data(LEVELS, y, **more)
    wide = br.find_map(br.Model(likelihood, br.Normal(1e6)), data, on_failure="return")
    found = br.certify(br.Model(likelihood, br.Flat()), data, wide.coef, wide.intercept, tol=1e-2)
    assert found.gap == np.inf
    assert not found.holds


def test_a_path_past_a_flat_separating_column_is_refused():
    data = br.Data(np.hstack([LEVELS, NOISE]), MARKED)
    with pytest.raises(NoModeError, match="'x0' separate"):
        br.find_map_path(br.Model(br.Bernoulli(), MIXED), data, n_scales=5)


def test_a_flat_column_that_is_open_on_one_side_separates_on_that_side_only():
    y = np.repeat([1.0, 0.0, 1.0], [20, 15, 10])
    model = br.Model(br.Bernoulli(), br.Truncated(br.Flat(), -1.0, np.inf))
    with pytest.raises(NoModeError, match="separate"):
        br.find_map(model, br.Data(-LEVELS, y))
    fit = br.find_map(model, br.Data(LEVELS, y))
    assert fit.certificate.holds
    assert fit.coef[0] == -1.0


def _mode_exists(X, y):
    """Whether every direction d of whole numbers up to 6 that raises no row leaves all as they are.

    Of designs with entries in -1, 0, 1 and three columns the extreme directions are among them
    (Cramer: ratios of 2 x 2 determinants).
    """
    margins = (2 * y - 1)[:, None] * X
    directions = np.array(list(itertools.product(range(-6, 7), repeat=X.shape[1]))).T
    products = margins @ directions
    return not np.any(np.all(products >= 0, axis=0) & np.any(products > 0, axis=0))


@pytest.mark.parametrize("tol", TOLERANCES)
def test_modes_of_small_logistic_tables_against_every_direction(tol):
    seen = {True: 0, False: 0}
    for seed in range(120):
        rng = np.random.default_rng(seed)
        X = rng.integers(-1, 2, (9, 3)).astype(float)
        y = (rng.random(9) < 0.5).astype(float)
        X[0], y[0], y[1] = 0.0, 1.0, 0.0
        exists = _mode_exists(X, y)
        seen[exists] += 1
        model, data = br.Model(br.Bernoulli(), br.Flat(), intercept=None), br.Data(X, y)
        if exists:
            assert br.find_map(model, data, tol=tol).certificate.holds
        else:
            with pytest.raises(NoModeError):
                br.find_map(model, data, tol=tol)
    assert min(seen.values()) > 20


@pytest.mark.parametrize("name", ["Bernoulli", "Binomial", "Poisson", "NegativeBinomial"])
def test_an_ordinary_mode_is_shown_to_exist_without_a_programme(name, monkeypatch):
    likelihood = QUASI_SEPARATED[name][0]
    data = make_data(likelihood)
    fit = br.find_map(br.Model(likelihood, br.Flat()), data)
    problem = bind(fit.model, data)
    eta = problem.linear_predictor(problem.extended(fit.coef, fit.intercept))
    monkeypatch.setattr(existence, "_receding_combination", None)
    assert existence.mode_exists(problem, eta)


def test_ordinary_classes_are_shown_to_have_a_mode_without_a_programme(monkeypatch):
    rng = np.random.default_rng(1)
    data = br.Data(rng.normal(size=(90, 2)), rng.integers(0, 3, 90))
    fit = br.find_map(br.Model(br.Multinomial(), br.Flat()), data)
    problem = bind_classes(fit.model, data)
    eta = problem.linear_predictors(problem.extended(fit.coef, fit.intercept))
    monkeypatch.setattr(existence_classes, "_receding_columns", None)
    assert existence_classes.class_mode_exists(problem, eta)


def test_rows_far_out_leave_the_mode_where_it_is():
    """A row whose gradient is below rounding is no proof of separation."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(200, 2))
    X[0] = [400.0, 0.0]
    y = (rng.random(200) < 1 / (1 + np.exp(-X[:, 0]))).astype(float)
    y[0] = 1.0
    fit = br.find_map(br.Model(br.Bernoulli(), br.Flat()), br.Data(X, y))
    assert fit.certificate.holds
