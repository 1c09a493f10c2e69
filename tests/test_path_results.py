"""What find_map_path returns, beyond its numbers: copies, tables, when it stops, offsets."""

import copy
import pickle

import numpy as np
import pytest
from helpers import make_class_data, make_data

import bayesreg as br
from bayesreg.errors import DataError, ModelError

GAUSSIAN = br.Gaussian(1.5)

PATHS = {
    "moments": (br.Model(GAUSSIAN, br.Laplace(0.3)), {}),
    "ridge": (br.Model(GAUSSIAN, br.Normal(0.3)), {}),
    "group": (br.Model(GAUSSIAN, br.GroupLaplace(0.3)), {}),
    "covariance": (br.Model(GAUSSIAN, br.MultivariateNormal(np.eye(7))), {}),
    "bounded": (br.Model(GAUSSIAN, br.Exponential(0.3)), {}),
    "knots": (br.Model(GAUSSIAN, br.Laplace(0.3)), {"scales": "knots"}),
    "stopped": (br.Model(GAUSSIAN, br.Laplace(0.3)), {"max_nonzero": 2}),
    "one-by-one": (br.Model(br.Poisson(), br.Laplace(0.3)), {}),
    "corners": (br.Model(br.AsymmetricLaplace(0.3, 0.8), br.Laplace(0.3)), {}),
    "local": (br.Model(GAUSSIAN, br.Cauchy(0.3)), {"scales": [10.0, 50.0]}),
    "classes": (br.Model(br.Multinomial(), br.Laplace(0.3)), {}),
}


def path_of(name):
    model, arguments = PATHS[name]
    classes = isinstance(model.likelihood, br.Multinomial)
    data = make_class_data() if classes else make_data(model.likelihood)
    return br.find_map_path(model, data, **{"n_scales": 6} | arguments)


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize(
    "again",
    [lambda path: pickle.loads(pickle.dumps(path)), copy.deepcopy, copy.copy],
    ids=["pickle", "deepcopy", "copy"],
)
def test_a_path_can_be_pickled_and_copied(name, again):
    path = path_of(name)
    other = again(path)
    np.testing.assert_array_equal(other.coef, path.coef)
    np.testing.assert_array_equal(other.scales, path.scales)
    assert other.model == path.model
    assert repr(tuple(other.certificates)) == repr(tuple(path.certificates))  # NaN is not NaN
    assert repr(other.certificates[1:]) == repr(path.certificates[1:])
    assert repr(other) == repr(path)
    for one, two in zip(path.estimates, other.estimates, strict=True):
        assert one.to_dict() == two.to_dict()


@pytest.mark.parametrize("name", PATHS)
def test_the_table_has_a_row_per_scale(name):
    path = path_of(name)
    table = path.to_table()
    assert len(table.rows) == len(path)
    assert [row[2] for row in table.rows] == [str(count) for count in path.n_nonzero]
    assert table.header[0] == f"scale of {path.axis_column}"
    assert table.header[-1] == ("kkt residual" if name == "local" else "relative gap")
    assert float(table.rows[-1][0]) == pytest.approx(path.scales[-1], rel=1e-3)


def test_a_path_stops_by_coefficients_off_their_loc():
    """With loc 0.25 every coefficient is off 0 from the first scale on."""
    data = make_data(GAUSSIAN)
    model = br.Model(GAUSSIAN, br.Laplace(0.3, loc=0.25))
    whole = br.find_map_path(model, data, n_scales=40)
    off = np.count_nonzero(whole.coef != 0.25, axis=1)
    assert off[0] == 0
    part = br.find_map_path(model, data, n_scales=40, max_nonzero=3)
    assert len(part) == int(np.flatnonzero(off > 3)[0]) + 1


def test_a_bound_at_loc_holds_coefficients_too():
    data = make_data(GAUSSIAN)
    model = br.Model(GAUSSIAN, br.HalfNormal(0.3))
    path = br.find_map_path(model, data, n_scales=20, max_nonzero=0)
    assert len(path) <= 20


@pytest.mark.parametrize(
    "prior",
    [br.Normal(0.3), br.MultivariateNormal(np.eye(7)), br.Cauchy(1.0), br.ElasticNet(np.inf, 1.0)],
)
def test_a_limit_that_no_scale_could_tell_from_another_is_refused(prior):
    with pytest.raises(ModelError, match="under this prior none is ever exactly there"):
        br.find_map_path(br.Model(GAUSSIAN, prior), make_data(GAUSSIAN), [0.1, 1.0], max_nonzero=3)


# -- predictions of a fit with an offset -------------------------------------------------------


def test_predict_asks_for_the_offset_that_the_fit_had():
    data = make_data(br.Poisson(), offset=True)
    model = br.Model(br.Poisson(), br.Laplace(0.3))
    fits = [br.find_map(model, data), *br.find_map_path(model, data, n_scales=3).estimates]
    for fit in fits:
        with pytest.raises(DataError, match=r"the fit had an offset.*pass offset="):
            fit.predict(data.X)
        eta = data.X @ fit.coef + fit.intercept
        np.testing.assert_allclose(fit.predict(data.X, data.offset), np.exp(eta + data.offset))
        np.testing.assert_allclose(fit.predict(data.X, offset=0.0), np.exp(eta))


@pytest.mark.parametrize("target", ["joint", "marginal"])
def test_predict_asks_for_the_offset_with_sigma_unknown_too(target):
    data = make_data(GAUSSIAN, offset=True)
    model = br.Model(br.Gaussian(br.HalfNormal(2.0)), br.Normal(0.5))
    fit = br.find_map(model, data, target=target)
    with pytest.raises(DataError, match="the fit had an offset"):
        fit.predict(data.X)


def test_predict_needs_no_offset_where_the_fit_had_none():
    data = make_data(GAUSSIAN)
    fit = br.find_map(br.Model(GAUSSIAN, br.Laplace(0.3)), data)
    np.testing.assert_array_equal(fit.predict(data.X), fit.predict(data.X, 0.0))


@pytest.mark.parametrize("row", [np.arange(7.0), list(range(7)), tuple(range(7))])
def test_predict_of_a_single_row_says_how(row):
    data = make_data(GAUSSIAN)
    fit = br.find_map(br.Model(GAUSSIAN, br.Laplace(0.3)), data)
    with pytest.raises(DataError, match=r"one row: use numpy\.asarray\(X\)\.reshape\(1, -1\)"):
        fit.predict(row)
    assert fit.predict(np.asarray(row).reshape(1, -1)).shape == (1,)
