"""scan_scales: mode, posterior and evidence along one axis of prior scales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bayesreg import _checks
from bayesreg._types import FloatArray
from bayesreg._warning import warn
from bayesreg.data import Data
from bayesreg.errors import ConvergenceWarning, ModelError
from bayesreg.likelihoods import noise_prior
from bayesreg.model import Model, require_model_and_data
from bayesreg.posterior.densities import used_rows
from bayesreg.posterior.order import (
    MOST_CHAINS,
    MOST_ITERATIONS,
    checked_cores,
    checked_count,
    seed_or_fresh,
)
from bayesreg.posterior.progress import progress_bar
from bayesreg.posterior.propriety import require_proper
from bayesreg.posterior.run import one_linear_algebra_thread
from bayesreg.posterior.target import pose
from bayesreg.scales.axis import Axis, library_parameters, make_axis
from bayesreg.scales.closed_folds import closed_scores
from bayesreg.scales.closed_form import (
    closed_columns,
    freedom_of,
    law_of,
    said_of_closed_form,
)
from bayesreg.scales.closed_modes import closed_modes
from bayesreg.scales.cross_validation import Scores, mode_scores, posterior_scores
from bayesreg.scales.folds import Splits, find_splits
from bayesreg.scales.modes import Modes, find_modes, mode_columns
from bayesreg.scales.normal_law import NormalLaw
from bayesreg.scales.sampled import (
    FAR_ESS,
    FAR_RHAT,
    SHORT,
    Sampling,
    said_of_convergence,
    sampled_columns,
)
from bayesreg.solvers.map_path import axis_words

if TYPE_CHECKING:
    import xarray as xr


def scan_scales(
    model: Model,
    data: Data,
    scales: Sequence[float] | FloatArray | None = None,
    *,
    n_scales: int = 50,
    posterior: bool = True,
    draws: int = 1000,
    chains: int = 4,
    seed: int | None = None,
    rope: float | None = None,
    probability: float = 0.95,
    loo: bool = False,
    folds: Any = None,
    parameters: Sequence[str] = (),
    progress: bool = True,
    cores: int | None = None,
) -> xr.Dataset:
    """The mode, the posterior and the evidence along the prior scale, on one axis.

    Parameters
    ----------
    model, data
        The scales in ``model`` fix ratios only, as in :func:`find_map_path`. sigma may be unknown:
        the mode is then the joint one.
    scales : sequence of positive numbers, optional
        Scales of ``attrs["axis_column"]``; by default the grid of :func:`find_map_path`.
    n_scales : int
        Length of the default grid.
    posterior : bool
        The posterior at every scale too; False leaves the modes, which is quick.
    draws, chains, seed, cores
        As in :func:`sample`, at every scale. A Gaussian likelihood with Normal priors needs none:
        everything is exact, from one decomposition.
    rope : float, optional
        Also P(|w| < rope).
    probability : float
        Mass of the highest-density intervals.
    loo : bool
        Leave-one-out log predictive density: exact in closed form, else by Pareto-smoothed
        importance sampling; rows whose k exceeds 0.7 by moved draws, or a refit.
    folds : int, splitter of scikit-learn, or iterable of (train, test) positions, optional
        Cross-validate mode and, with ``posterior``, the posterior predictive. The prior is the
        same in every fold; rows of weight 0 are in none.
    parameters : sequence of str
        Conversion targets, such as "sklearn.Lasso", whose own parameter is wanted beside lambda.
    progress : bool

    Returns
    -------
    xarray.Dataset
        Dimensions ``scale`` and ``feature``; coordinates ``lambda`` and those asked for.

        * The mode: ``map``, ``map_intercept``, ``n_nonzero``, ``degrees_of_freedom``, ``gap``,
          ``map_norm1``, ``map_norm2``; with an unknown sigma ``map_sigma``, ``map_lambda``.
        * The posterior: ``mean``, ``sd``, ``hdi_low``, ``hdi_high``, ``p_positive``, ``p_rope``,
          ``mean_intercept``, ``mean_norm1``, ``mean_norm2``; of draws ``rhat_max``, ``ess_min``.
        * The evidence: ``log_evidence`` and ``log_evidence_error``, in nats; with a flat
          intercept relative to its density 1.
        * ``loo``, ``loo_error`` (over rows), ``loo_refitted``; ``cv_mode`` (mean deviance of a
          row) and ``cv_posterior`` (mean log predictive density), each with its ``_error``.

        ``lambda`` is the canonical one, at sigma = 1 where sigma is unknown: ``attrs["lambda"]``.

    Raises
    ------
    ModelError, DataError, ImproperPosteriorError, NotCertifiedError
        What cannot be scanned, with the reason.
    KeyboardInterrupt
        Nothing is kept of an interrupted scan.

    Warns
    -----
    ConvergenceWarning
        At some scales R-hat exceeds 1.05 or ESS is below 200; names them.
        ``attrs["convergence"]`` has those beyond 1.01 and 400.

    Examples
    --------
    >>> import numpy as np, bayesreg as br
    >>> data = br.Data(np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 2.0]))
    >>> model = br.Model(br.Gaussian(sigma=1.0), br.Laplace(scale=1.0))
    >>> study = br.scan_scales(model, data, [0.5, 1.0, 2.0], seed=1)
    >>> study["map"].values.ravel().round(3).tolist()
    [0.0, 0.5, 0.75]
    """
    require_model_and_data(model, data)
    for name, flag in (("posterior", posterior), ("loo", loo), ("progress", progress)):
        _checks.flag(flag, name)
    if loo and not posterior:
        raise ModelError("leave-one-out needs the posterior; leave out posterior=False or loo=True")
    mass = _checks.positive_number(probability, "probability")
    if mass >= 1:
        raise ModelError(f"probability must be below 1; got {mass!r} (0.95 for a 95% interval)")
    if rope is not None:
        rope = _checks.positive_number(rope, "rope")
    order = _Order(
        draws=checked_count(draws, "draws", most=MOST_ITERATIONS),
        chains=checked_count(chains, "chains", most=MOST_CHAINS),
        seed=seed_or_fresh(seed),
        cores=checked_cores(cores),
        rope=rope,
        mass=mass,
        loo=loo,
        progress=progress,
    )
    data = data.to_dense()
    axis = make_axis(model, data, scales, n_scales)
    library = library_parameters(model, data, axis, parameters)
    said: dict[str, Any] = {
        "model": repr(model),
        "axis_column": axis.column,
        "axis": axis_words(model, axis.column),
        "lambda": _said_of_lambda(model),
        "n_rows": used_rows(data).size,
    }
    splits = None if folds is None else find_splits(model, data, folds)
    with one_linear_algebra_thread():
        if posterior:
            require_proper(pose(model, data), data.names)
        law = law_of(model, data) if posterior else None
        found = _modes(model, data, axis, law)
        columns = mode_columns(model, data, axis, found, freedom_of(law, axis))
        if law is not None:
            columns |= closed_columns(law, data, axis, rope=order.rope, mass=mass, loo=loo)
            said |= said_of_closed_form(model, law, mass)
        elif posterior:
            drawn, notes = _drawn_columns(model, data, axis, found, order)
            columns |= drawn
            said |= notes
        if splits is not None:
            columns |= _cross_validated(model, data, axis, splits, posterior, order, law)
    return _dataset(columns, axis, data, library, said)


@dataclass(frozen=True)
class _Order:
    """What was asked for, checked."""

    draws: int
    chains: int
    seed: int
    cores: int
    rope: float | None
    mass: float
    loo: bool
    progress: bool


def _said_of_lambda(model: Model) -> str:
    if noise_prior(model.likelihood) is None:
        return "the canonical lambda"
    return (
        "the canonical lambda at sigma = 1, which is unknown: times sigma^2 for absolute scales, "
        "for those relative to the noise times sigma (Laplace) or 1 (Normal). map_lambda is it at "
        "the joint mode"
    )


def _drawn_columns(
    model: Model, data: Data, axis: Axis, found: Modes, order: _Order
) -> tuple[dict[str, Any], dict[str, Any]]:
    """From draws at every scale."""
    total = axis.factors.size * order.chains * order.draws
    with progress_bar("scanning", total, order.progress) as bar:
        sampling = Sampling(order.draws, order.chains, order.seed, order.cores, bar.advance)
        columns, notes = sampled_columns(
            model, data, axis, found, sampling, rope=order.rope, mass=order.mass, loo=order.loo
        )
    far = said_of_convergence(axis, columns, FAR_RHAT, FAR_ESS)
    if far.startswith(SHORT):
        warn(f"the draws of the scan are {far}", ConvergenceWarning)
    return columns, {"seed": order.seed, "probability": order.mass, **notes}


def _modes(model: Model, data: Data, axis: Axis, law: NormalLaw | None) -> Modes:
    """From the law where that proves every one of them."""
    closed = None if law is None else closed_modes(law, axis.factors)
    if closed is None:
        return find_modes(model, data, axis)
    return Modes(closed.coef, closed.intercept, closed.gap, {})


def _predictive_scores(
    model: Model, data: Data, axis: Axis, folds: Splits, order: _Order
) -> Scores:
    total = len(folds) * axis.factors.size * order.chains * order.draws
    with progress_bar("cross-validating", total, order.progress) as bar:
        return posterior_scores(
            model, data, axis, folds, draws=order.draws, chains=order.chains, seed=order.seed,
            cores=order.cores, advance=bar.advance,
        )  # fmt: skip


def _cross_validated(
    model: Model, data: Data, axis: Axis, folds: Splits, posterior: bool, order: _Order,
    law: NormalLaw | None,
) -> dict[str, Any]:  # fmt: skip
    """Scores of the mode and of the posterior predictive, with the prior held."""
    scores = (None if law is None else closed_scores(model, data, axis, folds, law)) or {}
    if "cv_mode" not in scores:
        scores["cv_mode"] = mode_scores(model, data, axis, folds)
    if posterior and "cv_posterior" not in scores:
        scores["cv_posterior"] = _predictive_scores(model, data, axis, folds, order)
    columns: dict[str, Any] = {}
    for name, score in sorted(scores.items()):
        columns |= {name: ("scale", score.mean), f"{name}_error": ("scale", score.error)}
    return columns


def _dataset(
    columns: dict[str, Any],
    axis: Axis,
    data: Data,
    library: dict[str, FloatArray],
    attributes: dict[str, Any],
) -> xr.Dataset:
    import xarray as xr

    coordinates = {name: ("scale", values) for name, values in library.items()}
    return xr.Dataset(
        columns,
        coords={
            "scale": axis.scales,
            "lambda": ("scale", axis.lambdas, {"long_name": attributes["lambda"]}),
            "feature": list(data.names),
            **coordinates,
        },
        attrs=attributes,
    )
