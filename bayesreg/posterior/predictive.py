"""Targets drawn from the likelihood at draws of the posterior, at the rows of the data or new ones.

y* ~ p(y | x*, coef, intercept, ...),    mu = E[y* | x*, coef, intercept, ...]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import DataError, DataTypeError, ModelError
from bayesreg.likelihoods import (
    Dispersed,
    Gaussian,
    has_classes,
    likelihood_of_rows,
    predicted,
)
from bayesreg.posterior.class_rows import by_rows, class_predictors
from bayesreg.posterior.densities import parts
from bayesreg.posterior.order import seed_or_fresh
from bayesreg.posterior.target import with_unknowns_at_one
from bayesreg.solvers.new_rows import new_rows

if TYPE_CHECKING:
    import xarray as xr

    from bayesreg.model import Model

#: At most so many numbers in mu, and in y (1 GiB each).
MOST_NUMBERS = 2**27


def predict(
    post: xr.DataTree,
    X: Any,
    *,
    offset: Any = None,
    trials: Any = None,
    weights: Any = None,
    seed: int | None = None,
) -> xr.DataTree:
    """Predictions at new rows, for every draw of the posterior.

    Parameters
    ----------
    post : xarray.DataTree
        From :func:`bayesreg.sample`, :func:`bayesreg.resume` or :func:`bayesreg.open_run`.
    X : (m, p) array, DataFrame (pandas, polars), pyarrow Table or scipy sparse matrix
        The columns of the data, in their order.
    offset : (m,) array or number, optional
        Added to the linear predictor. Required where the data had one (0.0 for none).
    trials : (m,) array, optional
        For ``Binomial()``, where it is required.
    weights : (m,) array, optional
        Positive precisions of new targets under Gaussian noise, y_i ~ N(eta_i, sigma^2 / s_i).
    seed : int, optional
        The same seed gives the same draws. Without one, fresh entropy is used and recorded in
        ``attrs["seed"]``.

    Returns
    -------
    xarray.DataTree
        With one group, ``posterior_predictive``, of ``mu[chain, draw, obs]``, the mean of the
        likelihood at each draw (the q-quantile under AsymmetricLaplace; for K classes
        ``mu[chain, draw, obs, class]``, the probability of each), and ``y[chain, draw, obs]``, a
        target drawn at each draw. The average of ``mu`` over draws is E[y | data]; quantiles of
        ``y`` bound new observations, those of ``mu`` only their mean.

    Raises
    ------
    DataError, DataTypeError, ModelError
        Naming what cannot be used and where.

    Examples
    --------
    >>> import numpy as np, bayesreg as br
    >>> data = br.Data(np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 2.0]))
    >>> post = br.sample(br.Model(br.Gaussian(sigma=1.0), br.Normal(scale=1.0)), data, seed=1)
    >>> at = br.predict(post, [[3.0], [4.0]], seed=2)["posterior_predictive"]
    >>> at["y"].shape, bool(at["y"].var() > at["mu"].var())
    ((4, 1000, 2), True)
    """
    import xarray as xr

    model, names, needs_offset = _fitted(post)
    more = {"trials": trials, "weights": weights}
    data = new_rows(X, offset, names, needs_offset, _SAY_NAMES, **more)
    if weights is not None and not isinstance(model.likelihood, Gaussian):
        raise ModelError(
            f"weights are precisions of new targets under Gaussian noise; {model.likelihood!r} has "
            "none. Leave weights out"
        )
    if data.weights is not None and np.any(data.weights == 0):
        raise DataError(
            f"weights of new targets must be positive; found 0 in row "
            f"{np.flatnonzero(data.weights == 0)[0]}: the variance sigma^2 / s_i of its target is "
            "infinite. Leave that row out, or weights"
        )
    group = post["posterior"].to_dataset()
    chains, draws = (int(group.sizes[name]) for name in ("chain", "draw"))
    _refuse_offset(model, data)
    classes = group["class"].values if "class" in group.sizes else np.zeros(0)
    width = max(classes.size, 1)
    if chains * draws * data.y.size * width > MOST_NUMBERS:
        most = MOST_NUMBERS // (chains * draws * width)
        raise ModelError(
            f"{data.y.size} rows x {chains * draws} draws{f' x {width} classes' * (width > 1)} "
            f"are more than {MOST_NUMBERS} numbers; "
            f"predict at most {max(1, most)} rows at a time, or from fewer draws"
        )
    seed = seed_or_fresh(seed)
    y = np.empty((chains, draws, data.y.size))
    mu = np.empty((*y.shape, width) if classes.size else y.shape)
    for k, stream in enumerate(np.random.SeedSequence(seed).spawn(chains)):
        _fill(mu[k], y[k], model, data, group, k, np.random.default_rng(stream))
    dims = ("chain", "draw", "obs")
    found = xr.Dataset(
        {"mu": ((*dims, "class")[: mu.ndim], mu), "y": (dims, y)},
        coords={"chain": group["chain"].values, "draw": group["draw"].values,
                "obs": np.arange(data.y.size)} | ({"class": classes} if classes.size else {}),
    )  # fmt: skip
    tree = xr.DataTree.from_dict({"posterior_predictive": found})
    tree.attrs.update(model=repr(model), seed=seed if seed < 2**63 else str(seed))
    return tree


# How the user gets at the names of the columns.
_SAY_NAMES = 'post["posterior"]["feature"].values'


def _fitted(post: Any) -> tuple[Model, tuple[str, ...], bool]:
    """The model, the columns, and whether the data had an offset."""
    from bayesreg.spec import from_text

    groups = getattr(post, "children", {})
    if "posterior" not in groups or "model" not in post.attrs:
        raise DataTypeError(
            f"post must be a DataTree from sample, with a 'posterior' group and the model among "
            f"its attributes; got {type(post).__name__}"
        )
    names = tuple(str(name) for name in post["posterior"]["feature"].values)
    offset = post["constant_data"]["offset"].values if "constant_data" in groups else 0.0
    return from_text(str(post.attrs["model"]), "model"), names, bool(np.any(offset))


def _refuse_offset(model: Model, data: Data) -> None:
    if has_classes(model.likelihood) and np.any(data.offset):
        raise DataError("an offset cancels in the softmax of the classes; leave it out")


def _fill(
    mu: FloatArray,
    y: FloatArray,
    model: Model,
    data: Data,
    group: xr.Dataset,
    k: int,
    rng: np.random.Generator,
) -> None:
    """Chain k."""
    likelihood = likelihood_of_rows(with_unknowns_at_one(model).likelihood, data.trials)
    weights = np.ones(data.y.size) if data.weights is None else data.weights
    coef = group["coef"][k].values
    intercept = group["intercept"][k].values if "intercept" in group else np.zeros(coef.shape[:-1])
    unknown = ("sigma", getattr(likelihood, "dispersion_name", "sigma"))
    scalars = {name: group[name][k].values for name in unknown if name in group}
    for part in parts(len(coef), mu[0].size):
        at = {name: values[part] for name, values in scalars.items()}
        if has_classes(likelihood):
            eta = class_predictors(coef[part], intercept[part], data.X)
            mu[part] = predicted(likelihood, eta.reshape(-1, eta.shape[2])).reshape(eta.shape)
        else:
            eta = coef[part] @ data.X.T + intercept[part, None] + data.offset
            mu[part] = predicted(likelihood, eta)
        y[part] = draw_targets(likelihood, eta, at, weights, rng)


def draw_targets(
    likelihood: Any,
    eta: FloatArray,
    scalars: Mapping[str, FloatArray],
    weights: FloatArray,
    rng: np.random.Generator,
) -> FloatArray:
    """One y for each draw and row; the likelihood has its unknowns at 1.

    Weights are precisions under Gaussian noise, y_i ~ N(eta_i, sigma^2 / s_i); elsewhere they
    weigh rows and say nothing about a new y.
    """
    if isinstance(likelihood, Gaussian):
        sigma = scalars["sigma"][:, None] if "sigma" in scalars else likelihood.noise
        return eta + sigma / np.sqrt(weights) * rng.standard_normal(eta.shape)
    if has_classes(likelihood):
        return by_rows(lambda rows: likelihood.draw(rows, rng), eta)
    name = likelihood.dispersion_name if isinstance(likelihood, Dispersed) else None
    if name is None or name not in scalars:
        drawn: FloatArray = likelihood.draw(eta, rng)
        return drawn
    values = [likelihood.with_dispersion(float(value)) for value in scalars[name]]
    return np.stack([at.draw(row, rng) for at, row in zip(values, eta, strict=True)])
