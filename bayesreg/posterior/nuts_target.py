"""A posterior as the arrays of :mod:`bayesreg._kernels.posterior_density`, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesreg._kernels import posterior_density as density
from bayesreg._kernels import row_losses as rows
from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.class_problem import ClassProblem
from bayesreg.likelihoods import (
    AsymmetricLaplace,
    Bernoulli,
    Binomial,
    Gamma,
    Gaussian,
    NegativeBinomial,
    Poisson,
    StudentT,
)
from bayesreg.penalty import Penalty
from bayesreg.posterior.scalars import encode
from bayesreg.posterior.target import Posterior
from bayesreg.priors import HalfCauchy
from bayesreg.priors.on_noise import ON_NOISE
from bayesreg.problem import Problem

_KNOWN = (
    AsymmetricLaplace, Bernoulli, Binomial, Gamma, Gaussian, NegativeBinomial, Poisson, StudentT,
)  # fmt: skip
_KINDS = {
    AsymmetricLaplace: density.ASYMMETRIC_LAPLACE_S,
    Gamma: density.GAMMA_PHI,
    NegativeBinomial: density.NEGATIVE_BINOMIAL_ALPHA,
    StudentT: density.STUDENT_T_SIGMA,
}
# Numbers of X in a chunk of rows: 64 KiB, which the near caches hold.
_IN_CACHE = 8192
# Rows of X are padded to whole vector registers.
_LANES = 8
_ONE_PREDICTOR = {"n_classes": 0, "place": np.zeros(0, np.int64), "still": np.zeros(0)}


@dataclass(frozen=True, eq=False)
class Coordinates:
    """Where the coordinates of a target stand in a posterior.

    Attributes
    ----------
    target : Target
    problem : Problem or ClassProblem
    free : array of int
        Entries of the extended vector that are sampled; the others stay at ``base``.
    base : (size,) array
    scalars : int
        How many of the unknown numbers the posterior names; local scales follow.
    """

    target: density.Target
    problem: Problem | ClassProblem
    free: IntArray
    base: FloatArray
    scalars: int

    @property
    def size(self) -> int:
        return int(self.free.size + self.target.codes.size)

    def read(self, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Draws of u as extended vectors and as the scalars of the posterior."""
        t, d = self.target, self.free.size
        numbers, log_numbers = self.numbers(u[:, d:])
        log_factor = np.zeros((u.shape[0], d))
        for k, j in zip(t.governing, t.governed, strict=True):
            log_factor[:, j] += log_numbers[:, k]
        v = np.tile(self.base, (u.shape[0], 1))
        v[:, self.free] = self._entries(u[:, :d], log_factor)
        return self._centred(v), numbers[:, : self.scalars]

    def _centred(self, v: FloatArray) -> FloatArray:
        """Flat columns of classes with the sum 0, whichever of them was held."""
        if not isinstance(self.problem, ClassProblem):
            return v
        V = v.reshape(len(v), self.problem.n_classes, self.problem.size)
        return self.problem.centred(V).reshape(v.shape)

    def numbers(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """s and log s of their coordinates."""
        from scipy.special import expit

        lower, upper = self.target.parameters[:, 3], self.target.parameters[:, 4]
        bounded = np.isfinite(upper)
        width = np.where(bounded, upper, 0.0) - lower
        with np.errstate(over="ignore"):
            s = np.where(bounded, lower + width * expit(x), np.exp(x))
        return s, np.where(bounded, np.log(s), x)

    def _entries(self, x: FloatArray, log_factor: FloatArray) -> FloatArray:
        from scipy.special import expit

        t = self.target
        with np.errstate(over="ignore", invalid="ignore"):
            choices = (
                t.loc + x * np.exp(t.centring * log_factor),
                t.lower + np.exp(x),
                t.upper - np.exp(x),
                t.lower + (t.upper - t.lower) * expit(x),
            )
        return np.choose(t.bound, choices)


def unsuited(posterior: Posterior) -> str | None:
    """Why this density is not among those compiled here; None when it is."""
    problem = posterior.problem
    if type(problem.likelihood) not in _KNOWN:
        return f"it has no compiled density of {problem.likelihood!r}"
    if problem.penalty.is_pinned.all():
        return "nothing is left to sample: every coefficient is pinned to its loc"
    moving = _with_random_scale(posterior)
    return why_scale_is_foreign(posterior.scalars, problem.penalty, moving)


def why_scale_is_foreign(scalars: Mapping[str, Any], penalty: Any, moving: BoolArray) -> str | None:
    """Why densities of unknown numbers, or bounds where scales are moving, are not known here."""
    foreign = [name for name, prior in scalars.items() if not isinstance(prior, ON_NOISE)]
    if foreign:
        names = ", ".join(sorted(kind.__name__ for kind in ON_NOISE))
        return f"the density of {foreign[0]} must be one of {names}"
    off_centre = np.isfinite(penalty.lower) & (penalty.lower != penalty.loc)
    off_centre |= np.isfinite(penalty.upper) & (penalty.upper != penalty.loc)
    if np.any(moving & off_centre & ~penalty.is_pinned):
        return (
            "a bound that is not at the prior's loc cuts off a share that changes with the unknown "
            "scale"
        )
    return None


def _with_random_scale(posterior: Posterior) -> BoolArray:
    moving = posterior.relative if posterior.sigma is not None else np.zeros(0, dtype=bool)
    found = np.zeros(posterior.problem.size, dtype=bool)
    found[: moving.size] |= moving
    for scale in posterior.scales:
        found |= scale.columns
    return found | posterior.horseshoe


def coordinates(posterior: Posterior) -> Coordinates:
    """The target with every prior centred."""
    problem = posterior.problem
    penalty = problem.penalty
    free = np.flatnonzero(~penalty.is_pinned)
    base = np.where(penalty.is_pinned, penalty.lower, 0.0)
    X = padded(problem.block(free))
    locals_ = np.flatnonzero(posterior.horseshoe[free])
    numbers = encode([*posterior.scalars.values(), *[HalfCauchy(1.0)] * locals_.size])
    governing, governed = _pairs(posterior, free, locals_)
    parts = {
        "X": X,
        "offset": problem.linear_predictor(base),
        **_rows(problem),
        "chunk": rows_in_cache(X),
        **_dispersion(posterior),
        **priors(problem.penalty.take(free)),
        "codes": numbers.codes,
        "parameters": numbers.parameters,
        "governing": governing,
        "governed": governed,
        **_ONE_PREDICTOR,
    }
    return Coordinates(target_of(parts), problem, free, base, len(posterior.scalars))


def target_of(parts: dict[str, Any]) -> density.Target:
    """The arrays as kernels take them."""
    return density.Target(**{name: _plain(part) for name, part in parts.items()})


def _plain(part: Any) -> Any:
    """One type for all arrays, contiguous and writable: kernels are compiled once."""
    if not isinstance(part, np.ndarray):
        return part
    return np.array(part, dtype=np.float64 if part.dtype.kind == "f" else np.int64, order="C")


def with_centring(found: Coordinates, centring: FloatArray) -> Coordinates:
    """The same posterior in coordinates with another centring."""
    return replace(found, target=found.target._replace(centring=_plain(centring)))


def padded(block: FloatArray) -> FloatArray:
    n, d = block.shape
    X = np.zeros((n, -(-d // _LANES) * _LANES))
    X[:, :d] = block
    return X


def rows_in_cache(X: FloatArray) -> int:
    """Rows of a chunk."""
    return int(np.clip(_IN_CACHE // X.shape[1] // 8 * 8, 64, 512))


def _pairs(posterior: Posterior, free: IntArray, locals_: IntArray) -> tuple[IntArray, IntArray]:
    """Which number scales which free entry; flat priors have no scale."""
    proper = ~posterior.problem.penalty.is_flat[free]
    names = list(posterior.scalars)
    pairs: list[tuple[int, int]] = []
    if posterior.sigma is not None:
        pairs += [(0, int(j)) for j in np.flatnonzero(posterior.relative[free] & proper)]
    for scale in posterior.scales:
        k = names.index(scale.name)
        pairs += [(k, int(j)) for j in np.flatnonzero(scale.columns[free] & proper)]
    pairs += [(len(names) + k, int(j)) for k, j in enumerate(locals_)]
    array = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return np.ascontiguousarray(array[:, 0]), np.ascontiguousarray(array[:, 1])


def _rows(problem: Problem) -> dict[str, Any]:
    """family, sign, a, b, c, shift, known_dispersion; see ``row_losses``."""
    kind, y, s = problem.likelihood, problem.y, problem.weights
    nothing = np.zeros(y.size)
    found: dict[str, Any] = {
        "family": rows.LOGISTIC, "sign": 1.0, "a": s, "b": s * y, "c": nothing, "shift": nothing,
        "known_dispersion": 1.0,
    }  # fmt: skip
    if isinstance(kind, Gaussian):
        found |= {"family": rows.GAUSSIAN, "a": s / kind.noise**2, "b": y}
    elif isinstance(kind, Binomial):
        found |= {"a": s * kind.trials}
    elif isinstance(kind, NegativeBinomial):
        found |= {"a": s * y, "c": s, "known_dispersion": float(kind.alpha)}  # type: ignore[arg-type]
    elif isinstance(kind, Poisson):
        count = np.where(y > 0, y, 1.0)
        found |= {"family": rows.EXPONENTIAL, "a": s * count, "shift": -np.log(count)}
    elif isinstance(kind, Gamma):
        rate = s / float(kind.phi)  # type: ignore[arg-type]
        found |= {
            "family": rows.EXPONENTIAL,
            "sign": -1.0,
            "a": rate,
            "b": rate,
            "shift": np.log(y),
        }
    elif isinstance(kind, StudentT):
        sigma: float = kind.sigma  # type: ignore[assignment]
        power, width = 0.5 * s * (kind.nu + 1.0), np.full(y.size, kind.nu * sigma**2)
        found |= {"family": rows.STUDENT_T, "a": power, "b": y, "c": width}
    elif isinstance(kind, AsymmetricLaplace):
        scale: float = kind.s  # type: ignore[assignment]
        above, below = s * (1.0 - kind.q) / scale, s * kind.q / scale
        found |= {"family": rows.ABSOLUTE, "a": above, "b": y, "c": below}
    return found


def _dispersion(posterior: Posterior) -> dict[str, Any]:
    problem = posterior.problem
    kind, weight = density.NO_DISPERSION, float(np.sum(problem.weights))
    if posterior.sigma is not None:
        kind, weight = density.GAUSSIAN_SIGMA, float(problem.n)
    elif posterior.dispersion is not None:
        kind = _KINDS[type(problem.likelihood)]
    counts, where = np.unique(problem.y, return_inverse=True)
    return {
        "dispersion_kind": kind,
        "dispersion": 0,
        "rows_weight": weight,
        "counts": counts,
        "counts_weight": np.bincount(where, weights=problem.weights),
    }


def priors(penalty: Penalty) -> dict[str, Any]:
    """The arrays of the penalty of the free entries, all centred."""
    size = penalty.size
    lower, upper = np.isfinite(penalty.lower), np.isfinite(penalty.upper)
    tails = penalty.tails
    present = np.zeros(size, dtype=bool) if tails is None else tails.present
    nu = np.ones(size) if tails is None else tails.nu
    scale = np.ones(size) if tails is None else np.where(present, tails.scale, 1.0)
    group = np.unique(getattr(penalty, "group", np.full(size, -1)), return_inverse=True)
    label = group[1] - (1 if group[0][0] < 0 else 0)
    return {
        "l1": penalty.l1, "l2": penalty.l2, "loc": penalty.loc,
        "tail_power": np.where(present, 0.5 * (nu + 1.0), 0.0), "tail_width": scale * np.sqrt(nu),
        "group": label.astype(np.int64), "n_groups": int(np.max(label)) + 1,
        "bound": np.where(lower, np.where(upper, density.BOTH, density.BELOW),
                          np.where(upper, density.ABOVE, density.NO_BOUND)),
        "lower": penalty.lower, "upper": penalty.upper, "centring": np.zeros(size),
    }  # fmt: skip
