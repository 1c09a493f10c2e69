"""Sampler "pymc" where nutpie is installed: it draws, is named, and gives what ours give."""

import numpy as np
import pytest
from helpers import figures

import bayesreg as br

from .crossing import Case, answers
from .environments import ROOT

pytestmark = pytest.mark.interop

_DRAW = """
import sys
sys.path.insert(0, ROOT)
import bayesreg as br

post = br.sample(eval("br." + MODEL, {"br": br}), br.Data(X, y), seed=2, chains=2, draws=1500,
                 sampler="pymc", progress=False)
named = post.attrs["drawn_by"].startswith("nutpie ")
again = br.sample(eval("br." + MODEL, {"br": br}), br.Data(X, y), seed=2, chains=1, draws=1500,
                  sampler="pymc", progress=False)
same = again["posterior"]["coef"].values[0] == post["posterior"]["coef"].values[0]
"""
_LARGEST_Z = 4.0
MODELS = {
    "exact": ("Model(br.Gaussian(3.0), br.Normal([1.0, 1e-4]))", ("coef", "intercept")),
    "coordinate": (
        "Model(br.Gaussian(br.HalfNormal(3.0)), "
        "br.Truncated(br.Laplace([1.0, 1e-4]), lower=[0, -1e-3]))",
        ("coef", "intercept", "sigma", "lambda1"),
    ),
}


def make_data():
    """Units far apart, and far from 0."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 2)) * [1.0, 1e4] + [0.0, 5e4]
    return br.Data(X, 1e4 + 2 * X[:, 0] + 3 * rng.normal(size=30))


def by_column(draws):
    return np.moveaxis(draws, 2, 0) if draws.ndim == 3 else draws[None]


@pytest.fixture(scope="module")
def drawn():
    cases = []
    for name, (text, variables) in MODELS.items():
        wanted = {variable: f"post['posterior']['{variable}'].values" for variable in variables}
        head = f"ROOT = {str(ROOT)!r}\nMODEL = {text!r}\n"
        cases.append(Case(name, head + _DRAW, make_data(),
                          {**wanted, "named": "named", "same": "same"}))  # fmt: skip
    return answers("nutpie", cases).by_name


@pytest.mark.parametrize("name", MODELS)
def test_nutpie_gives_what_our_own_samplers_give(name, drawn):
    text, variables = MODELS[name]
    answer = drawn[name]
    assert not answer.error, answer.error
    assert answer.values["named"] == 1.0
    assert np.all(answer.values["same"] == 1.0)
    ours = br.sample(eval("br." + text, {"br": br}), make_data(), seed=1, draws=3000)
    assert ours.attrs["sampler"] == name
    for variable in variables:
        pairs = (
            by_column(part)
            for part in (ours["posterior"][variable].values, answer.values[variable])
        )
        for one, other in zip(*pairs, strict=True):
            for (x, dx), (y, dy) in zip(figures(one), figures(other), strict=True):
                assert abs(x - y) < _LARGEST_Z * np.hypot(dx, dy), variable
