"""NumPyro: the printed model has our log density, and the printed search ends at our mode."""

from dataclasses import replace

import numpy as np
import pytest

import bayesreg as br

from .crossing import answers
from .densities import LIKELIHOODS, PRECISION, SCALES, Density, constant_apart, data_of
from .proof import Proof, certified, parameters, solve

pytestmark = pytest.mark.interop

_VALUES = """
from numpyro.infer.util import log_density
arguments = (X, y, sample_weight) if {weighted} else (X, y)
values = [
    float(log_density(model, arguments, {{}}, {{"coef": v[:-1], "intercept": v[-1]}})[0])
    for v in points
]
"""

DENSITIES = [
    Density(target, br.Model(likelihood, prior(scale), intercept), data_of(likelihood, weights),
            _VALUES.format(weighted=weights))
    for target, prior in [("numpyro.Laplace", br.Laplace), ("numpyro.Normal", br.Normal)]
    for likelihood in LIKELIHOODS
    for scale, intercept in [(0.3, br.Flat()), (SCALES, None), (SCALES, br.Normal(2.0))]
    for weights in (False, True)
]  # fmt: skip
PROOFS = [
    Proof("numpyro.Normal", br.Model(likelihood, br.Normal(scale), intercept),
          data_of(likelihood, weights), intercept="found.x[-1]" if intercept else "0.0")
    for likelihood in LIKELIHOODS
    for scale in (0.3, SCALES)
    for intercept in (br.Flat(), None)
    for weights in (False, True)
]  # fmt: skip


@pytest.fixture(scope="module")
def values():
    return answers("numpyro", [density.case() for density in DENSITIES])


@pytest.fixture(scope="module")
def modes():
    return solve("numpyro", PROOFS)


@pytest.mark.parametrize("density", [pytest.param(one, id=one.name) for one in DENSITIES])
def test_the_printed_model_has_our_density(density, values):
    assert constant_apart(density, values) <= PRECISION


@pytest.mark.parametrize("proof", parameters(PROOFS))
def test_the_printed_search_ends_at_our_mode(proof, modes, record_property):
    certified(proof, modes, record_property)


def test_another_scale_is_told_apart(values):
    density = DENSITIES[0]
    other = br.Model(density.model.likelihood, br.Laplace(0.303))
    answer = values.by_name[density.name]
    renamed = replace(values, by_name={replace(density, model=other).name: answer})
    assert constant_apart(replace(density, model=other), renamed) > 1e-6
    assert np.all(np.isfinite(answer.values["values"]))
