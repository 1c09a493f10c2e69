"""bind: the numbers that solvers see are the model, in any units."""

import numpy as np
import pytest
from helpers import (
    COMBINATIONS,
    LIKELIHOODS,
    MIXED_PRIOR,
    P,
    make_data,
    make_model,
    rows_of,
    with_design,
)

from bayesreg import Data, ElasticNet, Flat, Gaussian, Laplace, Model, Normal, Poisson, bind
from bayesreg.errors import DataError, DataTypeError, ModelError, ModelTypeError

SETTINGS = [
    pytest.param({}, id="plain"),
    pytest.param({"weights": True, "offset": True}, id="weights-offset"),
]


def some_point(data, seed=5):
    rng = np.random.default_rng(seed)
    return rng.normal(size=data.p) / np.ptp(data.X, axis=0), rng.normal()


def minus_log_density(problem, coef, intercept):
    return problem.value(problem.extended(coef, intercept)) + problem.constants


@pytest.mark.parametrize(("likelihood", "prior"), COMBINATIONS)
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("standardize", [False, True], ids=["", "standardize"])
def test_objective_and_constants_are_minus_the_log_density(likelihood, prior, setting, standardize):
    data = make_data(likelihood, **setting)
    coef, a = some_point(data)
    for on_intercept in (Flat(), Normal(2.0, loc=1.0), Laplace(0.5), None):
        model = make_model(likelihood, prior, on_intercept, standardize=standardize)
        a = 0.0 if on_intercept is None else a
        problem = bind(model, data)
        expected = -model.log_density(data, coef, a)
        assert minus_log_density(problem, coef, a) == pytest.approx(expected, rel=1e-12, abs=1e-10)
        assert problem.has_intercept == (on_intercept is not None)
        assert problem.flat_intercept == (on_intercept == Flat())
        assert problem.size == P + problem.has_intercept


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_gradient_of_the_rows_is_the_models(likelihood):
    data = make_data(likelihood, weights=True, offset=True)
    coef, a = some_point(data)
    model = make_model(likelihood, MIXED_PRIOR, Normal(2.0))
    problem = bind(model, data)
    v = problem.extended(coef, a)
    by_row = problem.gradient_rows(problem.linear_predictor(v))
    total = problem.transposed_product(by_row) + problem.penalty.slope(v)
    in_coef, in_intercept = model.gradient(data, coef, a)
    np.testing.assert_allclose(total, [*-in_coef, -in_intercept], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_rows_of_weight_zero_are_gone(likelihood):
    data = make_data(likelihood, weights=True, offset=True)
    kept = data.weights > 0
    alone = rows_of(data, kept)
    problem, same = bind(make_model(likelihood), data), bind(make_model(likelihood), alone)
    assert problem.n == kept.sum() == data.n
    assert np.all(problem.weights > 0)
    for name in ("X", "y", "weights", "offset"):
        np.testing.assert_array_equal(getattr(problem, name), getattr(same, name))
    v = np.linspace(-0.1, 0.1, problem.size)
    assert problem.value(v) + problem.constants == same.value(v) + same.constants


def test_data_without_weights_are_not_copied():
    data = make_data(Gaussian(1.5))
    assert np.shares_memory(bind(make_model(), data).X, data.X)


@pytest.mark.parametrize(("likelihood", "prior"), COMBINATIONS)
@pytest.mark.parametrize("factor", [0.01, 3.0])
def test_at_scale_is_the_rescaled_model(likelihood, prior, factor):
    data = make_data(likelihood, weights=True)
    for standardize in (False, True):
        model = make_model(likelihood, prior, Normal(2.0), standardize=standardize)
        found = bind(model, data).at_scale(factor)
        expected = bind(model.rescaled(factor), data)
        for name in ("l1", "l2", "loc", "lower", "upper"):
            np.testing.assert_allclose(
                getattr(found.coefficient_penalty, name),
                getattr(expected.coefficient_penalty, name),
                rtol=1e-12,
            )
        w = np.random.default_rng(0).normal(size=(3, P))
        np.testing.assert_allclose(
            found.coefficient_penalty.log_density(w),
            expected.coefficient_penalty.log_density(w),
            rtol=1e-12,
        )
        assert found.constants == pytest.approx(expected.constants, rel=1e-12)


def test_at_scale_computes_its_constants_anew():
    problem = bind(make_model(prior=Laplace(0.3)), make_data(Gaussian(1.5)))
    assert problem.at_scale(2.0).constants - problem.constants == pytest.approx(P * np.log(2.0))


# ---- extreme units ---------------------------------------------------------------------------

PRIORS_IN_UNITS = {
    "laplace": lambda unit: Laplace(0.3 * unit, loc=0.1 * unit),
    "normal": lambda unit: Normal(0.5 * unit, loc=-0.2 * unit),
    "elastic-net": lambda unit: ElasticNet(0.3 * unit, 0.5 * unit),
    "flat": lambda unit: Flat(),
}


@pytest.mark.parametrize("prior", PRIORS_IN_UNITS)
@pytest.mark.parametrize("size", [1e-150, 1e150])
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_extreme_columns_state_the_same_problem(likelihood, prior, size):
    data = make_data(likelihood)
    factors = np.where(np.arange(P) % 2, size, 1.0)
    extreme = with_design(data, data.X * factors)
    state = PRIORS_IN_UNITS[prior]
    plain = bind(make_model(likelihood, state(np.ones(P))), data)
    other = bind(make_model(likelihood, state(1 / factors)), extreme)
    coef, a = some_point(data)
    expected = plain.value(plain.extended(coef, a))
    assert other.value(other.extended(coef / factors, a)) == pytest.approx(expected, rel=1e-12)
    # Densities of w / factor differ by the Jacobian, flat ones do not.
    jacobian = 0.0 if prior == "flat" else np.sum(np.log(factors))
    assert other.constants == pytest.approx(plain.constants - jacobian, rel=1e-12)
    model = make_model(likelihood, state(1 / factors))
    density = model.log_density(extreme, coef / factors, a)
    assert minus_log_density(other, coef / factors, a) == pytest.approx(-density, rel=1e-12)


@pytest.mark.parametrize("size", [1e-300, 1e-150, 1e150, 1e300])
def test_extreme_columns_are_near_one_inside(size):
    data = make_data(Gaussian(1.5))
    problem = bind(make_model(prior=Laplace(0.3 / size)), Data(data.X * size, data.y))
    largest = np.max(np.abs(problem.X), axis=0)
    assert np.all((largest >= 0.5) & (largest <= 1.0))
    assert np.all(np.frexp(problem.unit)[0] == 0.5)
    coef = np.linspace(1.0, 2.0, P) / size
    found, _ = problem.coefficients(problem.extended(coef, 0.3))
    np.testing.assert_array_equal(found, coef)


def test_ordinary_columns_are_left_alone():
    data = make_data(Gaussian(1.5))
    for size in (1e-50, 1.0, 1e50):
        problem = bind(make_model(prior=Laplace(1 / size)), Data(data.X * size, data.y))
        np.testing.assert_array_equal(problem.unit, 1.0)


@pytest.mark.parametrize("prior", [Laplace(1.0), Normal(1.0), ElasticNet(1.0, 1.0), Normal(1e-6)])
@pytest.mark.parametrize("size", [1e-310, 1e-200, 1e-160, 1e160, 1e200, 1e300])
def test_penalty_of_an_extreme_column_neither_overflows_nor_vanishes(prior, size):
    data = Data(np.array([[1.0], [-0.5], [0.25]]) * size, [1.0, 0.0, 2.0])
    problem = bind(Model(Gaussian(1.0), prior), data)
    plain = prior.penalty(1)
    for name in ("l1", "l2"):
        found, stated = getattr(problem.penalty, name)[:1], getattr(plain, name)
        assert np.all(np.isfinite(found))
        assert np.array_equal(found > 0, stated > 0)
    expected = -Model(Gaussian(1.0), prior).log_density(data, [0.5 / size if size > 1 else 0.5])
    found = minus_log_density(problem, np.array([0.5 / size if size > 1 else 0.5]), 0.0)
    assert found == pytest.approx(expected, rel=1e-12)


def test_constant_column_of_extreme_size_is_held_and_costs_nothing():
    data = Data(np.c_[np.full(4, 1e150), np.arange(4.0)], np.arange(4.0))
    model = Model(Gaussian(1.0), Laplace(1.0), standardize=True)
    problem = bind(model, data)
    np.testing.assert_array_equal(problem.penalty.is_pinned, [True, False, False])
    coef = np.array([0.0, 0.7])
    expected = -model.log_density(data, coef, 0.2)
    assert minus_log_density(problem, coef, 0.2) == pytest.approx(expected, rel=1e-14)


# ---- pieces ----------------------------------------------------------------------------------


def test_linear_predictor_and_its_transpose_agree():
    data = make_data(Gaussian(1.5), offset=True)
    rng = np.random.default_rng(3)
    for intercept in (Flat(), None):
        problem = bind(make_model(intercept=intercept), data)
        dense = np.c_[problem.X, np.ones((problem.n, int(problem.has_intercept)))]
        r = rng.normal(size=problem.n)
        np.testing.assert_allclose(problem.transposed_product(r), dense.T @ r, rtol=1e-12)
        for used in (1, problem.size):
            v = np.where(np.arange(problem.size) < used, rng.normal(size=problem.size), 0.0)
            expected = dense @ v + data.offset
            np.testing.assert_allclose(problem.linear_predictor(v), expected, rtol=1e-12)


@pytest.mark.parametrize("columns", [[2, 0], [5, 7, 1], [7], []], ids=str)
def test_block_is_the_extended_design(columns):
    problem = bind(make_model(), make_data(Gaussian(1.5)))
    dense = np.c_[problem.X, np.ones(problem.n)]
    index = np.array(columns, dtype=np.intp)
    np.testing.assert_array_equal(problem.block(index), dense[:, index])
    rows = slice(3, 20)
    np.testing.assert_array_equal(problem.block(index, rows), dense[rows][:, index])


def test_start_is_loc():
    problem = bind(
        make_model(prior=Laplace(1.0, loc=0.5), intercept=Normal(1, loc=2)), make_data(Poisson())
    )
    np.testing.assert_array_equal(problem.start, [0.5] * P + [2.0])


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_curvature_rows_are_weighted(likelihood):
    data = make_data(likelihood, weights=True)
    problem = bind(make_model(likelihood), data)
    eta = np.linspace(-2, 2, problem.n)
    expected = problem.weights * problem.likelihood.curvature(problem.y, eta)
    np.testing.assert_array_equal(problem.curvature_rows(eta), expected)
    assert problem.loss(eta) == pytest.approx(
        np.sum(problem.weights * problem.likelihood.loss(problem.y, eta)), rel=1e-13
    )


# ---- refusals --------------------------------------------------------------------------------


def test_arguments_of_the_wrong_kind_are_refused():
    model, data = make_model(), make_data(Gaussian(1.5))
    with pytest.raises(ModelTypeError, match=r"model must be a bayesreg.Model; got Data"):
        bind(data, model)
    with pytest.raises(ModelTypeError, match=r"model must be a bayesreg.Model; got str"):
        bind("Laplace(1)", data)
    with pytest.raises(
        DataTypeError, match=r"data must be a bayesreg.Data; got ndarray. Wrap X and y"
    ):
        bind(model, data.X)


@pytest.mark.parametrize(
    ("likelihood", "y", "message"),
    [
        ("bernoulli", 2.0, "y must be 0 or 1 .*found 2.0 in row 3"),
        ("bernoulli", 0.5, "y must be 0 or 1 .*found 0.5 in row 3"),
        ("poisson", -1.0, "y must be counts .*found -1.0 in row 3"),
        ("poisson", 1.5, "y must be counts .*found 1.5 in row 3"),
    ],
)
def test_impossible_target_is_refused_even_at_weight_zero(likelihood, y, message):
    likelihood = {row.id: row.values[0] for row in LIKELIHOODS}[likelihood]
    given = np.ones(6)
    given[3] = y
    for weights in (None, [1, 1, 1, 0, 1, 1]):
        with pytest.raises(DataError, match=message):
            bind(make_model(likelihood), Data(np.eye(6), given, weights=weights))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Model(Gaussian(1.0), Laplace([1.0, 2.0])), "Laplace scale has 2 entries but applies to 7"),
        (Model(Gaussian(1.0), Normal(1.0, loc=[0.0] * 8)), "Normal loc has 8 entries but applies"),
        (Model(Gaussian(1.0), Flat(), Normal([1.0, 2.0])), "applies to 1 coefficients"),
        (Model(Gaussian(1.0), {"x0": Flat()}), "no prior for column 'x1'"),
        (Model(Gaussian(1.0), {"x9": Flat(), "*": Flat()}), "unknown column 'x9'"),
        (Model(Gaussian(1.0), Laplace(1e-309)), "so small that its penalty exceeds"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_model_that_does_not_fit_the_columns_is_refused(model, message):
    with pytest.raises(ModelError, match=message):
        bind(model, make_data(Gaussian(1.5)))
