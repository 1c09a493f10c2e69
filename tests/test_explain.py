"""explain, sigma="estimate": the page says what the conversion does, with the caller's numbers."""

import pickle
import re

import numpy as np
import pytest
from claims import LIKELIHOODS, WRITABLE, data_for, model_for, penalties_of, takes
from helpers import make_data

import bayesreg as br
from bayesreg.errors import ConversionError

GAUSSIAN = br.Gaussian(1.5)


@pytest.mark.parametrize("target", WRITABLE)
def test_every_target_is_explained(target):
    convention = next(one for one in br.targets() if one.name == target)
    likelihood = LIKELIHOODS[convention.likelihoods[0]]
    prior = next(iter(penalties_of(target).values()))
    data = data_for(likelihood, target)
    model = model_for(target, likelihood, prior, data)
    twin = br.to_penalty(model, target, data)
    page = br.explain(target, twin.parameters, data, likelihood=likelihood)
    words = " ".join(page.split())
    assert " ".join(convention.objective.split()) in words
    assert " ".join(convention.formula.split()) in words
    back = br.to_prior(target, twin.parameters, data, likelihood=likelihood)
    assert " ".join(repr(back).split()) in words
    for other in br.targets():
        if f"    {other.name}(" in page and takes(other.name, data):
            again = br.to_penalty(back, other.name, data).parameters
            shown = re.search(re.escape(other.name) + r"\((.*)\)", words).group(1)
            for name, value in again.items():
                if type(value) is float:
                    said = re.search(rf"\b{re.escape(name)}=(-?(?:inf|[0-9.e+-]+))", shown).group(1)
                    assert float(said) == pytest.approx(value, rel=1e-12)


def test_what_cross_validation_does_to_a_fixed_alpha_is_said():
    page = br.explain("sklearn.Lasso", {"alpha": 0.1}, n=500, sigma=10.0)
    text = " ".join(page.split())
    assert "each fit sees 80% of them, where the same parameters mean b = 2.5;" in text
    assert "the refit on all rows means b = 2." in text
    same = " ".join(br.explain("sklearn.Ridge", {"alpha": 0.1}, n=500, sigma=10.0).split())
    assert "does not depend on the number of rows" in same


def test_the_estimated_sigma_is_least_squares():
    data = make_data(GAUSSIAN, weights=True)
    model = br.to_prior("sklearn.Ridge", {"alpha": 2.0}, data, sigma="estimate")
    used = data.weights > 0
    root = np.sqrt(data.weights[used])
    design = np.column_stack([np.ones(used.sum()), data.X[used]])
    coef = np.linalg.lstsq(root[:, None] * design, root * data.y[used], rcond=None)[0]
    rss = np.sum((root * (data.y[used] - design @ coef)) ** 2)
    freedom = used.sum() - 8
    sigma = model.likelihood.sigma
    assert sigma == pytest.approx(np.sqrt(rss / freedom), rel=1e-12)
    assert sigma.standard_error == pytest.approx(sigma / np.sqrt(2 * freedom), rel=1e-12)
    assert "estimated: residuals of least squares" in br.explain(
        "sklearn.Ridge", {"alpha": 2.0}, data, sigma="estimate"
    )
    assert pickle.loads(pickle.dumps(model)).likelihood.sigma.how == sigma.how
    assert repr(model) == repr(
        br.to_prior("sklearn.Ridge", {"alpha": 2.0}, data, sigma=float(sigma))
    )


def test_the_estimate_has_the_standard_error_that_it_states():
    """400 replications: the spread of sigma is what is stated, within four of its errors."""
    rng = np.random.default_rng(0)
    X, found = rng.normal(size=(40, 5)), []
    for _ in range(400):
        data = br.Data(X, X @ np.ones(5) + 2.0 * rng.normal(size=40))
        found.append(br.to_prior("sklearn.Ridge", {"alpha": 1.0}, data, sigma="estimate"))
    sigmas = np.array([model.likelihood.sigma for model in found])
    stated = np.mean([model.likelihood.sigma.standard_error for model in found])
    assert np.std(sigmas) == pytest.approx(stated, rel=4 / np.sqrt(800))
    assert np.mean(sigmas**2) == pytest.approx(4.0, abs=4 * 4 * np.sqrt(2 / 34 / 400))


@pytest.mark.parametrize(
    ("data", "sigma", "reason"),
    [
        (None, "estimate", "it needs data"),
        (br.Data(np.eye(3), np.arange(3.0)), "estimate", "leave none to speak of"),
        (br.Data(np.arange(9.0)[:, None], np.arange(9.0)), "estimate", "found no noise"),
        (None, "guess", "a number or 'estimate'"),
    ],
)
def test_no_estimate_without_residuals(data, sigma, reason):
    with pytest.raises(ConversionError, match=reason):
        br.to_prior("sklearn.Lasso", {"alpha": 0.1}, data, sigma=sigma)
