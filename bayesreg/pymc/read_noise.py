"""sigma of a PyMC model: a number, a number per row, or a free variable with its density."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.errors import NoEquivalentError
from bayesreg.likelihoods import Gaussian, StudentT
from bayesreg.priors import InverseGamma, Jeffreys
from bayesreg.pymc.graph import Graph
from bayesreg.pymc.powers import LOG, basis_of, powers_of
from bayesreg.pymc.read_priors import kind_of, parameters_of, read_sigma_prior
from bayesreg.pymc.read_targets import Target


def refuse_hyperpriors(graph: Graph, target: Target) -> None:
    """Free variables that are neither coefficients nor sigma.

    Raises
    ------
    NoEquivalentError
        Naming the variable and what it is a parameter of.
    """
    coefficients = set(graph.names_in(target.eta))
    noise = _sigma_names(graph, target)
    for rv in graph.free:
        for name in graph.names_in(*parameters_of(rv)):
            if name not in noise:
                _refuse_hyperprior(name, rv.name, name in coefficients)
    for rv in graph.free:
        if rv.name not in coefficients and rv.name not in noise:
            raise NoEquivalentError(
                f"{rv.name} is neither in the linear predictor nor a parameter of the likelihood, "
                "so it is no part of this regression. Nearest: the model without it"
            )
    shared = sorted(coefficients.intersection(noise))
    if shared:
        raise NoEquivalentError(
            f"{shared[0]} is in the linear predictor and in the other parameters of the "
            "likelihood too. Nearest: a noise that does not depend on the coefficients (for a "
            "Gamma: alpha=shape, beta=shape / mu); or, where it is a parameter of the likelihood, "
            f"from_pymc(model, given={{{shared[0]!r}: 1.0}}), which states it as a number"
        )


def _refuse_hyperprior(name: str, owner: str, in_predictor: bool) -> None:
    if in_predictor:
        raise NoEquivalentError(
            f"the prior of {owner} depends on {name}, which is a coefficient itself (a hierarchy), "
            "so the penalty of one depends on the other. Nearest: "
            f"from_pymc(model, given={{{name!r}: 0.0}}), which states it as a number"
        )
    raise NoEquivalentError(
        f"{name} is a hyperprior: the prior of {owner} depends on it, so there is no one penalty, "
        f"and the joint mode is often at a scale of 0. Nearest: from_pymc(model, given="
        f"{{{name!r}: 0.5}}), which states it as a number; or a Model whose prior has "
        "that density as its scale, for choose_scale or sample"
    )


def _sigma_names(graph: Graph, target: Target) -> list[str]:
    return graph.names_in(*target.parameters.values()) if target.parameters else []


def read_sigma(
    graph: Graph, target: Target, values: Any, shape: tuple[int, ...]
) -> tuple[Any, FloatArray | None, str | None]:
    """(likelihood, weights, name of an unknown sigma)."""
    at_one, free = values(1.0), _sigma_names(graph, target)
    others = [part for name, part in target.parameters.items() if name != target.scale]
    fixed = graph.names_in(*others) if others else []
    if free and (not target.scale or fixed):
        raise NoEquivalentError(
            f"a parameter of the likelihood is unknown ({(fixed or free)[0]}), which is read for "
            "the sigma of a Normal, StudentT or Cauchy only. Nearest: from_pymc(model, "
            f"given={{{(fixed or free)[0]!r}: 1.0}}), which states it as a number"
        )
    likelihood = target.likelihood(at_one)
    if likelihood is not None:
        if free:
            return _robust(graph, target, values, likelihood, free)
        _refuse_potentials(graph)
        weights = at_one.get("weights")
        return likelihood, None if weights is None else _all(weights, shape), None
    sigma = _all(at_one["sigma"], shape)
    if not free:
        _refuse_potentials(graph)
        return *_scale_and_weights(sigma), None
    _require_power(graph, free, target.parameters["sigma"])
    name = _proportional(graph, free, sigma, _all(values(2.0)["sigma"], shape))
    rv = next(rv for rv in graph.free if rv.name == name)
    weights = None if np.all(sigma == 1.0) else sigma**-2
    return Gaussian(_density(graph, rv, at_one.get(f"~{name}", []))), weights, name


def _robust(
    graph: Graph, target: Target, values: Any, likelihood: StudentT, free: list[str]
) -> tuple[Any, None, str]:
    """StudentT whose sigma is a free variable itself; a multiple of one is none here."""
    _require_power(graph, free, target.parameters[target.scale])
    at_one = values(1.0)
    sigma, doubled = np.ravel(at_one[target.scale]), np.ravel(values(2.0)[target.scale])
    name = _proportional(graph, free, sigma, doubled)
    if np.any(sigma != 1.0):
        _refuse_function(free)
    rv = next(rv for rv in graph.free if rv.name == name)
    density = _density(graph, rv, at_one.get(f"~{name}", []))
    return StudentT(likelihood.nu, sigma=density), None, name


def _all(value: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    return np.broadcast_to(value, shape).ravel()


def _scale_and_weights(sigma: FloatArray) -> tuple[Any, FloatArray | None]:
    """sigma_i = sigma / sqrt(s_i) with weights of mean 1, where they differ."""
    if np.all(sigma == sigma[0]):
        return Gaussian(float(sigma[0])), None
    precision = sigma**-2
    return Gaussian(float(np.mean(precision) ** -0.5)), precision / np.mean(precision)


def _require_power(graph: Graph, free: list[str], expression: Any) -> None:
    """Only of number * s does the value at 1 say what it is elsewhere; not of max(s, 0.3)."""
    if len(free) > 1 or powers_of(expression, graph.variables(free)) is None:
        _refuse_function(free)


def _proportional(graph: Graph, free: list[str], at_one: FloatArray, at_two: FloatArray) -> str:
    """The one free variable that sigma is proportional to."""
    if np.allclose(at_two, 2.0 * at_one, rtol=1e-12) and np.all(at_one > 0):
        shape = graph.shapes[free[0]]
        if np.prod(shape, dtype=int) == 1:
            return free[0]
    return _refuse_function(free)


def _refuse_function(free: list[str]) -> NoReturn:
    raise NoEquivalentError(
        f"sigma is a function of {', '.join(free)} that is not a free variable times a number, so "
        "its density is another one. Nearest: a prior on sigma itself, or "
        f"from_pymc(model, given={{{free[0]!r}: 1.0}}), which states it as a number"
    )


def _density(graph: Graph, rv: Any, parameters: list[FloatArray]) -> Any:
    """The density of sigma, with a Potential of to_pymc read as part of it."""
    potentials = list(graph.model.potentials)
    if not potentials:
        return read_sigma_prior(rv, parameters)
    known = frozenset({0.0, -2.0, LOG})
    if (
        len(potentials) > 1
        or kind_of(rv) != "HalfFlat"
        or graph.names_in(*potentials) != [rv.name]
        or not (basis_of(potentials[0], [rv]) or frozenset({None})) <= known
    ):
        _refuse_potentials(graph)
    evaluate = graph.function(potentials)
    points = np.array([0.5, 1.0, 2.0, 3.5, 0.2])
    found = np.array([float(np.sum(evaluate({rv.name: at})[0])) for at in points])
    design = np.column_stack([np.ones(5), -np.log(points), -(points**-2)])
    constant, order, scale = np.linalg.lstsq(design, found, rcond=None)[0]
    off = np.max(np.abs(design @ [constant, order, scale] - found))
    if off > 1e-9 * (1 + np.max(np.abs(found))):
        _refuse_potentials(graph)
    if abs(scale) < 1e-9 and abs(order - 1.0) < 1e-9:
        return Jeffreys()
    if order > 1.0 and scale > 0:
        return InverseGamma(round((order - 1.0) / 2.0, 12), round(scale, 12))
    return _refuse_potentials(graph)


def _refuse_potentials(graph: Graph) -> None:
    for potential in graph.model.potentials:
        raise NoEquivalentError(
            f"the model has a Potential, {potential.name}, a term of the density that no "
            "distribution states. Nearest: the same density as a named distribution (weights of "
            "a Normal: sigma / sqrt(weights))"
        )
