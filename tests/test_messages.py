"""What a newcomer ran into: each refusal names its cause and a remedy that works."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from helpers import make_class_data, make_data

import bayesreg as br
from bayesreg.cli import main
from bayesreg.errors import BayesregError, DataTypeError, ModelError, ModelTypeError

GAUSSIAN = br.Gaussian(1.5)
LASSO = br.Model(GAUSSIAN, br.Laplace(0.3))


@pytest.mark.parametrize("prior", [br.Cauchy(1.0), br.StudentT(3.0, scale=1.0)], ids=str)
@pytest.mark.parametrize(
    "act",
    [br.find_map, lambda model, data: br.find_map_path(model, data, [1.0]),
     lambda model, data: br.certify(model, data, np.zeros((3, 7)), 0.0)],
)  # fmt: skip
def test_classes_name_the_prior_that_they_do_not_take(act, prior):
    words = rf"log-concave priors only, and .*{type(prior).__name__}.*Laplace, Normal or ElasticNet"
    for model in (
        br.Model(br.Multinomial(), prior),
        br.Model(br.Multinomial(), br.Normal(1.0), prior),
        br.Model(br.Multinomial(), br.Truncated(prior, 0.0)),
    ):
        with pytest.raises(ModelError, match=words):
            act(model, make_class_data())


@pytest.mark.parametrize(
    "prior",
    [br.HalfNormal(1.0), br.Exponential(1.0), br.Uniform(-1, 1), br.Truncated(br.Laplace(1), 0)],
    ids=str,
)
def test_sample_of_bounds_says_what_works(prior):
    data = make_data(GAUSSIAN)
    with pytest.raises(ModelError, match=r"'gibbs' does not apply.*bounds.*'coordinate'"):
        br.sample(br.Model(GAUSSIAN, prior), data, seed=1, sampler="gibbs")


def test_a_positive_lasso_is_an_exponential_prior():
    from sklearn.linear_model import Lasso

    data = make_data(GAUSSIAN)
    estimator = Lasso(alpha=0.05, positive=True, tol=1e-14, max_iter=10**6).fit(data.X, data.y)
    model = br.to_prior(estimator, data, sigma=1.5)
    assert isinstance(model.prior, br.Exponential)
    fit = br.find_map(model, data)
    assert 0 < fit.n_zeros < 7
    np.testing.assert_allclose(fit.coef, estimator.coef_, atol=1e-9)


def test_groups_of_text_are_told_the_remedy():
    words = ["a", "a", "b", "b", "c", "c", "c"]
    for groups in (words, np.array(words), tuple(words)):
        with pytest.raises(ModelTypeError, match=r"numpy\.unique\(labels, return_inverse=True\)"):
            br.GroupLaplace(0.3, groups=groups)
    numbered = br.GroupLaplace(0.3, groups=np.unique(words, return_inverse=True)[1])
    assert br.find_map(br.Model(GAUSSIAN, numbered), make_data(GAUSSIAN)).certificate.holds


@pytest.mark.parametrize("value", [True, False])
def test_an_intercept_is_a_prior_or_none(value):
    with pytest.raises(ModelTypeError, match=r"None is a model without intercept, Flat\(\)"):
        br.Model(GAUSSIAN, br.Laplace(0.3), intercept=value)


def test_certify_assumes_no_intercept():
    data = make_data(GAUSSIAN)
    fit = br.find_map(LASSO, data)
    with pytest.raises(ModelError, match=r"intercept is missing.*pass intercept="):
        br.certify(LASSO, data, fit.coef)
    without = dataclasses.replace(LASSO, intercept=None)
    assert br.certify(without, data, br.find_map(without, data).coef).holds
    classes, model = make_class_data(), br.Model(br.Multinomial(), br.Normal(1.0))
    with pytest.raises(ModelError, match="intercept is missing"):
        br.certify(model, classes, np.zeros((3, 7)))
    free = dataclasses.replace(model, intercept=None)
    assert br.certify(free, classes, br.find_map(free, classes).coef).holds


@pytest.mark.parametrize("prior", [br.Laplace(1.0), br.Normal(1.0)])
def test_a_name_comes_before_a_glob_in_a_model(prior):
    data = make_data(GAUSSIAN)
    short = br.find_map(br.Model(GAUSSIAN, {"x0": br.Flat(), "*": prior}), data)
    long = br.find_map(br.Model(GAUSSIAN, {"x0": br.Flat(), "x[1-6]": prior}), data)
    np.testing.assert_array_equal(short.coef, long.coef)


# -- command line and namespace ----------------------------------------------------------------


def test_a_density_of_sigma_is_sent_to_the_likelihood(tmp_path, capsys):
    options = ["fit", str(tmp_path / "t.csv"), "--target", "y", "--prior", "Laplace(1)", "--sigma"]
    with pytest.raises(SystemExit):
        main([*options, "HalfNormal(50)"])
    words = capsys.readouterr().err
    assert "--likelihood 'Gaussian(sigma=HalfNormal(50))' --mode joint" in words
    with pytest.raises(SystemExit):
        main([*options, "wide"])
    words = capsys.readouterr().err
    assert "--sigma: must be a number; got 'wide'" in words
    assert "--likelihood 'Gaussian" not in words


def test_a_misspelt_prior_lists_the_names_once(tmp_path, capsys):
    table = tmp_path / "t.csv"
    table.write_text("x,y\n1,2\n3,4\n5,5\n")
    options = ["fit", str(table), "--target", "y", "--sigma", "1", "--prior", "Laplaze(1)"]
    assert main(options) == 2
    words = capsys.readouterr().err
    assert "Did you mean 'Laplace'" in words
    assert words.count("InverseGamma") == 1


def test_dir_lists_the_public_names_only():
    code = "import bayesreg as br; br.Laplace; br.errors; print(*dir(br))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = set(done.stdout.split())
    assert names == {*br.__all__, "errors", "pymc", "testing"}


@pytest.mark.parametrize(
    "act", [br.sample, br.find_map_path, br.scan_scales, br.choose_scale, br.elicit, br.certify]
)
def test_arrays_instead_of_data_are_told_to_be_wrapped(act):
    """``y`` lands in the third argument, which must not be what is complained about."""
    X = np.random.default_rng(0).normal(size=(200, 5))
    with pytest.raises(DataTypeError, match=r"got ndarray. Wrap X and y: Data\(X, y\)"):
        act(LASSO, X, X[:, 0])


@pytest.mark.parametrize(
    "act",
    [
        lambda data, it: br.sample(LASSO, data, it),
        lambda data, it: br.sample(LASSO, data, seed=it),
        lambda data, it: br.sample(LASSO, data, sampler=it),
        lambda data, it: br.elicit(LASSO, data, it),
        lambda data, it: br.elicit(LASSO, data, draws=it),
        lambda data, it: br.find_map(LASSO, data, target=it),
        lambda data, it: br.choose_scale(LASSO, data, hold=it),
        lambda data, it: br.to_penalty(LASSO, it, data),
    ],
)
def test_a_large_object_is_short_in_a_message(act):
    data = make_data(GAUSSIAN)
    with pytest.raises(BayesregError) as refused:
        act(data, np.random.default_rng(0).normal(size=(200, 5)))
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300
