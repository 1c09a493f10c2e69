"""scikit-learn read: what was learned in a fit, losses with a prior alone, Pipelines, refusals."""

import dataclasses
import warnings

import numpy as np
import pytest
from claims import GAUSSIAN, SIGMA, assert_same_model
from helpers import make_class_data, make_data
from sklearn.linear_model import (
    ARDRegression,
    BayesianRidge,
    ElasticNetCV,
    HuberRegressor,
    Lasso,
    LassoCV,
    LassoLars,
    LassoLarsCV,
    LassoLarsIC,
    LogisticRegression,
    MultiTaskElasticNet,
    MultiTaskLasso,
    Ridge,
    RidgeClassifier,
    RidgeClassifierCV,
    RidgeCV,
    SGDClassifier,
    SGDRegressor,
    TweedieRegressor,
)
from sklearn.linear_model import ElasticNet as SkElasticNet
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVR, LinearSVC, LinearSVR

import bayesreg as br
from bayesreg import (
    Bernoulli,
    Data,
    Flat,
    Gaussian,
    GroupLaplace,
    Laplace,
    Model,
    Multinomial,
    Normal,
    certify,
    convert,
    explain,
    from_sklearn,
    to_penalty,
    to_prior,
)
from bayesreg.errors import ConversionError, NoEquivalentError

WEIGHTS = pytest.mark.parametrize("weights", [False, True], ids=["unweighted", "weighted"])


def fitted(estimator, data):
    if data.weights is None:
        return estimator.fit(data.X, data.y)
    return estimator.fit(data.X, data.y, sample_weight=data.weights)


def assert_same_prior(left, right):
    """Equal but for the rounding of the scale."""
    assert type(left) is type(right)
    assert left.scale == pytest.approx(right.scale, rel=1e-13)


def gap_of(model, data, estimator):
    return certify(model, data, estimator.coef_, estimator.intercept_).relative_gap


# ---- chosen by cross-validation ---------------------------------------------------------------

_GRID = np.geomspace(0.02, 2.0, 7)
CHOSEN = [
    pytest.param(LassoCV(alphas=_GRID, tol=1e-12), id="LassoCV"),
    pytest.param(ElasticNetCV(alphas=_GRID, l1_ratio=[0.2, 0.7], tol=1e-12), id="ElasticNetCV"),
    pytest.param(RidgeCV(alphas=_GRID * 50), id="RidgeCV"),
    pytest.param(LassoLarsCV(), id="LassoLarsCV"),
    pytest.param(LassoLarsIC(), id="LassoLarsIC"),
]


@WEIGHTS
@pytest.mark.parametrize("estimator", CHOSEN)
def test_what_cross_validation_chose_is_the_mode_of_its_prior(estimator, weights):
    if weights and "Lars" in str(estimator):
        with pytest.raises(NoEquivalentError, match="takes no weights"):
            to_prior(estimator, make_data(GAUSSIAN, weights=True), sigma=SIGMA)
        return
    data = make_data(GAUSSIAN, weights=weights)
    estimator = fitted(estimator, data)
    model = from_sklearn(estimator, data, sigma=SIGMA)
    assert gap_of(model, data, estimator) <= 1e-8
    fixed = {"Ridge": Ridge, "Elast": SkElasticNet}.get(type(estimator).__name__[:5], Lasso)
    ratio = {"l1_ratio": estimator.l1_ratio_} if fixed is SkElasticNet else {}
    assert to_prior(fixed(alpha=estimator.alpha_, **ratio), data, sigma=SIGMA) == model


def test_what_ridge_classifier_chose():
    data = make_data(GAUSSIAN)
    data = dataclasses.replace(data, y=np.sign(data.y - np.median(data.y)))
    for estimator in (RidgeClassifierCV(alphas=_GRID * 50), RidgeClassifier(alpha=3.0)):
        model = to_prior(fitted(estimator, data), data, sigma=0.9)
        assert gap_of(model, data, estimator) <= 1e-8


@pytest.mark.parametrize("estimator", [LassoCV(), ElasticNetCV(), RidgeCV(), LassoLarsCV()])
def test_before_the_fit_no_prior_is_chosen(estimator):
    with pytest.raises(NoEquivalentError, match=r"when it is fitted.*Nearest: the fitted"):
        to_prior(estimator, n=60, sigma=1.0)
    parameters = {"alpha_": 0.1, **({"l1_ratio_": 1.0} if "Elastic" in str(estimator) else {})}
    name = f"sklearn.{type(estimator).__name__}"
    found = to_prior(name, parameters, n=60, sigma=1.0).prior
    assert_same_prior(found, Normal(0.1**-0.5) if "Ridge" in name else Laplace(1 / 6))


def test_the_refit_of_lasso_cv_uses_another_prior_than_its_folds():
    """A fold's fit at alpha_ is the mode under b k/(k - 1), not under b."""
    data = make_data(GAUSSIAN)
    estimator = LassoCV(alphas=[0.3], cv=4).fit(data.X, data.y)
    b = to_prior(estimator, data, sigma=SIGMA).prior.scale
    rows = np.arange(data.n) % 4 > 0
    fold = Data(data.X[rows], data.y[rows])
    fit = Lasso(alpha=estimator.alpha_, tol=1e-12, max_iter=10**5).fit(fold.X, fold.y)
    assert gap_of(Model(GAUSSIAN, Laplace(b * 4 / 3)), fold, fit) <= 1e-8
    assert gap_of(Model(GAUSSIAN, Laplace(b)), fold, fit) > 1e-6
    page = " ".join(explain(estimator, data, sigma=SIGMA).split())
    assert "k/(k - 1)" in page
    assert "alpha_=0.3)" in page
    assert "In 4-fold cross-validation each fit sees 75% of them" in page
    assert f"the same parameters mean b = {b * 4 / 3:.6g}" in page
    assert f"the refit on all rows means b = {b:.6g}" in page


def test_the_refit_of_ridge_cv_uses_the_prior_of_its_folds():
    data = make_data(GAUSSIAN)
    estimator = RidgeCV(alphas=[3.0]).fit(data.X, data.y)
    page = " ".join(explain(estimator, data, sigma=SIGMA).split())
    assert "the folds and the refit share the prior" in page


def test_ridge_cv_per_target_is_refused():
    with pytest.raises(NoEquivalentError, match="one model per target"):
        to_prior(RidgeCV(alpha_per_target=True), n=60, sigma=1.0)


# ---- precisions that were estimated -----------------------------------------------------------


@WEIGHTS
def test_bayesian_ridge_is_the_mode_of_its_precisions(weights):
    data = make_data(GAUSSIAN, weights=weights)
    estimator = fitted(BayesianRidge(), data)
    model = to_prior(estimator, data)
    assert model.likelihood.sigma == pytest.approx(estimator.alpha_**-0.5)
    assert_same_prior(model.prior, Normal(estimator.lambda_**-0.5))
    assert gap_of(model, data, estimator) <= 1e-8
    ridge = convert(estimator, data, to="sklearn.Ridge")
    assert ridge.parameters["alpha"] == pytest.approx(estimator.lambda_ / estimator.alpha_)
    swapped = Model(Gaussian(estimator.lambda_**-0.5), Normal(estimator.alpha_**-0.5))
    assert gap_of(swapped, data, estimator) > 1e-6


def test_ard_is_the_mode_of_its_precisions():
    data = make_data(GAUSSIAN)
    estimator = ARDRegression(threshold_lambda=1e15).fit(data.X, data.y)
    model = to_prior(estimator, data)
    np.testing.assert_allclose(model.prior.scale, estimator.lambda_**-0.5, rtol=1e-12)
    assert gap_of(model, data, estimator) <= 1e-8


def test_what_ard_prunes_is_no_normal_prior():
    data = make_data(GAUSSIAN)
    estimator = ARDRegression(threshold_lambda=30.0).fit(data.X, data.y)
    pruned = np.flatnonzero(estimator.coef_ == 0).tolist()
    assert pruned
    with pytest.raises(NoEquivalentError, match=r"holds the coefficients of columns .* at 0") as e:
        to_prior(estimator, data)
    assert str(pruned) in str(e.value)


@pytest.mark.parametrize("estimator", [BayesianRidge(), ARDRegression()])
def test_precisions_before_the_fit(estimator):
    name = f"sklearn.{type(estimator).__name__}"
    with pytest.raises(NoEquivalentError, match=r"not: alpha_ and lambda_ are the model"):
        to_prior(estimator)
    with pytest.raises(NoEquivalentError, match=r"cannot be a target.*sklearn\.Ridge"):
        to_penalty(Model(GAUSSIAN, Normal(1.0)), name, n=60)
    given = {"alpha_": 4.0, "lambda_": 0.25 if "Ridge" in name else [0.25, 1.0]}
    expected = Normal(2.0) if "Ridge" in name else Normal([2.0, 1.0])
    assert_same_model(to_prior(name, given), Model(Gaussian(0.5), expected))
    with pytest.raises(ConversionError, match="says sigma itself"):
        to_prior(name, given, sigma=1.0)


# ---- a prior alone: the library's own stationarity condition -----------------------------------


def residual(data, coef, intercept, slope):
    """Largest entry of X' slope(r) + w / tau^2, relative to what cancels; the prior is Normal."""

    def of(prior):
        rows = slope(data.X @ coef + intercept)
        pull = coef / prior.scale**2
        return np.max(np.abs(data.X.T @ rows + pull) / (np.abs(data.X).T @ np.abs(rows)))

    return of


def weights_of(data):
    return np.ones(data.n) if data.weights is None else data.weights


@WEIGHTS
@pytest.mark.parametrize("epsilon", [1.1, 1.35])
def test_huber_is_stationary_under_its_prior(epsilon, weights):
    """nll = H(r / scale) / 2, whose core is Gaussian with sigma = scale."""
    data = make_data(GAUSSIAN, weights=weights)
    estimator = fitted(HuberRegressor(epsilon=epsilon, alpha=3.0, tol=1e-12, max_iter=10**5), data)
    prior, scale = to_prior(estimator, data), estimator.scale_
    assert_same_prior(prior, Normal((scale / 3.0) ** 0.5))

    def slope(eta):
        inside = np.clip((eta - data.y) / scale, -epsilon, epsilon)
        return weights_of(data) * inside / scale

    distance = residual(data, estimator.coef_, estimator.intercept_, slope)
    assert np.any(np.abs(data.y - estimator.predict(data.X)) > epsilon * scale)
    assert distance(prior) < 5e-4  # its lbfgs has no tighter end
    assert distance(Normal(1.1 * prior.scale)) > 1e-3


def test_huber_without_outliers_is_gaussian_at_its_scale():
    data = make_data(GAUSSIAN, weights=True)
    estimator = fitted(HuberRegressor(epsilon=1e3, alpha=3.0, tol=1e-12, max_iter=10**5), data)
    model = Model(Gaussian(estimator.scale_), to_prior(estimator, data))
    assert gap_of(model, data, estimator) <= 1e-8
    unfitted = to_prior(HuberRegressor(alpha=3.0), sigma=2.0)
    assert_same_prior(unfitted, Normal((2.0 / 3.0) ** 0.5))


@WEIGHTS
@pytest.mark.parametrize(
    ("power", "link", "allowed"),
    [(1.5, "auto", 1e-8), (1.9, "log", 1e-8), (3.0, "log", 1e-6), (0.0, "log", 1e-8)],
)
@pytest.mark.filterwarnings("ignore:The inner solver of NewtonCholesky")  # power 3 is not convex
def test_tweedie_is_stationary_under_its_prior(power, link, allowed, weights):
    """-d nll / d eta = (y - mu) mu^(1 - power) / phi with the log link."""
    data = make_data(br.Gamma(phi=0.4), weights=weights)
    estimator = TweedieRegressor(
        power=power, link=link, alpha=0.2, solver="newton-cholesky", tol=1e-10, max_iter=1000
    )
    estimator = fitted(estimator, data)
    prior = to_prior(estimator, data, phi=0.4)
    assert_same_prior(prior, Normal((0.4 / (0.2 * weights_of(data).sum())) ** 0.5))

    def slope(eta):
        mean = np.exp(eta)
        return -weights_of(data) * (data.y - mean) * mean ** (1 - power) / 0.4

    assert residual(data, estimator.coef_, estimator.intercept_, slope)(prior) < allowed


@WEIGHTS
def test_an_insensitive_zone_is_stationary_under_its_prior(weights):
    """nll = (|r| - epsilon)_+^2 / (2 sigma^2)."""
    data = make_data(GAUSSIAN, weights=weights)
    estimator = LinearSVR(
        epsilon=0.4, loss="squared_epsilon_insensitive", C=0.3, intercept_scaling=2.0,
        tol=1e-12, max_iter=10**6, dual=False,
    )  # fmt: skip
    estimator = fitted(estimator, data)
    prior = to_prior(estimator, data, sigma=SIGMA)
    assert_same_prior(prior, Normal((2 * SIGMA**2 * 0.3) ** 0.5))

    def slope(eta):
        r = eta - data.y
        return weights_of(data) * np.sign(r) * np.maximum(np.abs(r) - 0.4, 0) / SIGMA**2

    assert residual(data, estimator.coef_, estimator.intercept_, slope)(prior) < 1e-6


def test_losses_of_sgd_that_have_a_prior_alone():
    data = make_data(GAUSSIAN)
    data = dataclasses.replace(data, X=(data.X - data.X.mean(axis=0)) / data.X.std(axis=0))
    estimator = SGDRegressor(
        loss="huber", epsilon=1.0, alpha=0.1, max_iter=30_000, tol=None, eta0=0.05, power_t=0.5,
        random_state=0,
    ).fit(data.X, data.y)  # fmt: skip
    prior = to_prior(estimator, data, sigma=SIGMA)
    assert_same_prior(prior, Normal((SIGMA**2 / (60 * 0.1)) ** 0.5))

    def slope(eta):
        return np.clip(eta - data.y, -1.0, 1.0) / SIGMA**2

    assert residual(data, estimator.coef_, estimator.intercept_, slope)(prior) < 1e-3
    zone = SGDRegressor(loss="epsilon_insensitive", epsilon=0.2, alpha=0.1, penalty="l1")
    assert_same_prior(to_prior(zone, n=60, s=0.8), Laplace(2 * 0.8 / (60 * 0.1)))


def _stacked(X, Y):
    """K targets as one regression on columns and targets less their means."""
    centred = np.kron(np.eye(Y.shape[1]), X - X.mean(axis=0))
    return Data(centred, (Y - Y.mean(axis=0)).T.ravel())


def _tasks():
    data = make_data(GAUSSIAN)
    rng = np.random.default_rng(1)
    return data, np.column_stack([data.y, 0.5 * data.y + rng.normal(size=60), rng.normal(size=60)])


def test_several_tasks_are_one_regression_with_a_group_prior():
    data, Y = _tasks()
    estimator = MultiTaskLasso(alpha=0.3, tol=1e-14, max_iter=10**6).fit(data.X, Y)
    prior = to_prior(estimator, data, sigma=SIGMA)
    assert isinstance(prior, GroupLaplace)
    assert prior.scale == pytest.approx(SIGMA**2 / (60 * 0.3), rel=1e-13)
    groups = np.tile(np.arange(7), 3).tolist()
    model = Model(GAUSSIAN, GroupLaplace(prior.scale, groups=groups), None)
    gap = certify(model, _stacked(data.X, Y), estimator.coef_.ravel()).relative_gap
    assert gap <= 1e-8
    other = Model(GAUSSIAN, GroupLaplace(1.1 * prior.scale, groups=groups), None)
    assert certify(other, _stacked(data.X, Y), estimator.coef_.ravel()).relative_gap > 1e-6
    assert 2 <= np.count_nonzero(estimator.coef_.any(axis=0)) < 7


def test_the_elastic_net_of_several_tasks():
    data, Y = _tasks()
    lasso = to_prior(MultiTaskElasticNet(alpha=0.3, l1_ratio=1.0), data, sigma=SIGMA)
    assert lasso == to_prior(MultiTaskLasso(alpha=0.3), data, sigma=SIGMA)
    ridge = MultiTaskElasticNet(alpha=0.3, l1_ratio=0.0, tol=1e-14, max_iter=10**6)
    prior = to_prior(ridge, data, sigma=SIGMA)
    assert_same_prior(prior, Normal(SIGMA / (60 * 0.3) ** 0.5))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # l1_ratio=0 has no dual gap
        ridge.fit(data.X, Y)
    for k in range(3):
        one = Data(data.X, Y[:, k])
        gap = certify(Model(GAUSSIAN, prior), one, ridge.coef_[k], ridge.intercept_[k])
        assert gap.relative_gap <= 1e-8
    with pytest.raises(NoEquivalentError, match=r"product of both\. With b = .*l1_ratio=1"):
        to_prior(MultiTaskElasticNet(), data, sigma=SIGMA)


@pytest.mark.parametrize("name", ["HuberRegressor", "MultiTaskLasso", "MultiTaskElasticNet"])
def test_a_prior_alone_is_no_target(name):
    with pytest.raises(NoEquivalentError, match=r"cannot be a target.*Nearest"):
        to_penalty(Model(GAUSSIAN, Normal(1.0)), f"sklearn.{name}", n=60)


def test_a_prior_alone_is_explained():
    page = " ".join(explain(HuberRegressor(alpha=3.0), sigma=2.0).split())
    assert "bayesreg has no likelihood for this loss, so this is the prior alone" in page
    assert repr(to_prior(HuberRegressor(alpha=3.0), sigma=2.0)) in page


# ---- LogisticRegression ------------------------------------------------------------------------

FORMER = [
    ({"penalty": "l1", "solver": "liblinear"}, Laplace(0.4), Laplace(0.4)),
    ({"penalty": "l2", "solver": "liblinear"}, Normal(0.4**0.5), Normal(0.4**0.5)),
    ({"penalty": "l2"}, Normal(0.4**0.5), Flat()),
    ({"penalty": "elasticnet", "solver": "saga", "l1_ratio": 0.25},
     br.ElasticNet(1.6, (0.4 / 0.75) ** 0.5), Flat()),
    ({"penalty": None}, Flat(), Flat()),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "prior", "intercept"), FORMER)
def test_the_former_penalty_argument_means_what_scikit_learn_fits(arguments, prior, intercept):
    data = make_data(Bernoulli())
    estimator = LogisticRegression(C=0.4, tol=1e-10, max_iter=10**5, random_state=0, **arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # FutureWarning, and "Inconsistent values"
        estimator.fit(data.X, data.y)
    model = to_prior(estimator, data)
    assert_same_model(model, Model(Bernoulli(), prior, intercept))
    assert gap_of(model, data, estimator) <= 1e-8


@WEIGHTS
def test_several_classes_are_a_multinomial(weights):
    data = make_class_data(3, weights=weights)
    estimator = fitted(LogisticRegression(C=0.4, tol=1e-12, max_iter=10**5), data)
    model = to_prior(estimator, data)
    assert isinstance(model.likelihood, Multinomial)
    assert_same_prior(model.prior, Normal(0.4**0.5))
    assert gap_of(model, data, estimator) <= 1e-8


def test_two_classes_are_one_vector():
    """A symmetric multinomial with sd tau is the logistic model with sd tau sqrt(2)."""
    two = Multinomial(classes=2)
    with pytest.raises(NoEquivalentError, match=r"Normal\(tau sqrt\(2\)\)"):
        to_penalty(Model(two, Normal(0.5)), "sklearn.LogisticRegression")
    data = make_data(Bernoulli())
    model = Model(Bernoulli(), Normal(0.5 * 2**0.5))
    estimator = to_penalty(model, "sklearn.LogisticRegression").build().fit(data.X, data.y)
    half = np.vstack([-estimator.coef_ / 2, estimator.coef_ / 2])
    at = np.array([-estimator.intercept_[0] / 2, estimator.intercept_[0] / 2])
    assert certify(Model(two, Normal(0.5)), data, half, at).relative_gap <= 1e-8


def test_what_the_documentation_says_of_its_alpha_beside_c():
    """Alpha "corresponds to 1 / (2C)": in Ridge of the written objective, in Lasso of nothing."""
    for kind in (Ridge, RidgeCV, RidgeClassifier, Lasso):
        assert "1 / (2C)" in kind.__doc__
    data, C = make_data(GAUSSIAN), 0.3
    svr = LinearSVR(loss="squared_epsilon_insensitive", epsilon=0.0, C=C, fit_intercept=False,
                    tol=1e-12, max_iter=10**6, dual=False).fit(data.X, data.y)  # fmt: skip
    ridge = Ridge(alpha=1 / (2 * C), fit_intercept=False).fit(data.X, data.y)
    np.testing.assert_allclose(ridge.coef_, svr.coef_, rtol=1e-6)
    # The same strength beside another loss is another prior, but at sigma^2 = 1/2.
    for sigma, same in [(0.5**0.5, True), (1.0, False)]:
        tau = to_prior(ridge, data, sigma=sigma).prior.scale
        assert (tau == pytest.approx(to_prior(LogisticRegression(C=C)).prior.scale)) == same
    # Lasso divides RSS/2 by n: C sum r^2 + |w| is alpha = 1/(2 n C).
    model = to_prior("textbook.rss_lasso", {"lam": 1 / C}, data, sigma=SIGMA)
    said, right = (
        Lasso(alpha=alpha, tol=1e-12, max_iter=10**5).fit(data.X, data.y)
        for alpha in (1 / (2 * C), 1 / (2 * data.n * C))
    )
    assert gap_of(model, data, right) <= 1e-8
    assert gap_of(model, data, said) > 1e-2


# ---- Pipelines, searches ------------------------------------------------------------------------


@WEIGHTS
@pytest.mark.parametrize("inner", [Lasso(alpha=0.2, tol=1e-12), Ridge(alpha=7.0)])
def test_a_pipeline_with_a_standard_scaler_standardizes(inner, weights):
    data = make_data(GAUSSIAN, weights=weights)
    pipeline = make_pipeline(StandardScaler(), inner)
    s = {"standardscaler__sample_weight": data.weights,
         f"{type(inner).__name__.lower()}__sample_weight": data.weights}  # fmt: skip
    pipeline.fit(data.X, data.y, **(s if weights else {}))
    model = from_sklearn(pipeline, data, sigma=SIGMA)
    assert model.standardize
    coef = pipeline[-1].coef_ / pipeline[0].scale_
    intercept = pipeline[-1].intercept_ - pipeline[0].mean_ @ coef
    assert certify(model, data, coef, intercept).relative_gap <= 1e-8
    assert from_sklearn(pipeline, n=None, data=data, sigma=SIGMA) == model
    twin = convert(pipeline, data, to="textbook.nll_l1" if "Lasso" in str(inner) else
                   "textbook.nll_l2", sigma=SIGMA)  # fmt: skip
    assert twin.column_factors is not None
    assert "standardised columns" in explain(pipeline, data, sigma=SIGMA)


def test_of_a_search_the_best_estimator_is_read():
    data = make_data(GAUSSIAN)
    pipeline = make_pipeline(StandardScaler(), Lasso())
    search = GridSearchCV(pipeline, {"lasso__alpha": [0.1, 0.5]}, cv=3)
    with pytest.raises(ConversionError, match="no best_estimator_"):
        from_sklearn(search, data, sigma=SIGMA)
    search.fit(data.X, data.y)
    assert from_sklearn(search, data, sigma=SIGMA) == from_sklearn(
        search.best_estimator_, data, sigma=SIGMA
    )


PIPELINES = [
    (make_pipeline(MinMaxScaler(), Lasso()), "step MinMaxScaler.*other columns.*Nearest"),
    (make_pipeline(StandardScaler(), StandardScaler(), Lasso()), "beside other steps"),
    (make_pipeline(StandardScaler(), Lasso(fit_intercept=False)), "with_mean=False"),
    (make_pipeline(StandardScaler(), LinearSVR()), "a penalised intercept"),
    (make_pipeline(StandardScaler(), HuberRegressor()), "pass the last step alone"),
]


@pytest.mark.parametrize(("pipeline", "reason"), PIPELINES)
def test_pipelines_that_are_refused(pipeline, reason):
    likelihood = {"likelihood": "Gaussian"} if "LinearSVR" in str(pipeline) else {}
    if likelihood:
        pipeline = pipeline.set_params(linearsvr__loss="squared_epsilon_insensitive")
    with pytest.raises(NoEquivalentError, match=f"(?s){reason}"):
        from_sklearn(pipeline, make_data(GAUSSIAN), sigma=SIGMA)


def test_a_scaler_that_saw_other_weights():
    data = make_data(GAUSSIAN, weights=True)
    pipeline = make_pipeline(StandardScaler(), Lasso())
    with pytest.raises(ConversionError, match="not fitted, and whether its StandardScaler"):
        from_sklearn(pipeline, data, sigma=SIGMA)
    pipeline.fit(data.X, data.y, lasso__sample_weight=data.weights)
    with pytest.raises(ConversionError, match="other standard deviations than data"):
        from_sklearn(pipeline, data, sigma=SIGMA)


# ---- refused ------------------------------------------------------------------------------------

NO_MODEL = [
    (LassoLars(positive=True), "positive=True has no equivalent.*sklearn.Lasso"),
    (LogisticRegression(class_weight="balanced"), "class_weight.*Data"),
    (LinearSVC(), "hinge.*LogisticRegression"),
    (SVR(), "kernel.*LinearSVR"),
    (SGDClassifier(), "loss='hinge'.*loss='log_loss'"),
    (SGDClassifier(loss="squared_error"), "as the numbers -1 and 1.*SGDRegressor"),
    (SGDRegressor(learning_rate="pa1"), "passive-aggressive"),
]


@pytest.mark.parametrize(("estimator", "reason"), NO_MODEL)
def test_estimators_without_a_model_here(estimator, reason):
    regression = not hasattr(estimator, "class_weight")
    with pytest.raises(NoEquivalentError, match=f"(?s){reason}"):
        to_prior(estimator, n=60, sigma=1.0 if regression else None)


WRITTEN = [
    ("LinearSVR", Model(GAUSSIAN, Normal(1.0)), "penalises the intercept.*intercept_scaling"),
    ("LinearSVR", Model(GAUSSIAN, Flat(), None), "no infinite C.*LinearRegression"),
    ("LinearSVR", Model(br.AsymmetricLaplace(0.3, 1.0), Normal(1.0), None), "q=0.5.*Quantile"),
    ("KernelRidge", Model(GAUSSIAN, Normal(1.0)), "fits no intercept"),
    ("LassoCV", Model(GAUSSIAN, Flat()), "no alpha of 0.*LinearRegression"),
    ("GammaRegressor", Model(br.Gamma(0.4), Laplace(1.0)), "no room for a Laplace"),
    ("LinearRegression", Model(GAUSSIAN, Normal(1.0)), "no room for a Normal.*sklearn.Ridge"),
    ("SGDRegressor", Model(br.AsymmetricLaplace(0.3, 1.0), Laplace(1.0)), "QuantileRegressor"),
]


@pytest.mark.parametrize(("name", "model", "reason"), WRITTEN)
def test_models_that_cannot_be_written(name, model, reason):
    with pytest.raises(NoEquivalentError, match=f"(?s){reason}"):
        to_penalty(model, f"sklearn.{name}", n=60)


def test_several_targets_and_one_against_the_rest_are_refused():
    data = make_data(GAUSSIAN)
    two = np.column_stack([data.y, data.y])
    with pytest.raises(NoEquivalentError, match="2 targets"):
        to_prior(Ridge().fit(data.X, two), sigma=1.0)
    three = np.digitize(data.y, np.quantile(data.y, [0.3, 0.6]))
    with pytest.raises(NoEquivalentError, match="3 classes, one against the rest"):
        to_prior(RidgeClassifier().fit(data.X, three), sigma=1.0)


def test_from_sklearn_reads_scikit_learn_only():
    for other in (object(), "sklearn.Lasso", Lasso):
        with pytest.raises(ConversionError, match="reads an object of scikit-learn"):
            from_sklearn(other, n=60, sigma=1.0)


def test_a_subclass_is_not_taken_for_its_parent():
    class Mine(Lasso):
        """May minimise anything."""

    with pytest.raises(ConversionError):
        from_sklearn(Mine(), n=60, sigma=1.0)


def test_averaged_steps_with_an_l1_part_miss_the_optimum():
    """scikit-learn 1.9.1: shown with the values of its own objective."""
    data = make_data(GAUSSIAN)
    X = (data.X - data.X.mean(axis=0)) / data.X.std(axis=0)
    arguments = {"penalty": "l1", "alpha": 0.1, "random_state": 0, "tol": None, "max_iter": 3000}

    def objective(estimator):
        error = data.y - X @ estimator.coef_ - estimator.intercept_
        return np.mean(error**2) / 2 + 0.1 * np.sum(np.abs(estimator.coef_))

    plain, averaged = (
        objective(SGDRegressor(**arguments, average=average).fit(X, data.y))
        for average in (False, True)
    )
    exact = objective(Lasso(alpha=0.1, tol=1e-12).fit(X, data.y))
    assert plain < 1.01 * exact < 2 * exact < averaged
    assert "average=True" in explain("sklearn.SGDRegressor", {"penalty": "l1"}, n=60, sigma=1.0)
