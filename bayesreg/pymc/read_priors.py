"""PyMC's priors as ours: what each distribution's parameters are called here.

A variable's prior is one :class:`Part`: the name of our prior, and its arguments with an entry for
each coefficient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.errors import NoEquivalentError
from bayesreg.priors import (
    PRIORS,
    Exponential,
    Flat,
    HalfCauchy,
    HalfNormal,
    MultivariateNormal,
    Prior,
    Truncated,
    Uniform,
)

Arguments = Mapping[str, FloatArray]


@dataclass(frozen=True, eq=False)
class Part:
    """A prior of coefficients.

    Attributes
    ----------
    kind : str
        Name of the prior in :data:`bayesreg.priors.PRIORS`.
    arguments : mapping of str to (size,) array
    bounds : pair of (size,) arrays, optional
        Where it is truncated.
    relative : bool
        The scale is in units of sigma.
    """

    kind: str
    arguments: Arguments
    bounds: tuple[FloatArray, FloatArray] | None = None
    relative: bool = False

    def prior(self) -> Prior:
        """The prior, single numbers where all coefficients have the same."""
        kind: Any = PRIORS[self.kind]
        inner = kind(**{name: common(value) for name, value in self._given().items()})
        if self.bounds is None:
            return inner
        lower, upper = (common(bound) for bound in self.bounds)
        return Truncated(inner, lower, upper)

    def _given(self) -> dict[str, Any]:
        given: dict[str, Any] = dict(self.arguments)
        if "loc" in given and not np.any(given["loc"]):
            del given["loc"]
        if "nu" in given:
            given["nu"] = given["nu"][:1]
        return {**given, "relative_to_noise": True} if self.relative else given

    def take(self, entries: Any) -> Part:
        bounds = None if self.bounds is None else tuple(bound[entries] for bound in self.bounds)
        arguments = {name: value[entries] for name, value in self.arguments.items()}
        return Part(self.kind, arguments, bounds, self.relative)


def common(value: Any) -> Any:
    """One number where all entries are the same."""
    if not isinstance(value, np.ndarray):
        return value
    return float(value[0]) if np.all(value == value[0]) else value


def joined(parts: Sequence[Part]) -> Part | None:
    """One part for all coefficients, where they have the same kind of prior."""
    first = parts[0]
    same = all(
        (part.kind, part.relative, part.bounds is None)
        == (first.kind, first.relative, first.bounds is None)
        for part in parts
    )
    if not same or len(_degrees(parts)) > 1 or first.kind == "MultivariateNormal":
        return None
    arguments = {
        name: np.concatenate([part.arguments[name] for part in parts]) for name in first.arguments
    }
    bounds = None
    if first.bounds is not None:
        lower, upper = (
            np.concatenate([part.bounds[side] for part in parts if part.bounds is not None])
            for side in (0, 1)
        )
        bounds = lower, upper
    return Part(first.kind, arguments, bounds, first.relative)


def _degrees(parts: Sequence[Part]) -> set[float]:
    return {float(entry) for part in parts for entry in part.arguments.get("nu", ())}


#: PyMC's distributions as ours: from the parameters of its random variable.
def _laplace(mu: Any, b: Any) -> Part:
    return Part("Laplace", {"scale": b, "loc": mu})


def _normal(mu: Any, sigma: Any) -> Part:
    return Part("Normal", {"scale": sigma, "loc": mu})


def _half_normal(loc: Any, sigma: Any) -> Part:
    return _above(loc, Part("HalfNormal", {"scale": sigma}))


def _above(loc: Any, part: Part) -> Part:
    if np.any(loc != 0):
        raise NoEquivalentError(
            f"its {part.kind} begins at {float(loc[loc != 0][0])!r}, not at 0. Nearest: "
            "Truncated(Normal(...), lower=...) or the same prior from 0"
        )
    return part


def _truncated_normal(mu: Any, sigma: Any, lower: Any, upper: Any) -> Part:
    return Part("Normal", {"scale": sigma, "loc": mu}, (lower, upper))


def _from(part: Part, lower: Any) -> Part:
    """The same on [lower, infinity)."""
    return Part(part.kind, part.arguments, (lower, np.full(lower.shape, np.inf)))


def _student_t(nu: Any, mu: Any, sigma: Any) -> Part:
    if np.any(nu != nu[0]):
        raise NoEquivalentError(
            "its StudentT has degrees of freedom that differ between coefficients. Nearest: one "
            "nu for all, or a variable for each nu"
        )
    return Part("StudentT", {"nu": nu, "scale": sigma, "loc": mu})


def _cauchy(alpha: Any, beta: Any) -> Part:
    return Part("Cauchy", {"scale": beta, "loc": alpha})


_READERS: dict[str, Callable[..., Part]] = {
    "Laplace": _laplace,
    "Normal": _normal,
    "HalfNormal": _half_normal,
    "Exponential": lambda scale: Part("Exponential", {"scale": scale}),
    "Uniform": lambda lower, upper: Part("Uniform", {"lower": lower, "upper": upper}),
    "StudentT": _student_t,
    "Cauchy": _cauchy,
    "TruncatedNormal": _truncated_normal,
    "HalfCauchy": lambda beta: _from(_cauchy(0.0 * beta, beta), 0.0 * beta),
    "HalfStudentT": lambda nu, sigma: _from(_student_t(nu, 0.0 * nu, sigma), 0.0 * nu),
}

#: Parameters that a prior relative to the noise multiplies by sigma.
_SCALES = {"Laplace": 1, "Normal": 1, "StudentT": 2, "Cauchy": 1}


def kind_of(rv: Any) -> str:
    """PyMC's name of a variable's distribution."""
    op = rv.owner.op
    return str(getattr(op, "_print_name", (type(op).__name__,))[0])


def parameters_of(rv: Any) -> list[Any]:
    """The variables that a distribution's parameters are."""
    op, node = rv.owner.op, rv.owner
    if hasattr(op, "base_rv_op"):
        base = op.base_rv_op.make_node(*node.inputs[:-2])
        return [*op.base_rv_op.dist_params(base), *node.inputs[-2:]]
    if hasattr(op, "dist_params"):
        return list(op.dist_params(node))
    return []


def read_prior(rv: Any, values: Sequence[FloatArray], shape: tuple[int, ...]) -> Part:
    """The prior of a free variable whose parameters have these values.

    Raises
    ------
    NoEquivalentError
        For a distribution that is no prior here, with what is nearest.
    """
    _refuse_unreadable(rv)
    kind, size = kind_of(rv), int(np.prod(shape, dtype=int))
    if kind == "MultivariateNormal":
        mu, covariance = values
        loc = np.broadcast_to(mu, shape)
        return Part("MultivariateNormal", {"loc": loc, "covariance": covariance})
    if kind == "Flat":
        return Part("Flat", {})
    if kind == "HalfFlat":
        return Part("Flat", {}, (np.zeros(size), np.full(size, np.inf)))
    spread = [np.ravel(np.broadcast_to(value, shape)) for value in values]
    if hasattr(rv.owner.op, "base_rv_op"):
        *inner, lower, upper = spread
        base = _READERS[_base_kind(rv)](*inner)
        return Part(base.kind, base.arguments, (lower, upper))
    if is_our_own(rv):
        return _of_our_own(spread)
    return _READERS[kind](*spread)


def is_our_own(rv: Any) -> bool:
    """Whether it is the CustomDist that to_pymc makes of an elastic net or a mixture of priors."""
    return kind_of(rv).startswith("CustomDist") and getattr(rv.tag, "bayesreg_prior", False)


def is_readable(rv: Any) -> bool:
    """Whether its distribution is a prior here."""
    kind = _base_kind(rv) if hasattr(rv.owner.op, "base_rv_op") else kind_of(rv)
    return is_our_own(rv) or kind in {*_READERS, "Flat", "HalfFlat", "MultivariateNormal"}


def _refuse_unreadable(rv: Any) -> None:
    if not is_readable(rv):
        family = kind_of(rv).split("_")[0]
        raise NoEquivalentError(
            f"{rv.name} ~ {kind_of(rv)} is no prior of a penalised regression here. Nearest: "
            f"{_NEAREST.get(family, 'Normal or Laplace of its scale')}; known are "
            f"{', '.join(sorted([*_READERS, 'Flat', 'HalfFlat', 'MvNormal', 'Truncated']))}"
        )


_NEAREST = {
    "CustomDist": "a named distribution, such as pm.Laplace or pm.Normal",
    "RandomWalk": "the cumulative sum of pm.Normal steps",
    "AsymmetricLaplace": "Laplace, or Truncated(Laplace(...)) on one side",
    "SkewNormal": "Normal",
    "Logistic": "Normal, or StudentT",
    "ZeroSumNormal": "Normal on all levels, or MultivariateNormal",
    "Gamma": "Exponential, or HalfNormal",
    "LogNormal": "HalfNormal",
    "InverseGamma": "HalfNormal",
    "Horseshoe": "Horseshoe(scale), with bayesreg.sample",
}


def _base_kind(rv: Any) -> str:
    base = rv.owner.op.base_rv_op
    return str(getattr(base, "_print_name", (type(base).__name__,))[0])


def _of_our_own(spread: Sequence[FloatArray]) -> Part:
    """l1, l2, loc, and perhaps tails, of the CustomDist that to_pymc makes."""
    l1, l2, loc = spread[:3]
    with np.errstate(divide="ignore"):
        b, tau = 1.0 / l1, 1.0 / np.sqrt(l2)
    if len(spread) == 6 and np.any(np.isfinite(spread[4])):
        raise NoEquivalentError(
            "it mixes StudentT tails with other priors in one variable. Nearest: a variable for "
            "each kind of prior"
        )
    if np.all(l2 == 0):
        return Part("Laplace", {"scale": b, "loc": loc})
    if np.all(l1 == 0):
        return Part("Normal", {"scale": tau, "loc": loc})
    return Part("ElasticNet", {"laplace_scale": b, "normal_scale": tau, "loc": loc})


def relative(rv: Any, values: Sequence[FloatArray], doubled: Sequence[FloatArray]) -> bool:
    """Whether a prior's scale is proportional to sigma: parameters at sigma 1 and 2 say so."""
    place = _SCALES.get(kind_of(rv))
    return place is not None and all(
        np.allclose(two, (2.0 if k == place else 1.0) * one, rtol=1e-12, atol=0.0)
        for k, (one, two) in enumerate(zip(values, doubled, strict=True))
    )


_ON_SIGMA: dict[str, Callable[..., Any]] = {
    "HalfNormal": lambda loc, sigma: HalfNormal(float(sigma)) if loc == 0 else None,
    "Exponential": lambda scale: Exponential(float(scale)),
    "Uniform": lambda lower, upper: Uniform(float(lower), float(upper)),
    "HalfCauchy": lambda beta: HalfCauchy(float(beta)),
    "HalfFlat": lambda: Flat(),
}


def read_sigma_prior(rv: Any, values: Sequence[FloatArray]) -> Any:
    """The density of an unknown sigma."""
    read = _ON_SIGMA.get(kind_of(rv))
    found = read(*(np.ravel(value)[0] for value in values)) if read else None
    if found is None:
        raise NoEquivalentError(
            f"{rv.name} ~ {kind_of(rv)} is no prior of sigma here. Nearest: one of "
            f"{', '.join(sorted(_ON_SIGMA))}; or sigma at a number: "
            f"from_pymc(model, given={{{rv.name!r}: 1.0}})"
        )
    return found


def whole_prior(named: Sequence[tuple[Sequence[str], Part]]) -> Any:
    """One prior for every column, or one by name."""
    parts = [part for _, part in named]
    if all(part.kind == "Flat" and part.bounds is None for part in parts):
        return Flat()
    if len(parts) == 1 and parts[0].kind == "MultivariateNormal":
        covariance, loc = parts[0].arguments["covariance"], parts[0].arguments["loc"]
        return MultivariateNormal(covariance, common(loc))
    if any(part.kind == "MultivariateNormal" for part in parts):
        raise NoEquivalentError(
            "a multivariate normal prior stands beside other coefficients. Nearest: one "
            "pm.MvNormal of all coefficients, its covariance 0 between the two groups"
        )
    together = joined(parts)
    if together is not None:
        return together.prior()
    return {
        name: part.take(slice(j, j + 1)).prior() if part.arguments or part.bounds else part.prior()
        for names, part in named
        for j, name in enumerate(names)
    }
