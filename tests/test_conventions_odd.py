"""What no library takes for a parameter is an error of ours, with its name in it."""

import contextlib
import importlib.util
import warnings

import numpy as np
import pytest
from claims import LIKELIHOODS, TARGETS, WRITABLE, data_for, model_for, penalties_of

import bayesreg as br
from bayesreg.errors import BayesregError, ConversionError

ODD = [
    None, "a", "1", -1, float("nan"), 1j, 10**400, 1e-320, 1e308, [], ["a"], [[1.0], [2.0, 3.0]],
    {}, {"a": 1}, np.array([1.0, 2.0]), np.array(["a", "b"]), np.array(None), np.eye(2), object(),
]  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
def test_odd_parameters_are_errors_of_ours(target):
    convention = TARGETS[target]
    likelihood = LIKELIHOODS[(convention.likelihoods or ("Gaussian",))[0]]
    data, base = data_for(likelihood, target), {}
    if target in WRITABLE:
        prior = next(iter(penalties_of(target).values()))
        model = model_for(target, likelihood, prior, data)
        base = br.to_penalty(model, target, data).parameters
    names = [*convention.defaults, *convention.learned]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in names:
            for value in ODD:
                with contextlib.suppress(BayesregError):
                    br.to_prior(target, {**base, name: value}, data, likelihood=likelihood)


@pytest.mark.parametrize(
    ("target", "name", "value"),
    [
        ("liblinear.LogisticRegression", "B", "1"),
        ("liblinear.LogisticRegression", "B", None),
        ("liblinear.LogisticRegression", "B", float("nan")),
        ("liblinear.LogisticRegression", "s", [0]),
        ("sklearn.LinearSVR", "loss", ["epsilon_insensitive"]),
        ("torch.SGD", "reduction", ["mean"]),
        ("bambi.Normal", "mu", 1j),
        ("sklearn.LogisticRegression", "solver", np.array(["lbfgs", "saga"])),
        ("xgboost.gblinear", "objective", np.array(["count:poisson"])),
    ],
)
def test_the_parameter_is_named(target, name, value):
    given = {"s": 0, "c": 1.0} if target.startswith("liblinear") else {}
    with pytest.raises(ConversionError, match=rf"(?s)({target}|the solver|-s \[0\])"):
        br.to_prior(target, {**given, name: value}, n=60, likelihood=_likelihood(target))


def _likelihood(target):
    return LIKELIHOODS[TARGETS[target].likelihoods[0]]


@pytest.mark.parametrize("target", ["keras.L2", "celer.Lasso", "glum.GeneralizedLinearRegressor"])
def test_a_library_that_is_not_there_is_named(target):
    module = target.split(".")[0]
    kind = br.Laplace(0.3) if target == "celer.Lasso" else br.Normal(0.5)
    twin = br.to_penalty(br.Model(br.Gaussian(1.5), kind), target, n=60)
    if importlib.util.find_spec(module) is None:
        with pytest.raises(ConversionError, match=rf"object of {module}.*Install {module}"):
            twin.build()
    else:
        assert twin.build() is not None


def test_a_quantity_that_the_data_say_is_not_said_again():
    data, model = (
        data_for(br.Gaussian(1.0), "glmnet.glmnet"),
        br.Model(br.Gaussian(1.0), br.Normal(1.0)),
    )
    with pytest.raises(ConversionError, match="the data say sd_y too"):
        br.to_penalty(model, "glmnet.glmnet", data, sd_y=99.0)
    with pytest.raises(ConversionError, match="the data say sd_x too"):
        br.to_prior("glmnet.glmnet", {"lambda": 1.0}, data, sigma=1.0, sd_x=np.ones(data.p))
