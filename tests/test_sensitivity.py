"""sensitivity: power-scaling beside ArviZ, and rescaled means beside new runs."""

import arviz_stats
import numpy as np
import pytest
from helpers import make_data

import bayesreg as br
from bayesreg.errors import DataTypeError, ModelError


@pytest.fixture(scope="module")
def case():
    data = make_data(br.Gaussian(1.5), weights=True)
    model = br.Model(br.Gaussian(1.5), br.Laplace(0.4))
    return model, data, br.sample(model, data, seed=3, draws=10_000, progress=False)


def test_rows_are_arviz_s(case):
    _, data, post = case
    found = br.sensitivity(post)
    assert found.names == (*data.names, "intercept")
    for group, values in (("prior", found.prior), ("likelihood", found.likelihood)):
        expected = arviz_stats.psense(post, var_names=["coef", "intercept"], group=group)
        np.testing.assert_allclose(values[:-1], expected["coef"].values)
        assert values[-1] == pytest.approx(float(expected["intercept"]))


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_means_at_other_scales_are_those_of_new_runs(case, factor):
    model, data, post = case
    found = br.sensitivity(post)
    reweighted = found.mean_halved if factor < 1 else found.mean_doubled
    assert np.all(np.isfinite(reweighted))
    again = br.sample(model.rescaled(factor), data, seed=4, draws=4000, progress=False)["posterior"]
    coef = again["coef"].values
    mean, sd = coef.mean(axis=(0, 1)), coef.std(axis=(0, 1))
    # Far less than the shift that is to be seen, a few times the Monte Carlo error.
    assert np.max(np.abs(reweighted[:-1] - mean) / sd) < 0.15
    assert np.max(np.abs(found.mean[:-1] - mean) / sd) > 0.3


def test_what_moves_the_posterior_too_far_is_not_shown():
    data = make_data(br.Gaussian(0.05))
    post = br.sample(br.Model(br.Gaussian(0.05), br.Laplace(0.001)), data, seed=1, progress=False)
    found = br.sensitivity(post)
    assert max(found.k_halved, found.k_doubled) > 0.7
    assert np.isnan(found.mean_doubled).all() or np.isnan(found.mean_halved).all()
    assert "rescaled(" in str(found)
    assert "rescaled(" in found._repr_html_()


def test_unknown_sigma_and_scale_have_rows_and_no_rescaled_means():
    data = make_data(br.Gaussian(1.5))
    prior = br.Laplace(br.HalfCauchy(1.0), relative_to_noise=True)
    model = br.Model(br.Gaussian(br.HalfNormal(2.0)), prior)
    found = br.sensitivity(br.sample(model, data, seed=1, draws=4000, progress=False))
    assert found.names[-2:] == ("sigma", "scale")
    assert np.isnan(found.mean_halved).all()
    frame = found.to_frame()
    assert list(frame.index) == list(found.names)
    assert "<table>" in found._repr_html_()
    assert "it is unknown" in str(found)


def test_words_follow_the_threshold(case):
    _, _, post = case
    strict, lax = br.sensitivity(post, threshold=1e-6), br.sensitivity(post, threshold=1e6)
    assert set(strict.diagnosis) == {"prior and data pull against each other"}
    assert set(lax.diagnosis) == {"neither moves it"}


def test_wrong_arguments_name_themselves(case):
    model, data, _ = case
    with pytest.raises(DataTypeError, match="DataTree"):
        br.sensitivity(3)
    bare = br.sample(model, data, seed=1, log_likelihood=False, progress=False)
    with pytest.raises(ModelError, match="log_likelihood=True"):
        br.sensitivity(bare)
