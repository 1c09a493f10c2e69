"""Keras and TensorFlow: the optimum is our mode."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import make_data

import bayesreg as br

from .crossing import Case, answers
from .deep import LIKELIHOODS, certified, parameters, proofs, solve

pytestmark = pytest.mark.interop

BIAS = "layer.get_weights()[1][0] if layer.use_bias else 0.0"
PROOFS = [
    *proofs("keras.L2", BIAS),
    *proofs("keras.L1", BIAS),
    *proofs("keras.L1L2", BIAS),
    *proofs("keras.SGD", BIAS, momentum=0.9),
    *proofs("tensorflow.l2_loss", 'a.numpy() if "a" in globals() else 0.0'),
]


@pytest.fixture(scope="module")
def found():
    return solve("keras", PROOFS)


@pytest.mark.parametrize("proof", parameters(PROOFS))
def test_the_library_ends_at_our_mode(proof, found, record_property):
    certified(proof, found, record_property)


GRADIENT = """
import keras
import numpy as np
import tensorflow as tf

keras.config.set_floatx("float64")
keras.config.set_epsilon(1e-300)
activation, loss = {parts}
layer = keras.layers.Dense(1, activation=activation, kernel_regularizer=keras.regularizers.{rule})
layer.build((None, X.shape[1]))
layer.set_weights([np.array({coef!r})[:, None], np.array([{intercept!r}])])
with tf.GradientTape() as tape:
    total = loss(y[:, None], layer(tf.constant(X))) + sum(layer.losses)
slope, _ = tape.gradient(total, layer.trainable_weights)
slope = slope.numpy()[:, 0]
"""
PARTS = {
    "Gaussian": '"linear", keras.losses.MeanSquaredError()',
    "Bernoulli": '"linear", keras.losses.BinaryCrossentropy(from_logits=True)',
    "Poisson": '"exponential", keras.losses.Poisson()',
}


@pytest.mark.parametrize("target", ["keras.L1", "keras.L2", "keras.L1L2"])
@pytest.mark.parametrize("name", LIKELIHOODS)
def test_our_mode_is_stationary_for_the_librarys_own_objective(name, target):
    """The gradient by automatic differentiation, loss and regulariser together, at our mode.

    At an exact zero Keras takes 0 as the slope of |w|: what is left is at most l1.
    """
    likelihood = LIKELIHOODS[name]
    data = make_data(likelihood)
    prior = {"keras.L1": br.Laplace(0.3), "keras.L2": br.Normal(0.5),
             "keras.L1L2": br.ElasticNet(0.3, 0.6)}[target]  # fmt: skip
    model = br.Model(likelihood, prior)
    fit = br.find_map(model, data, tol=1e-13)
    twin = br.to_penalty(model, target, data)
    numbers = {key: value for key, value in twin.parameters.items() if key in ("l1", "l2")}
    inside = ", ".join(f"{key}={value!r}" for key, value in numbers.items())
    code = GRADIENT.format(
        parts=PARTS[name], rule=f"{target.split('.')[1]}({inside})",
        coef=list(map(float, fit.coef)), intercept=float(fit.intercept),
    )  # fmt: skip
    answer = answers("keras", [Case(name, code, data, {"slope": "slope"})]).by_name[name]
    assert not answer.error, answer.error
    slope, zero = answer.values["slope"], fit.coef == 0
    size = np.abs(data.X).T @ np.abs(data.y) / data.y.size
    assert np.max(np.abs(slope[~zero]) / size[~zero]) < 1e-8
    assert np.all(np.abs(slope[zero]) <= twin.parameters.get("l1", 0.0))


def test_another_prior_is_told_apart(found):
    answer = found.by_name[PROOFS[0].name]
    other = replace(PROOFS[0].model, prior=br.Normal(0.505))
    intercept = float(answer.values["intercept"])
    assert br.certify(other, PROOFS[0].data, answer.values["coef"], intercept).relative_gap > 1e-7
