"""Hostile input of sample: priors against the data, paths for no run, rows without weight."""

import re

import numpy as np
import pytest
from helpers import make_design

from bayesreg import (
    Data,
    Exponential,
    Flat,
    Gaussian,
    HalfCauchy,
    HalfNormal,
    Model,
    Normal,
    open_run,
    predict,
    sample,
)
from bayesreg.errors import DataError, ModelError, StoreError
from bayesreg.posterior.tabulated import ContradictedError, tabulate

X = make_design(20, 2)
Y = X @ [1.0, 2.0] + np.random.default_rng(0).normal(size=20)
MODEL = Model(Gaussian(1.0), Normal(1.0))


def drawn(model, y, **parts):
    return sample(model, Data(X, y), draws=500, chains=2, seed=1, progress=False, **parts)


# ---- priors that the data contradict -------------------------------------------------------


def test_a_prior_of_sigma_far_below_the_data():
    """y of 1e8, sigma of about 1: p(y | sigma) exp(-sigma^2 / 2) peaks where they meet."""
    flat = drawn(Model(Gaussian(HalfNormal(1.0)), Flat()), 1e8 * Y)
    tight = drawn(Model(Gaussian(HalfNormal(1.0)), Normal(HalfNormal(1.0))), 1e8 * Y)
    wanted = _meeting_point(np.sum(_residual(1e8 * Y) ** 2), 20 - 3)
    assert flat["posterior"]["sigma"].values.mean() == pytest.approx(wanted, rel=1e-3)
    assert np.all(np.isfinite(tight["posterior"]["sigma"].values))


def _residual(y):
    design = np.column_stack([np.ones(20), X])
    return y - design @ np.linalg.lstsq(design, y, rcond=None)[0]


def _meeting_point(squares, contrasts):
    """The root of -m + squares / s^2 - s^2 + 1: the mode in log sigma."""
    m = contrasts - 1
    return np.sqrt(0.5 * (-m + np.sqrt(m * m + 4 * squares)))


@pytest.mark.parametrize("size", [1e12, 1e98])
def test_a_contradiction_beyond_the_digits_says_so(size):
    with pytest.raises(ModelError, match=r"contradict.*units.*size of y"):
        drawn(Model(Gaussian(HalfNormal(1.0)), Normal(1.0)), size * Y)
    with pytest.raises(ModelError, match=r"contradict"):
        drawn(Model(Gaussian(HalfNormal(1.0)), Normal(HalfNormal(1.0))), size * Y)


@pytest.mark.filterwarnings("ignore:the draws fall short")  # constant to the last digits
def test_the_size_is_found_however_far_its_prior():
    model = Model(Gaussian(HalfNormal(1.0)), Flat())
    sigma = drawn(model, 1e98 * Y)["posterior"]["sigma"].values
    expected = np.sqrt(1e98) * np.sum(_residual(Y) ** 2) ** 0.25
    np.testing.assert_allclose(sigma, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("density", "size"),
    [(HalfCauchy(1.0), 1e12), (Exponential(1.0), 1e12), (HalfCauchy(1.0), 1e98)],
    ids=str,
)
def test_two_unknowns_under_large_targets(density, size):
    """Heights of 1e16 round to more than the whole range of a density."""
    posterior = drawn(Model(Gaussian(density), Normal(HalfNormal(1.0))), size * Y)["posterior"]
    for name in ("coef", "sigma", "scale"):
        assert np.all(np.isfinite(posterior[name].values))
    assert 0.5 < posterior["scale"].values.mean() < 1.1


def test_a_table_of_a_logarithm_without_digits_is_refused():
    tabulate(lambda x: 1e9 - x**2, (-5.0, 5.0))
    with pytest.raises(ContradictedError):
        tabulate(lambda x: -1e14 - x**2, (-5.0, 5.0))


# ---- paths ---------------------------------------------------------------------------------


def test_a_store_in_a_directory_that_does_not_exist(tmp_path):
    path = tmp_path / "none" / "run.zarr"
    with pytest.raises(FileNotFoundError, match=r"no directory.*make it, or pass another path"):
        drawn(MODEL, Y, store=path)
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"pass another path"):
        drawn(MODEL, Y, store=tmp_path / "file" / "run.zarr")


def test_what_is_no_run_is_not_said_to_be_one(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for name in ("file", "folder"):
        with pytest.raises(StoreError, match="not a stored run") as caught:
            drawn(MODEL, Y, store=tmp_path / name)
        assert "resume" not in str(caught.value)


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_what_is_no_path(path):
    with pytest.raises(ModelError, match=r"store must be a path such as 'run.zarr'"):
        drawn(MODEL, Y, store=path)
    with pytest.raises(StoreError, match="no stored run"):
        open_run(path or "nothing")


def test_a_name_that_is_too_long(tmp_path):
    with pytest.raises(OSError, match=re.escape("pass another path")):
        drawn(MODEL, Y, store=tmp_path / ("x" * 300))


# ---- predictions ---------------------------------------------------------------------------


def test_a_new_row_without_weight_has_no_target():
    post = drawn(MODEL, Y)
    with pytest.raises(DataError, match=r"weights of new targets.*row 1.*infinite"):
        predict(post, X[:3], weights=[1.0, 0.0, 2.0])
