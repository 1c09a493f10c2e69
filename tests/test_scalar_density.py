"""Densities of positive numbers in compiled code: those of the classes, to rounding."""

import numpy as np
import pytest

from bayesreg import (
    Exponential,
    Flat,
    HalfCauchy,
    HalfNormal,
    InverseGamma,
    Jeffreys,
    Uniform,
)
from bayesreg._kernels.scalar_density import elasticity, log_densities, log_density
from bayesreg.posterior.scalars import encode
from bayesreg.priors.on_noise import ON_NOISE, noise_density

DENSITIES = [
    Flat(),
    Jeffreys(),
    HalfNormal(0.7),
    Exponential(3.0),
    HalfCauchy(0.2),
    InverseGamma(2.5, 0.3),
    Uniform(0.0, 2.0),
    Uniform(0.5, 4.0),
]
POINTS = np.concatenate([np.geomspace(1e-150, 1e150, 61), [0.5, 0.7, 1.0, 2.0, 3.9, 4.0, 4.1]])


def test_every_class_is_here():
    assert {type(prior) for prior in DENSITIES} == set(ON_NOISE)


@pytest.mark.parametrize("prior", DENSITIES, ids=repr)
def test_log_density_is_the_one_of_the_class(prior):
    coded = encode([prior])
    found = [log_density(coded.codes[0], coded.parameters[0], s) for s in POINTS]
    with np.errstate(over="ignore"):
        expected = prior.log_density(POINTS)
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("prior", DENSITIES, ids=repr)
def test_elasticity_is_the_one_of_the_class(prior):
    coded, density = encode([prior]), noise_density(prior)
    inside = POINTS[np.isfinite(prior.log_density(POINTS))]
    found = [elasticity(coded.codes[0], coded.parameters[0], s) for s in inside]
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(found, density.elasticity(inside), rtol=1e-13)


@pytest.mark.parametrize("prior", DENSITIES, ids=repr)
@pytest.mark.parametrize("s", [0.0, -1.0, np.nan])
def test_only_positive_numbers_have_a_density(prior, s):
    coded = encode([prior])
    assert log_density(coded.codes[0], coded.parameters[0], s) == -np.inf


def test_the_sum_and_the_empty_one():
    coded = encode(DENSITIES)
    s = np.full(len(DENSITIES), 1.3)
    expected = sum(float(prior.log_density(1.3)) for prior in DENSITIES)
    assert log_densities(coded.codes, coded.parameters, s) == pytest.approx(expected, rel=1e-14)
    nothing = encode([])
    assert nothing.parameters.shape == (0, 5)
    assert log_densities(nothing.codes, nothing.parameters, np.empty(0)) == 0.0
