"""The mode with sigma unknown: joint in (a, w, sigma), or of w with a and sigma integrated out."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from bayesreg.data import Data
from bayesreg.errors import DataError, ModelError, NoModeError
from bayesreg.likelihoods import noise_prior
from bayesreg.model import Model
from bayesreg.priors.on_noise import NoiseDensity, noise_density
from bayesreg.proof.certificate import Certificate, local_certificate
from bayesreg.proof.joint import JointPoint, certify_joint, noise_kkt_residual
from bayesreg.proof.point import certify_point
from bayesreg.solvers.choice import Options
from bayesreg.solvers.estimate import LocalMode, MapEstimate
from bayesreg.solvers.noise_equation import JointEquation, MarginalEquation, noise_moments
from bayesreg.solvers.noise_family import Family, noise_family
from bayesreg.solvers.noise_profile import Point, Profile, exact_fit_reason
from bayesreg.solvers.solve import solve


def find_with_unknown_sigma(model: Model, data: Data, options: Options) -> MapEstimate:
    """The mode that ``options.target`` asks for.

    Raises
    ------
    ModelError
        No target, or one that this model does not have.
    NoModeError
        The density is unbounded.
    """
    density = noise_density(noise_prior(model.likelihood))
    _require_target(model, options.target)
    _require_log_concave(model)
    family = noise_family(model, data)
    search = _joint if options.target == "joint" else _marginal
    equation = search(family, density)
    profile = Profile(family, equation, data.names, options.max_iterations)
    found = [_estimate(model, data, options, profile, point) for point in profile.minima()]
    found.sort(key=lambda estimate: -estimate.log_density)
    modes = tuple(LocalMode(one.coef, one.intercept, one.scalars, one.log_density) for one in found)
    convex = not found[0].certificate.local
    return replace(found[0], modes=() if convex else modes)


def _require_target(model: Model, target: str | None) -> None:
    if target in ("joint", "marginal"):
        return
    said = "target is needed" if target is None else f"target={target!r} is not possible"
    raise ModelError(
        f"{said}: with sigma unknown (sigma ~ {noise_prior(model.likelihood)!r}) 'the mode' can "
        "mean three things. target='joint': over (intercept, coefficients, sigma), the density "
        "taken in sigma. target='marginal': over the coefficients, intercept and sigma integrated "
        "out. Conditional: over the coefficients at a stated sigma, the one that equals a lasso: "
        "find_map(model.at_sigma(...), data)"
    )


def _require_log_concave(model: Model) -> None:
    """Beside a penalty that is not convex the conditional modes are no function of sigma."""
    for prior in model.priors:
        if not getattr(prior, "log_concave", True):
            raise ModelError(
                f"{prior!r} is not log-concave, and with sigma unknown (sigma ~ "
                f"{noise_prior(model.likelihood)!r}) its modes are not searched for. State sigma: "
                "find_map(model.at_sigma(...), data); or take a Laplace, Normal or ElasticNet prior"
            )


def _joint(family: Family, density: NoiseDensity) -> JointEquation:
    """N = n + k, where the density is bounded."""
    count = family.unit.n + family.k
    if density.at_zero < count and family.fits_exactly:
        raise NoModeError(f"no joint mode: {exact_fit_reason()}")
    return JointEquation(density, count)


def _marginal(family: Family, density: NoiseDensity) -> MarginalEquation:
    """n - 1 contrasts after a flat intercept, and k, where the density is bounded."""
    unit = family.unit
    if unit.has_intercept and not unit.flat_intercept:
        raise ModelError(
            "target='marginal' integrates a flat intercept out; this one has a prior of its own, "
            "so that its integral has no closed form. Give it Flat(), or take target='joint'"
        )
    if not family.is_monotone:
        raise ModelError(
            "target='marginal' cannot mix L1 priors relative to the noise with absolute priors: "
            "its stationary points are then no longer conditional modes at one effective sigma. "
            "Make all priors relative or all absolute, or take target='joint'"
        )
    contrasts = unit.n - unit.has_intercept
    if contrasts < 1:
        raise DataError(
            "target='marginal' needs at least two rows beside a flat intercept: once it is "
            "integrated out, one row says nothing"
        )
    count = contrasts + family.k
    if count + density.at_infinity <= 1:
        raise NoModeError(
            f"no marginal mode: with {contrasts} contrast(s) and this p(sigma), the integral over "
            "sigma is infinite for all coefficients. Give sigma a proper prior, such as "
            "HalfNormal(scale=...)"
        )
    if density.at_zero <= count - 1 and family.fits_exactly:
        raise NoModeError(f"no marginal mode: {exact_fit_reason()}")
    return MarginalEquation(density, count, family.has_slope)


@dataclass(frozen=True)
class _Proof:
    """log density, certificate and scalar of one stationary point."""

    log_density: float
    certificate: Certificate
    scalars: dict[str, float]


def _estimate(
    model: Model, data: Data, options: Options, profile: Profile, point: Point
) -> MapEstimate:
    """The conditional mode at the sigma found, with the proof of the target's own optimum."""
    family, tol = profile.family, options.tol
    problem = family.at(point.sigma)
    given = solve(
        problem, model.at_sigma(point.sigma), data.names, point.v, tol, options.max_iterations,
        curvature=profile.curvature(problem, point.sigma),
    )  # fmt: skip
    v = family.unit.extended(given.coef, given.intercept)
    exact = Point(point.sigma, v, family.slope_part(v), family.square_part(v))
    prove = _prove_joint if isinstance(profile.equation, JointEquation) else _prove_marginal
    proof = prove(family, profile.equation, exact, given.certificate, tol)  # type: ignore[arg-type]
    return replace(
        given,
        model=model,
        log_density=proof.log_density,
        certificate=proof.certificate,
        scalars=proof.scalars,
        target=options.target,
        conditional=given.certificate,
        iterations=max(given.iterations, profile.iterations),
        settled=given.settled and profile.settled,
    )


def _prove_joint(
    family: Family, equation: JointEquation, point: Point, given: Certificate, tol: float
) -> _Proof:
    """A duality gap where the problem is convex, else the KKT residual, sigma's included."""
    problem, sigma = family.at(point.sigma), point.sigma
    log_density = float(equation.density.log_density(sigma))
    log_density -= problem.value(point.v) + problem.constants
    if family.is_convex:
        at = JointPoint(point.v, sigma)
        proof = certify_joint(family.unit, equation.density, equation.count, at, given)
    else:
        in_sigma = noise_kkt_residual(equation.density, equation.count, point.A, point.B, sigma)
        residual = max(given.kkt_residual, in_sigma)
        proof = local_certificate(residual, given.half_null_deviance, tol)
    return _Proof(log_density, proof, {"sigma": sigma})


def _prove_marginal(
    family: Family, equation: MarginalEquation, point: Point, given: Certificate, tol: float
) -> _Proof:
    """Stationary for the tangent of the objective at this very point."""
    moments = noise_moments(equation.density, equation.count, point.A, point.B)
    tangent = family.at(moments.second**-0.5, moments.first)
    residual = certify_point(tangent, point.v, tol, given.half_null_deviance).kkt_residual
    unit = family.unit
    log_density = moments.log_integral - family.absolute_part(point.v) - unit.constants
    if unit.has_intercept:
        log_density += 0.5 * math.log(2 * math.pi / float(np.sum(unit.weights)))
    proof = local_certificate(residual, given.half_null_deviance, tol)
    return _Proof(log_density, proof, {"effective_sigma": point.sigma})
