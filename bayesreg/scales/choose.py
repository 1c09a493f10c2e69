"""choose_scale: evidence, cross-validation, leave-one-out and a hyperprior, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from bayesreg import _checks
from bayesreg._text import nearest
from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import BayesregError, ModelError, ModelTypeError
from bayesreg.likelihoods import estimated_dispersion, noise_prior
from bayesreg.model import Model, require_model_and_data
from bayesreg.posterior.order import (
    MOST_CHAINS,
    MOST_ITERATIONS,
    checked_cores,
    checked_count,
    seed_or_fresh,
)
from bayesreg.posterior.propriety import require_proper
from bayesreg.posterior.run import available_cores, one_linear_algebra_thread
from bayesreg.posterior.target import pose
from bayesreg.priors import HalfCauchy
from bayesreg.priors.on_noise import checked_noise_prior
from bayesreg.scales.axis import Axis, make_axis
from bayesreg.scales.choice import Choice, ScaleChoices
from bayesreg.scales.cross_validation import check_hold
from bayesreg.scales.evidence_choice import by_evidence
from bayesreg.scales.fold_choice import by_mode, by_posterior
from bayesreg.scales.hyperprior_choice import by_hyperprior
from bayesreg.scales.leave_one_out_choice import by_leave_one_out
from bayesreg.scales.order import Order, nothing

# Fewer draws of a chain have no Monte Carlo error.
_FEWEST_DRAWS = 100
#: What is asked by default.
METHODS = ("evidence", "cv", "loo", "hyperprior")

_METHODS: dict[str, Callable[[Order], Choice]] = {
    "evidence": by_evidence,
    "cv": by_mode,
    "loo": by_leave_one_out,
    "hyperprior": by_hyperprior,
    "cv-posterior": by_posterior,
}


def choose_scale(
    model: Model,
    data: Data,
    methods: Sequence[str] = METHODS,
    *,
    scales: Sequence[float] | FloatArray | None = None,
    n_scales: int = 30,
    folds: Any = 5,
    hold: str = "prior",
    hyperprior: Any = None,
    draws: int = 1000,
    chains: int = 4,
    seed: int | None = None,
    progress: bool = True,
    cores: int | None = None,
) -> ScaleChoices:
    """Prior scales by several methods, each with its uncertainty, in prior units and in lambda.

    Parameters
    ----------
    model, data
        The scales in ``model`` fix ratios only.
    methods : sequence of {"evidence", "cv", "loo", "hyperprior", "cv-posterior"}
        ``evidence``: marginal maximum likelihood, in closed form for Gaussian likelihoods with
        Normal priors; its scale need not lie on the axis. ``cv``: the least K-fold deviance of
        the mode (with sigma unknown, of the joint mode with its sigma), and the smallest scale
        within one standard error of it. ``loo``: the largest leave-one-out log predictive
        density of the posterior; closed form as above, else importance sampling with refits.
        ``hyperprior``: the median of the scale's posterior under a prior of its own.
        ``cv-posterior``, on request: the largest log predictive density of the posterior over
        the folds, in closed form where the evidence is.
    scales, n_scales
        The axis, as in :func:`scan_scales`: where cross-validation and leave-one-out look.
    folds : int, splitter of scikit-learn, or pairs of positions
        The same for every method; rows of weight 0 are in none.
    hold : {"prior", "alpha"}
        What cross-validation keeps the same in every fold: the prior, or lambda / N, which is
        what ``LassoCV`` and ``ElasticNetCV`` keep and which makes their folds' priors wider than
        that of their refit. ``RidgeCV`` keeps lambda: that is "prior".
    hyperprior : density of a positive number, optional
        Of the scale of ``axis_column``, the others in their ratio to it; by default half-Cauchy
        with the stated scale as its median.
    draws, chains, seed, cores, progress
        As in :func:`sample`, for every posterior that is needed.

    Returns
    -------
    ScaleChoices
        A mapping from method to :class:`Choice`: ``choose_scale(...)["evidence"].scale``.

    Raises
    ------
    ModelError, DataError, ImproperPosteriorError
        What has no axis of scales, with the reason. A method that does not apply to the model is
        in the result, with the reason as its note.

    Examples
    --------
    >>> import numpy as np, bayesreg as br
    >>> X = np.random.default_rng(0).normal(size=(40, 5))
    >>> y = X @ [1.0, -1.0, 0.5, 0.0, 0.0] + np.random.default_rng(1).normal(size=40)
    >>> model = br.Model(br.Gaussian(sigma=1.0), br.Normal(scale=1.0))
    >>> found = br.choose_scale(model, br.Data(X, y), ["evidence", "loo"], seed=1)
    >>> round(found["evidence"].scale, 3), found["evidence"].boundary
    (0.571, '')
    """
    require_model_and_data(model, data)
    chosen = _checked_methods(methods)
    check_hold(hold)
    _checks.flag(progress, "progress")
    draws = checked_count(draws, "draws", least=_FEWEST_DRAWS, most=MOST_ITERATIONS)
    chains = checked_count(chains, "chains", most=MOST_CHAINS)
    cores = available_cores() if cores is None else checked_cores(cores)
    axis = make_axis(model, data, scales, n_scales)
    data = data.to_dense()
    require_proper(pose(model, data), data.names)
    order = Order(
        model, data, axis, _kept(folds), hold, _hyperprior(hyperprior, axis), draws, chains,
        seed_or_fresh(seed), cores, progress,
        scales is None and _has_null_scale(model, axis),
    )  # fmt: skip
    order.scores["scale"] = axis.scales
    with one_linear_algebra_thread():
        found = {method: _tried(method, order) for method in chosen}
    return ScaleChoices(found, axis.column, order.scores, order.sigma_power)


def _has_null_scale(model: Model, axis: Axis) -> bool:
    """The default axis begins where the mode is null; of a joint mode it only does so roughly."""
    likelihood = model.likelihood
    return axis.kinked and not (noise_prior(likelihood) or estimated_dispersion(likelihood))


def _checked_methods(methods: Any) -> tuple[str, ...]:
    if not isinstance(methods, str | Iterable):
        raise ModelTypeError(f"methods must be names of methods; got {_checks.shown(methods)}")
    listed = (methods,) if isinstance(methods, str) else tuple(methods)
    if not listed:
        raise ModelError(f"methods is empty; there are {', '.join(_METHODS)}")
    for method in listed:
        if not isinstance(method, str):
            raise ModelTypeError(f"a method is a name; got {_checks.shown(method)}")
        if method not in _METHODS:
            raise ModelError(f"there is no method {method!r}.{nearest(method, _METHODS)}")
    return listed


def _kept(folds: Any) -> Any:
    """Pairs that can be gone through more than once."""
    return list(folds) if isinstance(folds, Iterator) else folds


def _hyperprior(given: Any, axis: Axis) -> Any:
    if given is None:
        return HalfCauchy(float(axis.scales[0] / axis.factors[0]))
    return checked_noise_prior(given, "hyperprior")


def _tried(method: str, order: Order) -> Choice:
    """The method's choice, or why there is none."""
    try:
        return _METHODS[method](order)
    except BayesregError as error:
        return nothing(method, str(error))
