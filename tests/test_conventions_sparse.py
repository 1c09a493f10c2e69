"""The printed programs run with the X that they were printed for, sparse too."""

import dataclasses
import warnings

import numpy as np
import pytest
import scipy.sparse
from claims import CLAIMS, TARGETS, model_for
from helpers import make_class_data, make_data

import bayesreg as br

RUN_HERE = [
    claim for claim in CLAIMS
    if claim.values[0].split(".")[0] in ("sklearn", "dropout", "textbook")
    and not claim.values[0].startswith("sklearn.SGD")
]  # fmt: skip


def sparse_data(target, likelihood, kind):
    """Small numbers in few places."""
    several = isinstance(likelihood, br.Multinomial)
    data = make_class_data(3) if several else make_data(likelihood)
    X = np.where(np.abs(data.X) > 0.5, data.X, 0.0)
    if target.startswith("sklearn.RidgeClassifier"):
        data = dataclasses.replace(data, y=np.where(data.y > np.median(data.y), 1.0, -1.0))
    return dataclasses.replace(data, X=kind(X))


@pytest.mark.parametrize("kind", [scipy.sparse.csr_matrix, scipy.sparse.csc_array])
@pytest.mark.parametrize(("target", "likelihood", "prior"), RUN_HERE)
def test_the_program_runs_with_a_sparse_matrix(target, likelihood, prior, kind):
    data = sparse_data(target, likelihood, kind)
    twin = br.to_penalty(model_for(target, likelihood, prior, data), target, data)
    run(twin, data, kind)


def run(twin, data, kind):
    space = {"X": kind(data.X), "y": data.y}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence, at no penalty
        exec(twin.code, space)
    return space


@pytest.mark.parametrize("kind", [scipy.sparse.csr_matrix, scipy.sparse.csc_array])
@pytest.mark.parametrize("target", ["sklearn.Lasso", "sklearn.Ridge", "sklearn.KernelRidge",
                                    "sklearn.LassoLars"])  # fmt: skip
def test_rescaled_columns_end_at_the_mode(target, kind):
    likelihood = br.Gaussian(1.5)
    data = sparse_data(target, likelihood, kind)
    scales = np.geomspace(0.1, 0.5, data.p)
    prior = br.Laplace(scales) if "Lasso" in target else br.Normal(scales)
    intercept = br.Flat() if TARGETS[target].fits_intercept else None
    model = br.Model(likelihood, prior, intercept)
    twin = br.to_penalty(model, target, data)
    space = run(twin, data, kind)
    at = float(space["estimator"].intercept_) if intercept is not None else 0.0
    assert br.certify(model, data, space["coef"], at).relative_gap < 1e-8


def test_kernel_ridge_leaves_its_coefficients():
    data = make_data(br.Gaussian(1.5))
    model = br.Model(br.Gaussian(1.5), br.Normal(0.5), None)
    space = run(br.to_penalty(model, "sklearn.KernelRidge", data), data, np.asarray)
    assert br.certify(model, data, space["coef"], 0.0).relative_gap < 1e-8


@pytest.mark.parametrize("target", ["pymc.Normal", "torch.SGD", "keras.L2", "statsmodels.OLS",
                                    "optax.add_decayed_weights", "tensorflow.l2_loss"])  # fmt: skip
def test_programs_on_arrays_make_them_first(target):
    likelihood = br.Gaussian(1.5)
    data = sparse_data(target, likelihood, scipy.sparse.csr_array)
    code = br.to_penalty(br.Model(likelihood, br.Normal(0.5)), target, data).code
    assert code.startswith("X = X.toarray()\n")
    dense = dataclasses.replace(data, X=data.X.toarray())
    assert "toarray" not in br.to_penalty(br.Model(likelihood, br.Normal(0.5)), target, dense).code
