"""Conventions read data only for the likelihood that made them."""

import numpy as np
import pytest
from claims import CLAIMS
from helpers import make_class_data, make_data
from sklearn.linear_model import LogisticRegression, PoissonRegressor, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import bayesreg as br
from bayesreg.errors import BayesregError, ConversionError, DataError, ModelError

GAUSSIAN = br.Gaussian(1.5)
CONTINUOUS = make_data(GAUSSIAN)


@pytest.mark.parametrize(
    ("target", "likelihood", "prior"),
    [claim for claim in CLAIMS if not isinstance(
        claim.values[1], br.Gaussian | br.AsymmetricLaplace)],
)  # fmt: skip
def test_continuous_y_is_no_data_of_these(target, likelihood, prior):
    with pytest.raises(DataError, match=f"the model is {type(likelihood).__name__} here.*row"):
        br.to_penalty(br.Model(likelihood, prior), target, CONTINUOUS)


@pytest.mark.parametrize(
    ("target", "parameters"),
    [
        ("sklearn.LogisticRegression", {"C": 1.0}),
        ("sklearn.PoissonRegressor", {"alpha": 1.0}),
        ("sklearn.SGDClassifier", {"loss": "log_loss"}),
        ("sklearn.TweedieRegressor", {"power": 1.0}),
        ("statsmodels.Logit", {"alpha": 1.0}),
        ("celer.LogisticRegression", {"C": 1.0}),
    ],
)
def test_a_penalty_is_not_read_with_data_of_another_kind(target, parameters):
    with pytest.raises(DataError, match=f"{target} is .* here, and the data are not. y must be"):
        br.to_prior(target, parameters, CONTINUOUS)
    with pytest.raises(DataError, match="y must be"):
        br.convert(target, parameters, to="textbook.nll_l2", data=CONTINUOUS)


def test_rates_with_exposures_as_weights_are_counts():
    """sum s (e^eta - (y / s) eta) is the likelihood of counts y with exposures s."""
    counts = make_data(br.Poisson(), weights=True)
    exposure = counts.weights + 0.5
    rates = br.Data(counts.X, counts.y / exposure, weights=exposure)
    twin = br.to_penalty(br.Model(br.Poisson(), br.Normal(0.5)), "sklearn.PoissonRegressor", rates)
    assert twin.parameters["alpha"] == pytest.approx(4.0 / exposure.sum(), rel=1e-13)
    negative = br.Data(counts.X, counts.y - 1)
    with pytest.raises(DataError, match=r"must be counts.*-1"):
        br.from_sklearn(PoissonRegressor(), negative)


def test_trials_are_of_a_binomial_only():
    rng = np.random.default_rng(3)
    data = br.Data(rng.normal(size=(20, 2)), rng.integers(0, 2, 20), trials=np.full(20, 2))
    with pytest.raises(ModelError, match="trials"):
        br.to_prior("sklearn.LogisticRegression", {"C": 1.0}, data)


@pytest.mark.parametrize("kind", [LogisticRegression, SGDClassifier])
def test_a_fit_to_other_classes_than_those_of_the_data(kind):
    two, three = make_data(br.Bernoulli()), make_class_data(3)
    wide = br.Data(np.resize(three.X, (three.y.size, two.p)), three.y)
    words = {"loss": "log_loss"} if kind is SGDClassifier else {}
    fitted = kind(**words).fit(two.X, two.y)
    with pytest.raises(ConversionError, match="fitted to 2 classes and y in data has 3"):
        br.to_prior(fitted, wide)
    with pytest.raises(ConversionError, match="fitted to 2 classes and y in data has 3"):
        br.convert(make_pipeline(StandardScaler(), fitted).fit(two.X, two.y),
                   to="textbook.nll_l2", data=wide)  # fmt: skip
    with pytest.raises(BayesregError, match="3 classes"):
        br.to_prior(kind(**words).fit(wide.X, wide.y), two)
    assert br.to_prior(fitted, two).likelihood == br.Bernoulli()
