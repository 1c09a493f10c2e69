"""Where no equivalent exists: the reason, and what is nearest."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from bayesreg.conventions._able import able
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import FLAT, Nats, is_nonnegative, penalty_kind
from bayesreg.data import Data
from bayesreg.errors import NoEquivalentError

_PRIOR_NAMES = {
    "flat": "a flat prior (no penalty)",
    "L1": "a Laplace prior (L1 penalty)",
    "L2": "a Normal prior (L2 penalty)",
    "elastic net": "an elastic-net prior (L1 and L2 penalty)",
}


def refuse_offset(data: Data | None, likelihood: str, target: str) -> None:
    """No convention here has an offset."""
    if data is None or data.offset is None:
        return
    nearest = (
        "for a Gaussian likelihood the model without it, fitted to y - offset, is the same"
        if likelihood == "Gaussian"
        else "find_map takes the offset as it is"
    )
    raise NoEquivalentError(f"{target} has no offset, and the data have one. Nearest: {nearest}")


def refuse_weights(convention: Convention, weighted: bool) -> None:
    """Data with weights, and a fit that takes none."""
    if weighted and not convention.takes_weights:
        raise NoEquivalentError(
            f"{convention.name} takes no weights of rows, and the data have weights. Nearest: "
            "find_map, which takes them; where they are whole numbers, each row repeated as often "
            "as its weight says"
        )


def refuse_inexpressible(convention: Convention, nats: Nats, known: Iterable[Convention]) -> None:
    """Everything that follows from what the convention says of itself.

    Raises
    ------
    NoEquivalentError
        Naming what stands in the way and what is nearest.
    """
    refuse_one_way(convention)
    _refuse_likelihood(convention, nats, known)
    _refuse_tails(convention, nats)
    _refuse_bounds(convention, nats)
    _refuse_location(convention, nats)
    _refuse_penalty(convention, nats, known)
    _refuse_intercept(convention, nats)
    _refuse_bounded_intercept(convention, nats)
    _refuse_shifted_intercept(convention, nats)


def refuse_one_way(convention: Convention) -> None:
    """What can only be read."""
    if convention.one_way:
        raise NoEquivalentError(f"{convention.name} cannot be a target: {convention.one_way}")


def _refuse_likelihood(convention: Convention, nats: Nats, known: Iterable[Convention]) -> None:
    if nats.likelihood in convention.likelihoods:
        return
    carried = (
        f"; only the prior can be carried over, to_penalty of it in a model of "
        f"{convention.likelihoods[0]} data"
        if convention.likelihoods
        else ""
    )
    raise NoEquivalentError(
        f"{convention.name} is for {' or '.join(convention.losses)} data; the model is "
        f"{nats.likelihood}. A penalty is a strength beside its own loss: no parameters beside "
        f"another loss have the same optimum{carried}. Nearest: {able(convention, nats, known)}"
    )


def _refuse_tails(convention: Convention, nats: Nats) -> None:
    on_intercept = None if nats.intercept is None else nats.intercept.tails
    if nats.penalty.tails is not None or on_intercept is not None:
        raise NoEquivalentError(
            f"{convention.name} minimises {convention.objective}, which has no room for the "
            "logarithmic penalty of a StudentT or Cauchy prior. Nearest: find_map, which takes the "
            "model as it is"
        )


def _refuse_penalty(convention: Convention, nats: Nats, known: Iterable[Convention]) -> None:
    if nats.kind not in (FLAT, *convention.penalties):
        raise NoEquivalentError(
            f"{convention.name} minimises {convention.objective}, which has no room for "
            f"{_PRIOR_NAMES[nats.kind]}. Nearest: {able(convention, nats, known)}"
        )


def _refuse_bounds(convention: Convention, nats: Nats) -> None:
    pinned = nats.penalty.is_pinned
    if pinned.any():
        raise NoEquivalentError(
            f"column {int(np.argmax(pinned))} is constant, and standardize=True holds its "
            f"coefficient at loc, which {convention.name} cannot. Nearest: leave the column out"
        )
    if convention.takes_positive and is_nonnegative(nats.penalty):
        return
    if np.any(np.isfinite(nats.penalty.lower) | np.isfinite(nats.penalty.upper)):
        if convention.takes_positive:
            raise NoEquivalentError(
                f"{convention.name} can hold all coefficients at or above 0 (positive=True), and "
                "the bounds of the prior are others. Nearest: find_map, which takes the model as "
                "it is"
            )
        raise NoEquivalentError(
            f"{convention.name} has no bounds, and the prior has. Nearest: find_map, which takes "
            "the model as it is"
        )


def _refuse_bounded_intercept(convention: Convention, nats: Nats) -> None:
    """What no target says of an intercept: bounds."""
    prior = nats.intercept
    if prior is None or prior.is_flat[0]:
        return
    if np.isfinite(prior.lower[0]) or np.isfinite(prior.upper[0]):
        raise NoEquivalentError(
            f"{convention.name} has no bounds, and the intercept's prior has. Nearest: find_map, "
            "which takes the model as it is, or a Normal prior on the intercept"
        )


def _refuse_shifted_intercept(convention: Convention, nats: Nats) -> None:
    """What no target says of an intercept: a centre other than 0."""
    if not nats.has_proper_intercept:
        return
    assert nats.intercept is not None
    m = float(nats.intercept.loc[0])
    if m == 0:
        return
    shifted = (
        f"the model with loc=0 on the intercept, fitted to y - {m!r}; "
        if nats.likelihood == "Gaussian"
        else ""
    )
    raise NoEquivalentError(
        f"{convention.name} shrinks the intercept towards 0, and its prior in the model has "
        f"loc={m!r}. Nearest: {shifted}find_map or bayesreg.to_pymc, which take any prior of the "
        "intercept; intercept=Flat() where the target leaves it free"
    )


def _refuse_location(convention: Convention, nats: Nats) -> None:
    shifted = (nats.penalty.loc != 0) & ~nats.penalty.is_flat
    if not shifted.any():
        return
    m = float(nats.penalty.loc[np.argmax(shifted)])
    shift = "y - X m" if nats.likelihood == "Gaussian" else "y with the offset X m"
    where = (
        "the coefficients that come out are w - m; add m"
        if nats.likelihood == "Gaussian"
        else "it needs software that takes an offset, such as find_map"
    )
    raise NoEquivalentError(
        f"{convention.name} shrinks towards 0, and the prior has loc m = {m!r}. "
        f"Nearest: the model with loc=0 fitted to {shift} ({where})"
    )


def refuse_per_coefficient(convention: Convention) -> None:
    """Scales of their own that no rescaling of the columns makes equal."""
    raise NoEquivalentError(
        f"{convention.name} has one strength for all coefficients, and the prior differs between "
        "them in a way that rescaling the columns cannot undo (some are flat, or an elastic net "
        "has b_j / tau_j of its own in each). Nearest: a target with a strength per coefficient "
        "(bayesreg.targets() says which), or find_map, which takes the model as it is"
    )


def _refuse_intercept(convention: Convention, nats: Nats) -> None:
    if nats.intercept is not None and not convention.fits_intercept:
        raise NoEquivalentError(
            f"{convention.name} fits no intercept, and the model has one. Nearest: intercept=None "
            "(for least squares on columns and y less their means, which is the same), or "
            "find_map, which takes the model as it is"
        )
    if nats.has_proper_intercept and not convention.penalises_intercept:
        assert nats.intercept is not None
        raise NoEquivalentError(
            f"{convention.name} leaves the intercept unpenalised, and the model gives it "
            f"{_PRIOR_NAMES[penalty_kind(nats.intercept)]}. Nearest: intercept=Flat(), or "
            "find_map, which takes the model as it is"
        )
