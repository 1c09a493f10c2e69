"""glum, adelie, skglm, MASS, statsmodels, LIBLINEAR, gblinear, VW, Spark: numbers worked by hand.

The libraries themselves are fitted in tests/interop.
"""

import numpy as np
import pytest
from claims import TARGETS
from helpers import make_data

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
    to_penalty,
    to_prior,
)
from bayesreg.errors import ConversionError, NoEquivalentError

GAUSSIAN = Gaussian(2.0)
GLUM, GLM = "glum.GeneralizedLinearRegressor", "statsmodels.GLM"
SKGLM_LOGIT, LIBLINEAR = "skglm.SparseLogisticRegression", "liblinear.LogisticRegression"

#: sigma = 2, n = 100 rows, sd(y) = 5, every column has sd 0.5.
KNOWN = [
    ("skglm.Lasso", {"alpha": 0.02}, "Gaussian", Laplace(2.0), Flat()),
    ("skglm.WeightedLasso", {"alpha": 0.02, "weights": [1.0, 2.0]}, "Gaussian",
     Laplace([2.0, 1.0]), Flat()),
    ("skglm.ElasticNet", {"alpha": 0.08}, "Gaussian", ElasticNet(1.0, 1.0), Flat()),
    (SKGLM_LOGIT, {"alpha": 0.02}, "Bernoulli", Laplace(0.5), Flat()),
    (GLUM, {"alpha": 0.04}, "Gaussian", Normal(1.0), Flat()),
    (GLUM, {"family": "poisson", "alpha": 0.04}, "Poisson", Normal(0.5), Flat()),
    (GLUM, {"alpha": 0.02, "l1_ratio": 1, "P1": [1.0, 2.0]}, "Gaussian", Laplace([2.0, 1.0]),
     Flat()),
    (GLUM, {"alpha": 0.04, "scale_predictors": True}, "Gaussian", Normal(2.0), Flat()),
    (GLUM, {}, "Gaussian", Flat(), Flat()),
    ("adelie.grpnet", {"glm": "gaussian", "lmda_path": [0.02]}, "Gaussian", Laplace(2.0), Flat()),
    ("adelie.grpnet", {"glm": "binomial", "lmda_path": 0.04, "alpha": 0.0, "intercept": False},
     "Bernoulli", Normal(0.5), None),
    ("MASS.lm_ridge", {"lambda": 4.0}, "Gaussian", Normal(2.0), Flat()),
    ("statsmodels.OLS", {"alpha": 0.02}, "Gaussian", Laplace(2.0), Laplace(2.0)),
    ("statsmodels.OLS", {"alpha": [0.0, 0.02, 0.04]}, "Gaussian", Laplace([2.0, 1.0]), Flat()),
    ("statsmodels.WLS", {"alpha": 0.04, "L1_wt": 0.0, "constant": False}, "Gaussian", Normal(1.0),
     None),
    (GLM, {"alpha": [0.0, 0.02, 0.02]}, "Poisson", Laplace(0.5), Flat()),
    ("statsmodels.Logit", {"alpha": [0.0, 2.0, 2.0]}, "Bernoulli", Laplace(0.5), Flat()),
    (LIBLINEAR, {"s": 0, "c": 4.0}, "Bernoulli", Normal(2.0), None),
    (LIBLINEAR, {"s": 0, "c": 4.0, "B": 3.0}, "Bernoulli", Normal(2.0), Normal(6.0)),
    (LIBLINEAR, {"s": 6, "c": 4.0, "B": 1.0, "R": True}, "Bernoulli", Laplace(4.0), Flat()),
    ("liblinear.SVR", {"s": 11, "c": 0.5, "p": 0.0}, "Gaussian", Normal(2.0), None),
    ("xgboost.gblinear", {"lambda": 0.04, "alpha": 0.02}, "Gaussian", ElasticNet(2.0, 1.0),
     Flat()),
    ("vowpalwabbit.bfgs", {"l2": 8.0}, "Gaussian", Normal(1.0), Normal(1.0)),
    ("vowpalwabbit.bfgs", {"loss_function": "logistic", "l2": 4.0, "noconstant": True},
     "Bernoulli", Normal(0.5), None),
    ("spark.LinearRegression", {"regParam": 0.04, "standardization": False}, "Gaussian",
     Normal(5**0.5), Flat()),
    ("spark.LinearRegression", {"regParam": 0.02, "elasticNetParam": 1.0}, "Gaussian",
     Laplace(4.0), Flat()),
    ("spark.LogisticRegression", {"regParam": 0.04}, "Bernoulli", Normal(1.0), Flat()),
]  # fmt: skip


@pytest.mark.parametrize(("target", "parameters", "likelihood", "prior", "intercept"), KNOWN)
def test_numbers_worked_by_hand(target, parameters, likelihood, prior, intercept):
    sigma = 2.0 if likelihood == "Gaussian" else None
    half = np.full(2, 0.5)
    back = to_prior(target, parameters, n=100, sigma=sigma, likelihood=likelihood, sd_y=5.0,
                    sd_x=half, unbiased_sd_x=half)  # fmt: skip
    assert type(back.prior) is type(prior)
    for name in vars(prior):
        one, other = getattr(back.prior, name), getattr(prior, name)
        assert np.asarray(one) == pytest.approx(np.asarray(other), rel=1e-13)
    if isinstance(intercept, Laplace | Normal):
        assert back.intercept.scale == pytest.approx(intercept.scale, rel=1e-13)
    assert type(back.intercept) is type(intercept)


REFUSED = [
    ("skglm.MCPRegression", {"alpha": 0.1}, "bounded.*no density.*Nearest"),
    ("skglm.GroupLasso", {"alpha": 0.1}, "group.*GroupLaplace"),
    ("xgboost.gbtree", {"lambda": 1.0}, "leaves.*xgboost.gblinear"),
    ("xgboost.gblinear", {"booster": "dart"}, "leaves"),
    (GLUM, {"lower_bounds": [0.0]}, "lower_bounds.*Truncated"),
    (GLUM, {"alpha": 1.0, "P2": [[1.0, 0.5], [0.5, 1.0]]}, "MultivariateNormal"),
    (GLUM, {"alpha": 1.0, "scale_predictors": True, "fit_intercept": False}, "without an"),
    ("adelie.grpnet", {"glm": "gaussian", "lmda_path": [1.0], "groups": [0, 2]}, "GroupLaplace"),
    ("statsmodels.OLS", {"alpha": 0.1, "refit": True}, "refit=False"),
    ("statsmodels.OLS", {"alpha": 0.1, "profile_scale": True}, "profile_scale=False"),
    ("statsmodels.OLS", {"alpha": 0.1, "method": "sqrt_lasso"}, "square-root"),
    ("liblinear.SVR", {"s": 11}, "-p 0.1.*Nearest: -p 0"),
    ("liblinear.SVR", {"s": 1}, "support vector machines.*-s 11"),
    ("spark.LinearRegression", {"regParam": 0.1, "solver": "l-bfgs"}, "unbiased sds.*normal"),
    ("spark.LinearRegression", {"regParam": 0.1, "loss": "huber"}, "HuberRegressor"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "parameters", "reason"), REFUSED)
def test_refused_from_the_library(target, parameters, reason):
    with pytest.raises(NoEquivalentError, match=f"(?s){reason}"):
        to_prior(target, parameters, n=100, likelihood=GAUSSIAN, sd_y=1.0, sd_x=np.ones(2))


UNEXPRESSED = [
    ("vowpalwabbit.bfgs", Model(GAUSSIAN, Normal(1)), "constant exactly like a coefficient"),
    ("vowpalwabbit.bfgs", Model(GAUSSIAN, Normal(1), Normal(2)), "exactly like a coefficient"),
    ("xgboost.gblinear", Model(GAUSSIAN, Normal(1), None), "always fits an intercept"),
    (LIBLINEAR, Model(Bernoulli(), Flat()), "no parameter for no penalty.*C=inf"),
    (LIBLINEAR, Model(Bernoulli(), Normal(1), Laplace(1)), "in the way of the coefficients"),
    (GLM, Model(GAUSSIAN, Normal(1)), "statsmodels.OLS"),
    ("statsmodels.Logit", Model(Bernoulli(), Normal(1)), "no room for a Normal"),
    ("skglm.ElasticNet", Model(GAUSSIAN, Laplace([1.0, np.inf])), "one strength"),
    ("adelie.grpnet", Model(GAUSSIAN, ElasticNet([1.0, 2.0], 1.0)), "one ratio of L1 to L2"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "model", "reason"), UNEXPRESSED)
def test_refused_to_the_library(target, model, reason):
    with pytest.raises(NoEquivalentError, match=f"(?s){reason}") as caught:
        to_penalty(model, target, n=60, p=2)
    assert "Nearest" in str(caught.value)


def test_a_library_that_always_standardises_refuses_other_priors():
    with pytest.raises(NoEquivalentError, match=r"always standardises.*standardize=True"):
        to_penalty(Model(GAUSSIAN, Normal(1)), "MASS.lm_ridge", make_data(GAUSSIAN))


ASKED = [
    ("MASS.lm_ridge", {"lambda": 4.0}, "sd_x"),
    ("spark.LinearRegression", {"regParam": 0.1, "standardization": False}, "sd_y"),
    ("spark.LinearRegression", {"regParam": 0.1, "elasticNetParam": 1.0}, "sd_x"),
    (GLUM, {"alpha": 0.1, "scale_predictors": True}, "sd_x"),
]


@pytest.mark.parametrize(("target", "parameters", "quantity"), ASKED)
def test_what_the_formula_needs_is_asked_for_by_name(target, parameters, quantity):
    with pytest.raises(ConversionError, match=f"needs {quantity}, which was not given"):
        to_prior(target, parameters, n=100, likelihood=GAUSSIAN)


def test_statsmodels_needs_the_number_of_columns_to_leave_the_constant_free():
    model = Model(GAUSSIAN, Laplace(2.0))
    with pytest.raises(ConversionError, match="needs p, which was not given"):
        to_penalty(model, "statsmodels.OLS", n=100)
    twin = to_penalty(model, "statsmodels.OLS", n=100, p=2)
    assert twin.parameters["alpha"] == pytest.approx([0.0, 0.02, 0.02])


def test_families_must_be_those_of_the_likelihood():
    for target, given in [(GLUM, {"family": "poisson"}), (GLUM, {"link": "log"}),
                          ("adelie.grpnet", {"glm": "poisson", "lmda_path": [1.0]}),
                          ("xgboost.gblinear", {"objective": "count:poisson"}),
                          ("vowpalwabbit.bfgs", {"loss_function": "logistic"})]:  # fmt: skip
        with pytest.raises(ConversionError, match="of Gaussian data is"):
            to_prior(target, given, n=100, likelihood=GAUSSIAN)


def test_a_path_of_several_lambdas_is_several_priors():
    with pytest.raises(ConversionError, match="2 entries, each another prior"):
        to_prior("adelie.grpnet", {"glm": "gaussian", "lmda_path": [1.0, 2.0]}, n=9, sigma=1.0)


def test_unbiased_sds_of_weighted_columns():
    """Divisor N - sum(s^2) / N, which is n - 1 without weights."""
    plain = make_data(Bernoulli())
    model = to_prior("spark.LogisticRegression", {"regParam": 0.1}, plain)
    expected = (0.1 * plain.n * np.var(plain.X, axis=0, ddof=1)) ** -0.5
    np.testing.assert_allclose(model.prior.scale, expected, rtol=1e-12)
    twice = Data(plain.X, plain.y, weights=np.full(plain.n, 2.0))
    doubled = to_prior("spark.LogisticRegression", {"regParam": 0.1}, twice)
    np.testing.assert_allclose(doubled.prior.scale, expected / 2**0.5, rtol=1e-12)


@pytest.mark.parametrize("name", [name for name in TARGETS if name.startswith("statsmodels.")])
def test_statsmodels_notes_say_that_a_scalar_penalises_the_constant(name):
    likelihood = {"Gaussian": GAUSSIAN, "Bernoulli": Bernoulli()}.get(TARGETS[name].likelihoods[0])
    likelihood = likelihood or Poisson()
    notes = to_penalty(Model(likelihood, Laplace(1.0)), name, n=10, p=2).notes
    assert any("penalises the constant" in note for note in notes)
