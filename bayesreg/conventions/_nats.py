"""The middle of every conversion: a penalised regression in nats.

    sum_i s_i nll(y_i, eta_i) + sum_j [ l1_j |w_j| + l2_j w_j^2 / 2 ]

with l1 = 1/b of a Laplace and l2 = 1/tau^2 of a Normal prior.  Each convention has formulas to
here and from here, so that N libraries need 2N formulas.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.conventions._setting import NOISE
from bayesreg.data import Data
from bayesreg.errors import ConversionError, NoEquivalentError
from bayesreg.likelihoods import LIKELIHOODS, known_noise
from bayesreg.model import Model
from bayesreg.penalty import Penalty, unbounded
from bayesreg.priors import (
    ElasticNet,
    Exponential,
    Flat,
    HalfNormal,
    Laplace,
    Normal,
    Prior,
    Truncated,
)

#: What a penalty can be made of.
FLAT, L1, L2, ELASTIC_NET = "flat", "L1", "L2", "elastic net"


@dataclass(frozen=True, eq=False)
class Nats:
    """A penalised regression in nats.

    Attributes
    ----------
    likelihood : str
    penalty : Penalty
        Of size 1 when every coefficient has the same, else one entry per coefficient.
    intercept : Penalty of size 1, or None
        None for a model without intercept.
    shape : mapping of str to float
        Parameters of the likelihood that are not the scale of its noise, such as the quantile q.
    """

    likelihood: str
    penalty: Penalty
    intercept: Penalty | None
    shape: Mapping[str, Any] = field(default_factory=dict)

    @property
    def l1(self) -> float:
        """The common l1 rate; only for a uniform penalty."""
        return float(self.penalty.l1[0])

    @property
    def l2(self) -> float:
        """The common l2 precision; only for a uniform penalty."""
        return float(self.penalty.l2[0])

    @property
    def kind(self) -> str:
        return penalty_kind(self.penalty)

    @property
    def has_proper_intercept(self) -> bool:
        return self.intercept is not None and not bool(self.intercept.is_flat[0])


def penalty_kind(penalty: Penalty) -> str:
    """Which of the four kinds the penalty is."""
    l1, l2 = bool(np.any(penalty.l1 > 0)), bool(np.any(penalty.l2 > 0))
    return {(False, False): FLAT, (True, False): L1, (False, True): L2}.get((l1, l2), ELASTIC_NET)


def uniform(l1: float = 0.0, l2: float = 0.0) -> Penalty:
    """The same penalty, centred at 0, for every coefficient."""
    return unbounded(np.array([l1]), np.array([l2]), np.zeros(1))


def per_column(l1: FloatArray, l2: FloatArray) -> Penalty:
    """Centred at 0, with rates of its own for each coefficient, or one for all of them."""
    l1, l2 = (np.array(part) for part in np.broadcast_arrays(l1, l2))
    if np.all(l1 == l1[0]) and np.all(l2 == l2[0]):
        return uniform(float(l1[0]), float(l2[0]))
    return unbounded(l1, l2, np.zeros(l1.size))


def is_nonnegative(penalty: Penalty) -> bool:
    """Whether every coefficient is held at or above 0, and by nothing else."""
    return bool(np.all(penalty.lower == 0) and np.all(np.isposinf(penalty.upper)))


def bounded_like(penalty: Penalty, lower: float | FloatArray) -> Penalty:
    return replace(penalty, lower=np.broadcast_to(np.float64(lower), penalty.l1.shape))


def without_bounds(penalty: Penalty) -> Penalty:
    return unbounded(penalty.l1, penalty.l2, penalty.loc)


def free_intercept(present: bool) -> Penalty | None:
    """An unpenalised intercept, or none."""
    return uniform() if present else None


def from_model(model: Model, data: Data | None) -> Nats:
    """The model in nats, reduced to size 1 where all coefficients agree.

    Raises
    ------
    ConversionError
        When the prior names columns and there are no data to have them.
    """
    if data is None and model.standardize:
        raise ConversionError(
            "the model has standardize=True, so its prior on the columns as they are depends on "
            "their standard deviations; pass data"
        )
    if data is not None:
        penalty = model.coefficient_penalty(data)
    elif isinstance(model.prior, Prior):
        penalty = model.prior.penalty(_entries(model.prior), known_noise(model.likelihood))
    else:
        raise ConversionError(
            "the prior names columns, so data are needed to know which there are; pass data"
        )
    if not isinstance(penalty, Penalty) or not penalty.is_separable:
        raise NoEquivalentError(
            "no convention here has a penalty that several coefficients share (GroupLaplace, "
            "MultivariateNormal). Nearest: find_map, which takes the model as it is; or Laplace, "
            "Normal, ElasticNet, with a scale for each coefficient"
        )
    _refuse_vanished(model, penalty)
    if all(np.all(array == array[0]) for array in _arrays(penalty)):
        penalty = penalty.take(slice(0, 1))
    name = type(model.likelihood).__name__
    return Nats(name, penalty, model.intercept_penalty(), shape_of(model.likelihood))


def shape_of(likelihood: Any) -> dict[str, Any]:
    """The parameters of a likelihood besides the scale of its noise."""
    if not is_dataclass(likelihood):
        return {}
    noise = NOISE.get(type(likelihood).__name__)
    names = [part.name for part in fields(likelihood) if part.init and part.name != noise]
    return {name: getattr(likelihood, name) for name in names}


def _refuse_vanished(model: Model, penalty: Penalty) -> None:
    """A proper prior whose penalty is below the smallest float."""
    if not isinstance(model.prior, Prior) or not np.any(penalty.is_flat):
        return
    proper = np.isfinite(np.asarray(model.prior.axis_scale, dtype=np.float64))
    if np.any(proper & penalty.is_flat):
        raise ConversionError(
            f"the penalty of {model.prior!r} is not representable: it is so wide that its penalty "
            "vanishes. Measure y or the columns in other units, or say Flat()"
        )


def agree(one: Nats, other: Nats) -> bool:
    """Both mean the same, each part to six digits of itself; nothing has vanished."""
    if (one.intercept is None) != (other.intercept is None) or dict(one.shape) != dict(other.shape):
        return False
    pairs = [(one.penalty, other.penalty)]
    if one.intercept is not None and other.intercept is not None:
        pairs.append((one.intercept, other.intercept))
    return all(_near(*pair) for pair in pairs)


def _near(one: Penalty, other: Penalty) -> bool:
    """l1 is in 1/w and l2 in 1/w^2: a sum of the two would depend on the units of w."""
    return bool(
        np.all(np.abs(one.l1 - other.l1) <= 1e-6 * one.l1)
        and np.all(np.abs(one.l2 - other.l2) <= 1e-6 * one.l2)
        and np.all((one.loc == other.loc) | one.is_flat)
        and np.all(one.lower == other.lower)
        and np.all(one.upper == other.upper)
    )


def to_model(nats: Nats, noise: float | None, relative_to_noise: bool) -> Model:
    """The model with this penalty; ``noise`` is the scale of a likelihood that has one."""
    scale = {} if noise is None else {NOISE[nats.likelihood]: noise}
    likelihood = LIKELIHOODS[nats.likelihood](**nats.shape, **scale)
    prior = to_prior(nats.penalty, likelihood.noise if relative_to_noise else None)
    intercept = None if nats.intercept is None else to_prior(nats.intercept, None)
    return Model(likelihood, prior, intercept)


def to_prior(penalty: Penalty, noise: float | None) -> Prior:
    """b = 1 / l1, tau = 1 / sqrt(l2); in units of sigma for a prior relative to the noise."""
    if is_nonnegative(penalty):
        return _above_zero(to_prior(without_bounds(penalty), noise))
    kind = penalty_kind(penalty)
    if kind == FLAT:
        return Flat()
    with np.errstate(divide="ignore", over="ignore"):
        b = _entry_or_all(1.0 / penalty.l1 / (noise or 1.0))
        tau = _entry_or_all(1.0 / np.sqrt(penalty.l2) / (noise or 1.0))
    relative = noise is not None
    if kind == L1:
        return Laplace(b, relative_to_noise=relative)
    if kind == L2:
        return Normal(tau, relative_to_noise=relative)
    return ElasticNet(b, tau, relative_to_noise=relative)


def _above_zero(prior: Prior) -> Prior:
    """The same density on w >= 0, by its own name where it has one."""
    if isinstance(prior, Laplace) and not prior.relative_to_noise:
        return Exponential(prior.scale)
    if isinstance(prior, Normal) and not prior.relative_to_noise:
        return HalfNormal(prior.scale)
    return Truncated(prior, lower=0.0)


def _entry_or_all(values: FloatArray) -> float | FloatArray:
    return float(values[0]) if values.size == 1 else values


def _entries(prior: Prior) -> int:
    """Length of the prior's vectors, 1 when all its parameters are single numbers."""
    values = vars(prior).values()
    return max((len(value) for value in values if isinstance(value, tuple)), default=1)


def _arrays(penalty: Penalty) -> list[FloatArray]:
    return [penalty.l1, penalty.l2, penalty.loc, penalty.lower, penalty.upper]
