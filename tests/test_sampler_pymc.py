"""Sampler "pymc": what the samplers of our own give, with the same names, groups and reasons."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers import figures

from bayesreg import (
    Data,
    Flat,
    Gaussian,
    HalfNormal,
    InverseGamma,
    Laplace,
    Model,
    Normal,
    Truncated,
    sample,
)
from bayesreg.errors import ModelError

pytestmark = pytest.mark.filterwarnings("ignore:PyTensor could not link")

# Against another sampler: z of 20 figures.
_LARGEST_Z = 4.0
CASES = {
    "exact": (Gaussian(0.8), Normal(0.5)),
    "exact, sigma and scale": (Gaussian(InverseGamma(3.0, 2.0)), Normal(InverseGamma(3.0, 1.0))),
    "gibbs, sigma and scale": (
        Gaussian(HalfNormal(2.0)),
        Laplace(InverseGamma(3.0, 0.5), relative_to_noise=True),
    ),
    "coordinate, bounds": (
        Gaussian(HalfNormal(2.0)),
        {"x0": Truncated(Laplace(InverseGamma(3.0, 0.5)), lower=-0.1), "x1": Flat()},
    ),
}


def make_data():
    """Columns in units far apart and far from 0, weights, an offset."""
    rng = np.random.default_rng(11)
    X = rng.normal(size=(25, 2))
    y = 40.0 + X @ [0.4, -0.7] + rng.normal(size=25)
    weights, offset = rng.uniform(0.5, 2.0, 25), rng.normal(size=25)
    return Data(X + np.array([0.0, 3.0]), y, weights=weights, offset=offset)


def columns(tree):
    """Every variable of the posterior by name, numbers in logarithms."""
    found = {}
    for name, values in tree["posterior"].data_vars.items():
        if values.ndim == 3:
            found |= {f"{name}[{j}]": values.values[..., j] for j in range(values.shape[2])}
        else:
            found[name] = values.values if name == "intercept" else np.log(values.values)
    # A column without a penalty has lambda1 = 0.
    return {name: draws for name, draws in found.items() if np.ptp(draws) > 0}


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=pytest.mark.slow if "," in case else ()) for case in CASES],
)
def test_it_gives_what_our_own_samplers_give(case):
    model, data = Model(*CASES[case]), make_data()
    ours = sample(model, data, seed=1, draws=3000)
    theirs = sample(model, data, seed=2, chains=2, draws=2000, sampler="pymc")
    assert ours.attrs["sampler"] == case.split(",")[0]
    assert set(ours.children) == set(theirs.children)
    for group in ("posterior", "log_likelihood", "log_prior", "diagnostics", "constant_data"):
        assert set(ours[group].data_vars) == set(theirs[group].data_vars)
        for name, values in ours[group].data_vars.items():
            assert theirs[group][name].dims == values.dims
    mine, others = columns(ours), columns(theirs)
    assert mine.keys() == others.keys()
    for name, draws in mine.items():
        for (x, dx), (y, dy) in zip(figures(draws), figures(others[name]), strict=True):
            assert abs(x - y) < _LARGEST_Z * np.hypot(dx, dy), name


@pytest.mark.filterwarnings("ignore::bayesreg.errors.ConvergenceWarning")
def test_the_program_is_named_and_the_seed_decides():
    model, data = Model(Gaussian(0.8), Laplace(HalfNormal(1.0))), make_data()
    one, two = (
        sample(model, data, seed=5, draws=120, tune=120, chains=chains, sampler="pymc")
        for chains in (1, 2)
    )
    assert one.attrs["drawn_by"].startswith("PyMC ")
    assert one.attrs["sampler_reason"] == "chosen by the caller"
    np.testing.assert_array_equal(one["posterior"]["coef"][0], two["posterior"]["coef"][0])
    assert not np.array_equal(two["posterior"]["coef"][0], two["posterior"]["coef"][1])
    stats = {"lp", "diverging", "energy", "tree_depth", "n_steps", "acceptance_rate", "step_size"}
    assert stats == set(one["sample_stats"].data_vars)


def test_it_cannot_be_stored(tmp_path):
    with pytest.raises(ModelError, match=r"whole runs.*to_netcdf"):
        sample(Model(Gaussian(0.8), Normal(0.5)), make_data(), sampler="pymc",
               store=tmp_path / "run.zarr")  # fmt: skip
    assert not list(tmp_path.iterdir())


INTERRUPTED = """
import numpy as np, bayesreg as br
data = br.Data(np.arange(6.0)[:, None], np.arange(6.0))
model = br.Model(br.Gaussian(1.0), br.Laplace(1.0))
br.sample(model, data, draws=400, tune=100, seed=1, sampler="pymc", progress=False)
print("sampling", flush=True)
br.sample(model, data, draws=2_000_000, chains=2, tune=100, seed=1, sampler="pymc")
"""


@pytest.mark.filterwarnings("ignore")
def test_ctrl_c_says_why_nothing_is_kept():
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", INTERRUPTED],
                               env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)  # fmt: skip
    assert process.stdout.readline() == "sampling\n"
    time.sleep(5.0)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=240)
    assert process.returncode != 0
    assert "KeyboardInterrupt: interrupted: sampler 'pymc' runs whole chains" in said
