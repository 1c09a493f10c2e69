"""sample: the posterior by the best sampler for the model, with its diagnostics."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg import _checks
from bayesreg._text import nearest
from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import (
    LocalModesWarning,
    ModelError,
    ModelTypeError,
    NoModeError,
    NotCertifiedError,
    NotUniqueWarning,
)
from bayesreg.likelihoods import noise_prior
from bayesreg.model import Model, require_model_and_data
from bayesreg.posterior import exact, gibbs, nuts
from bayesreg.posterior.diagnostics import Diagnostics, diagnose, warn_if_short
from bayesreg.posterior.progress import progress_bar
from bayesreg.posterior.propriety import require_proper
from bayesreg.posterior.protocol import Sampler, Task
from bayesreg.problem import Problem, bind

if TYPE_CHECKING:
    import xarray as xr

    from bayesreg.posterior.tree import Parameters
    from bayesreg.solvers import MapEstimate

#: Every sampler, best first; ``sampler="auto"`` takes the first that suits the problem.
SAMPLERS: dict[str, Sampler] = {
    row.name: row
    for row in (
        Sampler(
            "exact",
            "Gaussian likelihood with known sigma and Normal or flat priors: the posterior is "
            "normal, so the draws are exact and independent",
            exact.unsuited, 0, exact.draw,
        ),
        Sampler(
            "gibbs",
            "Gaussian likelihood with known sigma and a Laplace or elastic-net prior: given its "
            "mixing variables the posterior is normal",
            gibbs.unsuited, 500, gibbs.draw,
        ),
        Sampler(
            "nuts",
            "no specialised sampler covers this model: PyMC's no-U-turn sampler",
            nuts.unsuited, 1000, nuts.draw,
        ),
    )
}  # fmt: skip


#: Beyond these a run would neither fit into memory (8 GB of draws) nor end.
MOST_NUMBERS, MOST_ITERATIONS, MOST_CHAINS = 10**9, 10**9, 10**4


def sample(
    model: Model,
    data: Data,
    draws: int = 1000,
    chains: int = 4,
    seed: int | None = None,
    sampler: str = "auto",
    progress: bool = True,
    *,
    tune: int | None = None,
    log_likelihood: bool | None = None,
) -> xr.DataTree:
    """Draws from the posterior p(coef, intercept | y).

    Parameters
    ----------
    model, data
        The posterior.
    draws, chains : int
        Draws kept per chain, and independent chains.
    seed : int, optional
        The same seed gives the same bits, and chain k does not depend on the number of chains.
        Without one, fresh entropy is used and recorded in ``attrs["seed"]``.
    sampler : {"auto", "exact", "gibbs", "nuts"}
        "auto" takes the best that applies; the choice and its reason stand in the attributes.
    progress : bool
        Show a progress bar, on stderr, if that is a terminal.
    tune : int, optional
        Iterations before the first draw that is kept: 500 for Gibbs, 1000 for NUTS; exact draws
        need none.
    log_likelihood : bool, optional
        Keep log p(y_i | draw) for each row and draw (needed by LOO). By default when it takes
        at most 1 GiB; ``attrs["log_likelihood"]`` says whether it is there.

    Returns
    -------
    xarray.DataTree
        In the ArviZ schema: ``posterior`` (coef[chain, draw, feature], intercept),
        ``sample_stats`` (lp, diverging, ...), ``log_likelihood``, ``log_prior``,
        ``observed_data``, ``constant_data`` (with the penalty in nats, l1 and l2, and in
        canonical form, lambda1 and lambda2), ``map_estimate``. Ready for arviz_stats and
        arviz_plots.

    Raises
    ------
    ImproperPosteriorError
        The posterior does not integrate, with the reason.
    DataError, ModelError, ModelTypeError
        For arguments that do not fit together.

    Warns
    -----
    ConvergenceWarning
        R-hat, effective sample size or divergences fall short; names the parameter.

    Examples
    --------
    >>> import numpy as np, bayesreg as br
    >>> data = br.Data(np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 2.0]))
    >>> model = br.Model(br.Gaussian(sigma=1.0), br.Normal(scale=1.0))
    >>> post = br.sample(model, data, seed=1)
    >>> post["posterior"]["coef"].shape, post.attrs["sampler"]
    ((4, 1000, 1), 'exact')
    """
    from bayesreg.posterior import tree

    draws = _count(draws, "draws", most=MOST_ITERATIONS)
    chains = _count(chains, "chains", most=MOST_CHAINS)
    _checks.flag(progress, "progress")
    seed = _seed(seed)
    require_model_and_data(model, data)
    if noise_prior(model.likelihood) is not None:
        raise ModelError(
            f"sample cannot draw sigma yet (sigma ~ {noise_prior(model.likelihood)!r}). PyMC can: "
            "pymc.sample(model=to_pymc(model, data)); or state sigma: model.at_sigma(...)"
        )
    data = data.to_dense()
    problem = bind(model, data)
    chosen = choose_sampler(problem, sampler)
    tune = (
        chosen.default_tune if tune is None else _count(tune, "tune", least=0, most=MOST_ITERATIONS)
    )
    _require_room(draws, chains, problem.size)
    pointwise = _pointwise(log_likelihood, draws * chains * problem.n)
    require_proper(problem, data.names)
    fit, why_no_fit = _mode(model, data)
    start = problem.start if fit is None else problem.extended(fit.coef, fit.intercept)
    seeds = np.random.SeedSequence(seed).spawn(chains)
    iterations = chains * (draws + (tune if chosen.default_tune else 0))
    with progress_bar(f"sampling ({chosen.name})", iterations, progress) as advance:
        drawn = chosen.draw(Task(problem, start, draws, tune, seeds, advance))
    parameters = tree.parameters(problem, drawn)
    divergences = int(np.sum(drawn.statistics.get("diverging", 0)))
    diagnostics = _diagnose(problem, parameters, data.names, divergences)
    attributes: dict[str, Any] = {
        "seed": seed if seed < 2**63 else str(seed),
        "sampler": chosen.name,
        "sampler_reason": chosen.reason if sampler == "auto" else "chosen by the caller",
        "tune": tune,
        "log_likelihood": "stored" if pointwise else "left out; pass log_likelihood=True",
        "map_estimate": "stored" if fit is not None else f"left out: {why_no_fit}",
        **_worst(diagnostics),
    }
    result = tree.build_tree(model, data, parameters, drawn.statistics, fit, attributes, pointwise)
    warn_if_short(diagnostics)
    return result


def choose_sampler(problem: Problem, name: str) -> Sampler:
    """The sampler of that name, or the first that suits the problem for "auto".

    Raises
    ------
    ModelError
        An unknown name, or a sampler that does not apply; says which do.
    """
    if not isinstance(name, str):
        raise ModelTypeError(f"sampler must be a name such as 'auto'; got {name!r}")
    if not problem.penalty.is_separable:
        raise ModelError(
            "sample has no sampler for GroupLaplace yet: its kinks at whole groups would mislead "
            "NUTS, and its scale mixture is not built. find_map gives the certified mode; Laplace "
            "and Normal priors can be sampled"
        )
    _refuse_bounds(problem)
    reasons = {row.name: row.unsuited(problem) for row in SAMPLERS.values()}
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


def _refuse_bounds(problem: Problem) -> None:
    penalty = problem.penalty
    bounded = np.isfinite(penalty.lower) | np.isfinite(penalty.upper)
    if np.any(bounded & ~penalty.is_pinned):
        raise ModelError(
            "sample has no sampler for priors with bounds yet (HalfNormal, Exponential, Uniform, "
            "Truncated), nor can to_pymc state them. find_map gives the certified mode; priors "
            "without bounds (Normal, Laplace, ...) can be sampled"
        )


def _mode(model: Model, data: Data) -> tuple[MapEstimate | None, str]:
    """The certified mode, or None and why there is none."""
    from bayesreg.solvers import find_map

    try:
        with warnings.catch_warnings():
            # Recorded in the group as ``unique``: not an obstacle to sampling.
            warnings.simplefilter("ignore", NotUniqueWarning)
            warnings.simplefilter("ignore", LocalModesWarning)
            return find_map(model, data), ""
    except (ModelError, NotCertifiedError, NoModeError) as error:
        # A ModelError: bound already, so the model has no finder, which NUTS can do without.
        return None, str(error)


def _diagnose(
    problem: Problem, drawn: Parameters, names: tuple[str, ...], divergences: int
) -> Diagnostics:
    """Diagnostics of everything that is sampled: pinned coefficients are constants."""
    free = np.flatnonzero(~problem.penalty.is_pinned[: problem.p])
    columns = [drawn.coef[:, :, free]]
    labels = [f"coef[{names[j]}]" for j in free]
    if drawn.intercept is not None:
        columns.append(drawn.intercept[:, :, None])
        labels.append("intercept")
    together: FloatArray = np.concatenate(columns, axis=2)
    return diagnose(together, tuple(labels), divergences)


def _worst(diagnostics: Diagnostics) -> dict[str, float | int]:
    if not diagnostics.labels:
        return {"divergences": diagnostics.divergences}
    return {
        "rhat_max": float(np.max(diagnostics.rhat)),
        "ess_bulk_min": float(np.min(diagnostics.ess_bulk)),
        "ess_tail_min": float(np.min(diagnostics.ess_tail)),
        "divergences": diagnostics.divergences,
    }


def _pointwise(wanted: bool | None, numbers: int) -> bool:
    from bayesreg.posterior.tree import MANY_NUMBERS

    return numbers <= MANY_NUMBERS if wanted is None else _checks.flag(wanted, "log_likelihood")


def _count(value: Any, argument: str, least: int = 1, *, most: int) -> int:
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise ModelTypeError(f"{argument} must be an integer; got {_checks.shown(value)}")
    if not least <= value <= most:
        raise ModelError(
            f"{argument} must be at least {least} and at most {most}; got {_checks.shown(value)}"
        )
    return int(value)


def _require_room(draws: int, chains: int, size: int) -> None:
    """All draws of a run are held in memory."""
    if draws * chains * size > MOST_NUMBERS:
        raise ModelError(
            f"draws={draws} x chains={chains} x {size} coefficients are "
            f"{draws * chains * size:.1e} numbers; at most {MOST_NUMBERS:.0e} (8 GB) are drawn "
            f"at once. Pass draws of at most {max(1, MOST_NUMBERS // (chains * size))}, or "
            "several runs with seeds of their own"
        )


def _seed(value: Any) -> int:
    """The seed given, or a fresh one: always a number that can be passed back."""
    if value is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0] >> np.uint64(1))
    return checked_seed(value, "a non-negative integer or None")


def checked_seed(value: Any, wanted: str = "a non-negative integer") -> int:
    """A seed that numpy takes, as an int."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise ModelTypeError(f"seed must be {wanted}; got {_checks.shown(value)}")
    if value < 0:
        raise ModelError(f"seed must be {wanted}; got {_checks.shown(value)}")
    return int(value)
