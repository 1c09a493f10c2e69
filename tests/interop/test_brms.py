"""brms: the Stan program it generates has our prior on b itself, and none on the intercept."""

import numpy as np
import pytest
from helpers import make_data

import bayesreg as br

from .crossing import Case, answers

pytestmark = pytest.mark.interop

SCALES = np.geomspace(0.1, 0.5, 7)
LIKELIHOODS = [br.Gaussian(1.5), br.Bernoulli(), br.Poisson()]
CASES = [
    (name, likelihood, scale, weights)
    for name in ("normal", "double_exponential")
    for likelihood in LIKELIHOODS
    for scale in (0.3, SCALES)
    for weights in (False, True)
]


def label(name, likelihood, scale, weights):
    return f"{name}-{type(likelihood).__name__}-{np.ndim(scale)}-{weights}"


def statements(name, scale):
    """What the program must say."""
    if isinstance(scale, float):
        return [f"{name}_lpdf(b | 0, {scale!r})"]
    return [f"{name}_lpdf(b[{j + 1}] | 0, {float(value)!r})" for j, value in enumerate(scale)]


def case_of(name, likelihood, scale, weights):
    prior = br.Normal(scale) if name == "normal" else br.Laplace(scale)
    data = make_data(likelihood, weights=weights)
    twin = br.to_penalty(br.Model(likelihood, prior), f"brms.{name}", data)
    said = [
        f'grepl("{text}", program, fixed = TRUE)'
        for text in statements(name, twin.parameters["scale"])
    ]
    wanted = {
        "said": f"c({', '.join(said)})",
        "other": 'grepl("lpdf\\\\((Intercept|sigma) [|]", program)',
        "weighted": 'grepl("weights[n]", program, fixed = TRUE)',
    }
    return Case(label(name, likelihood, scale, weights), twin.code, data, wanted)


@pytest.fixture(scope="module")
def found():
    return answers("brms", [case_of(*case) for case in CASES])


@pytest.mark.parametrize("case", [pytest.param(case, id=label(*case)) for case in CASES])
def test_the_program_has_our_prior(case, found):
    answer = found.by_name[label(*case)]
    assert not answer.error, answer.error
    assert np.all(answer.values["said"] == 1.0)
    assert np.all(answer.values["other"] == 0.0)
    assert np.all(answer.values["weighted"] == float(case[3]))
