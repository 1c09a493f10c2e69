"""Columns that are nearly dependent: the mode to its last digits, and a certificate that knows.

Powers of x and columns that differ in their last digits, against exact rational arithmetic on the
same floats; Bernoulli and Poisson against Newton in 60 digits.
"""

import warnings
from decimal import Decimal
from fractions import Fraction

import exact
import numpy as np
import pytest

import bayesreg as br
from bayesreg.problem import bind
from bayesreg.solvers import refine, twofold


def _powers(centre, width, degree, n, seed=0):
    rng = np.random.default_rng([seed, degree, n])
    x = np.round(rng.uniform(centre - width, centre + width, n), 4)
    return np.column_stack([x**k for k in range(1, degree + 1)])


def _twins(distance, columns, n, seed=0):
    rng = np.random.default_rng([seed, columns, n])
    common = rng.normal(size=(n, 1))
    return (common + distance * rng.normal(size=(n, columns))) * np.geomspace(1e-5, 1e5, columns)


# Condition of the columns (an intercept among them), each scaled to length 1, in the name.
DESIGNS = [
    pytest.param(_powers(0.0, 1.0, 6, 30), id="1e2"),
    pytest.param(_powers(10.0, 1.0, 4, 25), id="2e6"),
    pytest.param(_powers(5.0, 0.5, 6, 40), id="5e9"),
    pytest.param(_powers(3.0, 1.0, 9, 40), id="2e10"),
    pytest.param(_powers(100.0, 5.0, 5, 20), id="4e10"),
    pytest.param(_twins(1e-6, 6, 30), id="twins 1e6"),
    pytest.param(_twins(1e-9, 4, 12), id="twins 1e9"),
]
PRIORS = [br.Flat(), br.Normal(1e10), br.Normal(1e3), br.Normal(0.1)]


def _target(X, noise, seed=1):
    rng = np.random.default_rng(seed)
    signal = X @ np.resize([1.0, -0.5, 0.1], X.shape[1])
    signal = signal / np.max(np.abs(signal))
    return signal + noise * rng.normal(size=X.shape[0])


def _extended(X, intercept):
    return np.column_stack([X, np.ones(X.shape[0])]) if intercept else X


def _found(fit, intercept):
    return np.append(fit.coef, fit.intercept) if intercept else fit.coef


@pytest.fixture(autouse=True)
def _no_numpy_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


@pytest.mark.parametrize("intercept", [True, False], ids=["intercept", "none"])
@pytest.mark.parametrize("noise", [1e-3, 1e3], ids=["close", "large residual"])
@pytest.mark.parametrize("prior", PRIORS, ids=str)
@pytest.mark.parametrize("X", DESIGNS)
def test_gaussian_mode_has_all_its_digits(X, prior, noise, intercept):
    y = _target(X, noise)
    weights = np.round(np.geomspace(0.01, 100, y.size), 4)
    model = br.Model(br.Gaussian(1.0), prior, br.Flat() if intercept else None)
    data = br.Data(X, y, weights=weights)
    fit = br.find_map(model, data)
    l2 = np.append(model.coefficient_penalty(data).l2, np.zeros(int(intercept)))
    mode = exact.gaussian_mode(_extended(X, intercept), y, weights, l2, np.zeros(l2.size))
    reached = exact.digits(_found(fit, intercept), mode)
    assert reached >= 13.0, f"{reached:.2f} digits"


@pytest.mark.parametrize("scale", [0.3, 30.0, 3000.0, 1e5])
@pytest.mark.parametrize("X", DESIGNS)
def test_lasso_mode_is_the_mode_in_exact_arithmetic(X, scale):
    """The signs found solve exactly, and every zero's pull is below 1/b: nothing else is a mode."""
    y = 10 * _target(X, 0.1)
    model, data = br.Model(br.Gaussian(1.0), br.Laplace(scale)), br.Data(X, y)
    fit = br.find_map(model, data)
    assert fit.certificate.relative_gap <= 1e-11
    active = np.append(fit.coef != 0, True)
    l1 = np.append(model.coefficient_penalty(data).l1, 0.0)
    slope = l1 * np.sign(np.append(fit.coef, 0.0))
    columns = _extended(X, True)
    none = np.zeros(int(active.sum()))
    mode = exact.gaussian_mode(columns[:, active], y, np.ones(y.size), none, slope[active])
    reached = exact.digits(_found(fit, True)[active], mode)
    assert reached >= 11.0, f"{reached:.2f} digits"
    whole = np.zeros(active.size, dtype=object)
    whole[active] = mode
    residual = [
        Fraction(t) - sum(Fraction(x) * w for x, w in zip(row, whole, strict=True))
        for t, row in zip(y.tolist(), columns.tolist(), strict=True)
    ]
    for j in np.flatnonzero(~active):
        pull = sum(Fraction(x) * r for x, r in zip(columns[:, j].tolist(), residual, strict=True))
        assert abs(pull) <= Fraction(float(l1[j])) * (1 + Fraction(1, 10**10))


def _poisson_mean(eta):
    return eta.exp()


def _bernoulli_mean(eta):
    return 1 / (1 + (-eta).exp())


@pytest.mark.parametrize("prior", [br.Flat(), br.Normal(1e3), br.Normal(1.0)], ids=str)
@pytest.mark.parametrize(("centre", "width", "degree"), [(3, 1, 4), (10, 1, 5), (5, 0.5, 6)])
@pytest.mark.parametrize(
    ("likelihood", "mean", "curvature"),
    [
        (br.Poisson(), _poisson_mean, lambda mu: mu),
        (br.Bernoulli(), _bernoulli_mean, lambda mu: mu * (1 - mu)),
    ],
    ids=["poisson", "bernoulli"],
)
def test_other_likelihoods_have_all_their_digits(
    likelihood, mean, curvature, centre, width, degree, prior
):
    X = _powers(centre, width, degree, 40)
    t = (X[:, 0] - centre) / width
    rng = np.random.default_rng(3)
    y = likelihood.draw(0.8 * (1 + t - t**3), rng)
    weights = np.round(rng.uniform(0.5, 2.0, 40), 3)
    model, data = br.Model(likelihood, prior), br.Data(X, y, weights=weights)
    fit = br.find_map(model, data)
    found = _found(fit, True)
    l2 = np.append(model.coefficient_penalty(data).l2, 0.0)
    mode = exact.newton_mode(mean, curvature, _extended(X, True), y, weights, l2, found)
    reached = exact.digits(found, mode)
    assert reached >= 13.0, f"{reached:.2f} digits"


@pytest.mark.parametrize("prior", [br.Flat(), br.Normal(1e6), br.Normal(1.0)], ids=str)
@pytest.mark.parametrize("X", DESIGNS)
def test_the_gap_is_the_excess_in_exact_arithmetic(X, prior):
    """At points from rounding to far away, along each singular direction of the columns."""
    y = _target(X, 0.1)
    model, data = br.Model(br.Gaussian(1.0), prior), br.Data(X, y)
    columns, ones = _extended(X, True), np.ones(y.size)
    l2 = np.append(model.coefficient_penalty(data).l2, 0.0)
    mode = exact.gaussian_mode(columns, y, ones, l2, np.zeros(l2.size))
    least = exact.gaussian_value(columns, y, ones, l2, mode)
    fit = br.find_map(model, data)
    at = _found(fit, True)
    size = np.linalg.norm(columns, axis=0)
    singular, directions = np.linalg.svd(columns / size, full_matrices=False)[1:]
    points = [at] + [
        at + distance * direction / size / value
        for distance in (1e-12, 1e-6, 1.0)
        for value, direction in zip(singular, directions, strict=True)
    ]
    for point in points:
        excess = float(exact.gaussian_value(columns, y, ones, l2, point.tolist()) - least)
        found = br.certify(model, data, point[:-1], point[-1])
        half = found.half_null_deviance
        assert found.gap >= 0.99 * excess - 1e-13 * half
        if found.holds:
            assert excess <= 1.01e-8 * half
        elif excess < 1e-12 * half:
            assert found.gap <= 1e-6 * half


def test_a_wrong_point_along_the_worst_direction_of_filip_is_not_certified():
    import json
    from pathlib import Path

    path = Path(__file__).parent / "reference" / "nist" / "Filip.json"
    source = json.loads(path.read_text())
    x, y = (np.array(source[name], dtype=float).ravel() for name in ("x", "y"))
    X = np.column_stack([x**k for k in range(1, 11)])
    model, data = br.Model(br.Gaussian(1.0), br.Flat()), br.Data(X, y)
    fit = br.find_map(model, data)
    columns, ones, none = _extended(X, True), np.ones(82), np.zeros(11)
    mode = exact.gaussian_mode(columns, y, ones, none, none)
    least = exact.gaussian_value(columns, y, ones, none, mode)
    size = np.linalg.norm(columns, axis=0)
    worst = np.linalg.svd(columns / size, full_matrices=False)[2][-1]
    whole = np.linalg.norm(size * _found(fit, True))
    told_apart = 0
    for distance in (1e-8, 1e-6, 1e-4, 1e-2, 1.0):
        point = _found(fit, True) + distance * whole * worst / size
        excess = float(exact.gaussian_value(columns, y, ones, none, point.tolist()) - least)
        found = br.certify(model, data, point[:-1], point[-1])
        assert found.gap == pytest.approx(excess, rel=0.05, abs=1e-17)
        assert found.holds == (excess <= 1e-8 * found.half_null_deviance)
        told_apart += not found.holds
    assert told_apart >= 2
    # At the mode rounded to doubles the excess is 1e-15 of the null deviance, and the gap says so.
    excess = float(exact.gaussian_value(columns, y, ones, none, _found(fit, True).tolist()) - least)
    assert 0.95 * excess <= fit.certificate.gap <= 1.5 * excess


def test_bounds_and_kinks_on_nearly_dependent_columns():
    """Non-negative powers of x: the solution over each possible support, in exact arithmetic."""
    from itertools import combinations

    X = _powers(3.0, 1.0, 5, 20)
    y = _target(X, 0.05)
    data = br.Data(X, y)
    fit = br.find_map(br.Model(br.Gaussian(1.0), br.Truncated(br.Flat(), lower=0.0)), data)
    columns, ones = _extended(X, True), np.ones(20)
    best = None
    for count in range(6):
        for support in combinations(range(5), count):
            index = [*support, 5]
            none = np.zeros(len(index))
            mode = exact.gaussian_mode(columns[:, index], y, ones, none, none)
            if all(w >= 0 for w in mode[:-1]):
                value = exact.gaussian_value(columns[:, index], y, ones, none, mode)
                if best is None or value < best[0]:
                    best = value, index, mode
    expected = np.zeros(6)
    expected[best[1]] = [float(w) for w in best[2]]
    assert np.array_equal(fit.coef == 0, expected[:-1] == 0)
    np.testing.assert_allclose(_found(fit, True), expected, rtol=1e-12)
    assert fit.certificate.holds


@pytest.mark.parametrize("scale", [1e3, 1e5])
def test_kinks_are_found_where_the_gram_matrix_sees_noise(scale):
    """Condition 4e10, ten columns: the first solver stops at another set of signs."""
    rng = np.random.default_rng(16)
    for _ in range(4):
        x = np.round(rng.uniform(7.0, 13.0, 32), 3)
        t = (x - 10) / 3
        X = np.column_stack([x**k for k in range(1, 10)])
        y = np.round(1 + t - t**3 + 0.1 * rng.normal(size=32), 3)
        fit = br.find_map(br.Model(br.Gaussian(0.1), br.Laplace(scale)), br.Data(X, y))
        assert fit.certificate.relative_gap <= 1e-11


def test_well_conditioned_columns_do_not_pay():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 5))
    data = br.Data(X, X @ [1.0, 2.0, 3.0, 4.0, 5.0] + rng.normal(size=200))
    model = br.Model(br.Gaussian(1.0), br.Normal(1.0))
    problem, fit = bind(model, data), br.find_map(model, data)
    assert not refine.is_needed(problem, problem.extended(fit.coef, fit.intercept))


def test_dependent_columns_are_left_alone():
    X = np.random.default_rng(0).normal(size=(20, 2))
    data = br.Data(np.column_stack([X, X[:, 0]]), X[:, 1])
    problem = bind(br.Model(br.Gaussian(1.0), br.Flat()), data)
    assert refine.refine(problem, np.array([0.1, 0.2, 0.3, 0.4])) is None


def test_refinement_in_blocks_of_rows(monkeypatch):
    X = _powers(5.0, 0.5, 6, 90)
    y = _target(X, 0.01)
    problem = bind(br.Model(br.Gaussian(1.0), br.Normal(10.0)), br.Data(X, y))
    start = np.append(np.full(6, 0.01), 0.0)
    at_once = refine.refine(problem, start)
    monkeypatch.setattr(refine, "_ENTRIES_PER_BLOCK", 140)
    in_blocks = refine.refine(problem, start)
    np.testing.assert_allclose(in_blocks[0], at_once[0], rtol=4e-16)


def test_twofold_arithmetic_is_exact():
    """Sums and products against fractions, over forty orders of magnitude."""
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=500) * 10.0 ** rng.integers(-20, 20, 500) for _ in range(2))
    for result, operation in (
        (twofold.two_sum(a, b), lambda x, y: x + y),
        (twofold.two_product(a, b), lambda x, y: x * y),
    ):
        for high, low, x, y in zip(*(r.tolist() for r in (*result, a, b)), strict=True):
            assert Fraction(high) + Fraction(low) == operation(Fraction(x), Fraction(y))


def test_twofold_products_have_a_hundred_bits():
    rng = np.random.default_rng(1)
    block = rng.normal(size=(37, 9)) * 10.0 ** rng.integers(-8, 8, (37, 9))
    x = rng.normal(size=9), 1e-17 * rng.normal(size=9)
    r = rng.normal(size=37), 1e-17 * rng.normal(size=37)
    for result, matrix, vector in (
        (twofold.product(block, x), block, x),
        (twofold.transposed_product(block, r), block.T, r),
    ):
        for i, row in enumerate(matrix.tolist()):
            terms = [
                Fraction(entry) * (Fraction(high) + Fraction(low))
                for entry, high, low in zip(row, *(part.tolist() for part in vector), strict=True)
            ]
            error = Fraction(float(result[0][i])) + Fraction(float(result[1][i])) - sum(terms)
            assert abs(error) <= Fraction(2) ** -98 * sum(map(abs, terms))


def test_decimal_newton_agrees_with_a_closed_form():
    """The reference itself: Poisson with an intercept only has its mode at log of the mean."""
    y = np.array([0.0, 3.0, 5.0, 1.0])
    found = exact.newton_mode(
        _poisson_mean, lambda mu: mu, np.ones((4, 1)), y, np.ones(4), np.zeros(1), [0.5]
    )
    assert float(found[0]) == pytest.approx(float(Decimal("2.25").ln()), rel=1e-15)
