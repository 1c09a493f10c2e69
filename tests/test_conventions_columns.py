"""Strengths that differ between columns, in libraries that have one: the same optimum, shown so."""

import ast
import dataclasses
import json
import re

import numpy as np
import pytest
from helpers import make_data
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import bayesreg as br
from bayesreg.cli import main
from bayesreg.errors import ConversionError

GAUSSIAN = br.Gaussian(1.5)
DATA = make_data(GAUSSIAN)
SCALES = np.geomspace(0.1, 0.5, DATA.p)
CONVENTIONS = {one.name: one for one in br.targets()}


def _pipeline(estimator):
    return make_pipeline(StandardScaler(), estimator).fit(DATA.X, DATA.y)


PAGES = [
    pytest.param((_pipeline(Ridge(alpha=200.0)),), id="pipeline-ridge"),
    pytest.param((_pipeline(Lasso(alpha=0.05)),), id="pipeline-lasso"),
    pytest.param(("celer.Lasso", {"alpha": 0.3, "weights": [1, 2, 8, 1, 3, 5, 1]}), id="celer"),
    pytest.param(("glum.GeneralizedLinearRegressor",
                  {"alpha": 0.3, "P2": [1, 2, 8, 1, 3, 5, 1]}), id="glum"),
    pytest.param(("MASS.lm_ridge", {"lambda": 30.0}), id="MASS"),
    pytest.param(("sklearn.Ridge", {"alpha": 2.0}), id="uniform"),
]  # fmt: skip


@pytest.mark.parametrize("source", PAGES)
def test_what_is_printed_as_the_same_optimum_is_the_same_penalty(source):
    """Every line of explain, decoded by itself on the columns that the page says."""
    page = br.explain(*source, data=DATA, sigma=1.5).split("The same optimum elsewhere")[1]
    model = br.to_prior(*source, data=DATA, sigma=1.5)
    wanted = model.coefficient_penalty(DATA)
    at_hand, factors = DATA, np.ones(DATA.p)
    seen = 0
    for line in page.splitlines():
        if line.startswith("    column_factors = "):
            factors = np.array(ast.literal_eval(line.split("=")[1].strip()))
            at_hand = dataclasses.replace(DATA, X=DATA.X * factors)
        call = re.fullmatch(r"    (\w+\.\w+)\((.*)\)", line)
        if call is None:
            continue
        pairs = re.findall(r"([\w.]+)=((?:\[[^]]*\]|[^,\[]+))(?:, |$)", call[2])
        said = {name: ast.literal_eval(value) for name, value in pairs}
        said_sigma = CONVENTIONS[call[1]].says(CONVENTIONS[call[1]].complete(said))
        back = br.to_prior(call[1], said, at_hand,
                           likelihood="Gaussian" if said_sigma else GAUSSIAN)  # fmt: skip
        found = back.coefficient_penalty(at_hand)
        np.testing.assert_allclose(found.l1, wanted.l1 * factors, rtol=1e-9, err_msg=line)
        np.testing.assert_allclose(found.l2, wanted.l2 * factors**2, rtol=1e-9, err_msg=line)
        seen += 1
    assert seen > 15


def test_the_factors_are_shown_wherever_the_twin_is(capsys):
    model = br.Model(GAUSSIAN, br.Normal(SCALES))
    twin = br.to_penalty(model, "sklearn.Ridge", DATA)
    shown = repr(twin.column_factors.tolist())
    assert shown in repr(twin)
    assert f"on X * column_factors, {shown}" in str(twin)
    assert "column" not in repr(br.to_penalty(model, "statsmodels.OLS", DATA))
    text = f"Normal(scale={SCALES.tolist()!r})"
    assert main(["convert", text, "--sigma", "1.5", "--to", "sklearn.Ridge", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    np.testing.assert_allclose(said["column_factors"], twin.column_factors, rtol=1e-12)


@pytest.mark.parametrize(
    ("source", "to"),
    [
        ((_pipeline(Ridge(alpha=200.0)),), "sklearn.Ridge"),
        ((_pipeline(Ridge(alpha=200.0)),), "glum.GeneralizedLinearRegressor"),
        ((_pipeline(Lasso(alpha=0.05)),), "sklearn.Lasso"),
        (("celer.Lasso", {"alpha": 0.3, "weights": [1, 2, 8, 1, 3, 5, 1]}), "sklearn.Lasso"),
        (("celer.Lasso", {"alpha": 0.3, "weights": [1, 2, 8, 1, 3, 5, 1]}), "textbook.rss_lasso"),
        (("MASS.lm_ridge", {"lambda": 30.0}), "torch.SGD"),
    ],
)
def test_sigma_is_not_asked_for_where_it_cancels(source, to):
    free = br.convert(*source, to=to, data=DATA)
    for sigma in (0.3, 7.0):
        stated = br.convert(*source, to=to, data=DATA, sigma=sigma)
        assert list(stated.parameters) == list(free.parameters)
        for name, value in free.parameters.items():
            numeric = not isinstance(value, str)
            assert stated.parameters[name] == (
                pytest.approx(value, rel=1e-12) if numeric else value
            )
        if free.column_factors is not None:
            np.testing.assert_allclose(stated.column_factors, free.column_factors, rtol=1e-12)


def test_n_is_not_asked_for_where_it_cancels():
    weights = {"alpha": 0.3, "weights": [1.0, 2.0, 8.0]}
    twin = br.convert("celer.Lasso", weights, to="sklearn.Lasso")
    assert twin.parameters["alpha"] == pytest.approx(0.3, rel=1e-12)  # the least of the strengths
    np.testing.assert_array_equal(twin.column_factors, [1.0, 0.5, 0.125])


def test_a_pipeline_without_its_scaler_has_its_own_alpha_on_standardised_columns():
    """Also of a logistic regression, where the strength is not in units of y."""
    twin = br.convert(_pipeline(Ridge(alpha=200.0)), to="sklearn.Ridge", data=DATA)
    assert twin.parameters["alpha"] == pytest.approx(200.0, rel=1e-12)
    np.testing.assert_allclose(twin.column_factors, 1.0 / DATA.X.std(axis=0), rtol=1e-12)
    y = (DATA.y > np.median(DATA.y)).astype(float)
    fitted = make_pipeline(StandardScaler(), LogisticRegression(C=0.3)).fit(DATA.X, y)
    twin = br.convert(fitted, to="sklearn.LogisticRegression", data=br.Data(DATA.X, y))
    assert twin.parameters["C"] == pytest.approx(0.3, rel=1e-12)


ELASTIC = [
    name
    for name, target in CONVENTIONS.items()
    if "elastic net" in target.penalties and "Gaussian" in target.likelihoods
]


@pytest.mark.parametrize("target", ELASTIC)
def test_an_elastic_net_keeps_both_of_its_parts_or_is_refused(target):
    """Whatever the units: l1 is in 1/w and l2 in 1/w^2."""
    refused = []
    for unit in 10.0 ** np.arange(-100.0, 101.0, 4.0):
        model = br.Model(br.Gaussian(unit), br.ElasticNet(unit, 2.0 * unit))
        data = br.Data(DATA.X, unit * DATA.y)
        try:
            twin = br.to_penalty(model, target, data)
        except ConversionError as error:
            refused.append(str(error))
            continue
        back = br.to_prior(target, twin.parameters, data, sigma=unit).prior
        assert isinstance(back, br.ElasticNet), unit
        np.testing.assert_allclose(back.laplace_scale, unit, rtol=2e-6)
        np.testing.assert_allclose(back.normal_scale, 2.0 * unit, rtol=2e-6)
    assert len(refused) < 51
    assert all(re.search("(lose|too small|too large).*units", reason) for reason in refused)


TWO = [1.0, 2.0]

PER_COLUMN = [
    ("statsmodels.OLS", {"alpha": TWO}),
    ("statsmodels.WLS", {"alpha": [0.0, *TWO]}),
    ("statsmodels.WLS", {"alpha": [1.0] * DATA.p}),
    ("statsmodels.OLS", {"alpha": [1.0] * (DATA.p + 1), "constant": False}),
    ("celer.Lasso", {"alpha": 0.1, "weights": TWO}),
    ("celer.ElasticNet", {"alpha": 0.1, "l1_ratio": 0.5, "weights": TWO}),
    ("skglm.WeightedLasso", {"alpha": 0.1, "weights": TWO}),
    ("glum.GeneralizedLinearRegressor", {"alpha": 0.1, "l1_ratio": 1.0, "P1": TWO}),
    ("glum.GeneralizedLinearRegressor", {"alpha": 0.1, "P2": TWO}),
    ("glum.GeneralizedLinearRegressor", {"alpha": 0.1, "P2": TWO, "scale_predictors": True}),
    ("glmnet.glmnet", {"lambda": 0.1, "penalty.factor": TWO, "standardize": False}),
    ("glmnet.glmnet", {"lambda": 0.1, "penalty.factor": TWO, "standardize": True}),
    ("adelie.grpnet", {"glm": "gaussian", "lmda_path": [0.1], "penalty": TWO}),
    ("pymc.Laplace", {"b": TWO}),
    ("numpyro.Normal", {"scale": TWO}),
    ("stan.normal", {"sigma": TWO}),
    ("brms.normal", {"scale": TWO}),
    ("rstanarm.normal", {"scale": TWO}),
    ("rstanarm.normal", {"scale": TWO, "autoscale": True}),
    ("bambi.Normal", {"sigma": TWO}),
]


@pytest.mark.parametrize(("target", "parameters"), PER_COLUMN)
def test_another_number_of_strengths_than_of_columns(target, parameters):
    with pytest.raises(ConversionError, match=f"{target}.*({DATA.p}|{DATA.p + 1})"):
        br.to_prior(target, parameters, DATA, likelihood=GAUSSIAN)
    with pytest.raises(ConversionError, match=f"{target}.*({DATA.p}|{DATA.p + 1})"):
        br.convert(target, parameters, to="glmnet.glmnet", data=DATA, likelihood=GAUSSIAN)


def test_the_right_number_of_strengths_is_taken():
    alpha = [0.0, *np.linspace(0.1, 0.7, DATA.p)]
    model = br.to_prior("statsmodels.OLS", {"alpha": alpha}, DATA, likelihood=GAUSSIAN)
    assert len(model.prior.scale) == DATA.p


def test_standard_deviations_of_another_number_of_columns():
    given = {"lambda": 0.1, "penalty.factor": [1.0] * 3 + [2.0]}
    with pytest.raises(ConversionError, match=r"penalty\.factor has 4 entries.* 2 columns"):
        br.to_prior("glmnet.glmnet", given, n=60, sigma=1.0, sd_y=1.0, sd_x=[1.0, 2.0])
    with pytest.raises(ConversionError, match=r"data and sd_x were given"):
        br.to_prior("glmnet.glmnet", {"lambda": 0.1}, DATA, sigma=1.0, sd_x=[1.0, 2.0])
    model = br.Model(GAUSSIAN, br.Normal(np.arange(1.0, 5.0)))
    with pytest.raises(ConversionError, match=r"the prior has 4 entries.* 2 columns"):
        br.to_penalty(model, "glmnet.glmnet", n=60, sd_y=1.0, sd_x=[1.0, 2.0], standardize=True)
