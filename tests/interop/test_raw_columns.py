"""Programs of training on columns as people have them, age and income: at the optimum, or an error.

A step for all columns alike that suits the income moves the coefficient of a dummy by nothing.
"""

import numpy as np
import pytest

import bayesreg as br

from .crossing import answers
from .proof import Proof, certified, parameters, solve

pytestmark = pytest.mark.interop

LIKELIHOODS = {"Gaussian": br.Gaussian(1.0), "Bernoulli": br.Bernoulli(), "Poisson": br.Poisson()}
BIAS = {
    "torch": "layer.bias.item()",
    "keras": "layer.get_weights()[1][0]",
    "tensorflow": "a.numpy()",
    "optax": 'float(parameters["b"])',
    "mlx": "np.array(layer.bias)[0]",
}
ENVIRONMENTS = {"tensorflow": "keras"}
TARGETS = ["torch.SGD", "torch.Adam", "torch.penalty", "keras.L1", "keras.L2", "keras.SGD",
           "tensorflow.l2_loss", "optax.add_decayed_weights", "mlx.SGD"]  # fmt: skip


def raw_data(name, collinear=False):
    rng = np.random.default_rng(0)
    age, income = rng.normal(45.0, 12.0, 200), rng.lognormal(10.5, 0.5, 200)
    X = np.column_stack([age, income, rng.integers(0, 2, 200), rng.normal(3.0, 1.0, 200)])
    eta = (age - 45) / 24 + (income - 4e4) / 7e4 + 0.4 * X[:, 2]
    if collinear:
        X[:, 3] = age + 1e-5 * X[:, 3]
    y = {
        "Gaussian": 3 * eta + 20 + rng.normal(size=200),
        "Bernoulli": rng.random(200) < 1 / (1 + np.exp(-eta)),
        "Poisson": rng.poisson(np.exp(0.5 + eta / 2)),
    }
    return br.Data(X, y[name])


def proof_of(target, name, **words):
    convention = next(one for one in br.targets() if one.name == target)
    prior = br.Normal(0.5) if "L2" in convention.penalties else br.Laplace(0.3)
    model = br.Model(LIKELIHOODS[name], prior)
    return Proof(target, model, raw_data(name, **words), intercept=BIAS[target.split(".")[0]])


PROOFS = [
    proof_of(target, name)
    for target in TARGETS
    for name in next(one for one in br.targets() if one.name == target).likelihoods
]


def environment(target):
    library = target.split(".")[0]
    return ENVIRONMENTS.get(library, library)


@pytest.mark.parametrize("proof", parameters(PROOFS))
def test_the_library_ends_at_our_mode(proof, record_property):
    certified(proof, solve(environment(proof.target), [proof]), record_property)


def test_without_the_optimum_there_is_an_error():
    """Two columns alike to 1e-6, and next to no penalty: no such number of steps is enough."""
    likelihood = br.Gaussian(1.0)
    proof = Proof("torch.SGD", br.Model(likelihood, br.Normal(1e7)),
                  raw_data("Gaussian", collinear=True), intercept=BIAS["torch"],
                  edits=(("range(50_000)", "range(500)"),))  # fmt: skip
    answer = answers("torch", [proof.case()]).by_name[proof.name]
    assert "not at the optimum" in str(answer.error)
