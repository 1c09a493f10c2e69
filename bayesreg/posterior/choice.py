"""The table of samplers, and the choice among them."""

from __future__ import annotations

from bayesreg import _checks
from bayesreg._text import nearest
from bayesreg.errors import ModelError, ModelTypeError
from bayesreg.posterior import (
    by_pymc,
    classes_by_pymc,
    coordinate,
    exact,
    gibbs,
    nuts,
    nuts_classes,
    polya_gamma,
)
from bayesreg.posterior.protocol import AnyPosterior, OfClasses, Sampler

#: Every sampler, best first; ``sampler="auto"`` takes the first that suits the problem.
SAMPLERS: dict[str, Sampler] = {
    row.name: row
    for row in (
        Sampler(
            "exact",
            "Gaussian likelihood with Normal or flat priors: the coefficients are normal given "
            "sigma and scale, and these are drawn from their own posterior, so the draws are "
            "exact and independent",
            exact.unsuited, 0, exact.prepare, reduces_rows=True,
        ),
        Sampler(
            "gibbs",
            "Gaussian likelihood and priors that are scale mixtures of normals: given its mixing "
            "variables the posterior is normal; sigma and scales are drawn with those integrated "
            "out",
            gibbs.unsuited, 250, gibbs.prepare, reduces_rows=True,
        ),
        Sampler(
            "coordinate",
            "Gaussian likelihood with bounds on coefficients: each is normal between its bounds, "
            "with a kink where the prior has one, given all others",
            coordinate.unsuited, 500, coordinate.prepare, reduces_rows=True,
        ),
        Sampler(
            "nuts",
            "no specialised sampler covers this model: the no-U-turn sampler in the metric of the "
            "curvature at the mode",
            nuts.unsuited, 400, nuts.prepare,
            of_classes=OfClasses(nuts_classes.unsuited, nuts.prepare_classes),
        ),
        Sampler(
            "polya-gamma",
            "logistic likelihood with Laplace or normal priors: given its Polya-Gamma variables "
            "the posterior is normal",
            polya_gamma.unsuited, 500, polya_gamma.prepare,
        ),
        Sampler(
            "pymc",
            "no specialised sampler covers this model: the no-U-turn sampler of nutpie where it is "
            "installed, else PyMC's own, on PyMC's model",
            by_pymc.unsuited, 1000, whole_run=by_pymc.draw,
            of_classes=OfClasses(classes_by_pymc.unsuited, whole_run=classes_by_pymc.draw),
        ),
    )
}  # fmt: skip


def choose_sampler(posterior: AnyPosterior, name: str) -> Sampler:
    """The sampler of that name, or the first that suits the problem for "auto".

    Raises
    ------
    ModelError
        An unknown name, or a sampler that does not apply; says which do.
    """
    if not isinstance(name, str):
        raise ModelTypeError(f"sampler must be a name such as 'auto'; got {_checks.shown(name)}")
    reasons = {row.name: row.why_not(posterior) for row in SAMPLERS.values()}
    suited = [row for row in SAMPLERS.values() if reasons[row.name] is None]
    if name != "auto" and name not in SAMPLERS:
        raise ModelError(f"there is no sampler {name!r}.{nearest(name, ['auto', *SAMPLERS])}")
    if name != "auto" and reasons[name] is None:
        return SAMPLERS[name]
    if not suited:
        listed = "; ".join(f"{key}: {why}" for key, why in reasons.items())
        raise ModelError(f"no sampler applies to this model. {listed}")
    if name == "auto":
        return suited[0]
    applicable = ", ".join(repr(row.name) for row in suited)
    raise ModelError(
        f"sampler {name!r} does not apply: {reasons[name]}. Applicable here: {applicable} "
        f"(sampler='auto' takes {suited[0].name!r})"
    )
