"""check_convention: every convention of ours passes it, and each way of being wrong does not."""

import dataclasses

import numpy as np
import pytest
from claims import LIKELIHOODS, TARGETS, WRITABLE, data_for

import bayesreg as br
from bayesreg.conventions import Nats, free_intercept, uniform
from bayesreg.errors import NoEquivalentError
from bayesreg.testing import check_convention

#: Its prior has another scale in each column, by their sums of squares: no prior tried here.
BY_THE_DATA = ("dropout.Linear",)

OURS = [(name, kind) for name in WRITABLE if name not in BY_THE_DATA
        for kind in TARGETS[name].likelihoods]  # fmt: skip


@pytest.mark.parametrize(("name", "kind"), OURS)
def test_every_convention_of_ours_passes(name, kind):
    likelihood = LIKELIHOODS[kind]
    check_convention(TARGETS[name], likelihood, data_for(likelihood, name))


# ---- the ways of being wrong --------------------------------------------------------------------

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 3))
BINARY = br.Data(X, (RNG.random(50) < 0.5).astype(float))
CONTINUOUS = br.Data(X, RNG.normal(size=50))
LOGISTIC, LEAST_SQUARES = TARGETS["textbook.nll_l2"], TARGETS["textbook.rss_ridge"]


def nll(coef, a, X, y, weights):
    eta = a + X @ coef
    return weights @ (np.logaddexp(0, eta) - y * eta)


def penalised_nll(coef, a, X, y, weights, parameters):
    return nll(coef, a, X, y, weights) + parameters["lam"] * coef @ coef


def ridge(coef, a, X, y, weights, parameters):
    return weights @ (y - a - X @ coef) ** 2 + parameters["lam"] * coef @ coef


def l2_of(decoded):
    """decode of a convention whose intercept is always free."""
    return lambda parameters, setting: Nats(
        setting.likelihood, uniform(l2=decoded(parameters, setting)), free_intercept(present=True)
    )


def logistic(**changes):
    return dataclasses.replace(LOGISTIC, name="mine", penalties=("L2",), **changes)


DOUBLE = l2_of(lambda parameters, setting: 2 * parameters["lam"])
WRONG = {
    "1 / tau, right at tau = 1/2": (
        logistic(encode=lambda nats, setting: {"lam": np.sqrt(nats.l2)},
                 decode=l2_of(lambda parameters, setting: parameters["lam"] ** 2)),
        penalised_nll, "not the negative log posterior"),
    "strengths averaged": (
        logistic(per_coefficient=True, decode=DOUBLE,
                 encode=lambda nats, setting: {"lam": float(np.mean(nats.penalty.l2)) / 2}),
        penalised_nll, "scale=.*lose the penalty"),
    "intercept's prior dropped": (
        logistic(penalises_intercept=True, decode=DOUBLE,
                 encode=lambda nats, setting: {"lam": nats.l2 / 2}),
        penalised_nll, "intercept=Normal.*lose the penalty"),
    "a program without the number": (
        logistic(code=lambda parameters, setting: "x"), penalised_nll, "does not have lam"),
    "a program with another number": (
        logistic(code=lambda parameters, setting: "import mine\nmine.fit(lam=123.0)"),
        penalised_nll, "does not have lam"),
    "penalty linear beyond 1": (
        logistic(), lambda c, a, X, y, s, q: nll(c, a, X, y, s)
        + q["lam"] * np.sum(np.where(abs(c) < 1, c * c, 2 * abs(c) - 1)),
        "not the negative log posterior"),
    "weights that the library ignores": (
        logistic(), lambda c, a, X, y, s, q: penalised_nll(c, a, X, y, np.ones(len(y)), q),
        "not the negative log posterior"),
    "intercept that the library penalises": (
        logistic(), lambda c, a, X, y, s, q: penalised_nll(c, a, X, y, s, q) + q["lam"] * a * a,
        "not the negative log posterior"),
}  # fmt: skip


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_convention_is_caught(fault):
    convention, objective, reason = WRONG[fault]
    with pytest.raises(AssertionError, match=f"(?s){reason}"):
        check_convention(convention, br.Bernoulli(), BINARY, objective)


def test_the_right_one_is_not():
    check_convention(logistic(), br.Bernoulli(), BINARY, penalised_nll)
    check_convention(LEAST_SQUARES, br.Gaussian(1.0), CONTINUOUS, ridge)


def test_sigma_for_its_square_is_caught_at_sigma_1():
    wrong = dataclasses.replace(
        LEAST_SQUARES,
        encode=lambda nats, setting: {"lam": setting.sigma * nats.l2},
        decode=l2_of(lambda parameters, setting: parameters["lam"] / setting.sigma),
    )
    with pytest.raises(AssertionError, match="not the negative log posterior"):
        check_convention(wrong, br.Gaussian(1.0), CONTINUOUS, ridge)


def test_a_convention_that_refuses_everything_is_caught():
    def refusing(nats, setting):
        raise NoEquivalentError("never. Nearest: nothing")

    with pytest.raises(AssertionError, match="encode refuses every such prior"):
        check_convention(logistic(encode=refusing), br.Bernoulli(), BINARY, penalised_nll)
