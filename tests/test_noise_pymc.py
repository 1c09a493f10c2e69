"""PyMC's joint log density with unknown sigma equals ours; the command line finds its modes."""

import json
import warnings

import numpy as np
import pytest

import bayesreg as br
from bayesreg.cli import main

ON_SIGMA = [
    br.Flat(),
    br.Jeffreys(),
    br.HalfNormal(1.5),
    br.Exponential(2.0),
    br.HalfCauchy(0.7),
    br.InverseGamma(2.0, 1.5),
    br.Uniform(0.1, 10.0),
]
MIXED = {
    "x0": br.Flat(),
    "x1": br.Laplace(0.3, 0.2, relative_to_noise=True),
    "x2": br.ElasticNet(0.3, 0.6, relative_to_noise=True),
    "x3": br.Normal(0.8),
}


def make_data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(12, 4))
    weights = rng.uniform(0.3, 2.0, 12)
    weights[3] = 0.0
    return br.Data(X, rng.normal(size=12), weights=weights, offset=rng.normal(size=12))


def compare(model, data):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="PyTensor could not link")
        pm_model = br.to_pymc(model, data)
        compiled = pm_model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    free = ~model.at_sigma(1.0).coefficient_penalty(data).is_pinned
    names = {variable.name for variable in pm_model.free_RVs}
    assert "sigma" in names
    rng = np.random.default_rng(1)
    for _ in range(3):
        coef, a, sigma = rng.normal(size=data.p) * free, rng.normal(), rng.uniform(0.3, 3)
        a = 0.0 if model.intercept is None else a
        # compile_logp takes sigma on the scale that PyMC samples it on.
        variable = pm_model["sigma"]
        transform = pm_model.rvs_to_transforms[variable]
        inputs = variable.owner.inputs
        on_line = transform.forward(np.asarray(sigma), *inputs).eval()
        point = {"coef": coef, "coef_free": coef[free], "intercept": np.asarray(a)}
        point = {name: value for name, value in point.items() if name in names}
        value = compiled({**point, pm_model.rvs_to_values[variable].name: on_line})
        ours = model.log_density(data, coef, a, sigma=sigma)
        # PyMC has the constant of its HalfCauchy in single precision: 1.9e-9 off scipy's too.
        single = isinstance(model.likelihood.sigma, br.HalfCauchy)
        assert float(value) == pytest.approx(ours, rel=1e-11, abs=3e-9 if single else 0)


@pytest.mark.parametrize("on_sigma", ON_SIGMA, ids=repr)
def test_every_density_of_sigma(on_sigma):
    compare(br.Model(br.Gaussian(sigma=on_sigma), br.Laplace(0.3)), make_data())


@pytest.mark.parametrize(
    ("prior", "intercept"),
    [
        (br.Laplace(0.3, relative_to_noise=True), br.Flat()),
        (br.Normal(0.3, 0.1, relative_to_noise=True), None),
        (br.ElasticNet(0.3, 0.5, relative_to_noise=True), br.Normal(2.0)),
        (MIXED, br.Normal(2.0, relative_to_noise=True)),
    ],
    ids=["laplace", "normal", "elastic net", "mixed"],
)
def test_priors_relative_to_the_noise(prior, intercept):
    compare(br.Model(br.Gaussian(br.HalfNormal(1.0)), prior, intercept), make_data())


def test_standardized_with_a_pinned_column():
    data = make_data()
    wider = br.Data(np.column_stack([data.X, np.ones(12)]), data.y, weights=data.weights)
    prior = br.Laplace(0.3, relative_to_noise=True)
    compare(br.Model(br.Gaussian(br.HalfNormal(1.0)), prior, standardize=True), wider)


# ---- command line ------------------------------------------------------------------------------


@pytest.fixture
def csv(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    rows = np.column_stack([X, X @ [1.0, 0.0, -0.5] + rng.normal(size=40)])
    path = tmp_path / "data.csv"
    np.savetxt(path, rows, delimiter=",", header="a,b,c,y", comments="")
    return path


def run(csv, *more):
    words = ("--target", "y", "--prior", "Laplace(scale=0.3)", "--likelihood")
    return main(["fit", str(csv), *words, "Gaussian(sigma=HalfNormal(scale=2))", *more])


@pytest.mark.parametrize("mode", ["joint", "marginal"])
def test_fit_with_unknown_sigma(csv, mode, capsys):
    assert run(csv, "--mode", mode) == 0
    said = capsys.readouterr().out
    assert "sigma ~ HalfNormal(scale=2.0)" in said
    assert "sigma  " in said.split("intercept")[-1]
    assert run(csv, "--mode", mode, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["target"] == mode
    assert len(result["modes"]) == 1


def test_fit_asks_which_mode(csv, capsys):
    assert run(csv) != 0
    assert "--mode is missing" in capsys.readouterr().err
