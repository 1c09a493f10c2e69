"""Conventions: scikit-learn's optimum is our mode, and every textbook form is our objective."""

import dataclasses
import itertools
import subprocess
import sys
import warnings

import numpy as np
import pytest
from claims import STANDARDISING, TARGETS, model_for, takes
from helpers import make_data
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import (
    ElasticNet as SkElasticNet,
)
from sklearn.linear_model import (
    Lasso,
    LassoCV,
    LogisticRegression,
    MultiTaskLasso,
    PoissonRegressor,
    Ridge,
)

from bayesreg import (
    Bernoulli,
    Data,
    ElasticNet,
    Flat,
    Gaussian,
    Laplace,
    Model,
    Normal,
    Poisson,
    bind,
    convert,
    targets,
    to_penalty,
    to_prior,
)
from bayesreg.errors import (
    ConversionError,
    DataTypeError,
    ModelError,
    ModelTypeError,
    NoEquivalentError,
)

SIGMA = 1.5
GAUSSIAN = Gaussian(sigma=SIGMA)
LIKELIHOODS = {"Gaussian": GAUSSIAN, "Bernoulli": Bernoulli(), "Poisson": Poisson()}
PENALTIES = {"L1": Laplace(0.3), "L2": Normal(0.5), "elastic net": ElasticNet(0.3, 0.6)}
NAMES = [target.name for target in targets()]

#: Every (target, likelihood, penalty) that targets() claims, and no penalty for each.
CLAIMS = [
    pytest.param(target.name, LIKELIHOODS[kind], prior, id=f"{target.name}-{kind}-{penalty}")
    for target in targets()
    for kind in target.likelihoods
    for penalty, prior in [*((p, PENALTIES[p]) for p in target.penalties), ("flat", Flat())]
]
WEIGHTS = pytest.mark.parametrize("weights", [False, True], ids=["unweighted", "weighted"])


def stationarity(model, data, coef, intercept):
    """Subgradient distance of our posterior, relative to the sizes that cancel in it."""
    problem = bind(model, data)
    v = problem.extended(np.ravel(coef), float(np.ravel(intercept)[0]))
    rows = problem.gradient_rows(problem.linear_predictor(v))
    distance = problem.penalty.subgradient_distance(v, problem.transposed_product(rows))
    size = np.abs(problem.X).T @ np.abs(rows)
    size = np.append(size, np.sum(np.abs(rows))) if problem.has_intercept else size
    return float(np.max(distance / size))


def fitted(estimator, data):
    """The estimator fitted; not reaching its own tolerance is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        if data.weights is None:
            return estimator.fit(data.X, data.y)
        return estimator.fit(data.X, data.y, sample_weight=data.weights)


def assert_same_model(left, right):
    """Equal in everything but the rounding of the scales."""
    assert type(left.likelihood) is type(right.likelihood)
    assert left.likelihood.noise == right.likelihood.noise
    for a, b in [(left.prior, right.prior), (left.intercept, right.intercept)]:
        assert type(a) is type(b)
        for name in vars(a) if a is not None else ():
            assert getattr(a, name) == pytest.approx(getattr(b, name), rel=1e-13)


# ---- scikit-learn fitted for real -------------------------------------------------------------

_EN = ElasticNet(0.3, 0.6)
TWINS = [
    pytest.param("sklearn.Lasso", Model(GAUSSIAN, Laplace(0.3)), id="lasso"),
    pytest.param("sklearn.Lasso", Model(GAUSSIAN, Laplace(0.3), None), id="lasso-through-0"),
    pytest.param(
        "sklearn.Lasso", Model(GAUSSIAN, Laplace(0.2, relative_to_noise=True)), id="lasso-relative"
    ),
    pytest.param("sklearn.Ridge", Model(GAUSSIAN, Normal(0.5)), id="ridge"),
    pytest.param("sklearn.Ridge", Model(GAUSSIAN, Normal(0.5), None), id="ridge-through-0"),
    pytest.param("sklearn.Ridge", Model(GAUSSIAN, Flat()), id="ridge-flat"),
    pytest.param("sklearn.ElasticNet", Model(GAUSSIAN, _EN), id="elastic-net"),
    pytest.param("sklearn.ElasticNet", Model(GAUSSIAN, Laplace(0.3)), id="elastic-net-l1"),
    pytest.param("sklearn.LogisticRegression", Model(Bernoulli(), Laplace(0.3)), id="logit-l1"),
    pytest.param("sklearn.LogisticRegression", Model(Bernoulli(), Normal(0.5)), id="logit-l2"),
    pytest.param("sklearn.LogisticRegression", Model(Bernoulli(), _EN), id="logit-elastic-net"),
    pytest.param("sklearn.LogisticRegression", Model(Bernoulli(), Flat()), id="logit-flat"),
    pytest.param(
        "sklearn.LogisticRegression", Model(Bernoulli(), Laplace(0.3), None), id="logit-l1-no-a"
    ),
    pytest.param(
        "sklearn.LogisticRegression", Model(Bernoulli(), Normal(0.5), None), id="logit-l2-no-a"
    ),
    pytest.param(
        "sklearn.LogisticRegression",
        Model(Bernoulli(), Normal(0.5), Normal(1.75)),
        id="liblinear-l2",
    ),
    pytest.param(
        "sklearn.LogisticRegression",
        Model(Bernoulli(), Laplace(0.3), Laplace(0.12)),
        id="liblinear-l1",
    ),
    pytest.param("sklearn.PoissonRegressor", Model(Poisson(), Normal(0.5)), id="poisson"),
    pytest.param("sklearn.PoissonRegressor", Model(Poisson(), Normal(0.5), None), id="poisson-0"),
]


@WEIGHTS
@pytest.mark.parametrize(("target", "model"), TWINS)
def test_the_library_ends_at_our_mode(target, model, weights):
    data = make_data(model.likelihood, weights=weights)
    twin = to_penalty(model, target, data)
    estimator = fitted(twin.build(), data)
    # liblinear's primal trust-region solver ends at 3e-8 whatever its tol; its dual goes on.
    primal = twin.parameters.get("solver") == "liblinear" and "intercept_scaling" in twin.parameters
    distance = stationarity(model, data, estimator.coef_, estimator.intercept_)
    assert distance < (1e-7 if primal and isinstance(model.prior, Normal) else 1e-8)


@WEIGHTS
def test_liblinears_dual_solver_ends_at_our_mode(weights):
    data = make_data(Bernoulli(), weights=weights)
    model = Model(Bernoulli(), Normal(0.5), Normal(1.75))
    estimator = to_penalty(model, "sklearn.LogisticRegression").build().set_params(dual=True)
    estimator = fitted(estimator, data)
    assert stationarity(model, data, estimator.coef_, estimator.intercept_) < 1e-9


@WEIGHTS
@pytest.mark.parametrize(("target", "model"), TWINS)
def test_the_printed_code_runs_and_gives_the_same(target, model, weights):
    data = make_data(model.likelihood, weights=weights)
    twin = to_penalty(model, target, data)
    space = {"X": data.X, "y": data.y, "sample_weight": data.weights}
    exec(twin.code, space)
    np.testing.assert_array_equal(space["estimator"].coef_, fitted(twin.build(), data).coef_)


ESTIMATORS = [
    pytest.param(Lasso(alpha=0.2, tol=1e-12), GAUSSIAN, id="lasso"),
    pytest.param(Ridge(alpha=7.0, fit_intercept=False), GAUSSIAN, id="ridge"),
    pytest.param(SkElasticNet(alpha=0.3, l1_ratio=0.2, tol=1e-12), GAUSSIAN, id="elastic-net"),
    pytest.param(
        LogisticRegression(C=0.4, solver="newton-cholesky", tol=1e-10), Bernoulli(), id="logit-l2"
    ),
    pytest.param(
        LogisticRegression(C=0.4, l1_ratio=1, solver="saga", tol=1e-10, max_iter=10**6),
        Bernoulli(),
        id="logit-l1",
    ),
    pytest.param(
        LogisticRegression(
            C=0.4, solver="liblinear", dual=True, intercept_scaling=3.0, tol=1e-10, max_iter=10**5
        ),
        Bernoulli(),
        id="liblinear-l2",
    ),
    pytest.param(
        LogisticRegression(
            C=0.4, l1_ratio=1, solver="liblinear", intercept_scaling=3.0, tol=1e-10, max_iter=10**5
        ),
        Bernoulli(),
        id="liblinear-l1",
    ),
    pytest.param(
        PoissonRegressor(alpha=0.3, solver="newton-cholesky", tol=1e-10), Poisson(), id="poisson"
    ),
]


@WEIGHTS
@pytest.mark.parametrize(("estimator", "likelihood"), ESTIMATORS)
def test_a_fitted_estimator_is_the_mode_of_its_prior(estimator, likelihood, weights):
    data = make_data(likelihood, weights=weights, seed=1)
    estimator = fitted(estimator, data)
    model = to_prior(estimator, data, sigma=SIGMA if likelihood is GAUSSIAN else None)
    assert stationarity(model, data, estimator.coef_, estimator.intercept_) < 1e-8
    assert np.count_nonzero(estimator.coef_) >= 2  # an all-zero fit would prove little


def test_another_prior_is_told_apart():
    """The measure of the tests above is not blind: 1% in the scale is seen."""
    data = make_data(GAUSSIAN)
    model = Model(GAUSSIAN, Laplace(0.3))
    estimator = fitted(to_penalty(model, "sklearn.Lasso", data).build(), data)
    other = Model(GAUSSIAN, Laplace(0.303))
    assert stationarity(other, data, estimator.coef_, estimator.intercept_) > 1e-5


FORMER = [
    ({"penalty": "l1", "solver": "liblinear"}, Laplace(0.4), Laplace(0.4)),
    ({"penalty": "l2", "solver": "liblinear"}, Normal(0.4**0.5), Normal(0.4**0.5)),
    ({"penalty": "l2"}, Normal(0.4**0.5), Flat()),
    ({"penalty": "elasticnet", "solver": "saga", "l1_ratio": 0.25},
     ElasticNet(1.6, (0.4 / 0.75) ** 0.5), Flat()),
    ({"penalty": None}, Flat(), Flat()),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "prior", "intercept"), FORMER)
def test_the_former_penalty_argument_is_read(arguments, prior, intercept):
    model = to_prior(LogisticRegression(C=0.4, **arguments))
    assert_same_model(model, Model(Bernoulli(), prior, intercept))


def test_the_former_penalty_argument_means_what_scikit_learn_fits():
    data = make_data(Bernoulli())
    estimator = LogisticRegression(
        penalty="l1", C=0.4, solver="liblinear", tol=1e-10, max_iter=10**5
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # FutureWarning, and "Inconsistent values"
        estimator.fit(data.X, data.y)
    model = to_prior(estimator, data)
    assert stationarity(model, data, estimator.coef_, estimator.intercept_) < 1e-8


# ---- the objectives, as identities ------------------------------------------------------------


def _library_objective(target, parameters, coef, intercept, data):
    """scikit-learn's objectives, written a second time from its documentation."""
    s = np.ones(data.y.size) if data.weights is None else data.weights
    eta = data.X @ coef + intercept
    rss = np.sum(s * (data.y - eta) ** 2)
    l1, l2 = np.sum(np.abs(coef)), np.sum(coef**2)
    strength = parameters.get("alpha")
    if target == "sklearn.Ridge":
        return rss + strength * l2
    if target == "sklearn.Lasso":
        return rss / (2 * s.sum()) + strength * l1
    r = parameters.get("l1_ratio")
    if target == "sklearn.ElasticNet":
        return rss / (2 * s.sum()) + strength * r * l1 + 0.5 * strength * (1 - r) * l2
    if target == "sklearn.PoissonRegressor":
        return np.average(np.exp(eta) - data.y * eta, weights=s) + 0.5 * strength * l2
    sign = 2 * data.y - 1
    penalty = r * l1 + 0.5 * (1 - r) * l2
    if parameters["C"] == np.inf:
        return np.sum(s * np.log1p(np.exp(-sign * eta)))
    return parameters["C"] * np.sum(s * np.log1p(np.exp(-sign * eta))) + penalty


def _points(data, size=8):
    rng = np.random.default_rng(4)
    return [(rng.normal(0, 0.2, data.p), rng.normal()) for _ in range(size)]


def assert_same_up_to_affine(values, ours):
    """values = c ours + const with one c > 0."""
    slopes = np.diff(values) / np.diff(ours)
    assert slopes[0] > 0
    np.testing.assert_allclose(slopes, slopes[0], rtol=1e-9)


@WEIGHTS
@pytest.mark.parametrize(
    ("target", "likelihood", "prior"),
    [c for c in CLAIMS if c.values[0].startswith(("sklearn.", "textbook."))],
)
def test_the_objective_is_our_density(target, likelihood, prior, weights):
    data = make_data(likelihood, weights=weights)
    model = Model(likelihood, prior)
    twin = to_penalty(model, target, data)
    if target.startswith("sklearn."):
        values = [_library_objective(target, twin.parameters, *at, data) for at in _points(data)]
    else:
        values = [twin.build()(*at, data.X, data.y, data.weights) for at in _points(data)]
    assert_same_up_to_affine(values, [-model.log_density(data, *at) for at in _points(data)])


@WEIGHTS
@pytest.mark.parametrize(
    ("target", "likelihood", "prior"), [c for c in CLAIMS if c.values[0].startswith("textbook.")]
)
def test_the_printed_objective_is_the_built_one(target, likelihood, prior, weights):
    data = make_data(likelihood, weights=weights)
    twin = to_penalty(Model(likelihood, prior), target, data)
    space = {"X": data.X, "y": data.y, "sample_weight": data.weights}
    exec(twin.code, space)
    extra = () if data.weights is None else (data.weights,)
    printed = [space["objective"](*at, data.X, data.y, *extra) for at in _points(data)]
    built = [twin.build()(*at, data.X, data.y, *extra) for at in _points(data)]
    np.testing.assert_allclose(printed, built, rtol=1e-12)
    assert np.isfinite(space["value"])


def test_an_objective_that_is_not_ours_is_told_apart():
    data = make_data(GAUSSIAN)
    twin = to_penalty(Model(GAUSSIAN, Laplace(0.3)), "textbook.rss_lasso", data).build()
    other = Model(GAUSSIAN, Laplace(0.301))
    values = [twin(*at, data.X, data.y) for at in _points(data)]
    with pytest.raises(AssertionError):
        assert_same_up_to_affine(values, [-other.log_density(data, *at) for at in _points(data)])


# ---- there and back ---------------------------------------------------------------------------


@WEIGHTS
@pytest.mark.parametrize("intercept", [Flat(), None], ids=["flat", "none"])
@pytest.mark.parametrize(("target", "likelihood", "prior"), CLAIMS)
def test_round_trip(target, likelihood, prior, intercept, weights):
    data = make_data(likelihood, weights=weights)
    model = model_for(target, likelihood, prior, data, intercept)
    if not (takes(target, data) and (intercept is None or TARGETS[target].fits_intercept)):
        with pytest.raises(NoEquivalentError, match="takes no weights|fits no intercept"):
            to_penalty(model, target, data)
        return
    twin = to_penalty(model, target, data)
    back = to_prior(twin.target, twin.parameters, data, likelihood=likelihood)
    if target in ("textbook.park_casella", "textbook.conjugate_ridge") and prior != Flat():
        model = Model(likelihood, type(prior)(prior.scale / SIGMA, relative_to_noise=True))
        model = Model(likelihood, model.prior, intercept)
    assert_same_model(back, model)


@pytest.mark.parametrize("prior", [Laplace(0.3), Normal(0.5)])
@pytest.mark.parametrize("scaling", [0.25, 1.0, 30.0])
def test_round_trip_of_liblinears_intercept(prior, scaling):
    model = Model(Bernoulli(), prior, type(prior)(prior.scale * scaling))
    twin = to_penalty(model, "sklearn.LogisticRegression")
    assert twin.parameters["solver"] == "liblinear"
    assert twin.parameters["intercept_scaling"] == pytest.approx(scaling)
    assert_same_model(to_prior(twin.target, twin.parameters), model)


@pytest.mark.parametrize(
    ("target", "scale"), [("textbook.park_casella", Laplace), ("textbook.conjugate_ridge", Normal)]
)
def test_priors_relative_to_the_noise_come_back_as_such(target, scale):
    model = Model(GAUSSIAN, scale(0.4, relative_to_noise=True))
    twin = to_penalty(model, target)
    assert_same_model(to_prior(target, twin.parameters, sigma=SIGMA), model)


def test_the_relative_forms_have_the_papers_parameter():
    relative = Model(GAUSSIAN, Laplace(0.4, relative_to_noise=True))
    assert to_penalty(relative, "textbook.park_casella").parameters["lam"] == pytest.approx(1 / 0.4)
    conjugate = Model(GAUSSIAN, Normal(0.4, relative_to_noise=True))
    for sigma in (0.1, SIGMA, 80.0):
        model = Model(Gaussian(sigma), conjugate.prior)
        for target, name in [("textbook.conjugate_ridge", "lam"), ("sklearn.Ridge", "alpha")]:
            assert to_penalty(model, target).parameters[name] == pytest.approx(1 / 0.4**2)


KNOWN = [
    ("textbook.nll_l1", {"lam": 4.0}, Laplace(0.25)),
    ("textbook.nll_l2", {"lam": 8.0}, Normal(0.25)),
    ("textbook.rss_ridge", {"lam": 4.0}, Normal(1.0)),
    ("textbook.rss_lasso", {"lam": 4.0}, Laplace(2.0)),
    ("textbook.rss_elastic_net", {"lam1": 4.0, "lam2": 4.0}, ElasticNet(2.0, 1.0)),
    ("textbook.half_rss_lasso", {"lam": 4.0}, Laplace(1.0)),
    ("textbook.bishop_ridge", {"lam": 4.0}, Normal(1.0)),
    ("textbook.bishop_lasso", {"lam": 4.0}, Laplace(2.0)),
    ("textbook.ng_ridge", {"lam": 4.0}, Normal(1.0)),
    ("textbook.ng_lasso", {"lam": 4.0}, Laplace(1.0)),
    ("textbook.mse_ridge", {"lam": 4.0}, Normal(0.1)),
    ("textbook.mse_lasso", {"lam": 4.0}, Laplace(0.02)),
    ("textbook.park_casella", {"lam": 4.0}, Laplace(0.25, relative_to_noise=True)),
    ("textbook.conjugate_ridge", {"lam": 4.0}, Normal(0.5, relative_to_noise=True)),
    ("sklearn.Lasso", {"alpha": 0.02}, Laplace(2.0)),
    ("sklearn.Ridge", {"alpha": 4.0}, Normal(1.0)),
    ("sklearn.ElasticNet", {"alpha": 0.08, "l1_ratio": 0.5}, ElasticNet(1.0, 1.0)),
]


@pytest.mark.parametrize(("target", "parameters", "prior"), KNOWN)
def test_numbers_worked_by_hand(target, parameters, prior):
    """sigma = 2 and n = 100 rows."""
    back = to_prior(target, parameters, n=100, sigma=2.0, likelihood="Gaussian")
    assert_same_model(back, Model(Gaussian(2.0), prior))


def test_numbers_worked_by_hand_without_noise():
    def prior_of(target, **parameters):
        return to_prior(target, parameters, n=100).prior

    assert prior_of("textbook.ng_logistic_l2", lam=4.0) == Normal(0.5)
    assert prior_of("textbook.ng_logistic_l1", lam=4.0) == Laplace(0.25)
    assert prior_of("sklearn.LogisticRegression", C=4.0) == Normal(2.0)
    assert prior_of("sklearn.PoissonRegressor", alpha=0.04) == Normal(0.5)


def test_defaults_are_the_librarys():
    assert_same_model(
        to_prior("sklearn.Lasso", {}, n=10, sigma=1), Model(Gaussian(1), Laplace(0.1))
    )
    assert to_prior("sklearn.LogisticRegression", {}).prior == Normal(1.0)
    for estimator in (Lasso(), Ridge(), SkElasticNet(), LogisticRegression(), PoissonRegressor()):
        convention = next(t for t in targets() if t.name == f"sklearn.{type(estimator).__name__}")
        actual = estimator.get_params()
        assert set(actual) == {*convention.defaults, *convention.irrelevant}
        assert {name: actual[name] for name in convention.defaults} == dict(convention.defaults)


def test_no_penalty_is_flat():
    for name in ("Lasso", "Ridge", "ElasticNet"):
        model = to_prior(f"sklearn.{name}", {"alpha": 0}, n=10, sigma=1.0)
        assert model == Model(Gaussian(1.0), Flat())
    assert to_prior(LogisticRegression(C=np.inf)) == Model(Bernoulli(), Flat())
    assert "LinearRegression" in str(to_penalty(Model(GAUSSIAN, Flat()), "sklearn.Lasso", n=10))


# ---- n, N and weights -------------------------------------------------------------------------


def test_n_total_weight_and_data_say_the_same():
    data = make_data(GAUSSIAN, weights=True)
    model = Model(GAUSSIAN, Laplace(0.3))

    def alpha(*args, **kwargs):
        return to_penalty(model, "sklearn.Lasso", *args, **kwargs).parameters["alpha"]

    assert alpha(data) == alpha(total_weight=data.weights.sum())
    assert alpha(Data(data.X, data.y)) == alpha(n=60) == pytest.approx(SIGMA**2 / (60 * 0.3))


def test_rows_of_weight_zero_do_not_count():
    data = make_data(GAUSSIAN, weights=True)
    used = data.weights > 0
    rest = Data(data.X[used], data.y[used], weights=data.weights[used])
    model = Model(GAUSSIAN, Laplace(0.3))
    for target in ("sklearn.Lasso", "textbook.mse_lasso"):
        twin = to_penalty(model, target, data)
        assert twin.parameters == pytest.approx(to_penalty(model, target, rest).parameters)


# ---- library to library -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "parameters", "to", "expected"),
    [
        ("sklearn.Lasso", {"alpha": 0.1}, "sklearn.ElasticNet", {"alpha": 0.1, "l1_ratio": 1.0}),
        ("sklearn.Lasso", {"alpha": 0.1}, "textbook.mse_lasso", {"lam": 0.2}),
        ("sklearn.Ridge", {"alpha": 3.0}, "textbook.bishop_ridge", {"lam": 3.0}),
        ("sklearn.Ridge", {"alpha": 3.0}, "textbook.ng_ridge", {"lam": 3.0}),
        ("textbook.conjugate_ridge", {"lam": 3.0}, "sklearn.Ridge", {"alpha": 3.0}),
        ("textbook.ng_logistic_l2", {"lam": 4.0}, "sklearn.LogisticRegression", {"C": 0.25}),
        ("textbook.nll_l2", {"lam": 2.0}, "textbook.ng_logistic_l2", {"lam": 4.0}),
    ],
)
def test_convert_asks_for_nothing_that_cancels(source, parameters, to, expected):
    found = convert(source, parameters, to=to).parameters
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_convert_needs_n_but_no_sigma_between_sums_and_means():
    twin = convert("sklearn.Lasso", {"alpha": 0.1}, to="textbook.rss_lasso", n=60)
    assert twin.parameters == {"lam": pytest.approx(2 * 60 * 0.1)}
    with pytest.raises(ConversionError, match=r"needs n, which was not given.*Pass data, or n="):
        convert("sklearn.Lasso", {"alpha": 0.1}, to="textbook.rss_lasso")
    with pytest.raises(ConversionError, match="needs n, which was not given"):
        convert("sklearn.Lasso", {"alpha": 0.1}, to="textbook.rss_lasso", sigma=2.0)


def test_convert_asks_for_sigma_where_it_matters():
    for to in ("textbook.nll_l1", "textbook.park_casella"):
        with pytest.raises(ConversionError, match=r"needs sigma.*fix only sigma\^2 / b"):
            convert("sklearn.Lasso", {"alpha": 0.1}, to=to, n=60)
    twin = convert("sklearn.Lasso", {"alpha": 0.1}, to="textbook.nll_l1", n=60, sigma=2.0)
    assert twin.parameters == {"lam": pytest.approx(60 * 0.1 / 4)}
    twin = convert("sklearn.Lasso", {"alpha": 0.1}, to="textbook.park_casella", n=60, sigma=2.0)
    assert twin.parameters == {"lam": pytest.approx(60 * 0.1 / 2)}


SAME = [(a.name, b.name) for a, b in itertools.product(targets(), repeat=2) if a is not b]


@pytest.mark.parametrize(("source", "to"), SAME)
def test_convert_is_to_prior_then_to_penalty(source, to):
    """2N formulas: every pair that both can express goes by way of the same prior."""
    first, second = TARGETS[source], TARGETS[to]
    common = [kind for kind in first.likelihoods if kind in second.likelihoods]
    shared = [p for p in first.penalties if p in second.penalties]
    intercept = Flat() if first.fits_intercept and second.fits_intercept else None
    if not common or not shared:
        likelihood, prior = LIKELIHOODS[first.likelihoods[0]], PENALTIES[first.penalties[-1]]
        data = make_data(likelihood)
        given = to_penalty(model_for(source, likelihood, prior, data), source, data)
        with pytest.raises(NoEquivalentError, match=to):
            convert(source, given.parameters, to=to, data=data, likelihood=likelihood)
        return
    for kind, penalty in itertools.product(common, shared):
        likelihood, data = LIKELIHOODS[kind], make_data(LIKELIHOODS[kind])
        strict = to if to in STANDARDISING else source
        model = model_for(strict, likelihood, PENALTIES[penalty], data, intercept)
        if source in STANDARDISING and to in STANDARDISING:  # each has its own scale of columns
            with pytest.raises(NoEquivalentError):
                convert(source, to_penalty(model_for(source, likelihood, PENALTIES[penalty], data,
                        intercept), source, data).parameters, to=to, data=data,
                        likelihood=likelihood)  # fmt: skip
            return
        twin = to_penalty(model, source, data)
        given = twin.parameters
        if twin.column_factors is not None:  # the parameters are those of the rescaled columns
            data = dataclasses.replace(data, X=data.X * twin.column_factors)
        direct = convert(source, given, to=to, data=data, likelihood=likelihood).parameters
        by_way_of = to_penalty(
            to_prior(source, given, data, likelihood=likelihood), to, data
        ).parameters
        assert_same_parameters(direct, by_way_of)


def assert_same_parameters(one, other):
    """Words the same, numbers to twelve digits."""
    assert list(one) == list(other)
    for name, value in one.items():
        if isinstance(value, str | bool | dict | None):
            assert value == other[name]
        else:
            np.testing.assert_allclose(value, other[name], rtol=1e-12)


def test_convert_takes_an_estimator():
    data = make_data(GAUSSIAN)
    twin = convert(Lasso(alpha=0.1), data, to="textbook.rss_lasso")
    assert twin.parameters == {"lam": pytest.approx(12.0)}
    assert twin == convert(Lasso(alpha=0.1), to="textbook.rss_lasso", data=data)


def test_convert_carries_the_missing_intercept():
    assert convert(Lasso(fit_intercept=False), to="sklearn.ElasticNet").parameters == {
        "alpha": 1.0, "l1_ratio": 1.0, "fit_intercept": False,
    }  # fmt: skip


# ---- no equivalent ----------------------------------------------------------------------------

_LOGIT = "sklearn.LogisticRegression"
REFUSED = [
    ("sklearn.Ridge", Model(GAUSSIAN, Laplace(1)), {}, "no room for a Laplace.*sklearn.Lasso"),
    ("sklearn.Lasso", Model(GAUSSIAN, Normal(1)), {}, "no room for a Normal.*sklearn.Ridge"),
    ("sklearn.Lasso", Model(GAUSSIAN, ElasticNet(1, 1)), {}, "Nearest: .*sklearn.ElasticNet"),
    ("sklearn.PoissonRegressor", Model(Poisson(), Laplace(1)), {}, "Nearest: .*textbook.nll_l1"),
    ("sklearn.Lasso", Model(Poisson(), Normal(1)), {}, "Gaussian.*sklearn.PoissonRegressor"),
    ("sklearn.Lasso", Model(GAUSSIAN, Laplace(1, loc=0.5)), {}, "loc m = 0.5.*y - X m"),
    (_LOGIT, Model(Bernoulli(), Normal(1, loc=0.5)), {}, "loc m = 0.5.*offset"),
    ("sklearn.ElasticNet", Model(GAUSSIAN, ElasticNet([1.0, 2.0], 1.0)), {}, "one strength"),
    ("sklearn.Lasso", Model(GAUSSIAN, Laplace([1.0, np.inf])), {}, "one strength"),
    ("sklearn.Ridge", Model(GAUSSIAN, Normal(1), Normal(2)), {}, "intercept unpenalised"),
    ("textbook.nll_l2", Model(Bernoulli(), Normal(1), Normal(2)), {}, "intercept unpenalised"),
    (_LOGIT, Model(Bernoulli(), Normal(1), Laplace(2)), {}, "coefficients are L2.*intercept is L1"),
    (_LOGIT, Model(Bernoulli(), ElasticNet(1, 1), ElasticNet(1, 1)), {}, "only liblinear"),
    (_LOGIT, Model(Bernoulli(), Flat(), Normal(1)), {}, "only liblinear penalises"),
    (_LOGIT, Model(Bernoulli(), Normal(1), Normal(2, loc=1)), {}, "liblinear.*loc=1"),
    (_LOGIT, Model(Bernoulli(), Normal(1)), {"solver": "liblinear"}, r"flat.*Normal\(scale=s"),
    (_LOGIT, Model(Bernoulli(), Normal(1), Normal(1)), {"solver": "lbfgs"}, "only liblinear"),
    (_LOGIT, Model(Bernoulli(), Laplace(1)), {"solver": "lbfgs"}, "penalty L1.*solver='saga'"),
    (_LOGIT, Model(Bernoulli(), ElasticNet(1, 1)), {"solver": "liblinear"}, "solver='saga'"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "model", "options", "reason"), REFUSED)
def test_refused_with_the_reason_and_what_is_nearest(target, model, options, reason):
    with pytest.raises(NoEquivalentError, match=f"(?s){reason}") as caught:
        to_penalty(model, target, n=60, **options)
    assert "Nearest" in str(caught.value)


_SCALES = np.geomspace(0.1, 0.5, 7)
RESCALED = [
    ("sklearn.Lasso", Model(GAUSSIAN, Laplace(_SCALES))),
    ("sklearn.Ridge", Model(GAUSSIAN, Normal(_SCALES), None)),
    ("sklearn.ElasticNet", Model(GAUSSIAN, ElasticNet(_SCALES, 2 * _SCALES))),
    ("sklearn.Lasso", Model(GAUSSIAN, Laplace(0.3), standardize=True)),
    ("sklearn.Lasso", Model(GAUSSIAN, {"x0": Laplace(0.1), "*[1-6]": Laplace(0.3)})),
    ("sklearn.PoissonRegressor", Model(Poisson(), Normal(_SCALES))),
    ("sklearn.LogisticRegression", Model(Bernoulli(), Laplace(_SCALES), None)),
    ("sklearn.LogisticRegression", Model(Bernoulli(), Normal(_SCALES))),
]


@WEIGHTS
@pytest.mark.parametrize(("target", "model"), RESCALED)
def test_scales_of_their_own_by_rescaled_columns(target, model, weights):
    data = make_data(model.likelihood, weights=weights)
    twin = to_penalty(model, target, data)
    scaled = dataclasses.replace(data, X=data.X * twin.column_factors)
    estimator = fitted(twin.build(), scaled)
    coef = np.ravel(estimator.coef_) * twin.column_factors
    assert stationarity(model, data, coef, estimator.intercept_) < 1e-8
    program = {"X": data.X, "y": data.y, "sample_weight": data.weights}
    exec(twin.code, program)
    np.testing.assert_array_equal(program["coef"], coef)
    assert any("column_factors" in note for note in twin.notes)


def test_standardize_needs_the_columns():
    with pytest.raises(ConversionError, match=r"standardize=True.*pass data"):
        to_penalty(Model(GAUSSIAN, Laplace(1), standardize=True), "sklearn.Lasso", n=60)


def test_constant_columns_under_standardize_are_refused():
    data = make_data(GAUSSIAN)
    constant = dataclasses.replace(data, X=np.column_stack([data.X[:, :6], np.ones(data.n)]))
    with pytest.raises(NoEquivalentError, match=r"column 6 is constant.*leave the column out"):
        to_penalty(Model(GAUSSIAN, Laplace(1), standardize=True), "sklearn.Lasso", constant)


@pytest.mark.parametrize("likelihood", [GAUSSIAN, Poisson()])
def test_an_offset_is_refused(likelihood):
    data = make_data(likelihood, offset=True)
    nearest = "y - offset" if likelihood is GAUSSIAN else "find_map"
    for target in ("textbook.nll_l2", *(("sklearn.Ridge",) if likelihood is GAUSSIAN else ())):
        with pytest.raises(NoEquivalentError, match=nearest):
            to_penalty(Model(likelihood, Normal(1)), target, data)
        with pytest.raises(NoEquivalentError, match=nearest):
            to_prior(target, {}, data, likelihood=likelihood)


def test_priors_by_column_name():
    data = make_data(GAUSSIAN)
    uniform = Model(GAUSSIAN, {"x[0-3]": Laplace(0.3), "x[4-6]": Laplace(0.3)})
    plain = to_penalty(Model(GAUSSIAN, Laplace(0.3)), "sklearn.Lasso", data)
    assert to_penalty(uniform, "sklearn.Lasso", data) == plain
    with pytest.raises(ConversionError, match=r"names columns.*pass data"):
        to_penalty(uniform, "sklearn.Lasso", n=60)
    mixed = Model(GAUSSIAN, {"x0": Laplace(0.1), "*[1-6]": Flat()})
    with pytest.raises(NoEquivalentError, match="one strength"):
        to_penalty(mixed, "sklearn.Lasso", data)


class HalfLaplace(Laplace):
    """A user's own prior, cut off at 0."""

    def penalty(self, size, noise=1.0):
        return dataclasses.replace(super().penalty(size, noise), lower=np.zeros(size))


def test_bounds_are_refused():
    with pytest.raises(NoEquivalentError, match=r"has no bounds.*find_map"):
        to_penalty(Model(GAUSSIAN, HalfLaplace(1.0)), "sklearn.Lasso", n=60)


def test_equal_scales_are_one_scale():
    model = Model(GAUSSIAN, Laplace([0.3] * 7))
    assert to_penalty(model, "sklearn.Lasso", n=60) == to_penalty(
        Model(GAUSSIAN, Laplace(0.3)), "sklearn.Lasso", n=60
    )


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (Lasso(positive=True), "positive=True has no equivalent"),
        (Ridge(positive=True), "positive=True has no equivalent"),
        (LogisticRegression(class_weight="balanced"), "class_weight.*Data"),
    ],
)
def test_estimators_without_a_model_here(estimator, reason):
    with pytest.raises(NoEquivalentError, match=f"(?s){reason}"):
        to_prior(estimator, n=60, sigma=None if "Logistic" in str(estimator) else 1.0)


def test_several_classes_or_targets_are_refused():
    data = make_data(GAUSSIAN)
    three = np.digitize(data.y, np.quantile(data.y, [0.3, 0.6]))
    with pytest.raises(NoEquivalentError, match="3 classes"):
        to_prior(LogisticRegression(max_iter=10_000).fit(data.X, three))
    two = np.column_stack([data.y, data.y])
    with pytest.raises(NoEquivalentError, match="2 targets"):
        to_prior(Ridge().fit(data.X, two), sigma=1.0)


# ---- missing, unknown and impossible ----------------------------------------------------------


def test_sigma_is_asked_for_with_the_reason():
    data = make_data(GAUSSIAN)
    for source, parameters, fixes in [
        ("sklearn.Lasso", {"alpha": 0.1}, r"sigma\^2 / b"),
        ("sklearn.Ridge", {"alpha": 0.1}, "sigma / tau"),
        ("textbook.park_casella", {"lam": 0.1}, "b / sigma"),
    ]:
        with pytest.raises(ConversionError, match=f"needs sigma.*fix only {fixes}.*sigma=") as e:
            to_prior(source, parameters, data)
        assert not isinstance(e.value, NoEquivalentError)
    with pytest.raises(ConversionError, match="needs sigma"):
        to_prior("textbook.nll_l1", {"lam": 0.1}, likelihood="Gaussian")


@pytest.mark.parametrize("target", ["sklearn.Lasso", "sklearn.ElasticNet", "textbook.mse_lasso"])
def test_n_is_asked_for_with_the_reason(target):
    model = Model(GAUSSIAN, Laplace(0.3))
    with pytest.raises(ConversionError, match=r"needs n, .*formula is .*\bN\b.*Pass data, or n="):
        to_penalty(model, target)
    twin = to_penalty(model, target, n=60)
    with pytest.raises(ConversionError, match="needs n, which was not given"):
        to_prior(target, twin.parameters, sigma=SIGMA)


def test_n_is_not_asked_for_where_it_plays_no_part():
    assert to_penalty(Model(GAUSSIAN, Normal(0.5)), "sklearn.Ridge").parameters == {
        "alpha": pytest.approx(SIGMA**2 / 0.25)
    }
    assert to_penalty(Model(Bernoulli(), Normal(0.5)), _LOGIT).parameters["C"] == 0.25


MODEL = Model(GAUSSIAN, Laplace(0.3))
WRONG = [
    (lambda: to_penalty(MODEL, "sklearn.lasso", n=6), "Did you mean 'sklearn.Lasso'"),
    (lambda: to_penalty(MODEL, "Lasso", n=6), "unknown.*sklearn.Lasso"),
    (lambda: to_penalty(MODEL, Lasso, n=6), "must be the name of a convention"),
    (lambda: to_penalty(MODEL, "sklearn.Lasso", n=6, solver="saga"), "no option 'solver'.*none"),
    (lambda: to_penalty(Model(Bernoulli(), Normal(1)), _LOGIT, solvr="saga"), "'solver'"),
    (lambda: to_penalty(Model(Bernoulli(), Normal(1)), _LOGIT, solver="lbfg"), "'lbfgs'"),
    (lambda: to_penalty(MODEL, "sklearn.Lasso", make_data(GAUSSIAN), n=6), "the data say both"),
    (lambda: to_prior("sklearn.Lasso", {"alhpa": 1}, n=6, sigma=1), "Did you mean 'alpha'"),
    (lambda: to_prior("textbook.nll_l1", {"lambda": 1}, sigma=1), "'lam'"),
    (lambda: to_prior("textbook.nll_l1", {}, sigma=1), "needs 'lam'.*no default"),
    (lambda: to_prior("textbook.nll_l1", {"lam": 1}), "leaves the likelihood open.*likelihood="),
    (lambda: to_prior("textbook.nll_l1", {"lam": 1}, likelihood="Poison"), "'Poisson'"),
    (lambda: to_prior("sklearn.Lasso", n=6, sigma=1), r"parameters.*missing \(alpha"),
    (lambda: to_prior("sklearn.Lasso", {}, n=6, likelihood=Poisson()), "Gaussian data, not"),
    (lambda: to_prior(_LOGIT, {}, sigma=1.0), "has no sigma"),
    (lambda: to_prior("sklearn.Lasso", {}, n=6, sigma=1, likelihood=Gaussian(2)), "contradicts"),
    (lambda: to_prior("sklearn.Lasso", {"alpha": -1}, n=6, sigma=1), "not negative.*-1"),
    (lambda: to_prior("sklearn.Lasso", {"alpha": np.nan}, n=6, sigma=1), "nan"),
    (lambda: to_prior("sklearn.Lasso", {"alpha": True}, n=6, sigma=1), "number; got True"),
    (lambda: to_prior("sklearn.Lasso", {"alpha": "1"}, n=6, sigma=1), "number; got '1'"),
    (lambda: to_prior("sklearn.Ridge", {"alpha": [1, 2]}, sigma=1), "never one per feature"),
    (lambda: to_prior("sklearn.Ridge", {"fit_intercept": 0}, sigma=1), "True or False; got 0"),
    (lambda: to_prior("sklearn.ElasticNet", {"l1_ratio": 2}, n=6, sigma=1), "between 0 and 1"),
    (lambda: to_prior(_LOGIT, {"C": 0}), "C must be positive"),
    (lambda: to_prior(_LOGIT, {"penalty": "L1"}), "'elasticnet' or None; got 'L1'"),
    (lambda: to_prior(_LOGIT, {"penalty": "elasticnet", "l1_ratio": None}), "needs l1_ratio"),
    (lambda: to_prior(_LOGIT, {"l1_ratio": 1}), "'lbfgs' cannot do the penalty L1"),
    (lambda: to_prior(LassoCV(), n=6, sigma=1), "Did you mean.*'sklearn.Lasso'"),
    (lambda: to_prior(MultiTaskLasso(), n=6, sigma=1), "no convention.*MultiTaskLasso"),
    (lambda: to_prior(Lasso(), {"alpha": 1}, n=6, sigma=1), "given beside the estimator"),
    (lambda: to_prior("sklearn.Ridge", Lasso(), n=6, sigma=1), "sklearn.Lasso, not a sklearn.Rid"),
    (lambda: convert("sklearn.Lasso", {}, to="sklearn.Rigde"), "Did you mean 'sklearn.Ridge'"),
    (lambda: convert("sklearn.Laso", {}, to="sklearn.Ridge"), "Did you mean 'sklearn.Lasso'"),
    (lambda: convert("textbook.nll_l1", {"lam": 1}, to="textbook.nll_l2"), "likelihood open"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "reason"), WRONG)
def test_wrong_calls_are_named(call, reason):
    with pytest.raises(ConversionError, match=f"(?s){reason}"):
        call()


def test_wrong_kinds_are_named():
    with pytest.raises(ModelTypeError, match=r"model must be a bayesreg\.Model"):
        to_penalty(Laplace(1), "sklearn.Lasso", n=6)
    with pytest.raises(DataTypeError, match=r"Wrap it: Data\(X, y\)"):
        to_penalty(MODEL, "sklearn.Lasso", np.ones((3, 2)))
    with pytest.raises(DataTypeError, match=r"Wrap it: Data\(X, y\)"):
        to_prior(Lasso(), np.ones((3, 2)), sigma=1)
    with pytest.raises(ModelTypeError, match="likelihood must be"):
        to_prior("sklearn.Lasso", {}, n=6, likelihood=Gaussian)
    for bad in ({"sigma": 0.0, "n": 6}, {"sigma": 1.0, "n": -6}):
        with pytest.raises(ModelError, match="positive"):
            to_prior("sklearn.Lasso", {}, **bad)


# ---- as read by people ------------------------------------------------------------------------


@pytest.mark.parametrize(("target", "likelihood", "prior"), CLAIMS)
def test_a_twin_prints_what_it_is(target, likelihood, prior):
    data = make_data(likelihood)
    twin = to_penalty(model_for(target, likelihood, prior, data), target, data)
    text = str(twin)
    for part in (target, twin.objective, *twin.notes, *map(repr, twin.parameters.values())):
        assert part in text
    assert all(isinstance(note, str) and note for note in twin.notes)
    assert target in repr(twin)


def test_notes_on_relative_priors():
    relative = Model(GAUSSIAN, Laplace(0.2, relative_to_noise=True))
    assert "twin at sigma=1.5" in str(to_penalty(relative, "sklearn.Lasso", n=60))
    assert "twin at" not in str(to_penalty(relative, "textbook.park_casella"))


def test_the_table_of_targets():
    done = subprocess.run(
        [sys.executable, "-m", "bayesreg.conventions"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{targets()}\n"
    for target in targets():
        assert f"\n{target.name} " in done.stdout
        assert target.formula in done.stdout
    assert "sklearn.Lasso" in NAMES
    assert len(NAMES) == len(set(NAMES))


def test_converting_imports_no_library():
    program = (
        "import sys, bayesreg as br\n"
        "m = br.Model(br.Gaussian(2.0), br.Laplace(1.0))\n"
        "br.to_penalty(m, 'sklearn.Lasso', n=10).code\n"
        "br.convert('sklearn.Lasso', {}, to='textbook.mse_lasso')\n"
        "assert 'sklearn' not in sys.modules and 'scipy' not in sys.modules, sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


# --- the range of floats --------------------------------------------------------------------------

_LIBLINEAR = {"solver": "liblinear"}


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: to_prior("sklearn.Lasso", {"alpha": 10**400}, n=3, sigma=1.0), "too large for a"),
        (lambda: to_prior("sklearn.LogisticRegression", {"C": 10**400}), "C is too large"),
        (lambda: to_prior("sklearn.Ridge", {"alpha": 1.0}, sigma=1e300), "not representable"),
        (lambda: to_prior("sklearn.Ridge", {"alpha": 1.0}, sigma=1e-300), "not representable"),
        (
            lambda: to_prior(
                "sklearn.LogisticRegression", {"intercept_scaling": 1e-200, **_LIBLINEAR}
            ),
            "not representable",
        ),
        (lambda: to_prior("sklearn.LogisticRegression", {"C": 5e-324}), "not representable"),
        (lambda: to_prior("sklearn.Lasso", {"alpha": 5e-324}, n=3, sigma=1.0), "too small"),
        (lambda: to_prior("sklearn.Lasso", {"alpha": 1e-300}, n=3, sigma=1e100), "vanishes"),
        (
            lambda: to_penalty(Model(Gaussian(1e-90), Laplace(1e90)), "sklearn.Lasso", n=1e100),
            "lose the penalty",
        ),
        (
            lambda: to_penalty(Model(Gaussian(1e90), Laplace(1e-90)), "sklearn.Lasso", n=1e-100),
            "not representable .* got inf",
        ),
        (
            lambda: to_penalty(
                Model(Gaussian(1e90), Normal(1e90, relative_to_noise=True)), "sklearn.Ridge"
            ),
            "its penalty vanishes",
        ),
        (
            lambda: convert("sklearn.Lasso", {"alpha": 1e300}, to="textbook.rss_lasso", n=1e30),
            "not representable",
        ),
    ],
)
def test_what_floats_cannot_hold_is_refused(call, reason):
    with pytest.raises(ConversionError, match=reason):
        call()


@pytest.mark.parametrize("far", [1e-60, 1e60])
def test_far_from_1_is_still_converted(far):
    model = Model(Gaussian(far), Laplace(far))
    twin = to_penalty(model, "sklearn.Lasso", n=30)
    assert twin.parameters["alpha"] == pytest.approx(far / 30, rel=1e-12)
    back = to_prior("sklearn.Lasso", twin.parameters, n=30, sigma=far)
    assert back.prior.scale == pytest.approx(far, rel=1e-12)


def test_a_fitted_estimator_is_not_read_with_other_data():
    data = make_data(GAUSSIAN)
    fewer = Data(data.X[:, :3], data.y)
    estimator = Lasso(alpha=0.1).fit(data.X, data.y)
    assert to_prior(estimator, data, sigma=SIGMA) == to_prior(
        "sklearn.Lasso", {"alpha": 0.1}, data, sigma=SIGMA
    )
    for call in (
        lambda: to_prior(estimator, fewer, sigma=SIGMA),
        lambda: to_prior("sklearn.Lasso", estimator, fewer, sigma=SIGMA),
        lambda: convert(estimator, to="textbook.rss_lasso", data=fewer),
    ):
        with pytest.raises(ConversionError, match="was fitted to 7 columns and data have 3"):
            call()
