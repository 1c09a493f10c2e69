"""Deep learning: numbers by hand, the bias, and what decoupled decay is not."""

import numpy as np
import pytest
from helpers import make_class_data, make_data

import bayesreg as br
from bayesreg.errors import ConversionError, NoEquivalentError

GAUSSIAN = br.Gaussian(2.0)

#: sigma = 2 and n = 100 rows: 2 sigma^2 / n = 0.08, sigma^2 / n = 0.04, 1 / n = 0.01.
KNOWN = [
    ("keras.L2", {"l2": 0.04}, "Gaussian", br.Normal(1.0)),
    ("keras.L1", {"l1": 0.04}, "Gaussian", br.Laplace(2.0)),
    ("keras.L1L2", {"l1": 0.04, "l2": 0.04}, "Gaussian", br.ElasticNet(2.0, 1.0)),
    ("keras.L2", {"l2": 0.04, "reduction": "sum"}, "Gaussian", br.Normal(10.0)),
    ("keras.L2", {"l2": 0.02}, "Bernoulli", br.Normal(0.5)),
    ("keras.L1", {"l1": 0.02}, "Poisson", br.Laplace(0.5)),
    ("keras.SGD", {"weight_decay": 0.08}, "Gaussian", br.Normal(1.0)),
    ("keras.SGD", {"weight_decay": 0.8, "momentum": 0.9}, "Gaussian", br.Normal(1.0)),
    ("tensorflow.l2_loss", {"strength": 0.08}, "Gaussian", br.Normal(1.0)),
    ("tensorflow.l2_loss", {"strength": 0.04}, "Bernoulli", br.Normal(0.5)),
    ("torch.SGD", {"weight_decay": 0.08}, "Gaussian", br.Normal(1.0)),
    ("torch.SGD", {"weight_decay": 0.04, "loss": "MSELoss / 2"}, "Gaussian", br.Normal(1.0)),
    ("torch.SGD", {"weight_decay": 8.0, "reduction": "sum"}, "Gaussian", br.Normal(1.0)),
    ("torch.Adam", {"weight_decay": 0.04}, "Bernoulli", br.Normal(0.5)),
    ("torch.Adam", {"weight_decay": 0.04}, "Poisson", br.Normal(0.5)),
    ("torch.penalty", {"l1": 0.04, "l2": 0.04}, "Gaussian", br.ElasticNet(2.0, 1.0)),
    ("torch.penalty", {"l1": 0.02, "l2": 0.02}, "Bernoulli", br.ElasticNet(0.5, 0.5)),
    ("optax.add_decayed_weights", {"weight_decay": 0.08}, "Gaussian", br.Normal(1.0)),
    ("optax.add_decayed_weights", {"weight_decay": 0.04, "loss": "l2_loss"}, "Gaussian",
     br.Normal(1.0)),
    ("mlx.SGD", {"weight_decay": 0.08}, "Gaussian", br.Normal(1.0)),
    ("mlx.SGD", {"weight_decay": 0.04}, "Bernoulli", br.Normal(0.5)),
]  # fmt: skip


def prior_of(target, parameters, likelihood="Gaussian", **known):
    sigma = 2.0 if likelihood == "Gaussian" else None
    return br.to_prior(target, parameters, n=100, sigma=sigma, likelihood=likelihood, **known)


@pytest.mark.parametrize(("target", "parameters", "likelihood", "prior"), KNOWN)
def test_numbers_worked_by_hand(target, parameters, likelihood, prior):
    model = prior_of(target, parameters, likelihood)
    assert type(model.prior) is type(prior)
    for name, value in vars(prior).items():
        assert getattr(model.prior, name) == pytest.approx(value, rel=1e-13)


def test_the_factor_of_two_between_the_libraries():
    twins = {
        "keras.L2": "l2", "tensorflow.l2_loss": "strength", "torch.SGD": "weight_decay",
        "optax.add_decayed_weights": "weight_decay", "mlx.SGD": "weight_decay",
    }  # fmt: skip
    for target, name in twins.items():
        found = br.convert("keras.L2", {"l2": 0.01}, to=target, likelihood="Gaussian", n=100,
                           sigma=2.0) if target != "keras.L2" else None  # fmt: skip
        if found is not None:
            assert found.parameters[name] == pytest.approx(0.02, rel=1e-13), target


def test_sigma_and_n_cancel_between_two_means():
    twin = br.convert("keras.L2", {"l2": 0.01}, to="torch.SGD", likelihood="Gaussian")
    assert twin.parameters["weight_decay"] == pytest.approx(0.02, rel=1e-13)
    with pytest.raises(ConversionError, match=r"needs n"):
        br.convert("keras.L2", {"l2": 0.01}, to="sklearn.Ridge", likelihood="Gaussian")
    ridge = br.convert("keras.L2", {"l2": 0.01}, to="sklearn.Ridge", likelihood="Gaussian", n=100)
    assert ridge.parameters["alpha"] == pytest.approx(1.0, rel=1e-13)


DECAYING = ["torch.SGD", "torch.Adam", "optax.add_decayed_weights", "mlx.SGD"]


@pytest.mark.parametrize("target", DECAYING)
def test_one_group_for_all_penalises_the_bias(target):
    model = prior_of(target, {"weight_decay": 0.08})
    assert model.intercept == model.prior == br.Normal(1.0)
    assert prior_of(target, {"weight_decay": 0.08, "bias_weight_decay": 0.0}).intercept == br.Flat()
    assert prior_of(target, {"weight_decay": 0.08, "bias": False}).intercept is None
    twin = br.to_penalty(br.Model(GAUSSIAN, br.Normal(1.0)), target, n=100)
    assert twin.parameters["bias_weight_decay"] == 0.0
    assert any("the bias too" in note for note in twin.notes)
    proper = br.Model(GAUSSIAN, br.Normal(1.0), br.Normal(2.0))
    twin = br.to_penalty(proper, target, n=100)
    assert twin.parameters["bias_weight_decay"] == pytest.approx(0.02, rel=1e-13)
    back = br.to_prior(target, twin.parameters, n=100, likelihood=GAUSSIAN)
    assert back.intercept.scale == pytest.approx(2.0, rel=1e-13)
    shifted = br.Normal(1.0, loc=3.0)
    for intercept, reason in ((br.Laplace(1.0), "decay the bias towards 0"), (shifted, "loc=3.0")):
        with pytest.raises(NoEquivalentError, match=reason):
            br.to_penalty(br.Model(GAUSSIAN, br.Normal(1.0), intercept), target, n=100)


@pytest.mark.parametrize("target", ["keras.L2", "keras.SGD", "tensorflow.l2_loss", "torch.penalty"])
def test_elsewhere_the_bias_is_free(target):
    proper = br.Model(GAUSSIAN, br.Normal(1.0), br.Normal(2.0))
    with pytest.raises(NoEquivalentError, match="leaves the intercept unpenalised"):
        br.to_penalty(proper, target, n=100)


@pytest.mark.parametrize(
    "name", ["torch.AdamW", "optax.adamw", "mlx.AdamW", "keras.AdamW", "keras.Adam"]
)
def test_decoupled_decay_is_no_normal_prior(name):
    for call in (
        lambda: br.to_prior(name, {"weight_decay": 0.01}, n=100, sigma=2.0),
        lambda: br.to_penalty(br.Model(GAUSSIAN, br.Normal(1.0)), name, n=100),
        lambda: br.convert(name, {"weight_decay": 0.01}, to="torch.SGD"),
        lambda: br.explain(name, {"weight_decay": 0.01}, n=100, sigma=2.0),
    ):
        with pytest.raises(NoEquivalentError, match=r"box \|w_j\| <= 1 / weight_decay") as error:
            call()
        for part in ("no Normal prior", "Uniform", "U(-100, 100)", "mini-batches", "Nearest: "):
            assert part in str(error.value)


def test_with_weights_the_mean_is_over_rows():
    data = make_data(br.Gaussian(2.0), weights=True)
    model = br.Model(GAUSSIAN, br.Normal(1.0))
    rows, total = data.y.size, data.total_weight
    assert abs(rows - total) > 1
    for target in ("torch.penalty", "keras.L2"):
        found = br.to_penalty(model, target, data).parameters["l2"]
        assert found == pytest.approx(4.0 / rows, rel=1e-13)
    divided = br.to_penalty(model, "keras.L2", data, reduction="mean_with_sample_weight")
    assert divided.parameters["l2"] == pytest.approx(4.0 / total, rel=1e-13)


@pytest.mark.parametrize("target", [t.name for t in br.targets() if "reduction" in t.options])
def test_every_loss_and_reduction_comes_back(target):
    convention = next(one for one in br.targets() if one.name == target)
    known = {"Gaussian": GAUSSIAN, "Bernoulli": br.Bernoulli(), "Poisson": br.Poisson()}
    prior = br.Laplace(0.3) if convention.penalties[0] == "L1" else br.Normal(0.5)
    network = convention.encode.args[0]
    for loss, entry in network.losses.items():
        for reduction in network.reductions:
            model = br.Model(known[entry.likelihood], prior)
            data = make_data(model.likelihood, weights=True)
            twin = br.to_penalty(model, target, data, loss=loss, reduction=reduction)
            back = br.to_prior(target, twin.parameters, data, likelihood=model.likelihood)
            assert back.prior.scale == pytest.approx(prior.scale, rel=1e-13)
            compile(twin.code, target, "exec")


def test_momentum_is_part_of_keras_decoupled_decay():
    """One coordinate, loss = (w - 1)^2 / 2: the update as written in keras ends where we say."""
    for momentum in (0.0, 0.5, 0.9):
        w, velocity, lr, decay = 0.0, 0.0, 0.01, 0.7
        for _ in range(20_000):
            gradient = w - 1.0
            w -= lr * decay * w
            velocity = momentum * velocity - lr * gradient
            w += velocity
        assert w == pytest.approx(1.0 / (1.0 + (1.0 - momentum) * decay), rel=1e-10)
        model = br.to_prior("keras.SGD", {"weight_decay": decay, "momentum": momentum}, n=1,
                            sigma=1.0)  # fmt: skip
        # loss mse is twice this loss, and so is its penalty.
        assert 2 / model.prior.scale**2 == pytest.approx((1 - momentum) * decay, rel=1e-12)


WRONG = [
    (lambda: prior_of("torch.SGD", {"loss": "BCEWithLogitsLoss"}), "'MSELoss' or 'MSELoss / 2'"),
    (lambda: prior_of("torch.SGD", {"reduction": "none"}), "reduction must be 'mean' or 'sum'"),
    (lambda: prior_of("keras.SGD", {"momentum": 1.0}), "momentum must be below 1"),
    (lambda: prior_of("keras.SGD", {"momentum": 1.5}), "between 0 and 1"),
    (lambda: prior_of("keras.L2", {"l2": -0.01}), "not negative"),
    (lambda: prior_of("keras.L2", {"l1": 0.01}), "no parameter 'l1'"),
    (lambda: prior_of("mlx.SGD", {"weight_decay": 0.1}, "Poisson"), "is for Gaussian or Bernoulli"),
    (lambda: br.to_prior("keras.L2", {"l2": 0.01}, n=100), "leaves the likelihood open"),
    (lambda: br.to_prior("keras.L2", {"l2": 0.01}, sigma=2.0), "needs n"),
    (lambda: br.to_prior("keras.l2", {"l2": 0.01}, sigma=2.0, n=5), "Did you mean.*'keras.L2'"),
    (lambda: br.to_prior("dropout.Linear", {"rate": 1.0}, make_data(GAUSSIAN), sigma=2.0),
     "rate must be below 1"),
    (lambda: br.to_prior("dropout.Linear", {"rate": 0.5}, n=5, sigma=2.0), "needs squares_x"),
    (lambda: br.to_penalty(br.Model(br.Multinomial(), br.Normal(1.0)), "torch.SGD",
                           make_class_data()), "Multinomial|classes"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "reason"), WRONG)
def test_wrong_calls_are_named(call, reason):
    with pytest.raises(br.errors.BayesregError, match=f"(?s){reason}"):
        call()


def test_an_optimiser_is_not_built():
    for target in ("torch.SGD", "torch.penalty", "keras.SGD", "mlx.SGD", "tensorflow.l2_loss"):
        twin = br.to_penalty(br.Model(GAUSSIAN, br.Normal(1.0)), target, n=100)
        with pytest.raises(NoEquivalentError, match=r"run \.code"):
            twin.build()


def test_columns_with_scales_of_their_own_are_rescaled():
    data = make_data(GAUSSIAN)
    model = br.Model(GAUSSIAN, br.Normal(np.geomspace(0.1, 0.5, 7)))
    twin = br.to_penalty(model, "torch.SGD", data)
    tau = np.asarray(model.prior.scale)
    np.testing.assert_allclose(twin.column_factors, tau / np.max(tau), rtol=1e-13)
    assert twin.code.endswith("coef = column_factors * (layer.weight.detach().numpy()[0])\n")


@pytest.mark.parametrize(
    ("target", "parameters", "reason"),
    [
        ("keras.L2", {"l2": 0.04}, "Fixed parameters are not a fixed prior"),
        ("dropout.Linear", {"rate": 0.5}, "Fixed parameters are not a fixed prior"),
        ("keras.L2", {"l2": 0.04, "reduction": "sum"}, "does not depend on the number of rows"),
    ],
)
def test_what_folds_do_to_it_is_said(target, parameters, reason):
    page = br.explain(target, parameters, make_data(GAUSSIAN), likelihood=GAUSSIAN)
    assert reason in " ".join(page.split())
