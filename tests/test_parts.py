"""Every part of ours passes the public checks, is exact in its tails, and refuses bad arguments."""

import numpy as np
import pytest
from helpers import (
    BOUNDED_PRIORS,
    CLASS_LIKELIHOODS,
    JOINT_PRIORS,
    KINKED_LIKELIHOODS,
    LIKELIHOODS,
    LOCAL_LIKELIHOODS,
    LOCAL_PRIORS,
    PRIORS,
    P,
    make_data,
)
from scipy import special

from bayesreg import Bernoulli, ElasticNet, Gaussian, Horseshoe, Laplace, Normal, Poisson
from bayesreg.errors import ModelError, ModelTypeError
from bayesreg.likelihoods import LIKELIHOODS as LIKELIHOODS_BY_NAME
from bayesreg.likelihoods._relative_entropy import relative_entropy
from bayesreg.penalty import Penalty, log_normaliser, unbounded
from bayesreg.priors import PRIORS as PRIORS_BY_NAME
from bayesreg.testing import check_likelihood, check_prior
from bayesreg.testing.priors import _check_conjugate, _check_subgradient


@pytest.mark.parametrize("prior", [*PRIORS, *BOUNDED_PRIORS, *LOCAL_PRIORS, *JOINT_PRIORS])
def test_prior(prior):
    check_prior(prior, size=P)


@pytest.mark.parametrize("likelihood", [*LIKELIHOODS, *LOCAL_LIKELIHOODS, *KINKED_LIKELIHOODS])
@pytest.mark.parametrize("seed", range(3))
def test_likelihood(likelihood, seed):
    data = make_data(likelihood)
    trials = None if data.trials is None else data.trials[:12]
    check_likelihood(likelihood, data.y[:12], seed=seed, trials=trials)


@pytest.mark.parametrize(
    "prior",
    [
        Laplace(1e-6),
        Laplace(1e-5, loc=-1.0),
        Laplace(1e12),
        Normal(1e6),
        Normal(1e-6, loc=1.0),
        ElasticNet(1e-3, 1.0),
        ElasticNet(1.0, 1e-3),
        ElasticNet(1e6, 1e6),
    ],
    ids=repr,
)
def test_prior_of_extreme_scale(prior):
    check_prior(prior)


@pytest.mark.parametrize(
    ("likelihood", "y"),
    [
        (Gaussian(54.0), [150.0, 20.0, 1000.0, -3.0]),
        (Gaussian(1e-3), [1.0]),
        (Gaussian(1e4), [1.0]),
        (Bernoulli(), [1.0]),
        (Poisson(), [0.0, 1000.0]),
    ],
    ids=repr,
)
def test_likelihood_of_extreme_targets(likelihood, y):
    check_likelihood(likelihood, y)


def test_every_part_is_in_the_tables():
    priors = [*PRIORS, *BOUNDED_PRIORS, *LOCAL_PRIORS, *JOINT_PRIORS]
    # A Horseshoe has no penalty, so that the checks have nothing to hold its density against.
    assert {*(type(row.values[0]) for row in priors), Horseshoe} == set(PRIORS_BY_NAME.values())
    likelihoods = [*LIKELIHOODS, *LOCAL_LIKELIHOODS, *CLASS_LIKELIHOODS, *KINKED_LIKELIHOODS]
    assert {type(row.values[0]) for row in likelihoods} == set(LIKELIHOODS_BY_NAME.values())


# ---- penalties with bounds, at their corners -------------------------------------


def bounded(l1, l2, loc, lower, upper):
    return Penalty(*(np.array([float(v)]) for v in (l1, l2, loc, lower, upper)))


@pytest.mark.parametrize(
    "penalty",
    [
        bounded(2, 0, 0, 0, np.inf),
        bounded(2, 0, 0, -np.inf, 0),
        bounded(0, 3, 0.5, 0, np.inf),
        bounded(1, 3, 0.5, 1, 2),
        bounded(1, 3, 0.5, -2, -1),
        bounded(1, 0, 0.5, -2, 3),
        bounded(0, 0, 0.0, -1, 1),
        bounded(0, 0, 0.0, 0, np.inf),
        bounded(1, 2, 0.7, 0.7, 0.7),
    ],
    ids=["half", "lower-half", "half-normal", "right", "left", "box", "flat", "flat-half", "point"],
)
def test_bounded_penalty(penalty):
    _check_conjugate(penalty)
    _check_subgradient(penalty)
    unit = np.array([0.25])
    for w in np.linspace(-3, 3, 25):
        there = penalty.in_units(unit).values(np.array([w]) / unit)
        np.testing.assert_allclose(there, penalty.values(np.array([w])), rtol=1e-14)


# ---- tails and exact values --------------------------------------------------------------------


@pytest.mark.parametrize(
    "x", [-1.0, -0.999, -0.3, -0.0501, -0.0499, -1e-4, 1e-9, 0.049, 0.051, 8.0]
)
def test_relative_entropy_keeps_its_digits(x):
    # (1 + x) log(1 + x) - x is the sum of (-x)^k / (k (k - 1)): exact arithmetic below 0.1.
    if abs(x) < 0.1:
        expected = sum((-x) ** k / (k * (k - 1)) for k in range(40, 1, -1))
    else:
        expected = special.kl_div(1.0 + x, 1.0)
    np.testing.assert_allclose(relative_entropy(np.array([x])), [expected], rtol=2e-14)


def test_relative_entropy_at_its_zero():
    assert relative_entropy(np.array([0.0]))[0] == 0.0


@pytest.mark.parametrize("eta", [-800.0, -40.0, 40.0, 800.0])
def test_bernoulli_tails(eta):
    y, at = np.array([0.0, 1.0]), np.array([eta, eta])
    likelihood = Bernoulli()
    np.testing.assert_allclose(likelihood.loss(y, at), -special.log_expit([-eta, eta]), rtol=1e-15)
    np.testing.assert_allclose(
        likelihood.gradient(y, at), [special.expit(eta), -special.expit(-eta)], rtol=1e-15
    )
    curvature = special.expit(eta) * special.expit(-eta)
    np.testing.assert_allclose(likelihood.curvature(y, at), [curvature] * 2, rtol=1e-15)


def test_poisson_bound_at_an_underflown_mean():
    # KL(q, 0+) <= 0.1 allows q up to about 0.1 / log(q / mu); a bound of 0 or NaN would be wrong.
    bound = Poisson().smoothness_within(np.zeros(1), np.array([-800.0]), np.array([0.1]))
    assert 0 < bound[0] < 0.1
    same = Poisson().smoothness_within(np.zeros(1), np.array([-30.0]), np.array([0.1]))
    np.testing.assert_allclose(bound, same, rtol=1e-5)


@pytest.mark.parametrize(("l1", "l2"), [(1.0, 1e-300), (1e8, 1e-3), (0.0, 4.0), (3.0, 0.0), (1, 1)])
def test_log_normaliser_between_its_branches(l1, l2):
    found = log_normaliser(np.array(float(l1)), np.array(float(l2)))
    if l2 == 0 or l1 / np.sqrt(l2) > 1e9:
        expected = np.log(2 / l1)
    else:
        expected = 0.5 * np.log(2 * np.pi / l2) + np.log(special.erfcx(l1 / np.sqrt(2 * l2)))
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_scale_whose_penalty_overflows_is_refused():
    with pytest.raises(ModelError, match="scale of coefficient 0 is so small"):
        Laplace(1e-309).penalty(2)
    for scale in (1e-200, 1e200):
        with pytest.raises(ModelError, match=r"Normal scale must be positive, from 1e-153 to"):
            Normal(scale)
        with pytest.raises(ModelError, match=r"ElasticNet normal_scale must be positive, from"):
            ElasticNet(1.0, scale)
        with pytest.raises(ModelError, match=r"Gaussian sigma must lie between .* other units"):
            Gaussian(scale)


def test_units_whose_penalty_overflows_are_refused():
    with pytest.raises(ModelError, match="scale of coefficient 1 is so small"):
        unbounded(*np.ones((3, 2))).in_units(np.array([1.0, 1e200]))


# ---- arguments ---------------------------------------------------------------------------------

BUILDERS = {
    "Laplace scale": lambda value: Laplace(value),
    "Normal scale": lambda value: Normal(value),
    "ElasticNet laplace_scale": lambda value: ElasticNet(value, 1.0),
    "ElasticNet normal_scale": lambda value: ElasticNet(1.0, value),
}


@pytest.mark.parametrize("argument", BUILDERS)
@pytest.mark.parametrize(
    ("value", "found"),
    [
        (-1, "-1.0"),
        (0, "0.0"),
        (-0.0, "-0.0"),
        (np.nan, "nan"),
        (-np.inf, "-inf"),
        ([], "is empty"),
        ([[1.0]], r"shape \(1, 1\)"),
        ([[1.0], [2.0, 3.0]], "nested lists of unequal length"),
        ([1.0, -2.0], r"\[1\] must be positive.*got -2.0"),
        ([1.0, np.nan], r"\[1\] must be positive.*got nan"),
        (10**400, "too large for a float"),
        (10**5000, "too large for a float; got a huge int"),
    ],
    ids=lambda v: str(v)[:12] if not isinstance(v, int) else f"{float(min(v, 10**300)):.0e}",
)
def test_scale_of_wrong_value_is_refused(argument, value, found):
    with pytest.raises(ModelError, match=rf"^{argument}.*{found}"):
        BUILDERS[argument](value)


@pytest.mark.parametrize("argument", BUILDERS)
@pytest.mark.parametrize(
    "value",
    [True, np.True_, "1", b"1", None, 1j, object(), {1.0}, [1.0, "2"], [True], np.array(["a"])],
    ids=lambda value: type(value).__name__ + repr(value)[:3],
)
def test_scale_of_wrong_type_is_refused(argument, value):
    with pytest.raises(ModelTypeError, match=f"^{argument}"):
        BUILDERS[argument](value)


@pytest.mark.parametrize("kind", [Laplace, Normal])
@pytest.mark.parametrize(
    ("value", "error"),
    [(np.inf, ModelError), (np.nan, ModelError), ("0", ModelTypeError), (False, ModelTypeError)],
)
def test_wrong_loc_is_refused(kind, value, error):
    with pytest.raises(error, match=f"^{kind.__name__} loc"):
        kind(1.0, loc=value)


@pytest.mark.parametrize("kind", [Laplace, Normal])
@pytest.mark.parametrize("value", [1, 0, "yes", None])
def test_relative_to_noise_is_a_flag(kind, value):
    with pytest.raises(ModelTypeError, match="relative_to_noise must be True or False"):
        kind(1.0, relative_to_noise=value)


@pytest.mark.parametrize(
    ("sigma", "error"),
    [
        (0, ModelError),
        (-1.0, ModelError),
        (np.inf, ModelError),
        (np.nan, ModelError),
        (True, ModelTypeError),
        ("1", ModelTypeError),
        ([1.0, 2.0], ModelTypeError),
        (None, ModelTypeError),
    ],
)
def test_wrong_sigma_is_refused(sigma, error):
    with pytest.raises(error, match=r"^Gaussian sigma must be a positive"):
        Gaussian(sigma)


def test_numbers_of_every_kind_are_one_number():
    for value in (2, np.int8(2), np.float32(2), np.array(2.0), np.array(2)):
        assert Laplace(value) == Laplace(2.0)
        assert repr(Laplace(value)) == "Laplace(scale=2.0)"
        assert Gaussian(value) == Gaussian(2.0)
    for vector in ([1, 2], (1, 2), np.array([1.0, 2.0], dtype=">f4"), np.array([1, 2])[::1]):
        assert Normal(vector) == Normal((1.0, 2.0))
        assert hash(Normal(vector)) == hash(Normal((1.0, 2.0)))
    assert repr(Laplace(1, relative_to_noise=np.True_)).endswith("relative_to_noise=True)")


@pytest.mark.parametrize("prior", [Laplace([1, 2, 3]), Normal(1, loc=[0, 1, 2])], ids=repr)
def test_wrong_number_of_scales_is_refused(prior):
    with pytest.raises(ModelError, match="has 3 entries but applies to 2 coefficients"):
        prior.penalty(2)
