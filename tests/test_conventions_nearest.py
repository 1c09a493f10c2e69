"""What is nearest: few names, the likeliest first, and a sentence that says why."""

import re

import numpy as np
import pytest
from helpers import make_data
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor, RandomForestRegressor, VotingRegressor
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor, RegressorChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import bayesreg as br
from bayesreg.errors import ConversionError, NoEquivalentError

GAUSSIAN = br.Gaussian(1.5)
DATA = make_data(GAUSSIAN)
NAMES = {one.name for one in br.targets()}


def _reason(call):
    with pytest.raises(ConversionError) as caught:
        call()
    return str(caught.value)


NEAREST = [
    ("sklearn.Ridge", br.Model(GAUSSIAN, br.Laplace(1.0)), "sklearn.Lasso"),
    ("sklearn.Lasso", br.Model(GAUSSIAN, br.Normal(1.0)), "sklearn.Ridge"),
    ("sklearn.Ridge", br.Model(GAUSSIAN, br.ElasticNet(1.0, 1.0)), "sklearn.ElasticNet"),
    ("celer.LogisticRegression", br.Model(br.Bernoulli(), br.Normal(1.0)), "sklearn.Logistic"),
    ("torch.SGD", br.Model(GAUSSIAN, br.Laplace(1.0)), "torch.penalty"),
    ("sklearn.PoissonRegressor", br.Model(br.Poisson(), br.Laplace(1.0)), "glmnet.glmnet"),
    ("glmnet.glmnet", br.Model(br.Gamma(0.5), br.Laplace(1.0)), "glum."),
    ("sklearn.LogisticRegression", br.Model(GAUSSIAN, br.Normal(1.0)), "sklearn.Ridge"),
]


@pytest.mark.parametrize(("target", "model", "first"), NEAREST)
def test_the_nearest_are_few_and_the_likeliest_first(target, model, first):
    nearest = _reason(lambda: br.to_penalty(model, target, n=60)).split("Nearest: ")[1]
    assert nearest.startswith(first)
    named = re.findall(r"\w+\.\w+", nearest.removesuffix("bayesreg.targets()"))
    assert 1 <= len(named) <= 6
    assert set(named) <= NAMES
    for name in named[:1]:  # and it can
        assert br.to_penalty(model, name, n=60, sd_y=2.0).parameters


def test_which_c_equals_this_ridge_is_answered():
    words = _reason(
        lambda: br.convert("sklearn.Ridge", {"alpha": 1.0}, to="sklearn.LogisticRegression", n=60)
    )
    assert "a strength beside its own loss" in words
    assert "only the prior can be carried over" in words


SAID = [
    (TransformedTargetRegressor(Ridge()), r"Nearest: \.regressor_"),
    (OneVsRestClassifier(LogisticRegression()), r"Nearest: \.estimators_\[k\].*classes_\[k\]"),
    (OneVsOneClassifier(LogisticRegression()), r"Nearest: \.estimators_\[k\].*two classes"),
    (MultiOutputRegressor(Ridge()), r"Nearest: \.estimators_\[k\].*Y\[:, k\]"),
    (RegressorChain(Ridge()), r"Nearest: \.estimators_\[k\]"),
    (BaggingRegressor(Ridge()), r"Nearest: .*\.estimators_"),
    (VotingRegressor([("a", Ridge())]), r"Nearest: .*\.estimators_"),
    (CalibratedClassifierCV(LogisticRegression()), r"\.calibrated_classifiers_\[k\]\.estimator"),
    (TunedThresholdClassifierCV(LogisticRegression()), r"Nearest: \.estimator_"),
    (FrozenEstimator(Ridge()), r"Nearest: \.estimator"),
    (RFE(Ridge()), r"Nearest: \.estimator_.*support_"),
    (SelectFromModel(Lasso()), r"Nearest: \.estimator_"),
    (make_pipeline(StandardScaler(), TransformedTargetRegressor(Ridge())), r"\.regressor_"),
]


@pytest.mark.parametrize(("estimator", "words"), SAID, ids=lambda value: type(value).__name__)
def test_what_holds_another_estimator_says_which_to_pass(estimator, words):
    with pytest.raises(NoEquivalentError, match=words):
        br.to_prior(estimator, DATA, sigma=1.5)


def test_what_a_wrapper_holds_is_read():
    """The remedies work: a transformed target, one class of several."""
    outer = TransformedTargetRegressor(Ridge(alpha=2.0), transformer=StandardScaler())
    outer.fit(DATA.X, DATA.y)
    data = br.Data(DATA.X, outer.transformer_.transform(DATA.y[:, None])[:, 0])
    model = br.to_prior(outer.regressor_, data, sigma=1.5)
    at = outer.regressor_
    assert br.certify(model, data, at.coef_, at.intercept_).relative_gap <= 1e-8
    classes = np.arange(DATA.n) % 3
    rest = OneVsRestClassifier(LogisticRegression(C=0.5, tol=1e-12)).fit(DATA.X, classes)
    one = br.Data(DATA.X, classes == rest.classes_[1])
    assert br.to_prior(rest.estimators_[1], one).prior.scale == pytest.approx(0.5**0.5)


MEANT = [
    ("sklearn.Laso", "sklearn.Lasso"),
    ("lasso", "sklearn.Lasso"),
    ("glmnet", "glmnet.glmnet"),
    ("tf.keras.L2", "keras.L2"),
    ("logistic", "sklearn.LogisticRegression"),
    ("sklearn.RidgeRegression", "sklearn.Ridge"),
    ("torch.adamw", "torch.AdamW"),
    ("celer.Laso", "celer.Lasso"),
]


@pytest.mark.parametrize(("name", "meant"), MEANT)
def test_a_name_that_is_none_is_near_to_classes_not_to_libraries(name, meant):
    words = _reason(lambda: br.to_prior(name, {"alpha": 1.0}, DATA, sigma=1.5))
    assert f"Did you mean '{meant}'" in words
    assert "bayesreg.targets() (bayesreg convert --list)" in words


def test_nothing_near_is_not_guessed():
    for unknown in (RandomForestRegressor(), "sklearn.RandomForestRegressor", "weight_decay"):
        words = _reason(lambda unknown=unknown: br.to_prior(unknown, None, DATA, sigma=1.5))
        assert "Did you mean" not in words
        assert "bayesreg.targets()" in words


def test_a_subclass_is_told_what_to_do():
    class MyLasso(Lasso):
        pass

    words = _reason(lambda: br.to_prior(MyLasso(), DATA, sigma=1.5))
    assert "Did you mean 'sklearn.Lasso'" in words
    assert "If it minimises one of these objectives, pass that name and its parameters" in words
