"""How far the search for the best local mode reaches, against brute force by scipy."""

import warnings
from itertools import product

import numpy as np
import pytest
from scipy import optimize

import bayesreg as br
from bayesreg.errors import LocalModesWarning
from bayesreg.problem import bind
from bayesreg.solvers.local_patterns import pattern_starts
from bayesreg.solvers.local_swaps import swapped_starts
from bayesreg.solvers.local_systems import WideSystem

# Of 40 problems at each scale the search may miss the best mode of this many. On our machines it
# misses none; the margin is for other rounding.
MISSED = 1


def find(model, data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LocalModesWarning)
        return br.find_map(model, data)


def correlated(seed, p):
    """25 rows; columns 0 and 1, and 2 and 3, nearly the same."""
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(25, p))
    A[:, 1] = A[:, 0] + 0.15 * A[:, 1]
    if p > 3:
        A[:, 3] = A[:, 2] + 0.3 * A[:, 3]
    return A, A @ np.resize([1.5, 0.0, 0.5, 0.0], p) + rng.normal(size=25)


def objective(A, y, nu, scale):
    """Minus the log density without constants, and its gradient, written out here."""

    def value_and_gradient(w):
        residual = A @ w - y
        tails = 0.5 * (nu + 1) * np.sum(np.log1p(w**2 / (nu * scale**2)))
        slope = (nu + 1) * w / (nu * scale**2 + w**2)
        return 0.5 * residual @ residual + tails, A.T @ residual + slope

    return value_and_gradient


def brute_force(A, y, nu, scale, random_starts=50):
    """The least value from every least-squares fit to some of the columns, and random starts."""
    p, rng = A.shape[1], np.random.default_rng(1)
    starts = [1.5 * rng.normal(size=p) for _ in range(random_starts)]
    for chosen in product([False, True], repeat=p):
        w = np.zeros(p)
        w[list(chosen)] = np.linalg.lstsq(A[:, chosen], y, rcond=None)[0]
        starts.append(w)
    tight = {"maxiter": 2000, "ftol": 1e-15, "gtol": 1e-9}
    function = objective(A, y, nu, scale)
    return min(
        optimize.minimize(function, w, jac=True, method="L-BFGS-B", options=tight).fun
        for w in starts
    )


@pytest.mark.parametrize("scale", [0.01, 0.05, 0.1, 0.3])
def test_best_mode_of_small_problems_with_nearly_equal_columns(scale):
    """Within 1e-6 nats of brute force, for all but ``MISSED`` of 40 problems."""
    short = []
    for seed in range(40):
        A, y = correlated(seed, 2 + seed % 3)
        nu = 1.0 if seed % 4 else 2.5
        prior = br.Cauchy(scale) if nu == 1 else br.StudentT(nu, scale)
        fit = find(br.Model(br.Gaussian(1.0), prior, None), br.Data(A, y))
        excess = objective(A, y, nu, scale)(fit.coef)[0] - brute_force(A, y, nu, scale)
        if excess > 1e-6:
            short.append((seed, excess))
    assert len(short) <= MISSED, short


@pytest.mark.parametrize(
    ("seed", "scale", "heights"),
    [
        (4, 0.01, [-41.090, -42.170]),
        (7, 0.01, [-35.814, -36.292]),
        (0, 0.3, [-37.326, -37.521]),
        (3, 0.05, [-38.771, -39.443]),
    ],
)
def test_reported_cases(seed, scale, heights):
    """Modes that the usual starts alone do not lead to."""
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(25, 3))
    A[:, 1] = A[:, 0] + 0.15 * A[:, 1]
    data = br.Data(A, A @ [1.5, 0, 0.5] + rng.normal(size=25))
    with pytest.warns(LocalModesWarning):
        fit = br.find_map(br.Model(br.Gaussian(1.0), br.Cauchy(scale), intercept=None), data)
    found = [mode.log_density for mode in fit.modes]
    np.testing.assert_allclose(found[:2], heights, atol=1e-3)
    assert fit.certificate.holds


@pytest.mark.parametrize("likelihood", [br.StudentT(3.0, sigma=0.5), br.Bernoulli()], ids=str)
def test_choices_of_other_likelihoods(likelihood):
    """The stand-in is an approximation there: the mode is as good as from every fit to a choice."""
    rng = np.random.default_rng(2)
    A = rng.normal(size=(60, 3))
    A[:, 1] = A[:, 0] + 0.2 * A[:, 1]
    eta = A @ [2.0, 0.0, 1.0]
    y = (eta > rng.normal(size=60)) * 1.0 if likelihood == br.Bernoulli() else eta
    model = br.Model(likelihood, br.Cauchy(0.05))
    data = br.Data(A, y)
    fit, problem = find(model, data), bind(model, data)

    def minus(v):
        return -model.log_density(data, v[:3], v[3])

    for chosen in product([0.0, 1.0], repeat=3):
        start = np.append(np.array(chosen) * [2.0, 2.0, 1.0], 0.0)
        found = optimize.minimize(minus, start, method="BFGS", options={"gtol": 1e-8})
        assert fit.log_density >= -found.fun - 1e-6
    assert pattern_starts(problem, problem.extended(fit.coef, fit.intercept))


def test_swaps_alone_lead_from_the_wrong_column_to_the_right_one():
    """With more columns than all choices can be gone through for."""
    rng = np.random.default_rng(0)
    A = rng.normal(size=(60, 40))
    A[:, 20:] = A[:, :20] + 0.2 * A[:, 20:]
    truth = np.zeros(40)
    truth[:4] = [2.0, -1.5, 1.0, 1.5]
    data = br.Data(A, A @ truth + 0.5 * rng.normal(size=60))
    model = br.Model(br.Gaussian(0.5), br.Cauchy(0.01), None)
    problem = bind(model, data)
    wrong = np.roll(truth, 20)
    assert pattern_starts(problem, wrong) == []
    starts = swapped_starts(problem, wrong)
    assert min(problem.value(v) for v in starts) < problem.value(wrong) - 1.0
    fit = find(model, data)
    function = objective(A / 0.5, data.y / 0.5, 1.0, 0.01)
    from_truth = optimize.minimize(function, truth, jac=True, method="L-BFGS-B")
    assert function(fit.coef)[0] <= from_truth.fun + 1e-6


@pytest.mark.parametrize("seed", range(3))
def test_more_columns_than_rows(seed):
    """At least as good as the mode beside the coefficients that made the data."""
    rng = np.random.default_rng(seed)
    A, truth = rng.normal(size=(50, 150)), np.zeros(150)
    truth[:5] = 3.0 * rng.normal(size=5)
    data = br.Data(A, A @ truth + rng.normal(size=50))
    fit = find(br.Model(br.Gaussian(1.0), br.Cauchy(0.02), None), data)
    function = objective(A, data.y, 1.0, 0.02)
    from_truth = optimize.minimize(function, truth, jac=True, method="L-BFGS-B")
    assert function(fit.coef)[0] <= from_truth.fun + 1e-6


def test_wide_systems():
    """Against a dense solve; a matrix that is not positive definite is told."""
    rng = np.random.default_rng(0)
    Z, b = rng.normal(size=(20, 150)), rng.normal(size=150)
    D = rng.uniform(0.5, 50.0, 150)
    D[:4] = [-0.5, -0.2, 0.0, 1e-9]
    system = WideSystem(Z)
    A = Z.T @ Z + np.diag(D)
    assert np.linalg.eigvalsh(A)[0] > 0
    np.testing.assert_allclose(system.solve(D, b), np.linalg.solve(A, b), rtol=1e-9, atol=1e-12)
    D[0] = -15.0
    assert np.linalg.eigvalsh(Z.T @ Z + np.diag(D))[0] < 0
    assert system.solve(D, b) is None
    # Too many without a spike of their own for this way to pay.
    assert system.solve(np.full(150, 1e-9), b) is None
