"""The exact motion in a normal density with kinks: energy, time, reversal, volume."""

import numpy as np
import pytest

from bayesreg._kernels.piecewise_flow import flow, flow_workspace


def make_reference(size, diagonal, seed=0, kinks=True):
    rng = np.random.default_rng([seed, size])
    T = rng.uniform(0.3, 2.0, (1, size)) if diagonal else np.triu(rng.normal(size=(size, size)))
    kink = np.where(rng.random(size) < 0.7, rng.exponential(3.0, size), 0.0) if kinks else 0.0
    centre = 0.3 * rng.normal(size=size)
    return centre, T, 0.5 * rng.normal(size=size), np.zeros(size) + kink


def coordinates_of(reference, q):
    centre, T, _, _ = reference
    return centre + (T[0] * q if T.shape[0] == 1 else T @ q)


def energy(reference, q, p):
    _, _, pull, kink = reference
    u = coordinates_of(reference, q)
    return 0.5 * p @ p + 0.5 * q @ q + pull @ q + kink @ np.abs(u)


def moved(reference, q, p, time):
    centre, T, pull, kink = reference
    q, p = q.copy(), p.copy()
    flow(centre, T, pull, kink, flow_workspace(centre, T, kink), q, p, time)
    return q, p


@pytest.fixture(params=[(1, False), (3, False), (12, False), (5, True)], ids=str)
def state(request):
    reference = make_reference(*request.param)
    size = request.param[0]
    return reference, *np.random.default_rng(5).normal(size=(2, size))


@pytest.mark.parametrize("time", [0.01, 0.5, 1.7, 3.1, -0.9])
def test_energy_stays_and_time_runs_back(state, time):
    reference, q, p = state
    there = moved(reference, q, p, time)
    assert energy(reference, *there) == pytest.approx(energy(reference, q, p), rel=1e-12)
    back = moved(reference, *there, -time)
    np.testing.assert_allclose(back, (q, p), atol=1e-9)
    mirrored = moved(reference, there[0], -there[1], time)
    np.testing.assert_allclose((mirrored[0], -mirrored[1]), (q, p), atol=1e-9)


def test_flows_compose(state):
    reference, q, p = state
    once = moved(reference, q, p, 2.0)
    twice = moved(reference, *moved(reference, q, p, 0.7), 1.3)
    np.testing.assert_allclose(twice, once, atol=1e-9)


def test_it_solves_the_equations_of_motion(state):
    """Against a leapfrog of 100,000 steps, whose error at kinks is of the order of its step."""
    reference, q, p = state
    centre, T, pull, kink = reference
    step, expected_q, expected_p = 1e-5, q.copy(), p.copy()
    dense = np.diag(T[0]) if T.shape[0] == 1 else T

    def force(x):
        return -x - pull - dense.T @ (kink * np.sign(centre + dense @ x))

    for _ in range(100_000):
        expected_p += 0.5 * step * force(expected_q)
        expected_q += step * expected_p
        expected_p += 0.5 * step * force(expected_q)
    np.testing.assert_allclose(moved(reference, q, p, 1.0), (expected_q, expected_p), atol=2e-3)


def test_volume_is_preserved(state):
    """The determinant of the Jacobian by differences is 1."""
    reference, q, p = state
    size, h = q.size, 1e-6

    def end(x):
        return np.concatenate(moved(reference, x[:size], x[size:], 1.1))

    start = np.concatenate([q, p])
    jacobian = [(end(start + h * e) - end(start - h * e)) / (2 * h) for e in np.eye(2 * size)]
    assert np.linalg.det(np.array(jacobian)) == pytest.approx(1.0, rel=1e-5)


def test_starting_on_a_kink():
    """A coordinate exactly at its kink moves to the side it flies to, or stays where it is held."""
    reference = (np.zeros(2), np.eye(2), np.zeros(2), np.array([2.0, 0.0]))
    for speed in (0.5, -0.5):
        q, p = moved(reference, np.zeros(2), np.array([speed, 1.0]), 0.1)
        assert np.sign(q[0]) == np.sign(speed)
        assert energy(reference, q, p) == pytest.approx(0.5 * speed**2 + 0.5, rel=1e-12)
    q, p = moved(reference, np.zeros(2), np.array([0.0, 1.0]), 0.1)
    assert np.all(np.isfinite(q))
    assert abs(q[0]) < 0.02


def test_a_strong_kink_is_crossed_often():
    """Two hundred crossings in a step: still energy and reversal."""
    reference = (np.zeros(1), np.ones((1, 1)), np.zeros(1), np.array([1000.0]))
    q, p = np.array([1e-3]), np.array([3.0])
    there = moved(reference, q, p, 1.5)
    assert energy(reference, *there) == pytest.approx(energy(reference, q, p), rel=1e-10)
    np.testing.assert_allclose(moved(reference, *there, -1.5), (q, p), atol=1e-6)
