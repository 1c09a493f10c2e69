"""What the printed programs of training share, run in numpy: steps, momentum and the stop."""

import numpy as np
import pytest

import bayesreg as br
from bayesreg.conventions._training import Training

BIG = np.array([1.0, 1e4, 0.1, 30.0])


def prepared(training, X, y, sample_weight=None):
    space = {"np": np, "X": X, "y": y, "sample_weight": sample_weight}
    exec("\n".join([*training.preparation(), *training.check()]), space)
    return space


def descent(space, target, at_most):
    """Nesterov's method with the program's own steps: how many it takes."""
    y, rows, steps, decay = (space[name] for name in ("y", "rows", "steps", "decay"))
    s = np.ones(y.size) if space["sample_weight"] is None else space["sample_weight"]
    w, velocity = np.zeros(rows.shape[1]), np.zeros(rows.shape[1])
    start = np.mean(s * y**2)
    for step in range(at_most):
        gradient = 2 * rows.T @ (s * (rows @ w - y)) / y.size + decay * w
        if space["height"](w, gradient) <= 1e-16 * start:
            return w, step
        velocity = space["momentum"] * velocity - steps * gradient
        w = w + space["momentum"] * velocity - steps * gradient
    raise AssertionError(f"not at the optimum in {at_most} steps, {target}")


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("bias_decay", [0.0, 0.3])
@pytest.mark.parametrize("units", [np.ones(4), BIG])
def test_steps_of_their_own_make_units_alike(weighted, bias_decay, units):
    rng = np.random.default_rng(1)
    X = (rng.normal(size=(80, 4)) + (3.0 if bias_decay == 0 else 0.0)) * units
    y, s = X @ (1 / units) + 5.0 + rng.normal(size=80), rng.uniform(0.5, 2.0, 80)
    training = Training("2", "/ len(y)", weighted, True, 0.02, bias_decay)
    space = prepared(training, X, y, s if weighted else None)
    w, _ = descent(space, units, 3000)
    intercept = w[-1] - (space["centre"] @ w[:-1] if bias_decay == 0 else 0.0)
    scale = np.sqrt(2 / (80 * 0.02))
    prior = br.Flat() if bias_decay == 0 else br.Normal(np.sqrt(2 / (80 * bias_decay)))
    data = br.Data(X, y, weights=s if weighted else None)
    fit = br.certify(br.Model(br.Gaussian(1.0), br.Normal(scale), prior), data, w[:-1], intercept)
    assert fit.relative_gap < 1e-12


def test_one_step_for_all_columns_does_not_arrive():
    """What the programs did: the steps are the difference."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(80, 4)) * BIG
    training = Training("2", "/ len(y)", False, True, 0.02)
    space = prepared(training, X, X @ (1 / BIG) + rng.normal(size=80))
    space["steps"] = np.full(5, space["steps"].min())
    with pytest.raises(AssertionError, match="not at the optimum"):
        descent(space, BIG, 3000)


def test_the_stop_sees_through_a_proximal_step():
    """At the lasso's optimum no gradient is 0, and the height is."""
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(60, 5)), rng.normal(size=60)
    b = 0.1
    fit = br.find_map(br.Model(br.Gaussian(1.0), br.Laplace(b)), br.Data(X, y), tol=1e-14)
    assert 0 < np.sum(fit.coef == 0) < 5
    space = prepared(Training("2", "/ len(y)", False, True, 0.0, l1=2 / (60 * b)), X, y)
    w = np.append(fit.coef, fit.intercept + space["centre"] @ fit.coef)
    gradient = 2 * space["rows"].T @ (space["rows"] @ w - y) / 60
    assert abs(gradient[:5]).max() > 0.01
    assert abs(space["height"](w, gradient)) < 1e-18
    assert space["height"](w + 1e-4, gradient) > 1e-12
