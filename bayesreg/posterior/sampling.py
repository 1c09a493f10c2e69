"""sample: the posterior by the best sampler for the model, with its diagnostics."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING

import numpy as np

from bayesreg import _checks
from bayesreg.data import Data
from bayesreg.design import is_sparse
from bayesreg.errors import (
    LocalModesWarning,
    ModelError,
    NoModeError,
    NotCertifiedError,
    NotUniqueWarning,
)
from bayesreg.likelihoods import estimated_dispersion, noise_prior
from bayesreg.model import Model, require_model_and_data
from bayesreg.posterior import execution, storing
from bayesreg.posterior.choice import choose_sampler
from bayesreg.posterior.order import (
    MOST_CHAINS,
    MOST_ITERATIONS,
    Mode,
    Order,
    checked_cores,
    checked_count,
    seed_or_fresh,
)
from bayesreg.posterior.propriety import require_proper
from bayesreg.posterior.protocol import AnyPosterior, Sampler, posed, setup_of
from bayesreg.posterior.run import one_linear_algebra_thread

if TYPE_CHECKING:
    import xarray as xr

#: Up to so many entries a sparse X is sampled as a dense one, which is faster (128 MB).
_UNPACKED = 2**24
#: Beyond this a run would not fit into memory (8 GB of draws).
MOST_NUMBERS = 10**9


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
    cores: int | None = None,
    posterior_predictive: bool = False,
    store: str | os.PathLike[str] | None = None,
) -> xr.DataTree:
    """Draws from the posterior p(coef, intercept | y).

    Parameters
    ----------
    model, data
        The posterior. Of a large sparse X only blocks of rows are made dense where the likelihood
        is Gaussian and rows outnumber columns; elsewhere all of it, if that takes at most 8 GB.
    draws, chains : int
        Draws kept per chain, and independent chains.
    seed : int, optional
        The same seed gives the same bits, and chain k does not depend on the number of chains.
        Without one, fresh entropy is used and recorded in ``attrs["seed"]``.
    sampler : str
        "auto" takes the best that applies, or one by name (``bayesreg.posterior.choice.SAMPLERS``);
        the choice and its reason stand in the attributes.
    progress : bool
        Show a progress bar, on stderr, if that is a terminal: draws per second, and R-hat and ESS
        of the worst parameter so far (rough ones, from means of batches).
    tune : int, optional
        Iterations before the first draw that is kept; each sampler has its default, and exact
        draws need none.
    log_likelihood : bool, optional
        Keep log p(y_i | draw) for each row and draw (needed by LOO). By default when it takes
        at most 1 GiB; ``attrs["log_likelihood"]`` says whether it is there.
    cores : int, optional
        Chains that run at a time, in threads; as many as the process may use by default. The
        draws do not depend on it.
    posterior_predictive : bool
        Draw a target for each row and draw. (:func:`bayesreg.predict` does it for new rows.)
    store : path, optional
        Write the draws there as they come, into a new Zarr store, and keep none in memory. After
        a crash or Ctrl-C :func:`bayesreg.resume` goes on bit for bit and
        :func:`bayesreg.open_run` reads what there is. Needs ``pip install 'bayesreg[store]'``.

    Returns
    -------
    xarray.DataTree
        In the ArviZ schema: ``posterior`` (coef[chain, draw, feature], intercept, sigma and scale
        where they are random, and with them lambda1 and lambda2; for K classes coef[chain, draw,
        class, feature] and intercept[chain, draw, class], of which flat ones sum to 0 over the
        classes), ``sample_stats`` (lp, diverging,
        ...), ``log_likelihood``, ``log_prior``, ``posterior_predictive`` on request,
        ``diagnostics`` (R-hat, bulk and tail ESS and the Monte Carlo error of the mean of every
        parameter, along the dimension ``diagnostic``), ``observed_data``, ``constant_data`` (with
        the penalty in nats, l1 and l2, and in canonical form, lambda1 and lambda2),
        ``map_estimate``. Ready for arviz_stats and arviz_plots. After Ctrl-C it has the draws so
        far and ``attrs["partial"]`` is 1.

    Raises
    ------
    ImproperPosteriorError
        The posterior does not integrate, with the reason.
    DataError, ModelError, ModelTypeError
        For arguments that do not fit together.
    StoreError
        There is something at ``store`` already.
    OSError
        Nothing more can be written there; the draws so far can be read.
    KeyboardInterrupt
        Ctrl-C in the warm-up: there is nothing to return. A second Ctrl-C at any time. With
        sampler "pymc" the first, at any time: it only knows whole chains.

    Warns
    -----
    ConvergenceWarning
        R-hat, effective sample size or divergences fall short; names the parameter.
    PartialRunWarning
        Ctrl-C: says how many draws there are.

    Examples
    --------
    >>> import numpy as np, bayesreg as br
    >>> data = br.Data(np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 2.0]))
    >>> model = br.Model(br.Gaussian(sigma=1.0), br.Normal(scale=1.0))
    >>> post = br.sample(model, data, seed=1)
    >>> post["posterior"]["coef"].shape, post.attrs["sampler"]
    ((4, 1000, 1), 'exact')
    """
    require_model_and_data(model, data)
    draws = checked_count(draws, "draws", most=MOST_ITERATIONS)
    chains = checked_count(chains, "chains", most=MOST_CHAINS)
    cores = checked_cores(cores)
    _checks.flag(progress, "progress")
    _checks.flag(posterior_predictive, "posterior_predictive")
    seed = seed_or_fresh(seed)
    data = data if data.y.size * data.p > _UNPACKED else data.to_dense()
    posterior = posed(model, data)
    chosen = choose_sampler(posterior, sampler)
    data, posterior = _unpacked(chosen, model, data, posterior)
    if tune is not None:
        tune = checked_count(tune, "tune", least=0, most=MOST_ITERATIONS)
    order = Order(
        model=model,
        data=data,
        draws=draws,
        chains=chains,
        seed=seed,
        sampler=chosen.name,
        reason=chosen.reason if sampler == "auto" else "chosen by the caller",
        # Exact draws need no warm-up, whatever is asked.
        tune=0 if not chosen.default_tune else chosen.default_tune if tune is None else tune,
        pointwise=_pointwise(log_likelihood, draws * chains * posterior.problem.n),
        predictive=posterior_predictive,
    )
    if store is None:
        _require_room(draws, chains, posterior.size)
    else:
        storing.require_storable(store, order)
    require_proper(posterior, data.names)
    with one_linear_algebra_thread():
        mode = _mode(model, data)
        problem = posterior.problem
        start = (
            problem.start
            if mode.fit is None
            else problem.extended(mode.fit.coef, mode.fit.intercept)
        )
        setup = setup_of(posterior, np.ravel(start), order.tune)
        if store is None:
            return execution.in_memory(order, setup, mode, progress, cores)
        return storing.begin(store, order, setup, mode, progress, cores)


def _unpacked(
    chosen: Sampler, model: Model, data: Data, posterior: AnyPosterior
) -> tuple[Data, AnyPosterior]:
    """A dense X for samplers that know no other, if it fits."""
    n, p = data.y.size, data.p
    if not is_sparse(data.X) or (chosen.reduces_rows and posterior.problem.n > p + 1):
        return data, posterior
    if n * p > MOST_NUMBERS:
        raise ModelError(
            f"sampler {chosen.name!r} works on a dense X here, and {n} x {p} are "
            f"{8e-9 * n * p:.0f} GB. A Gaussian likelihood with more rows than columns needs none; "
            "otherwise pass fewer columns, for instance those that find_map leaves off zero"
        )
    data = data.to_dense()
    return data, posed(model, data)


def _pointwise(wanted: bool | None, numbers: int) -> bool:
    from bayesreg.posterior.tree import MANY_NUMBERS

    return numbers <= MANY_NUMBERS if wanted is None else _checks.flag(wanted, "log_likelihood")


def _mode(model: Model, data: Data) -> Mode:
    """The certified mode, or why there is none."""
    from bayesreg.solvers import find_map

    try:
        with warnings.catch_warnings():
            # Recorded in the group as ``unique``: not an obstacle to sampling.
            warnings.simplefilter("ignore", NotUniqueWarning)
            warnings.simplefilter("ignore", LocalModesWarning)
            unknown = noise_prior(model.likelihood) or estimated_dispersion(model.likelihood)
            return Mode(find_map(model, data, target=None if unknown is None else "joint"))
    except (ModelError, NotCertifiedError, NoModeError) as error:
        # A ModelError: bound already, so the model has no finder, which NUTS can do without.
        return Mode(None, str(error))


def _require_room(draws: int, chains: int, size: int) -> None:
    """Without a store all draws of a run are held in memory."""
    if draws * chains * size > MOST_NUMBERS:
        raise ModelError(
            f"draws={draws} x chains={chains} x {size} coefficients are "
            f"{draws * chains * size:.1e} numbers; at most {MOST_NUMBERS:.0e} (8 GB) are held "
            f"in memory. Pass draws of at most {max(1, MOST_NUMBERS // (chains * size))}, or "
            'store="run.zarr" to have them on disk'
        )
