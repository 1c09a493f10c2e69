"""scikit-learn fitted for real: its optimum is our mode by certificate, there and back."""

import dataclasses
import importlib
import warnings

import numpy as np
import pytest
from claims import (
    ALWAYS_PENALISED,
    CLAIMS,
    GAUSSIAN,
    SIGNS,
    TARGETS,
    assert_same_model,
    assert_same_up_to_affine,
    data_for,
    model_for,
    points,
    takes,
)
from helpers import make_data
from sklearn.utils import all_estimators

from bayesreg import (
    AsymmetricLaplace,
    Bernoulli,
    Data,
    ElasticNet,
    Flat,
    Laplace,
    Model,
    Multinomial,
    Normal,
    Poisson,
    certify,
    to_penalty,
    to_prior,
)
from bayesreg.conventions._refused import REFUSED
from bayesreg.errors import NoEquivalentError

SKLEARN = [claim for claim in CLAIMS if claim.values[0].startswith("sklearn.")]
CLASSES = {f"sklearn.{name}": kind for name, kind in all_estimators()}
WEIGHTS = pytest.mark.parametrize("weights", [False, True], ids=["unweighted", "weighted"])
INTERCEPT = pytest.mark.parametrize("intercept", [True, False], ids=["intercept", "through-0"])


def precision(target, likelihood):
    """The relative gap within which the library itself ends.

    The stochastic steps of SGD stop short of the optimum, further off at the absolute error.
    """
    if "SGD" not in target:
        return 1e-8
    return 1e-4 if isinstance(likelihood, AsymmetricLaplace) else 1e-6


def data_of(target, likelihood, weights):
    """Awkward columns; SGD needs standardised ones to get anywhere."""
    data = data_for(likelihood, target, weights=weights)
    if "SGD" not in target:
        return data
    return dataclasses.replace(data, X=(data.X - data.X.mean(axis=0)) / data.X.std(axis=0))


def run(twin, data):
    """The printed program: the estimator, its coefficients and intercept."""
    space = {"X": data.X, "y": data.y, "sample_weight": data.weights}
    with warnings.catch_warnings():
        # Only at alpha=0, where the notes say the same.
        warnings.filterwarnings("ignore", "With alpha=0|Coordinate descent with|Singular matrix")
        exec(twin.code, space)
    estimator = space["estimator"]
    coef = eval(TARGETS[twin.target].solution, space)
    return estimator, coef, getattr(estimator, "intercept_", 0.0)


# ---- to the library and back ------------------------------------------------------------------


@WEIGHTS
@INTERCEPT
@pytest.mark.parametrize(("target", "likelihood", "prior"), SKLEARN)
def test_the_library_ends_at_our_mode(target, likelihood, prior, intercept, weights):
    data = data_of(target, likelihood, weights)
    model = model_for(target, likelihood, prior, data, Flat() if intercept else None)
    if not takes(target, data) or (intercept and not TARGETS[target].fits_intercept):
        with pytest.raises(NoEquivalentError, match=r"takes no weights|fits no intercept"):
            to_penalty(model, target, data)
        return
    twin = to_penalty(model, target, data)
    estimator, coef, at = run(twin, data)
    back = to_prior(estimator, data, likelihood=likelihood)
    assert_same_model(back, model)
    allowed = precision(target, likelihood)
    for found in (model, back):
        assert certify(found, data, coef, at).relative_gap <= allowed
    assert np.count_nonzero(coef) >= 2  # an all-zero fit would prove little
    built = twin.build().get_params()
    assert built == estimator.get_params()


@pytest.mark.parametrize(
    ("target", "likelihood", "prior"), [c for c in SKLEARN if c.values[2] != Flat()]
)
def test_another_prior_is_told_apart(target, likelihood, prior):
    """The measure is not blind: 10% in the scale is seen (twice, at the coarsest precision)."""
    data = data_of(target, likelihood, False)
    model = model_for(target, likelihood, prior, data)
    _, coef, at = run(to_penalty(model, target, data), data)
    allowed = precision(target, likelihood)
    factor = 2.0 if allowed > 1e-6 else 1.1
    scales = {name: factor * value for name, value in vars(prior).items() if "scale" in name}
    other = dataclasses.replace(model, prior=dataclasses.replace(prior, **scales))
    assert certify(other, data, coef, at).relative_gap > 10 * allowed


SOLVERS = [
    (Model(Bernoulli(), Normal(0.5)), "lbfgs", 1e-8),
    (Model(Bernoulli(), Normal(0.5)), "newton-cg", 1e-8),
    (Model(Bernoulli(), Normal(0.5)), "sag", 1e-8),
    (Model(Bernoulli(), Normal(0.5)), "saga", 1e-8),
    (Model(Bernoulli(), Normal(0.5), None), "liblinear", 1e-8),
    (Model(Bernoulli(), Laplace(0.3), None), "saga", 1e-8),
    (Model(Bernoulli(), Normal(0.5), Normal(1.75)), None, 1e-8),
    (Model(Bernoulli(), Laplace(0.3), Laplace(0.12)), None, 1e-8),
]


@WEIGHTS
@pytest.mark.parametrize(("model", "solver", "allowed"), SOLVERS)
def test_every_solver_ends_at_our_mode(model, solver, allowed, weights):
    data = make_data(model.likelihood, weights=weights)
    twin = to_penalty(model, "sklearn.LogisticRegression", data, solver=solver)
    assert twin.parameters["solver"] == (solver or "liblinear")
    estimator, coef, at = run(twin, data)
    assert certify(model, data, coef, at).relative_gap <= allowed
    assert_same_model(to_prior(estimator, data), model)


@WEIGHTS
@pytest.mark.parametrize("likelihood", [Bernoulli(), Multinomial()])
@pytest.mark.parametrize("prior", [Laplace(1e-6), ElasticNet(1e-6, 0.3)])
def test_sagas_intercept_where_all_coefficients_are_zero(prior, likelihood, weights):
    """saga's rule leaves the intercept out: it stops after a sweep, and says nothing."""
    model = Model(likelihood, prior)
    data = data_for(likelihood, "sklearn.LogisticRegression", weights=weights)
    twin = to_penalty(model, "sklearn.LogisticRegression", data)
    assert any("stops without a warning" in note for note in twin.notes)
    _, coef, at = run(twin, data)
    assert not np.any(coef)
    assert certify(model, data, coef, at).relative_gap <= 1e-12


def test_a_zero_of_saga_that_is_not_the_optimum_is_not_returned():
    """Seen at strengths just below the least that makes all coefficients 0."""
    rng = np.random.default_rng(0)
    for _ in range(100):
        X, y = rng.normal(size=(60, 3)), (rng.random(60) < 0.6) * 1.0
        strength = 0.99 * np.max(np.abs(X.T @ (y - y.mean())))
        data, model = Data(X, y), Model(Bernoulli(), Laplace(1 / strength))
        try:
            _, coef, at = run(to_penalty(model, "sklearn.LogisticRegression", data), data)
        except RuntimeError as error:
            assert "another random_state" in str(error)  # noqa: PT017
            break
        assert certify(model, data, coef, at).relative_gap <= 1e-8
    else:
        pytest.fail("saga never stopped early: the check in the program can go")


@pytest.mark.parametrize("prior", [Laplace(0.3), Normal(0.5)])
@pytest.mark.parametrize("scaling", [0.25, 1.0, 30.0])
def test_round_trip_of_liblinears_intercept(prior, scaling):
    model = Model(Bernoulli(), prior, type(prior)(prior.scale * scaling))
    twin = to_penalty(model, "sklearn.LogisticRegression")
    assert twin.parameters["solver"] == "liblinear"
    assert twin.parameters["intercept_scaling"] == pytest.approx(scaling)
    assert_same_model(to_prior(twin.target, twin.parameters), model)


@WEIGHTS
@pytest.mark.parametrize("q", [0.1, 0.3, 0.9])
def test_every_quantile_ends_at_our_mode(q, weights):
    model = Model(AsymmetricLaplace(q=q, s=0.8), Laplace(0.3))
    data = make_data(model.likelihood, weights=weights)
    estimator, coef, at = run(to_penalty(model, "sklearn.QuantileRegressor", data), data)
    assert certify(model, data, coef, at).relative_gap <= 1e-8
    assert to_prior(estimator, data, likelihood=model.likelihood) == model


def test_a_relative_prior_at_its_sigma():
    data = make_data(GAUSSIAN, weights=True)
    model = Model(GAUSSIAN, Laplace(0.2, relative_to_noise=True))
    _, coef, at = run(to_penalty(model, "sklearn.Lasso", data), data)
    assert certify(model, data, coef, at).relative_gap <= 1e-8


_SCALES = np.geomspace(0.1, 0.5, 7)
RESCALED = [
    ("sklearn.Lasso", Model(GAUSSIAN, Laplace(_SCALES))),
    ("sklearn.LassoCV", Model(GAUSSIAN, Laplace(_SCALES))),
    ("sklearn.Ridge", Model(GAUSSIAN, Normal(_SCALES), None)),
    ("sklearn.KernelRidge", Model(GAUSSIAN, Normal(_SCALES), None)),
    ("sklearn.ElasticNet", Model(GAUSSIAN, ElasticNet(_SCALES, 2 * _SCALES))),
    ("sklearn.Lasso", Model(GAUSSIAN, Laplace(0.3), standardize=True)),
    ("sklearn.Lasso", Model(GAUSSIAN, {"x0": Laplace(0.1), "*[1-6]": Laplace(0.3)})),
    ("sklearn.PoissonRegressor", Model(Poisson(), Normal(_SCALES))),
    ("sklearn.LogisticRegression", Model(Bernoulli(), Laplace(_SCALES), None)),
    ("sklearn.LogisticRegression", Model(Bernoulli(), Normal(_SCALES))),
    ("sklearn.LogisticRegression", Model(Multinomial(classes=3), Normal(_SCALES))),
    ("sklearn.QuantileRegressor", Model(AsymmetricLaplace(q=0.3, s=0.8), Laplace(_SCALES))),
]


@WEIGHTS
@pytest.mark.parametrize(("target", "model"), RESCALED)
def test_scales_of_their_own_by_rescaled_columns(target, model, weights):
    data = data_for(model.likelihood, target, weights=weights)
    twin = to_penalty(model, target, data)
    scaled = dataclasses.replace(data, X=data.X * twin.column_factors)
    estimator = twin.build()
    estimator.fit(scaled.X, scaled.y, sample_weight=scaled.weights)
    program = {"X": data.X, "y": data.y, "sample_weight": data.weights}
    exec(twin.code, program)
    at = getattr(estimator, "intercept_", 0.0)
    assert certify(model, data, program["coef"], at).relative_gap <= 1e-8
    if hasattr(estimator, "coef_"):
        coef = np.squeeze(estimator.coef_) * twin.column_factors
        np.testing.assert_array_equal(program["coef"], coef)
    assert any("column_factors" in note for note in twin.notes)


# ---- the objectives, written a second time from the documentation ------------------------------


def _weights(data):
    return np.ones(data.y.size) if data.weights is None else data.weights


def _elastic(parameters, coef, strength=None):
    """alpha [r |w|_1 + (1 - r) / 2 |w|^2]."""
    r = parameters.get("l1_ratio", 0.0)
    l1, l2 = np.sum(np.abs(coef)), 0.5 * np.sum(coef**2)
    return (parameters["alpha"] if strength is None else strength) * (r * l1 + (1 - r) * l2)


def _log_loss(eta, y):
    if np.ndim(eta) == 2:
        return np.logaddexp.reduce(eta, axis=1) - eta[np.arange(y.size), y.astype(int)]
    return np.logaddexp(0.0, -(2 * y - 1) * eta)


def _ridge(parameters, coef, eta, data):
    rss = np.sum(_weights(data) * (data.y - eta) ** 2)
    return rss + parameters.get("alpha", 0.0) * np.sum(coef**2)


def _lasso(parameters, coef, eta, data):
    loss = np.average((data.y - eta) ** 2, weights=_weights(data)) / 2
    return loss + _elastic({"l1_ratio": 1.0, **parameters}, coef)


def _glm(parameters, coef, eta, data):
    mean = np.exp(eta)
    power = parameters["power"]
    if power == 0:
        half = (data.y - eta) ** 2 / 2
    elif power == 1:
        half = mean - data.y * eta
    else:
        half = eta + data.y / mean
    return np.average(half, weights=_weights(data)) + _elastic(parameters, coef)


def _logistic(parameters, coef, eta, data):
    loss = np.sum(_weights(data) * _log_loss(eta, data.y))
    if parameters["C"] == np.inf:
        return loss
    return parameters["C"] * loss + _elastic(parameters, coef, 1.0)


def _sgd(parameters, coef, eta, data):
    losses = {
        "squared_error": lambda: (data.y - eta) ** 2 / 2,
        "epsilon_insensitive": lambda: np.abs(data.y - eta),
        "log_loss": lambda: _log_loss(eta, data.y),
    }
    ratio = {"l1": 1.0, "l2": 0.0, None: 0.0}.get(parameters["penalty"], parameters.get("l1_ratio"))
    strength = 0.0 if parameters["penalty"] is None else parameters["alpha"]
    loss = np.sum(_weights(data) * losses[parameters["loss"]]()) / data.y.size
    return loss + _elastic({"l1_ratio": ratio}, coef, strength)


def _quantile(parameters, coef, eta, data):
    r, q = data.y - eta, parameters["quantile"]
    loss = np.average(np.maximum(q * r, (q - 1) * r), weights=_weights(data))
    return loss + parameters["alpha"] * np.sum(np.abs(coef))


def _svr(parameters, coef, eta, data):
    error = np.maximum(np.abs(data.y - eta) - parameters["epsilon"], 0.0)
    error = error**2 if parameters["loss"].startswith("squared") else error
    return parameters["C"] * np.sum(_weights(data) * error) + np.sum(coef**2) / 2


def _cross_validated(objective):
    return lambda parameters, *at: objective({**parameters, "alpha": parameters["alphas"][0]}, *at)


OBJECTIVES = {
    "ElasticNet": _lasso,
    "ElasticNetCV": _cross_validated(_lasso),
    "GammaRegressor": lambda parameters, *at: _glm({**parameters, "power": 2}, *at),
    "KernelRidge": _ridge,
    "Lasso": _lasso,
    "LassoCV": _cross_validated(_lasso),
    "LassoLars": _lasso,
    "LinearRegression": _ridge,
    "LinearSVR": _svr,
    "LogisticRegression": _logistic,
    "PoissonRegressor": lambda parameters, *at: _glm({**parameters, "power": 1}, *at),
    "QuantileRegressor": _quantile,
    "Ridge": _ridge,
    "RidgeCV": _cross_validated(_ridge),
    "RidgeClassifier": _ridge,
    "RidgeClassifierCV": _cross_validated(_ridge),
    "SGDClassifier": _sgd,
    "SGDRegressor": _sgd,
    "TweedieRegressor": _glm,
}


@WEIGHTS
@pytest.mark.parametrize(("target", "likelihood", "prior"), SKLEARN)
def test_the_objective_is_our_density(target, likelihood, prior, weights):
    data = data_for(likelihood, target, weights=weights and TARGETS[target].takes_weights)
    model = model_for(target, likelihood, prior, data, None)
    parameters = to_penalty(model, target, data).parameters
    places = [coef for coef, _ in points(data, likelihood)]
    objective = OBJECTIVES[target.removeprefix("sklearn.")]
    values = [objective(parameters, coef, data.X @ coef.T, data) for coef in places]
    assert_same_up_to_affine(values, [-model.log_density(data, coef) for coef in places])


# ---- what the library has, and what it calls it -----------------------------------------------


@pytest.mark.parametrize("target", [name for name in TARGETS if name.startswith("sklearn.")])
def test_arguments_and_defaults_are_the_librarys(target):
    convention = TARGETS[target]
    actual = CLASSES[target]().get_params()
    assert set(actual) == {*convention.defaults, *convention.irrelevant}
    assert {name: actual[name] for name in convention.defaults} == dict(convention.defaults)
    assert not {*convention.learned} & {*actual}


def _linear(kind):
    modules = ("sklearn.linear_model", "sklearn.svm", "sklearn.kernel_ridge")
    return kind.__module__.startswith(modules)


@pytest.mark.parametrize("name", sorted(name for name, kind in CLASSES.items() if _linear(kind)))
def test_every_linear_estimator_is_read_or_refused(name):
    assert (name in TARGETS) != (name in REFUSED)
    if name in REFUSED:
        with pytest.raises(NoEquivalentError, match=r"(?s)has no equivalent here: .*Nearest"):
            to_prior(CLASSES[name](), n=60, sigma=1.0)


def test_the_tables_of_these_tests_name_targets():
    assert {f"sklearn.{name}" for name in OBJECTIVES} == {
        name for name, target in TARGETS.items()
        if name.startswith("sklearn.") and not target.one_way
    }  # fmt: skip
    assert {*ALWAYS_PENALISED, *SIGNS} <= {*TARGETS}
    assert importlib.import_module("sklearn").__version__.startswith("1.9")
