"""bambi: the printed model has our log density; the scales that it makes; from_bambi."""

import numpy as np
import pytest
from helpers import make_data

import bayesreg as br

from .crossing import Case, answers
from .densities import LIKELIHOODS, PRECISION, SCALES, Density, constant_apart, data_of
from .environments import ROOT

pytestmark = pytest.mark.interop

# The intercept inside is that of centred columns.
_VALUES = """
backend = model.backend.model
compiled = backend.compile_logp(jacobian=False, mode="FAST_COMPILE")
free = [variable.name for variable in backend.free_RVs]
centre = X.mean(axis=0) if "Intercept" in free else 0 * X[0]


def at(v):
    level = {"Intercept": np.asarray(v[-1] + centre @ v[:-1])}
    slopes = {name: np.asarray(v[j]) for j, name in enumerate(names)}
    return {name: value for name, value in {**level, **slopes}.items() if name in free}


values = [float(compiled(at(v))) for v in points]
"""
_PRIORS = [("bambi.Laplace", br.Laplace), ("bambi.Normal", br.Normal)]
DENSITIES = [
    Density(target, br.Model(likelihood, prior(scale), intercept), data_of(likelihood, weights),
            _VALUES)
    for target, prior in _PRIORS
    for likelihood in LIKELIHOODS
    for scale, intercept, weights in [
        (0.3, br.Flat(), False), (SCALES, None, False), (SCALES, br.Flat(), False),
    ]
]  # fmt: skip

_AUTOMATIC = """
import bambi as bmb
import numpy as np
import pandas as pd

names = [f"x{j}" for j in range(X.shape[1])]
frame = pd.DataFrame({"y": y, **dict(zip(names, X.T))})
model = bmb.Model("y ~ " + " + ".join(names), frame, family=FAMILY)
model.build()
terms = model.parameters[model.family.likelihood.parent].common_terms
sigma = [float(terms[name].prior.args["sigma"]) for name in names]
"""
_FROM_BAMBI = """
import sys
sys.path.insert(0, ROOT)
import bayesreg as br

if FAMILY == "gaussian":
    read = br.from_bambi(model, given={"sigma": 1.5})
else:
    read = br.from_bambi(model)
order = [read.data.names.index(name) for name in names]
columns = read.data.X[:, order]
scales = np.asarray(read.model.prior.scale)[order]
said = [any(word in note for note in read.notes) for word in ("scaled", "centred", "intercept has")]
difference = read.difference
"""


def automatic(likelihood):
    family = type(likelihood).__name__.lower()
    family = repr("gaussian" if family == "gaussian" else family)
    head = f"FAMILY = {family}\nROOT = {str(ROOT)!r}\n"
    wanted = {name: name for name in ("sigma", "columns", "scales", "said", "difference")}
    data = make_data(likelihood)
    return Case(type(likelihood).__name__, head + _AUTOMATIC + _FROM_BAMBI, data, wanted)


@pytest.fixture(scope="module")
def values():
    return answers("bambi", [density.case() for density in DENSITIES])


@pytest.fixture(scope="module")
def scaled():
    return answers("bambi", [automatic(likelihood) for likelihood in LIKELIHOODS])


@pytest.mark.parametrize("density", [pytest.param(one, id=one.name) for one in DENSITIES])
def test_the_printed_model_has_our_density(density, values):
    assert constant_apart(density, values) <= PRECISION


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_the_scales_that_it_makes_are_ours(likelihood, scaled):
    answer = scaled.by_name[type(likelihood).__name__]
    assert not answer.error, answer.error
    model = br.to_prior("bambi.Normal", {}, make_data(likelihood), likelihood=likelihood)
    np.testing.assert_allclose(model.prior.scale, answer.values["sigma"], rtol=1e-12)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_from_bambi_reads_what_it_did(likelihood, scaled):
    answer = scaled.by_name[type(likelihood).__name__]
    assert not answer.error, answer.error
    X = make_data(likelihood).X
    np.testing.assert_allclose(answer.values["columns"], X - X.mean(axis=0), atol=1e-13)
    np.testing.assert_allclose(answer.values["scales"], answer.values["sigma"], rtol=1e-14)
    assert np.all(answer.values["said"] == 1.0)
    assert answer.values["difference"] < 1e-9
