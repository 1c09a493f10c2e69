"""find_map_path: the same points as find_map, certified, on the grid that was asked for."""

import numpy as np
import pytest
from helpers import MIXED_PRIOR, make_data

import bayesreg as br
from bayesreg.errors import ModelError, ModelTypeError
from bayesreg.solvers import smallest_scale


@pytest.mark.parametrize(
    "prior",
    [br.Laplace(0.3), br.Laplace([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], loc=0.1), br.Normal(0.5),
     br.ElasticNet(0.3, 0.6), MIXED_PRIOR],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("likelihood", [br.Gaussian(1.5), br.Bernoulli(), br.Poisson()], ids=str)
def test_every_point_is_the_mode_at_its_scale(likelihood, prior):
    data = make_data(likelihood, weights=True, offset=True)
    model = br.Model(likelihood, prior)
    path = br.find_map_path(model, data, n_scales=7)
    reference = model.axis_scale(data)
    assert len(path) == 7
    for scale, estimate in zip(path.scales, path.estimates, strict=True):
        assert estimate.certificate.holds
        single = br.find_map(model.rescaled(scale / reference), data)
        assert estimate.model == single.model
        np.testing.assert_allclose(estimate.coef, single.coef, rtol=1e-9, atol=1e-12)
        assert estimate.log_density == pytest.approx(single.log_density, rel=1e-11)


def test_default_grid_starts_where_the_first_coefficient_leaves():
    data = make_data(br.Gaussian(1.5))
    model = br.Model(br.Gaussian(1.5), br.Laplace(7.0))
    path = br.find_map_path(model, data)
    assert path.scales[0] == pytest.approx(smallest_scale(model, data), rel=1e-12)
    assert path.n_nonzero[0] == 0
    assert path.n_nonzero[1] >= 1
    assert path.n_nonzero[-1] == data.p
    # lambda_max = max |x'(y - mean)|, by hand
    centred = data.X - data.X.mean(axis=0)
    lambda_max = np.max(np.abs(centred.T @ data.y))
    assert path.lambdas[0] == pytest.approx(lambda_max, rel=1e-12)


def test_normal_grid_spans_the_degrees_of_freedom():
    data = make_data(br.Gaussian(1.5))
    path = br.find_map_path(br.Model(br.Gaussian(1.5), br.Normal(1.0)), data, n_scales=9)
    centred = data.X - data.X.mean(axis=0)
    values = np.linalg.eigvalsh(centred.T @ centred)
    degrees = [np.sum(values / (values + lam)) for lam in path.lambdas]
    np.testing.assert_allclose(degrees, np.linspace(0.01, 0.99, 9) * data.p, rtol=1e-8)


def test_scales_in_any_order_come_back_in_that_order():
    data = make_data(br.Gaussian(1.5))
    model = br.Model(br.Gaussian(1.5), br.Laplace(0.3))
    scales = [0.3, 0.01, 3.0, 0.01]
    path = br.find_map_path(model, data, scales)
    np.testing.assert_array_equal(path.scales, scales)
    np.testing.assert_array_equal(path.coef[1], path.coef[3])
    np.testing.assert_allclose(path.lambdas, 1.5**2 / np.array(scales), rtol=1e-14)


def test_elastic_net_keeps_its_ratio():
    data = make_data(br.Gaussian(1.5))
    path = br.find_map_path(br.Model(br.Gaussian(1.5), br.ElasticNet(0.3, 0.6)), data, [0.1, 1.0])
    ratios = [estimate.l1[0] / estimate.l2[0] for estimate in path.estimates]
    assert ratios[0] == pytest.approx(0.6**2 / 0.3, rel=1e-13)
    assert ratios[1] == pytest.approx(ratios[0], rel=1e-13)


def test_dataset_has_lambda_beside_scale():
    data = make_data(br.Gaussian(1.5))
    path = br.find_map_path(br.Model(br.Gaussian(1.5), br.Laplace(0.3)), data, n_scales=5)
    table = path.to_dataset()
    assert table["coef"].dims == ("scale", "feature")
    np.testing.assert_allclose(table["lambda"] * table["scale"], 1.5**2)
    assert float(table["relative_gap"].max()) <= 1e-8
    assert "5 scales" in repr(path)


@pytest.mark.parametrize(
    ("scales", "match"),
    [([], "non-empty"), ([1.0, 0.0], "position 1"), ([np.nan], "position 0"), ([[1.0]], "shape")],
)
def test_bad_scales(scales, match):
    data = make_data(br.Gaussian(1.5))
    with pytest.raises(ModelError, match=match):
        br.find_map_path(br.Model(br.Gaussian(1.5), br.Laplace(0.3)), data, scales)


def test_a_flat_prior_has_no_scale_to_vary():
    data = make_data(br.Gaussian(1.5))
    with pytest.raises(ModelError, match="no scale to vary"):
        br.find_map_path(br.Model(br.Gaussian(1.5), br.Flat()), data)


def test_lambda_is_that_of_the_column_whose_scale_is_shown():
    """Priors by column, in another order than the columns: scale and lambda are both of x1."""
    data = make_data(br.Gaussian(1.5))
    model = br.Model(br.Gaussian(1.5), {"x[1-6]": br.Laplace(0.2), "x0": br.Normal(0.1)})
    path = br.find_map_path(model, data, [0.1, 0.2])
    assert path.axis_column == "x1"
    for scale, value, estimate in zip(path.scales, path.lambdas, path.estimates, strict=True):
        assert value == pytest.approx(1.5**2 * estimate.l1[1], rel=1e-12)
        assert value == pytest.approx(1.5**2 / scale, rel=1e-12)


def test_standardised_scale_goes_with_standardised_lambda():
    data = make_data(br.Gaussian(1.5))
    model = br.Model(br.Gaussian(1.5), br.Laplace(1.0), standardize=True)
    path = br.find_map_path(model, data, [0.5, 1.0])
    np.testing.assert_allclose(path.lambdas, 1.5**2 / np.array([0.5, 1.0]), rtol=1e-14)
    relative = br.Model(br.Gaussian(1.5), br.Laplace(0.4, relative_to_noise=True))
    path = br.find_map_path(relative, data, [0.4])
    assert path.lambdas[0] == pytest.approx(1.5 / 0.4, rel=1e-14)


def test_scales_that_are_not_numbers():
    data = make_data(br.Gaussian(1.5))
    model = br.Model(br.Gaussian(1.5), br.Laplace(0.3))
    for scales in (["a"], "abc", [1j]):
        with pytest.raises(ModelTypeError, match="scales must be a sequence of positive numbers"):
            br.find_map_path(model, data, scales)
