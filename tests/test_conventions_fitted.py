"""What a fitted estimator brings: its columns by name, its intercept, its cross-validation."""

import re

import numpy as np
import pandas as pd
import pytest
from helpers import make_data
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    ARDRegression,
    Lasso,
    LassoCV,
    LogisticRegression,
    Ridge,
    RidgeCV,
)
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    LeaveOneOut,
    RepeatedKFold,
    ShuffleSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import bayesreg as br
from bayesreg.errors import ConversionError, NoEquivalentError

GAUSSIAN = br.Gaussian(1.5)
DATA = make_data(GAUSSIAN)
FRAME = pd.DataFrame(DATA.X, columns=list("abcdefg"))
TURNED = br.Data(FRAME[list("gfedcba")], DATA.y)

# ---- columns by name --------------------------------------------------------------------------


def test_a_fitted_estimators_vectors_are_in_the_order_of_its_columns():
    fitted = ARDRegression(threshold_lambda=1e12).fit(FRAME, DATA.y)
    model = br.to_prior(fitted, br.Data(FRAME, DATA.y))
    np.testing.assert_allclose(model.prior.scale, fitted.lambda_**-0.5, rtol=1e-12)
    assert model == br.to_prior(fitted, DATA)  # columns without names are taken as they come
    with pytest.raises(ConversionError, match=r"another order: column 0 was 'a', and in data.*'g'"):
        br.to_prior(fitted, TURNED)
    by_name = br.Data(FRAME[list(fitted.feature_names_in_)], DATA.y)
    assert br.to_prior(fitted, by_name) == model


@pytest.mark.parametrize(
    "fitted",
    [
        pytest.param(Ridge(), id="Ridge"),
        pytest.param(make_pipeline(StandardScaler(), Ridge()), id="Pipeline"),
        pytest.param(GridSearchCV(Ridge(), {"alpha": [1.0]}, cv=2), id="GridSearchCV"),
    ],
)
def test_other_columns_are_other_data(fitted):
    fitted.fit(FRAME, DATA.y)
    assert br.to_prior(fitted, br.Data(FRAME, DATA.y), sigma=1.5)
    for call in (br.to_prior, br.explain):
        with pytest.raises(ConversionError, match="another order"):
            call(fitted, TURNED, sigma=1.5)
    with pytest.raises(ConversionError, match="columns of other names: column 1 was 'b'"):
        br.convert(
            fitted, to="sklearn.Lasso", data=br.Data(FRAME.rename(columns={"b": "h"}), DATA.y)
        )


# ---- sigma="estimate" -------------------------------------------------------------------------

WITHOUT = [
    (Ridge(fit_intercept=False),),
    (KernelRidge(kernel="linear"),),
    ("spark.LinearRegression", {"regParam": 0.1, "fitIntercept": False}),
    ("keras.L2", {"l2": 0.1, "use_bias": False}),
    ("torch.SGD", {"weight_decay": 0.1, "bias": False}),
    ("glmnet.glmnet", {"lambda": 0.1, "intercept": False}),
    ("statsmodels.OLS", {"alpha": 0.1, "constant": False}),
    ("MASS.lm_ridge", {"lambda": 0.1, "intercept": False}),
]


@pytest.mark.parametrize("source", WITHOUT, ids=lambda source: str(source[0]))
def test_the_estimate_has_an_intercept_where_the_model_has_one(source):
    """By whatever name the library has for it; y far from 0 makes the difference large."""
    X = DATA.X - DATA.X.mean(axis=0)
    data = br.Data(X, DATA.y + 100.0)
    model = br.to_prior(*source, data=data, sigma="estimate")
    assert model.intercept is None
    residual = data.y - X @ np.linalg.lstsq(X, data.y, rcond=None)[0]
    sigma = np.sqrt(residual @ residual / (X.shape[0] - X.shape[1]))
    assert model.likelihood.sigma == pytest.approx(sigma, rel=1e-10)
    assert model.likelihood.sigma > 100.0
    with_one = br.to_prior("sklearn.Ridge", {"alpha": 1.0}, data, sigma="estimate")
    assert with_one.likelihood.sigma < 50.0


def test_sigma_is_not_estimated_for_a_likelihood_without_one():
    with pytest.raises(ConversionError, match="which has no sigma"):
        br.to_prior("sklearn.PoissonRegressor", {"alpha": 1.0}, DATA, sigma="estimate")
    with pytest.raises(ConversionError, match=r"contradicts likelihood=Gaussian\(1.5\)"):
        br.to_prior("keras.L2", {"l2": 0.1}, DATA, sigma="estimate", likelihood=GAUSSIAN)


# ---- which likelihood -------------------------------------------------------------------------


def test_what_cannot_is_named():
    """Three classes are read; it is the goal that has no such likelihood."""
    fitted = LogisticRegression().fit(DATA.X, np.arange(DATA.n) % 3)
    with pytest.raises(NoEquivalentError, match=r"^glmnet\.glmnet is for .*the model is Multinom"):
        br.convert(fitted, to="glmnet.glmnet", n=50)
    for goal in ("sklearn.Ridge", "celer.LogisticRegression", "liblinear.LogisticRegression"):
        with pytest.raises(NoEquivalentError, match=f"^{re.escape(goal)} .*Multinomial"):
            br.convert(fitted, to=goal, data=br.Data(DATA.X, np.arange(DATA.n) % 3))


def test_of_several_likelihoods_the_goals_is_taken():
    twin = br.convert("keras.L2", {"l2": 0.5}, to="sklearn.LogisticRegression", n=50)
    assert twin.parameters["C"] == pytest.approx(1 / (2 * 50 * 0.5), rel=1e-12)


# ---- what cross-validation does to the prior --------------------------------------------------


def _said(estimator):
    page = " ".join(br.explain(estimator, DATA, sigma=1.5).split())
    return re.search("grow.* mean b = ([0-9.e+-]+); the refit on all rows means b = "
                     "([0-9.e+-]+)[.]", page)  # fmt: skip


FOLDS = [
    (None, 1 / 5, "In 5-fold cross-validation each fit sees 80% of them"),
    (3, 1 / 3, "In 3-fold cross-validation each fit sees 67% of them"),
    (np.int64(4), 1 / 4, "In 4-fold"),
    (KFold(4), 1 / 4, "In 4-fold cross-validation each fit sees 75% of them"),
    (RepeatedKFold(n_splits=3, n_repeats=2, random_state=0), 1 / 3, "In 3-fold"),
    (LeaveOneOut(), 1 / DATA.n, "In leave-one-out cross-validation each fit sees all of them but"),
    (ShuffleSplit(4, random_state=0), 1 / 2, r"\(ShuffleSplit\) is not one of k folds.* half of"),
    (list(KFold(4).split(DATA.X)), 1 / 2, r"\(list\) is not one of k folds"),
]


@pytest.mark.parametrize(("cv", "left_out", "words"), FOLDS, ids=lambda value: str(value)[:30])
@pytest.mark.parametrize("kind", ["LassoCV", "search", "pipeline", "search of pipeline"])
def test_the_folds_are_those_of_the_estimator(kind, cv, left_out, words):
    pipeline = make_pipeline(StandardScaler(), Lasso())
    made = {
        "LassoCV": LassoCV(alphas=[0.3], cv=cv),
        "pipeline": make_pipeline(StandardScaler(), LassoCV(alphas=[0.3], cv=cv)),
        "search": GridSearchCV(Lasso(), {"alpha": [0.3]}, cv=cv),
        "search of pipeline": GridSearchCV(pipeline, {"lasso__alpha": [0.3]}, cv=cv),
    }
    scoring = {} if "search" not in kind else {"scoring": "neg_mean_squared_error"}
    estimator = made[kind].set_params(**scoring).fit(DATA.X, DATA.y)
    found = _said(estimator)
    assert re.search(words, found[0])
    on_a_fold, on_all = float(found[1]), float(found[2])
    assert on_all == pytest.approx(1.5**2 / (DATA.n * 0.3), rel=1e-5)
    assert on_a_fold == pytest.approx(on_all / (1 - left_out), rel=1e-5)


def test_an_estimator_without_folds_gets_an_example():
    found = _said(Lasso(alpha=0.3))
    assert "In 5-fold cross-validation, for example, each fit sees 80%" in found[0]
    same = br.explain(
        RidgeCV(alphas=[1.0], cv=ShuffleSplit(3)).fit(DATA.X, DATA.y), DATA, sigma=1.5
    )
    assert "does not depend on the number of rows" in " ".join(same.split())


# ---- a constant column ------------------------------------------------------------------------

CONSTANT = br.Data(np.column_stack([DATA.X, np.full(DATA.n, 0.1)]), DATA.y)
SCALED = [
    ("glmnet.glmnet", {"lambda": 0.1}, {"standardize": True}),
    ("spark.LinearRegression", {"regParam": 0.1}, {"standardization": True}),
    ("glum.GeneralizedLinearRegressor", {"alpha": 0.1, "scale_predictors": True},
     {"scale_predictors": True}),
    ("MASS.lm_ridge", {"lambda": 0.1}, {}),
    ("rstanarm.normal", {"scale": 0.5, "autoscale": True}, {"autoscale": True}),
    ("bambi.Normal", {}, None),
]  # fmt: skip


@pytest.mark.parametrize(("target", "parameters", "options"), SCALED, ids=lambda v: str(v)[:20])
def test_a_constant_column_has_no_scaled_prior(target, parameters, options):
    """It would be a flat coefficient beside a flat intercept: refused by name, each way."""
    with pytest.raises(
        NoEquivalentError, match=r"column 7 \('x7'\).*constant.*leave the column out"
    ):
        br.to_prior(target, parameters, CONSTANT, sigma=1.5)
    if options is not None:
        model = br.Model(GAUSSIAN, br.Normal(0.5))
        with pytest.raises(NoEquivalentError, match=r"column 7 \('x7'\).*leave the column out"):
            br.to_penalty(model, target, CONSTANT, **options)


def test_a_constant_column_given_as_its_sd():
    with pytest.raises(NoEquivalentError, match=r"column 0 has sd_x = 0"):
        br.to_prior("glmnet.glmnet", {"lambda": 0.1}, n=10, sigma=1.0, sd_x=[0, 2])


def test_a_constant_column_is_in_the_way_of_nothing_else():
    """Neither of explain nor of a target that does not scale."""
    model = br.Model(GAUSSIAN, br.Laplace(0.5))
    assert br.to_penalty(model, "glmnet.glmnet", CONSTANT).parameters["standardize"] is False
    zero = br.Data(np.column_stack([DATA.X, np.zeros(DATA.n)]), DATA.y)
    for data in (CONSTANT, zero):
        page = br.explain("sklearn.Lasso", {"alpha": 0.1}, data, sigma=1.5)
        assert "celer.Lasso(" in page
        assert "standardize=True" not in page
