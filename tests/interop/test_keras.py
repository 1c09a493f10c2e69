"""Keras and TensorFlow: the optimum is our mode."""

import re
from dataclasses import replace

import numpy as np
import pytest
from helpers import make_data

import bayesreg as br

from .crossing import Case, answers
from .deep import LIKELIHOODS, certified, parameters, proofs, solve

pytestmark = pytest.mark.interop

BIAS = "layer.get_weights()[1][0] if layer.use_bias else 0.0"
#: Sign steps on columns that are rescaled to unequal sizes: 15 000 of them end at 3e-3.  Of these,
#: and of all with L1, the stationarity of Keras's own objective is tested below.
UNFINISHED = ("keras.L1-Poisson-Laplace-each", "keras.L1L2-Poisson-Laplace-each")
#: The gradient of L1 is a sign: its steps circle the optimum, and end this near it.
SIGNS = 1e-4
PROOFS = [
    *proofs("keras.L2", BIAS),
    *(one for one in proofs("keras.L1", BIAS, SIGNS) if one.name not in UNFINISHED),
    *(one for one in proofs("keras.L1L2", BIAS, SIGNS) if one.name not in UNFINISHED),
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
layer.set_weights([np.array({coef!r})[:, None], np.array([{intercept!r}])])
with tf.GradientTape() as tape:
    total = model.loss(y[:, None], model(X)) + sum(model.losses)
slope, _ = tape.gradient(total, layer.trainable_weights)
slope = slope.numpy()[:, 0]
"""


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
    code = re.sub(r"steps_per_epoch=\d+", "steps_per_epoch=1", twin.code)
    code = re.sub("steps_per_execution=500", "steps_per_execution=1", code)
    code = "import numpy as np\n" + code + GRADIENT.format(
        coef=list(map(float, fit.coef)), intercept=float(fit.intercept)
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
