"""Modes far from a loc at which the likelihood overflows or is a straight line."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import bayesreg as br
from bayesreg.problem import bind
from bayesreg.solvers.start import starting_point

X4 = np.array([[90.0], [100.0], [110.0], [105.0]])
Y4 = np.array([0.0, 1.0, 0.0, 1.0])


def test_a_saturated_sigmoid_at_loc_is_left_for_the_mode():
    """One convex variable, against scipy's bounded search."""
    model = br.Model(br.Bernoulli(), br.Laplace(8.0, loc=1.0), intercept=None)
    fit = br.find_map(model, br.Data(X4, Y4))
    x = X4[:, 0]
    best = minimize_scalar(
        lambda w: float(np.sum(np.logaddexp(0, x * w) - Y4 * x * w)) + abs(w - 1) / 8,
        bounds=(-1.0, 1.5),
        method="bounded",
        options={"xatol": 1e-12},
    )
    assert fit.certificate.holds
    assert abs(fit.coef[0] - best.x) < 1e-8
    assert -fit.log_density == pytest.approx(best.fun + np.log(16.0), abs=1e-10)


def cases():
    rng = np.random.default_rng(0)
    for size in (1e1, 1e3, 1e4, 1e6):
        for loc in (-1.0, 1.0):
            X = size * (1 + 0.1 * rng.normal(size=(20, 2)))
            counts = rng.poisson(2.0, 20).astype(float)
            for likelihood, y, trials in (
                (br.Bernoulli(), (rng.random(20) < 0.5) * 1.0, None),
                (br.Poisson(), counts, None),
                (br.NegativeBinomial(0.7), counts, None),
                (br.Gamma(1.5), counts + 1, None),
                (br.Binomial(), counts, counts + 2),
            ):
                yield size, loc, likelihood, br.Data(X, y, trials=trials)


@pytest.mark.parametrize("intercept", [None, br.Normal(2.0), br.Flat()], ids=repr)
@pytest.mark.parametrize("prior", [br.Laplace, br.Normal])
@pytest.mark.parametrize(
    ("size", "loc", "likelihood", "data"),
    [pytest.param(*case, id=f"{case[0]:g} {case[1]:g} {case[2]!r}") for case in cases()],
)
def test_every_likelihood_is_certified_and_stationary(
    size, loc, likelihood, data, prior, intercept
):
    model = br.Model(likelihood, prior(8.0, loc), intercept)
    fit = br.find_map(model, data)
    assert fit.certificate.holds
    # dJ/dw of the stored point, in units of what its rounding moves.
    problem = bind(model, data)
    v = problem.extended(fit.coef, fit.intercept)
    eta = problem.linear_predictor(v)
    gradient = problem.transposed_product(problem.gradient_rows(eta))
    h = problem.column_squares(problem.curvature_rows(eta)) + problem.penalty.l2
    residual = problem.penalty.subgradient_distance(v, gradient) / np.sqrt(h)
    assert np.max(residual) < 1e-5


@pytest.mark.parametrize("intercept", [None, br.Normal(2.0), br.Flat()], ids=repr)
def test_the_start_is_never_above_the_centre(intercept):
    data = br.Data(1e3 * X4, np.array([1.0, 3.0, 0.0, 2.0]))
    problem = bind(br.Model(br.Poisson(), br.Laplace(8.0, loc=-1.0), intercept), data)
    start = starting_point(problem, data.names)
    assert np.isfinite(problem.value(start))
    assert problem.value(start) <= problem.value(problem.start)


def test_a_start_that_is_fine_stays_at_loc():
    """Off its kink every column would be in the first working set."""
    rng = np.random.default_rng(1)
    data = br.Data(rng.normal(size=(30, 5)), rng.poisson(2.0, 30).astype(float))
    problem = bind(br.Model(br.Poisson(), br.Laplace(1.0, loc=0.5)), data)
    assert np.all(starting_point(problem, data.names)[:5] == 0.5)


@pytest.mark.parametrize(
    ("likelihood", "y", "trials"),
    [
        (br.Binomial(), [1.0, 3.0], [4.0, 5.0]),
        (br.NegativeBinomial(0.7), [1.0, 3.0], None),
        (br.Poisson(), [1.0, 3.0], None),
    ],
    ids=["Binomial", "NegativeBinomial", "Poisson"],
)
@pytest.mark.parametrize("far", [60.0, 300.0])
def test_an_offset_that_saturates_the_rows_does_not_stop_newton(likelihood, y, trials, far):
    """Curvature e^-far and a gradient of order 1: no start along the ray helps."""
    X = 100.0 * np.array([[1.0, 0.3], [-0.5, 1.0]])
    data = br.Data(X, y, offset=[far, -far], trials=trials)
    fit = br.find_map(br.Model(likelihood, br.Laplace(8.0), br.Uniform(-1.0, 1.0)), data)
    assert fit.certificate.holds
    assert abs(X @ fit.coef + [far, -far] + fit.intercept).max() < 30


def test_held_coefficients_that_overflow_are_refused_with_their_size():
    data = br.Data([[1e4]], [5.0])
    model = br.Model(br.Gamma(1.5), br.Normal(8.0, loc=-1.0), br.Normal(1.0), standardize=True)
    with pytest.raises(ValueError, match="with the columns 1e\\+04"):
        br.find_map(model, data)
