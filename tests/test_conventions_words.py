"""The library's words: a loss or family says the likelihood, a switch makes another model."""

import pytest

import bayesreg as br
from bayesreg.errors import ConversionError, NoEquivalentError

NAMED = [
    ("keras.L2", {"l2": 0.01, "loss": "binary_crossentropy"}, "Bernoulli"),
    ("keras.L1", {"l1": 0.01, "loss": "poisson"}, "Poisson"),
    ("keras.L1L2", {"l1": 0.01, "l2": 0.1, "loss": "binary_crossentropy"}, "Bernoulli"),
    ("keras.SGD", {"weight_decay": 0.01, "loss": "poisson"}, "Poisson"),
    ("torch.SGD", {"weight_decay": 0.01, "loss": "BCEWithLogitsLoss"}, "Bernoulli"),
    ("torch.Adam", {"weight_decay": 0.01, "loss": "PoissonNLLLoss"}, "Poisson"),
    ("torch.penalty", {"l1": 0.01, "loss": "BCEWithLogitsLoss"}, "Bernoulli"),
    ("mlx.SGD", {"weight_decay": 0.01, "loss": "binary_cross_entropy"}, "Bernoulli"),
    ("optax.add_decayed_weights",
     {"weight_decay": 0.01, "loss": "sigmoid_binary_cross_entropy"}, "Bernoulli"),
    ("tensorflow.l2_loss", {"strength": 0.01, "loss": "log_poisson_loss"}, "Poisson"),
    ("adelie.grpnet", {"lmda_path": [0.1], "glm": "binomial"}, "Bernoulli"),
    ("glmnet.glmnet", {"lambda": 0.1, "family": "poisson", "standardize": False}, "Poisson"),
    ("glum.GeneralizedLinearRegressor", {"alpha": 0.1, "family": "binomial"}, "Bernoulli"),
    ("statsmodels.GLM", {"alpha": 0.1, "family": "Poisson"}, "Poisson"),
    ("vowpalwabbit.bfgs", {"l2": 0.1, "loss_function": "logistic"}, "Bernoulli"),
    ("xgboost.gblinear", {"alpha": 0.1, "objective": "count:poisson"}, "Poisson"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "parameters", "likelihood"), NAMED)
def test_the_loss_says_the_likelihood(target, parameters, likelihood):
    model = br.to_prior(target, parameters, n=60)
    assert type(model.likelihood).__name__ == likelihood
    assert model == br.to_prior(target, parameters, n=60, likelihood=likelihood)


def test_keras_l2_as_weight_decay_of_torch():
    """The question as a newcomer asks it."""
    given = {"l2": 0.01, "loss": "binary_crossentropy"}
    twin = br.convert("keras.L2", given, to="torch.SGD")
    assert twin.parameters["weight_decay"] == pytest.approx(0.02, rel=1e-13)
    assert twin.parameters["loss"] == "BCEWithLogitsLoss"
    twin = br.convert("keras.L2", {"l2": 0.01, "loss": "mse"}, to="torch.SGD")
    assert twin.parameters["weight_decay"] == pytest.approx(0.02, rel=1e-13)
    assert twin.parameters["loss"] == "MSELoss"


@pytest.mark.parametrize(("target", "parameters", "likelihood"), NAMED)
@pytest.mark.parametrize("word", ["hinge", ["mse"], 3])
def test_a_word_that_the_library_has_not_is_named(target, parameters, likelihood, word):
    name = next(key for key in ("loss", "glm", "family", "objective", "loss_function")
                if key in parameters)  # fmt: skip
    with pytest.raises(ConversionError, match=f"{name} must be .*got"):
        br.to_prior(target, {**parameters, name: word}, n=60)


def test_a_word_beside_another_likelihood():
    given = {"l2": 0.01, "loss": "binary_crossentropy"}
    with pytest.raises(ConversionError, match="loss for Poisson data is 'poisson'"):
        br.to_prior("keras.L2", given, n=60, likelihood="Poisson")
    with pytest.raises(ConversionError, match="is Bernoulli here, which has no sigma"):
        br.to_prior("keras.L2", given, n=60, sigma=1.0)


@pytest.mark.parametrize(
    ("target", "parameters", "switch", "reason"),
    [
        ("torch.SGD", {"weight_decay": 0.1}, "maximize", "ascends the loss"),
        ("torch.Adam", {"weight_decay": 0.1}, "maximize", "ascends the loss"),
        ("torch.Adam", {"weight_decay": 0.1}, "decoupled_weight_decay", "makes Adam AdamW"),
        ("rstanarm.normal", {"scale": 1.0}, "prior_PD", "leaves out the data"),
    ],
)
def test_switches_that_make_another_model(target, parameters, switch, reason):
    with pytest.raises(NoEquivalentError, match=f"{switch}.*{reason}.*Nearest"):
        br.to_prior(target, {**parameters, switch: True}, n=60, sigma=1.0)
    off = br.to_prior(target, {**parameters, switch: False}, n=60, sigma=1.0)
    assert off == br.to_prior(target, parameters, n=60, sigma=1.0)


def test_sparks_family_multinomial_is_another_prior():
    given = {"regParam": 0.1, "standardization": False}
    with pytest.raises(NoEquivalentError, match="a vector of coefficients for each class"):
        br.to_prior("spark.LogisticRegression", {**given, "family": "multinomial"}, n=60)
    assert br.to_prior("spark.LogisticRegression", {**given, "family": "binomial"}, n=60) == (
        br.to_prior("spark.LogisticRegression", given, n=60)
    )
