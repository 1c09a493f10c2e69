"""Independence of columns in single precision: shown only where it is true."""

import numpy as np
import pytest

import bayesreg as br
from bayesreg.problem import bind
from bayesreg.proof.independence import shown_independent
from bayesreg.proof.uniqueness import mode_is_unique

P = 120


def problem_of(X, intercept=None):
    y = np.resize([0.0, 1.0, 1.0], len(X))
    return bind(br.Model(br.Bernoulli(), br.Laplace(1.0), intercept), br.Data(X, y))


def design(n=500, p=P, seed=0):
    return np.random.default_rng(seed).normal(size=(n, p))


def shown(X, intercept=None):
    problem = problem_of(X, intercept)
    return shown_independent(problem, np.arange(problem.size), np.ones(problem.n))


@pytest.mark.parametrize("factor", [1.0, 1e-8, 1e8])
def test_independent_columns_of_any_size(factor):
    assert shown(design() * factor)
    assert shown(design() * np.geomspace(1e-6, 1e6, P))


@pytest.mark.parametrize("seed", range(5))
def test_a_dependent_column_is_never_shown_independent(seed):
    X = design(seed=seed)
    X[:, 7] = X[:, 3] - 2 * X[:, 50] + X[:, 99]
    assert not shown(X)
    X[:, 7] = X[:, 3]
    assert not shown(X)
    X[:, 7] += 1e-4 * design(seed=9)[:, 0]
    assert not shown(X)  # independent, but not to single precision


def test_a_constant_column_is_dependent_on_the_intercept_only():
    X = design()
    X[:, 4] = 1.0
    assert shown(X)
    assert not shown(X, br.Flat())


@pytest.mark.parametrize("value", [0.0, 1e-30, 1e40])
def test_columns_beyond_single_precision_are_left_to_others(value):
    X = design()
    X[:, 4] *= value
    assert not shown(X)


def test_fewer_rows_than_columns():
    assert not shown(design(n=P - 1))


def test_rows_of_no_curvature_count_for_nothing():
    problem = problem_of(design())
    assert not shown_independent(problem, np.arange(P), np.zeros(problem.n))


def test_where_the_first_rows_do_not_show_it_all_rows_decide():
    """Columns that are 0 on the first rows."""
    X = design(n=700)
    X[:400, 5] = 0.0
    assert not shown(X)
    problem = problem_of(X)
    v = np.full(P, 0.01)
    assert mode_is_unique(problem, v)
    X[:, 5] = X[:, 6]
    assert not mode_is_unique(problem_of(X), v)
