"""The public checks catch what is broken; ours pass them in test_parts.py."""

from dataclasses import fields, replace

import numpy as np
import pytest
from helpers import make_data

from bayesreg import Bernoulli, ElasticNet, Flat, Gaussian, Laplace, Normal, Poisson
from bayesreg.errors import DataError
from bayesreg.penalty import Penalty, unbounded
from bayesreg.testing import check_likelihood, check_prior
from bayesreg.testing.priors import _check_conjugate, _check_subgradient, _check_units


def broken(part, **attributes):
    """A part with methods or attributes of its class replaced."""
    kind = type("Broken", (type(part),), attributes)
    return kind(**{field.name: getattr(part, field.name) for field in fields(part)})


def penalty_of(state):
    """The method ``penalty`` of another prior."""
    return lambda self, size, noise=1.0: state(self).penalty(size, noise)


def arrays(l1, l2, dtype=float, more=0):
    def penalty(self, size, noise=1.0):
        return unbounded(*(np.full(size + more, v, dtype) for v in (l1, l2, 0)))

    return penalty


BROKEN_PRIORS = {
    "unnormalised": (
        broken(Laplace(1.0), log_density=lambda self, w: -np.abs(np.asarray(w))),
        "log_density .* is not -penalty.values - penalty.log_normaliser",
    ),
    "another density": (
        broken(Normal(1.0), log_density=lambda self, w: Normal(1.1).log_density(w)),
        "log_density .* is not -penalty.values",
    ),
    "another penalty": (
        broken(Normal(1.0), penalty=penalty_of(lambda self: Normal(2.0))),
        "log_density .* is not -penalty.values",
    ),
    "concave": (broken(Normal(1.0), penalty=arrays(0.0, -1.0)), "must not be negative"),
    "wrong shape": (
        broken(Normal(1.0), penalty=arrays(0.0, 1.0, more=1)),
        r"must be a float64 array of shape \(1,\)",
    ),
    "integers": (broken(Flat(), penalty=arrays(0, 0, dtype=int)), "must be a float64 array"),
    "sigma ignored": (
        broken(
            Laplace(1.0, relative_to_noise=True),
            penalty=penalty_of(lambda self: Laplace(self.scale)),
        ),
        "multiply the scale by noise exactly when",
    ),
    "sigma used": (
        broken(Laplace(1.0), penalty=penalty_of(lambda self: Laplace(self.scale, 0.0, True))),
        "multiply the scale by noise exactly when",
    ),
    "no kink": (broken(Laplace(1.0), has_kink=False), "has_kink must say whether any l1 > 0"),
    "kink": (broken(Normal(1.0), has_kink=True), "has_kink must say whether any l1 > 0"),
    "not rescaled": (
        broken(Laplace(1.0), rescaled=lambda self, a, b: self),
        r"rescaled\(4, 9\) must divide l1 by 4",
    ),
    "sd rescaled by precision": (
        broken(Normal(1.0), rescaled=lambda self, a, b: replace(self, scale=b)),
        r"rescaled\(4, 9\) must divide l2 by 9",
    ),
    "loc rescaled": (
        broken(Laplace(1.0, 1.0), rescaled=lambda self, a, b: replace(self, scale=a, loc=a)),
        "rescaled must keep loc",
    ),
    "class changed": (
        broken(Laplace(1.0), rescaled=lambda self, a, b: Laplace(a)),
        "must return a prior of the same class",
    ),
    "fixed axis": (broken(Laplace(1.0), axis_scale=1.0), "axis_scale must be 4 times as large"),
    "not a prior": (Gaussian(1.0), "lacks a method"),
    "a class": (Laplace, "is a class and not an instance"),
}


@pytest.mark.parametrize("name", BROKEN_PRIORS)
def test_broken_prior_is_caught(name):
    prior, message = BROKEN_PRIORS[name]
    with pytest.raises(AssertionError, match=message):
        check_prior(prior)


def test_a_subclass_alone_breaks_nothing():
    check_prior(broken(Laplace(1.0)))
    check_prior(broken(Laplace(1.0, relative_to_noise=True)))


class ShiftedPenalty(Penalty):
    def log_normaliser(self):
        return super().log_normaliser() - 0.01


def _shifted(self, size, noise=1.0):
    inner = Laplace(self.scale).penalty(size, noise)
    return ShiftedPenalty(inner.l1, inner.l2, inner.loc, inner.lower, inner.upper)


def test_quadrature_catches_a_constant_that_everything_agrees_on():
    prior = broken(
        Laplace(1.0),
        log_density=lambda self, w: Laplace(self.scale).log_density(w) + 0.01,
        penalty=_shifted,
    )
    with pytest.raises(AssertionError, match="must integrate to 1; correct its constant"):
        check_prior(prior)


def _penalty_with(**methods):
    """A Laplace-Normal penalty with methods of its arithmetic replaced."""
    kind = type("BrokenPenalty", (Penalty,), methods)
    inner = ElasticNet(0.5, 1.0, loc=0.2).penalty(2)
    return kind(inner.l1, inner.l2, inner.loc, inner.lower, inner.upper)


def _no_threshold(self, c):
    return self.loc + c / self.l2


def _as_primal_minus_dual(self, w, c):
    z = Penalty.best_response(self, c)
    return self.values(w) + c * z - self.values(z) - c * w


BROKEN_PENALTIES = {
    "no threshold": (
        {"best_response": _no_threshold},
        _check_conjugate,
        "does not attain|must be 0",
    ),
    "never attained": (
        {"best_response": lambda self, c: np.full(2, np.inf)},
        _check_conjugate,
        "must be finite exactly where",
    ),
    "half the excess": (
        {"fenchel_young": lambda self, w, c: 0.5 * Penalty.fenchel_young(self, w, c)},
        _check_conjugate,
        r"is not g\(w\) \+ g\*\(c\) - c w",
    ),
    "negative by cancellation": (
        {"fenchel_young": lambda self, w, c: _as_primal_minus_dual(self, w, c) - 1e-15},
        _check_conjugate,
        "must not be negative",
    ),
    "no interval at the kink": (
        {"subgradient_distance": lambda self, w, g: np.abs(g + self.slope(w))},
        _check_subgradient,
        "must be 0|is not the distance",
    ),
    "zero distance": (
        {"subgradient_distance": lambda self, w, g: np.zeros(2)},
        _check_subgradient,
        "is not the distance",
    ),
    "loc kept in other units": (
        {
            "in_units": lambda self, unit: replace(
                ElasticNet(0.5, 1.0).penalty(2).in_units(unit), loc=self.loc
            )
        },
        _check_units,
        "is not the same density",
    ),
}


@pytest.mark.parametrize("name", BROKEN_PENALTIES)
def test_broken_penalty_is_caught(name):
    methods, check, message = BROKEN_PENALTIES[name]
    check(_penalty_with())
    with pytest.raises(AssertionError, match=message):
        check(_penalty_with(**methods))


def _refuses_without_a_row(y):
    if np.any((y != 0) & (y != 1)):
        raise DataError("some y is wrong")


G, B, C = Gaussian(1.5), Bernoulli(), Poisson()
BROKEN_LIKELIHOODS = {
    "gradient sign": (G, {"gradient": lambda y, e: (y - e) / 2.25}, "gradient is not d loss"),
    "gradient of sd": (G, {"gradient": lambda y, e: (e - y) / 1.5}, "gradient is not d loss"),
    "curvature": (B, {"curvature": lambda y, e: np.full(e.shape, 0.25)}, "curvature is not d grad"),
    "concave": (
        G,
        {
            "loss": lambda y, e: -G.loss(y, e),
            "gradient": lambda y, e: -G.gradient(y, e),
            "curvature": lambda y, e: -G.curvature(y, e),
        },
        "curvature is negative",
    ),
    "saturated": (C, {"saturated_loss": lambda y: y * 0.0}, "saturated_loss is not the least loss"),
    "half excess": (
        G,
        {"fenchel_young": lambda y, e, u: 0.25 * (1.5 * u) ** 2},
        r"fenchel_young is not loss\(eta\) \+ sup_t",
    ),
    "finite outside its domain": (
        B,
        {"fenchel_young": lambda y, e, u: 0.5 * u**2 / B.curvature(y, e)},
        "fenchel_young is not",
    ),
    "cancellation": (
        G,
        {"fenchel_young": lambda y, e, u: 0.5 * (1.5 * u) ** 2 + 1e-12 * (u != 0)},
        "loses its digits",
    ),
    "excess at zero": (
        G,
        {"fenchel_young": lambda y, e, u: 0.5 * (1.5 * u) ** 2 + 1e-12},
        "must be 0 for a shift of 0",
    ),
    "smoothness": (
        B,
        {"smoothness_within": lambda y, e, x: np.full(e.shape, 0.1)},
        "smoothness_within is too small",
    ),
    "smoothness of the point": (
        C,
        {"smoothness_within": lambda y, e, x: 0.9 * np.exp(e)},
        "smoothness_within is too small",
    ),
    "no log y!": (
        C,
        {"constant": lambda y, s: np.zeros(y.shape)},
        "must sum or integrate to 1",
    ),
    "weight outside": (
        G,
        {"constant": lambda y, s: G.constant(y, np.ones(y.shape))},
        "must sum or integrate to 1",
    ),
    "fractions pass": (C, {"check_target": lambda y: None}, "must sum or integrate to 1"),
    "row unnamed": (B, {"check_target": _refuses_without_a_row}, "check_target must name y"),
    "mean on the link": (B, {"mean": lambda e: e}, "is not E"),
    "variance for sd": (
        G,
        {"draw": lambda e, rng: rng.normal(e, 2.25)},
        "draw.* has a wrong spread",
    ),
    "draws of eta": (
        G,
        {"draw": lambda e, rng: rng.normal(e + 0.3, 1.5)},
        "draw.* has a wrong mean",
    ),
    "impossible draws": (B, {"draw": lambda e, rng: rng.normal(e)}, "check_target refuses"),
    "hidden generator": (
        G,
        {"draw": lambda e, rng: np.random.default_rng().normal(e, 1.5)},
        "nothing but the generator",
    ),
    "negative noise": (G, {"noise": -1.0}, "noise must be positive"),
}


@pytest.mark.parametrize("name", BROKEN_LIKELIHOODS)
def test_broken_likelihood_is_caught(name):
    part, methods, message = BROKEN_LIKELIHOODS[name]
    y = make_data(part).y[:12]
    check_likelihood(broken(part), y)
    static = {k: staticmethod(v) if callable(v) else v for k, v in methods.items()}
    with pytest.raises(AssertionError, match=message):
        check_likelihood(broken(part, **static), y)


@pytest.mark.parametrize("thing", [Laplace(1.0), Gaussian, None], ids=repr)
def test_what_is_no_likelihood_is_caught(thing):
    with pytest.raises(AssertionError, match="lacks a method"):
        check_likelihood(thing, [0.0])


def test_targets_that_the_likelihood_refuses_are_caught():
    with pytest.raises(AssertionError, match="refuses the y it was given"):
        check_likelihood(Bernoulli(), [0.0, 2.0])
