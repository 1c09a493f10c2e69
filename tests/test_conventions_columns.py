"""Conventions with a strength per column: as many strengths as there are columns."""

import numpy as np
import pytest
from helpers import make_data

import bayesreg as br
from bayesreg.errors import ConversionError

GAUSSIAN = br.Gaussian(1.5)
DATA = make_data(GAUSSIAN)
TWO = [1.0, 2.0]

PER_COLUMN = [
    ("statsmodels.OLS", {"alpha": TWO}),
    ("statsmodels.WLS", {"alpha": [0.0, *TWO]}),
    ("statsmodels.WLS", {"alpha": [1.0] * DATA.p}),
    ("statsmodels.OLS", {"alpha": [1.0] * (DATA.p + 1), "constant": False}),
    ("celer.Lasso", {"alpha": 0.1, "weights": TWO}),
    ("celer.ElasticNet", {"alpha": 0.1, "l1_ratio": 0.5, "weights": TWO}),
    ("skglm.WeightedLasso", {"alpha": 0.1, "weights": TWO}),
    ("glum.GeneralizedLinearRegressor", {"alpha": 0.1, "l1_ratio": 1.0, "P1": TWO}),
    ("glum.GeneralizedLinearRegressor", {"alpha": 0.1, "P2": TWO}),
    ("glum.GeneralizedLinearRegressor", {"alpha": 0.1, "P2": TWO, "scale_predictors": True}),
    ("glmnet.glmnet", {"lambda": 0.1, "penalty.factor": TWO, "standardize": False}),
    ("glmnet.glmnet", {"lambda": 0.1, "penalty.factor": TWO, "standardize": True}),
    ("adelie.grpnet", {"glm": "gaussian", "lmda_path": [0.1], "penalty": TWO}),
    ("pymc.Laplace", {"b": TWO}),
    ("numpyro.Normal", {"scale": TWO}),
    ("stan.normal", {"sigma": TWO}),
    ("brms.normal", {"scale": TWO}),
    ("rstanarm.normal", {"scale": TWO}),
    ("rstanarm.normal", {"scale": TWO, "autoscale": True}),
    ("bambi.Normal", {"sigma": TWO}),
]


@pytest.mark.parametrize(("target", "parameters"), PER_COLUMN)
def test_another_number_of_strengths_than_of_columns(target, parameters):
    with pytest.raises(ConversionError, match=f"{target}.*({DATA.p}|{DATA.p + 1})"):
        br.to_prior(target, parameters, DATA, likelihood=GAUSSIAN)
    with pytest.raises(ConversionError, match=f"{target}.*({DATA.p}|{DATA.p + 1})"):
        br.convert(target, parameters, to="glmnet.glmnet", data=DATA, likelihood=GAUSSIAN)


def test_the_right_number_of_strengths_is_taken():
    alpha = [0.0, *np.linspace(0.1, 0.7, DATA.p)]
    model = br.to_prior("statsmodels.OLS", {"alpha": alpha}, DATA, likelihood=GAUSSIAN)
    assert len(model.prior.scale) == DATA.p


def test_standard_deviations_of_another_number_of_columns():
    given = {"lambda": 0.1, "penalty.factor": [1.0] * 3 + [2.0]}
    with pytest.raises(ConversionError, match=r"penalty\.factor has 4 entries.* 2 columns"):
        br.to_prior("glmnet.glmnet", given, n=60, sigma=1.0, sd_y=1.0, sd_x=[1.0, 2.0])
    with pytest.raises(ConversionError, match=r"sd_x has 2 entries.* 7 columns in data"):
        br.to_prior("glmnet.glmnet", {"lambda": 0.1}, DATA, sigma=1.0, sd_x=[1.0, 2.0])
    model = br.Model(GAUSSIAN, br.Normal(np.arange(1.0, 5.0)))
    with pytest.raises(ConversionError, match=r"the prior has 4 entries.* 2 columns"):
        br.to_penalty(model, "glmnet.glmnet", n=60, sd_y=1.0, sd_x=[1.0, 2.0], standardize=True)
