"""More columns than rows: coefficients of sure sign are eliminated, the doubtful ones solved for.

The data are so large that more coefficients leave their kink than are ever taken to be in doubt.
"""

from __future__ import annotations

import numpy as np
import pytest

import bayesreg as br
from bayesreg.errors import NotUniqueWarning
from bayesreg.penalty import Penalty
from bayesreg.problem import bind
from bayesreg.proof.uniqueness import mode_is_unique
from bayesreg.solvers import screened
from bayesreg.solvers.elimination import Elimination, Move
from bayesreg.solvers.quadratic import Quadratic, minimise_quadratic

N, P = 300, 700


def wide(seed=0, n=N, p=P):
    rng = np.random.default_rng(seed)
    X = np.empty((n, p), order="F")
    X[:, 0] = rng.normal(size=n)
    for j in range(1, p):
        X[:, j] = 0.5 * X[:, j - 1] + rng.normal(size=n)
    y = 1.0 + X[:, ::40] @ rng.normal(size=X[:, ::40].shape[1]) + rng.normal(size=n)
    return X, y


def slope_at_start(X, y):
    return float(np.max(np.abs(X.T @ (y - y.mean()))))


PRIORS = {
    "laplace": lambda l1: br.Laplace(1.0 / l1),
    "off-centre": lambda l1: br.Laplace(1.0 / l1, loc=0.05),
    "elastic-net": lambda l1: br.ElasticNet(1.0 / l1, (0.1 * l1) ** -0.5),
    "bounded": lambda l1: br.Truncated(br.Laplace(1.0 / l1), -0.02, 0.03),
    "positive": lambda l1: br.Exponential(1.0 / l1),
}


@pytest.mark.parametrize("tol", [1e-6, 1e-11])
@pytest.mark.parametrize("name", PRIORS)
def test_a_weak_penalty_is_certified(name, tol):
    X, y = wide()
    model = br.Model(br.Gaussian(1.0), PRIORS[name](slope_at_start(X, y) / 200))
    fit = br.find_map(model, br.Data(X, y), tol=tol)
    again = br.certify(model, br.Data(X, y), fit.coef, fit.intercept, tol=tol)
    assert fit.certificate.holds
    assert again.holds
    assert fit.unique


@pytest.mark.parametrize("intercept", [None, br.Flat(), br.Normal(2.0), br.Laplace(0.5)])
@pytest.mark.parametrize("weighted", [False, True])
def test_loose_and_tight_tolerances_agree_with_each_other(intercept, weighted):
    X, y = wide(1)
    rng = np.random.default_rng(2)
    weights = rng.uniform(0.5, 2.0, N) if weighted else None
    data = br.Data(X, y, weights=weights, offset=rng.normal(size=N))
    model = br.Model(br.Gaussian(1.3), br.Laplace(200 / slope_at_start(X, y)), intercept)
    loose, tight = (br.find_map(model, data, tol=tol) for tol in (1e-6, 1e-12))
    assert np.count_nonzero(tight.coef) > screened._DOUBTFUL
    np.testing.assert_allclose(loose.coef, tight.coef, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(loose.coef == 0, tight.coef == 0)


@pytest.mark.parametrize("name", PRIORS)
def test_every_point_of_a_path_is_the_single_point(name):
    X, y = wide(3)
    top = slope_at_start(X, y)
    model = br.Model(br.Gaussian(1.0), PRIORS[name](top / 100))
    data = br.Data(X, y)
    path = br.find_map_path(model, data, scales=np.geomspace(1.0, 150.0, 25) / top, tol=1e-10)
    assert all(certificate.holds for certificate in path.certificates)
    for k in (5, 14, 24):
        single = br.find_map(path.estimates[k].model, data, tol=1e-10)
        np.testing.assert_allclose(path.coef[k], single.coef, rtol=0, atol=1e-8)


@pytest.mark.parametrize("tol", [1e-6, 1e-10])
def test_dependent_columns_are_certified_and_not_unique(tol):
    X, y = wide(4)
    X[:, 1::2] = X[:, 0::2]
    model = br.Model(br.Gaussian(1.0), br.Laplace(100 / slope_at_start(X, y)))
    with pytest.warns(NotUniqueWarning):
        fit = br.find_map(model, br.Data(X, y), tol=tol)
    assert fit.certificate.holds


def test_moments_at_hand_do_not_call_dependent_columns_unique():
    X, y = wide(5, n=50, p=8)
    model = br.Model(br.Gaussian(1.0), br.Laplace(1e3))
    for column, unique in ((X[:, 0] + X[:, 1], False), (np.ones(50), False), (X[:, 7], True)):
        X[:, 7] = column
        problem = bind(model, br.Data(X, y))
        centred = problem.X - problem.X.mean(axis=0)
        v = np.append(np.full(8, 0.1), 1.0)
        known = np.arange(8), centred.T @ centred
        flat = bind(br.Model(br.Gaussian(1.0), br.Flat()), br.Data(X, y))
        assert mode_is_unique(flat, v, known) == mode_is_unique(flat, v) == unique
        X[:, 7] = np.random.default_rng(6).normal(size=50)


def eliminated(f, l2, seed=7, sure=12, doubtful=6):
    """An elimination, and the quadratic over all coefficients that it stands for."""
    rng = np.random.default_rng(seed)
    k = sure + doubtful
    A = rng.normal(size=(k + 4, k))
    H, cross = A.T @ A, 20.0 * rng.normal(size=k)
    l1, l2, zero = rng.uniform(0.5, 1.5, k), np.full(k, l2), np.zeros(k)
    penalty = Penalty(l1, l2, zero, np.full(k, -np.inf), np.full(k, np.inf))
    at_f = Penalty(l1 / f, l2, zero, penalty.lower, penalty.upper)
    mode = minimise_quadratic(Quadratic(H, -cross, zero), at_f)
    order = np.argsort(-np.abs(mode), kind="stable")
    first, last = order[:sure], order[sure:]
    reduced = Elimination.of(
        H, first, last, cross[first], cross[last], penalty.take(first), penalty.take(last),
        np.sign(mode[first]),
    )  # fmt: skip
    return reduced, mode[first], mode[last]


@pytest.mark.parametrize("l2", [0.0, 0.7])
@pytest.mark.parametrize("f", [0.5, 1.0, 3.0])
def test_with_the_right_signs_elimination_finds_the_whole_mode(f, l2):
    reduced, sure, doubtful = eliminated(f, l2)
    found = reduced.minimum(f, Move(np.zeros(sure.size), np.zeros(doubtful.size)))
    assert not found.crossed.any()
    np.testing.assert_allclose(found.sure, sure, atol=1e-10)
    np.testing.assert_allclose(found.doubtful, doubtful, atol=1e-10)


def test_part_of_the_way_lowers_the_objective_and_keeps_the_signs():
    reduced, sure, doubtful = eliminated(1.0, 0.0)
    start = Move(np.sign(sure) * 0.01, np.zeros(doubtful.size))
    f = 0.02
    end = reduced.minimum(f, start)
    assert end.crossed.any()
    there = reduced.part_of_the_way(f, start, end)
    assert np.all(there.sure * reduced.sign >= 0)
    assert reduced._value(f, there) < reduced._value(f, start)


def test_dependent_sure_columns_are_not_eliminated():
    H = np.ones((3, 3)) + np.diag([0.0, 0.0, 1.0])
    part = Penalty(np.ones(2), np.zeros(2), np.zeros(2), np.full(2, -np.inf), np.full(2, np.inf))
    none = part.take(np.arange(1))
    two, one = np.array([0, 1]), np.array([2])
    reduced = Elimination.of(H, two, one, np.ones(2), np.ones(1), part, none, np.ones(2))
    assert reduced is None
