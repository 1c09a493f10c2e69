"""Priors with bounds: the mode on an interval, exactly at a bound where it belongs there."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers import BOUNDED_PRIORS, LIKELIHOODS, make_data
from scipy import integrate, stats

import bayesreg as br
from bayesreg.errors import ModelError, ModelTypeError, NoEquivalentError
from bayesreg.problem import bind
from bayesreg.proof.point import certify_point

HERE = Path(__file__).parent / "reference"
LIKELIHOOD_OF = {"gaussian": br.Gaussian(1.0), "binomial": br.Bernoulli(), "poisson": br.Poisson()}


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("prior", BOUNDED_PRIORS)
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_mode_is_certified_and_inside(likelihood, prior, standardize):
    model = br.Model(likelihood, prior, standardize=standardize)
    data = make_data(likelihood, weights=True, offset=True)
    fit = br.find_map(model, data)
    penalty = model.coefficient_penalty(data)
    assert np.all((fit.coef >= penalty.lower) & (fit.coef <= penalty.upper))
    assert fit.certificate.relative_gap <= 1e-12
    assert fit.certificate.zeros_proved
    assert fit.log_density == pytest.approx(
        model.log_density(data, fit.coef, fit.intercept), rel=1e-12
    )


@pytest.mark.parametrize("prior", BOUNDED_PRIORS)
def test_no_feasible_point_nearby_is_better_and_the_gap_bounds_it(prior):
    model, data = br.Model(br.Gaussian(1.5), prior), make_data(br.Gaussian(1.5))
    problem, fit = bind(model, data), br.find_map(model, data)
    mode = problem.extended(fit.coef, fit.intercept)
    least = problem.value(mode)
    rng = np.random.default_rng(2)
    for size in (1e-6, 1e-3, 0.1, 1.0):
        for _ in range(20):
            point = mode + size * rng.normal(size=problem.size) / np.append(data.X.std(axis=0), 1)
            point = np.clip(point, problem.penalty.lower, problem.penalty.upper)
            above = problem.value(point) - least
            assert above >= -1e-12 * abs(least)
            assert certify_point(problem, point).gap >= above - 1e-12 * abs(least)


def _non_negative():
    optima = json.loads((HERE / "penalised_optima.json").read_text())["optima"]
    return [record for record in optima if record["lower_limit"] is not None]


@pytest.mark.parametrize("record", _non_negative(), ids=lambda record: record["id"])
def test_non_negative_optima_from_outside(record):
    source = json.loads((HERE / "penalised_optima_data.json").read_text())[record["dataset"]]
    assert record["lower_limit"] == 0
    l1, l2 = (
        np.array([float(x) for x in record["objective"][name]]) for name in ("l1_rate", "l2_prec")
    )
    with np.errstate(divide="ignore"):
        inner = br.ElasticNet(laplace_scale=1.0 / l1, normal_scale=1.0 / np.sqrt(l2))
    model = br.Model(LIKELIHOOD_OF[record["family"]], br.Truncated(inner, lower=0.0))
    data = br.Data(np.array(source["X"], dtype=float), np.array(source["y"], dtype=float))
    fit = br.find_map(model, data)
    exact = np.array([float(x) for x in record["exact"]["coef"]])
    assert np.max(np.abs(fit.coef - exact)) <= 1e-10 * np.max(np.abs(exact))
    assert np.array_equal(fit.coef == 0, exact == 0)
    assert fit.certificate.holds


def test_all_eight_are_there():
    assert len(_non_negative()) == 8


def test_non_negative_least_squares():
    from scipy.optimize import nnls

    data = make_data(br.Gaussian(1.5))
    model = br.Model(br.Gaussian(1.5), br.Truncated(br.Flat(), lower=0.0), intercept=None)
    expected = nnls(np.asarray(data.X), data.y)[0]
    fit = br.find_map(model, data)
    np.testing.assert_allclose(fit.coef, expected, atol=1e-9)
    assert np.array_equal(fit.coef == 0, expected == 0)
    assert fit.certificate.holds


DENSITIES = [
    (br.HalfNormal(0.7), stats.halfnorm(scale=0.7)),
    (br.Exponential(0.4), stats.expon(scale=0.4)),
    (br.Uniform(-1.0, 3.0), stats.uniform(-1.0, 4.0)),
    (br.Truncated(br.Normal(0.5, loc=0.3), -0.2, 1.0), stats.truncnorm(-1.0, 1.4, 0.3, 0.5)),
    (br.Truncated(br.Laplace(0.5), lower=0.0), stats.expon(scale=0.5)),
    (br.Truncated(br.Normal(1.0), lower=8.0), stats.truncnorm(8.0, np.inf)),
]


@pytest.mark.parametrize(
    ("prior", "reference"), [pytest.param(*row, id=repr(row[0])) for row in DENSITIES]
)
def test_density_is_scipys(prior, reference):
    points = np.array([-0.5, -0.2, 0.0, 0.1, 0.9, 2.0, 8.0, 8.5])
    ours = prior.penalty(points.size).log_density(points)
    np.testing.assert_allclose(prior.log_density(points), ours, rtol=1e-12)
    np.testing.assert_allclose(ours, reference.logpdf(points), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("width", [1e-9, 1e-3, 1.0, 50.0])
@pytest.mark.parametrize(
    "inner", [br.Laplace(0.5), br.Normal(0.5), br.ElasticNet(0.5, 2.0)], ids=str
)
def test_normaliser_holds_from_narrow_to_wide(inner, width):
    """Both sides of the kink and neither, against quadrature in shifted coordinates."""
    for lower in (-width / 3, 0.2, -0.2 - width):
        penalty = br.Truncated(inner, lower, lower + width).penalty(1)
        breaks = [0.0] if lower < 0 < lower + width else None

        def density(x, inner=inner):
            return np.exp(-inner.penalty(1).value(np.array([x])))

        mass = integrate.quad(density, lower, lower + width, points=breaks, epsabs=0, limit=200)[0]
        assert penalty.log_normaliser()[0] == pytest.approx(np.log(mass), abs=1e-8)


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: br.Truncated(br.Laplace(1.0), 1.0, 1.0), ModelError, "lower must be below upper"),
        (lambda: br.Truncated(br.Laplace(1.0), np.nan), ModelError, "Truncated lower"),
        (lambda: br.Truncated(br.Laplace), ModelTypeError, "must be a prior"),
        (lambda: br.Uniform(2.0, 1.0), ModelError, "Uniform lower must be below upper"),
        (lambda: br.HalfNormal(0.0), ModelError, "HalfNormal scale must be positive"),
        (lambda: br.Exponential(-1.0), ModelError, "Exponential scale must be positive"),
    ],
)
def test_bad_bounds(make, error, match):
    with pytest.raises(error, match=match):
        make()


def test_draws_keep_the_bounds_and_a_library_without_them_is_refused():
    data = make_data(br.Gaussian(1.5))
    model = br.Model(br.Gaussian(1.5), br.HalfNormal(0.5))
    post = br.sample(model, data, seed=1, progress=False)
    assert np.all(post["posterior"]["coef"] >= 0)
    assert br.to_penalty(model, "sklearn.Ridge", data).parameters["positive"] is True
    with pytest.raises(NoEquivalentError, match="bound"):
        br.to_penalty(model, "torch.SGD", data)


def test_path_of_a_non_negative_lasso_starts_where_the_first_coefficient_leaves():
    data = make_data(br.Gaussian(1.5))
    model = br.Model(br.Gaussian(1.5), br.Exponential(1.0))
    path = br.find_map_path(model, data, n_scales=10)
    assert path.n_nonzero[0] == 0
    assert path.n_nonzero[1] == 1
    assert np.all(path.coef >= 0)


def test_text_round_trip():
    for prior in (row.values[0] for row in BOUNDED_PRIORS):
        model = br.Model(br.Gaussian(1.0), prior)
        assert br.from_text(repr(model)) == model
        assert br.from_dict(json.loads(json.dumps(br.to_dict(model)))) == model
