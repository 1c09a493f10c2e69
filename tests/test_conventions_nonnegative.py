"""positive=True is the same density on w >= 0, to a prior and back."""

import numpy as np
import pytest
from helpers import make_data
from sklearn.linear_model import ElasticNet, Lasso, LassoCV, LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import bayesreg as br
from bayesreg.errors import NoEquivalentError

GAUSSIAN = br.Gaussian(1.5)
DATA = make_data(GAUSSIAN)
SCALES = np.geomspace(0.1, 0.5, DATA.p)
PRIORS = [
    ("sklearn.Lasso", br.Exponential(0.3)),
    ("sklearn.Lasso", br.Exponential(SCALES)),
    ("sklearn.Ridge", br.HalfNormal(0.5)),
    ("sklearn.Ridge", br.HalfNormal(SCALES)),
    ("sklearn.ElasticNet", br.Truncated(br.ElasticNet(0.3, 0.6), lower=0.0)),
    ("sklearn.LinearRegression", br.Truncated(br.Flat(), lower=0.0)),
]


@pytest.mark.parametrize("intercept", [br.Flat(), None], ids=["flat", "none"])
@pytest.mark.parametrize(("target", "prior"), PRIORS)
def test_the_library_ends_at_our_mode(target, prior, intercept):
    model = br.Model(GAUSSIAN, prior, intercept)
    twin = br.to_penalty(model, target, DATA)
    assert twin.parameters["positive"] is True
    space = {"X": DATA.X, "y": DATA.y}
    exec(twin.code, space)
    estimator = space["estimator"]
    coef = space.get("coef", estimator.coef_)
    assert np.any(coef == 0)
    assert np.all(coef >= 0)
    assert br.certify(model, DATA, coef, float(estimator.intercept_)).relative_gap < 1e-7


BACK = [
    (Lasso(alpha=0.1, positive=True), br.Exponential),
    (Ridge(alpha=2.0, positive=True), br.HalfNormal),
    (ElasticNet(alpha=0.1, positive=True), br.Truncated),
    (LinearRegression(positive=True), br.Truncated),
    (LassoCV(positive=True).fit(DATA.X, DATA.y), br.Exponential),
]


@pytest.mark.parametrize(("estimator", "kind"), BACK, ids=str)
def test_there_and_back(estimator, kind):
    model = br.to_prior(estimator, DATA, sigma=1.5)
    assert isinstance(model.prior, kind)
    name = f"sklearn.{type(estimator).__name__}"
    twin = br.to_penalty(model, name, DATA)
    again = br.to_prior(name, twin.parameters, DATA, sigma=1.5)
    assert isinstance(again.prior, kind)
    same = br.find_map(again, DATA).coef
    np.testing.assert_allclose(same, br.find_map(model, DATA).coef, rtol=1e-10, atol=1e-12)
    assert "w >= 0" in br.explain(estimator, DATA, sigma=1.5)


def test_numbers_by_hand():
    """b = sigma^2 / (n alpha), as without the bound."""
    model = br.to_prior("sklearn.Lasso", {"alpha": 0.1, "positive": True}, n=100, sigma=2.0)
    assert model.prior.scale == pytest.approx(4.0 / 10.0, rel=1e-14)
    twin = br.convert("sklearn.Lasso", {"alpha": 0.1, "positive": True}, to="celer.Lasso")
    assert twin.parameters == {"alpha": 0.1, "positive": True}


def test_after_a_scaler():
    pipeline = make_pipeline(StandardScaler(), Lasso(alpha=0.05, positive=True, tol=1e-12))
    pipeline.fit(DATA.X, DATA.y)
    model = br.to_prior(pipeline, DATA, sigma=1.5)
    assert isinstance(model.prior, br.Exponential)
    coef = pipeline[-1].coef_ / pipeline[0].scale_
    intercept = float(pipeline[-1].intercept_ - pipeline[0].mean_ @ coef)
    assert br.certify(model, DATA, coef, intercept).relative_gap < 1e-9
    twin = br.convert(pipeline, to="sklearn.Lasso", data=DATA, sigma=1.5)
    space = {"X": DATA.X, "y": DATA.y}
    exec(twin.code, space)
    np.testing.assert_allclose(space["coef"], coef, atol=1e-8)


@pytest.mark.parametrize(
    ("target", "prior", "reason"),
    [
        ("sklearn.Lasso", br.Truncated(br.Laplace(0.3), lower=-1.0), "the bounds .* are others"),
        ("sklearn.Lasso", br.Truncated(br.Laplace(0.3), lower=0.0, upper=1.0), "are others"),
        ("sklearn.Lasso", br.Truncated(br.Laplace(0.3), upper=0.0), "are others"),
        ("sklearn.LassoLars", br.Exponential(0.3), "has no bounds"),
        ("glmnet.glmnet", br.Exponential(0.3), "has no bounds"),
        ("pymc.Laplace", br.Exponential(0.3), "has no bounds"),
    ],
)
def test_other_bounds_are_refused(target, prior, reason):
    with pytest.raises(NoEquivalentError, match=reason):
        br.to_penalty(br.Model(GAUSSIAN, prior), target, DATA)


def test_mixed_bounds_are_refused():
    mixed = {"x0": br.Laplace(0.3), "*": br.Exponential(0.3)}
    data = br.Data(DATA.X, DATA.y, names=[f"x{j}" for j in range(DATA.p)])
    with pytest.raises(NoEquivalentError, match="are others"):
        br.to_penalty(br.Model(GAUSSIAN, mixed), "sklearn.Lasso", data)
