"""The options of find_map and find_map_path, and what becomes of an uncertified point."""

from __future__ import annotations

import warnings

import numpy as np

from bayesreg import _checks
from bayesreg.class_problem import bind_classes
from bayesreg.data import Data
from bayesreg.errors import ModelError, NoModeError, NotCertifiedError, NotCertifiedWarning
from bayesreg.likelihoods import has_classes, noise_prior
from bayesreg.problem import bind
from bayesreg.proof.certificate import Certificate
from bayesreg.proof.existence import why_no_mode
from bayesreg.proof.existence_classes import why_no_class_mode
from bayesreg.solvers.estimate import MapEstimate

_ON_FAILURE = ("raise", "warn", "return")
_TARGETS = (None, "conditional", "joint", "marginal")


def check_options(target: str | None, tol: float, on_failure: str, max_iterations: int) -> None:
    """The options that find_map and find_map_path share."""
    if not isinstance(target, str | None) or target not in _TARGETS:
        raise ModelError(f"target must be one of {_TARGETS}; got {_checks.shown(target)}")
    _checks.positive_number(tol, "tol")
    if on_failure not in _ON_FAILURE:
        raise ModelError(
            f"on_failure must be one of {_ON_FAILURE}; got {_checks.shown(on_failure)}"
        )
    whole = isinstance(max_iterations, int | np.integer) and not isinstance(max_iterations, bool)
    if not whole or max_iterations < 1:
        raise ModelError(
            f"max_iterations must be a whole number >= 1; got {_checks.shown(max_iterations)}"
        )


def act_on_failure(estimate: MapEstimate, data: Data, on_failure: str, max_iterations: int) -> None:
    """Raise or warn when the certificate does not hold."""
    certificate = estimate.certificate
    if on_failure == "return" or (certificate.holds and not _cut_short(estimate)):
        return
    certain = not certificate.local and noise_prior(estimate.model.likelihood) is None
    reason = _why_no_mode(estimate, data) if certain else None
    if reason is not None and on_failure == "raise":
        raise NoModeError(f"no mode: {reason}")
    message = reason or _failure(certificate, estimate.iterations, max_iterations)
    if on_failure == "raise":
        raise NotCertifiedError(message, estimate)
    warnings.warn(message, NotCertifiedWarning, stacklevel=3)


def _why_no_mode(estimate: MapEstimate, data: Data) -> str | None:
    if has_classes(estimate.model.likelihood):
        return why_no_class_mode(bind_classes(estimate.model, data), estimate.names)
    return why_no_mode(bind(estimate.model, data), estimate.names)


def _cut_short(estimate: MapEstimate) -> bool:
    """The iterations ended while a single coordinate could still win more than a nat.

    A gap that is small beside an astronomical null deviance must not hide that.
    """
    return not estimate.settled and estimate.certificate.kkt_residual > 1.0


def _failure(certificate: Certificate, iterations: int, max_iterations: int) -> str:
    if certificate.local:
        return (
            f"the point found is not stationary: KKT residual {certificate.kkt_residual:.2g} root "
            f"nats after {iterations} iterations. Raise max_iterations, or ask for less with tol="
        )
    message = (
        f"the point found is not certified as the mode: relative gap "
        f"{certificate.relative_gap:.2g} (asked {certificate.tol:.0e}), gap "
        f"{certificate.gap:.2g} nats, KKT residual {certificate.kkt_residual:.2g}"
    )
    if certificate.flat_residual > 0:
        message += f", imbalance of flat columns {certificate.flat_residual:.2g}"
    if iterations >= max_iterations:
        return f"{message}. All {max_iterations} iterations were used; raise max_iterations"
    return (
        f"{message}. Rounding is the likely cause: centre or rescale nearly dependent columns, "
        "give flat columns a wide Normal prior, or ask for less with tol="
    )
