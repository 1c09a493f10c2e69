"""sensitivity: how far the posterior follows the prior, and how far the likelihood.

Power-scaling (Kallioinen, Paananen, Buerkner and Vehtari, 2023): the posterior with the prior, or
the likelihood, raised to a power near 1, by Pareto-smoothed importance sampling of the draws at
hand. And, in the words of this package, the means with every prior scale halved and doubled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg import _checks
from bayesreg._tables import Table, number, with_notes
from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import DataTypeError, ModelError
from bayesreg.model import Model, unknown_scales
from bayesreg.posterior.densities import Parameters, log_prior
from bayesreg.posterior.target import pose
from bayesreg.priors import Flat

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from rich.console import Console, ConsoleOptions, RenderResult

# Beyond this the importance weights cannot be trusted (Vehtari et al., 2024).
LARGEST_K = 0.7


@dataclass(frozen=True, eq=False, repr=False)
class Sensitivity:
    """A row per coefficient, the intercept and every scalar.

    Attributes
    ----------
    names : tuple of str
    prior, likelihood : arrays
        Distance that the density moves per doubling of the power, by ``arviz_stats.psense``.
    threshold : float
        Beyond it a value counts as sensitive.
    mean, mean_halved, mean_doubled : arrays
        Posterior means at the prior scale, at half of it and at twice; NaN where the importance
        weights cannot be trusted (``k_halved`` or ``k_doubled`` above 0.7), or the scale is
        unknown.
    k_halved, k_doubled : float
        Pareto k of the weights.
    """

    names: tuple[str, ...]
    prior: FloatArray
    likelihood: FloatArray
    threshold: float
    mean: FloatArray
    mean_halved: FloatArray
    mean_doubled: FloatArray
    k_halved: float
    k_doubled: float

    @property
    def diagnosis(self) -> tuple[str, ...]:
        """What each row says: an empty text where the likelihood speaks and the prior does not."""
        return tuple(
            _words(prior > self.threshold, likelihood > self.threshold)
            for prior, likelihood in zip(self.prior, self.likelihood, strict=True)
        )

    def to_frame(self) -> pd.DataFrame:
        """A DataFrame indexed by parameter."""
        import pandas as pd

        columns = ("prior", "likelihood", "mean", "mean_halved", "mean_doubled", "diagnosis")
        values = {name: getattr(self, name) for name in columns}
        return pd.DataFrame(values, index=pd.Index(self.names, name="parameter"))

    def to_table(self) -> Table:
        """The rows as text."""
        rows = zip(
            self.names, self.prior, self.likelihood, self.mean_halved, self.mean,
            self.mean_doubled, self.diagnosis, strict=True,
        )  # fmt: skip
        header = (
            "parameter",
            "prior",
            "likelihood",
            "mean, scale/2",
            "mean",
            "mean, scale x 2",
            "",
        )
        return Table(
            header,
            tuple(
                (name, f"{a:.3f}", f"{b:.3f}", _shown(half), number(mean), _shown(double), words)
                for name, a, b, half, mean, double, words in rows
            ),
        )

    @property
    def note(self) -> str:
        """What the columns are, and why a mean is missing."""
        text = (
            "prior, likelihood: movement per doubling of their power; above "
            f"{self.threshold:g} the posterior is sensitive to it."
        )
        if np.isnan(self.k_halved) and np.isnan(self.k_doubled):
            return f"{text} -: no scale to halve and double; it is unknown, or every prior is flat."
        tried = {"halved": self.k_halved, "doubled": self.k_doubled}
        bad = [f"{name} (k = {k:.2f})" for name, k in tried.items() if k > LARGEST_K]
        if bad:
            text += (
                f" The scale {' and '.join(bad)} moves the posterior too far to be reweighted: "
                "sample again at model.rescaled(0.5) and model.rescaled(2.0)."
            )
        return text

    def __str__(self) -> str:
        return f"{self.to_table()}\n{self.note}"

    __repr__ = __str__

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from with_notes(self.to_table(), [self.note])

    def _repr_html_(self) -> str:
        from html import escape

        return f"{self.to_table().to_html()}<p>{escape(self.note)}</p>"


def _shown(value: float) -> str:
    return "-" if np.isnan(value) else number(value)


def _words(prior: bool, likelihood: bool) -> str:
    if prior and likelihood:
        return "prior and data pull against each other"
    if prior:
        return "mostly the prior"
    return "" if likelihood else "neither moves it"


def sensitivity(post: xr.DataTree, *, threshold: float = 0.05) -> Sensitivity:
    """How the posterior would move with its prior and with its likelihood.

    Parameters
    ----------
    post : xarray.DataTree
        From :func:`bayesreg.sample`, with its ``log_likelihood`` group.
    threshold : float
        Beyond it a power-scaling value counts as sensitive.

    Returns
    -------
    Sensitivity

    Raises
    ------
    DataTypeError, ModelError
        For what is no such result, or one without log likelihoods.
    """
    threshold = _checks.positive_number(threshold, "threshold")
    model, data, drawn = _read(post)
    names, columns = _columns(data.names, drawn)
    prior, likelihood = (_power_scaled(post, part, drawn) for part in ("prior", "likelihood"))
    halved, doubled = (_rescaled(model, data, drawn, columns, t) for t in (0.5, 2.0))
    return Sensitivity(
        names, prior, likelihood, threshold, columns.mean(axis=(0, 1)),
        halved[0], doubled[0], halved[1], doubled[1],
    )  # fmt: skip


def _read(post: Any) -> tuple[Model, Data, Parameters]:
    """Model, data and draws of a result."""
    from bayesreg.posterior.tree import sampled_data
    from bayesreg.spec import from_text

    groups = getattr(post, "children", {})
    if "posterior" not in groups or "model" not in getattr(post, "attrs", {}):
        raise DataTypeError(
            f"post must be a DataTree from bayesreg.sample; got {type(post).__name__}"
        )
    if "log_likelihood" not in groups:
        raise ModelError(
            "sensitivity needs the log likelihood of each row: sample(..., log_likelihood=True)"
        )
    model = from_text(str(post.attrs["model"]))
    if not isinstance(model, Model):
        raise DataTypeError("post holds no model of bayesreg's")
    group, data = post["posterior"], sampled_data(post)
    scalars = {name: group[name].values for name in pose(model, data).scalars}
    intercept = group["intercept"].values if "intercept" in group else None
    coef = group["coef"].transpose("chain", "draw", "feature").values
    return model, data, Parameters(coef, intercept, scalars)


def _columns(names: tuple[str, ...], drawn: Parameters) -> tuple[tuple[str, ...], FloatArray]:
    """All parameters side by side, shape (chains, draws, k)."""
    parts = [drawn.coef]
    labels = list(names)
    if drawn.intercept is not None:
        parts.append(drawn.intercept[..., None])
        labels.append("intercept")
    for name, values in drawn.scalars.items():
        parts.append(values[..., None])
        labels.append(name)
    return tuple(labels), np.concatenate(parts, axis=2)


def _power_scaled(post: Any, group: str, drawn: Parameters) -> FloatArray:
    """arviz_stats' psense for every parameter, in the order of ``_columns``."""
    from arviz_stats import psense

    wanted = ["coef"] + (["intercept"] if drawn.intercept is not None else [])
    found = psense(post, var_names=[*wanted, *drawn.scalars], group=group)
    return np.concatenate([np.ravel(found[name].values) for name in [*wanted, *drawn.scalars]])


def _rescaled(
    model: Model, data: Data, drawn: Parameters, columns: FloatArray, factor: float
) -> tuple[FloatArray, float]:
    """Means of the posterior at another prior scale, by importance sampling, and Pareto k."""
    from arviz_stats.base import array_stats

    nothing = np.full(columns.shape[2], np.nan)
    priors = model.priors if model.intercept is None else model.priors[:-1]
    if unknown_scales(model) or all(isinstance(prior, Flat) for prior in priors):
        return nothing, float("nan")
    other = model.rescaled(factor)
    there, here = (
        np.sum(log_prior(each, data, pose(each, data), drawn)["coef"], axis=2)
        for each in (other, model)
    )
    # psislw takes what is to be divided by: minus the logarithm of the weights.
    log_weights, k = array_stats.psislw(np.ravel(here - there), r_eff=1.0)
    if not float(k) <= LARGEST_K:
        return nothing, float(k)
    weights = np.exp(log_weights - np.max(log_weights))
    flat = columns.reshape(-1, columns.shape[2])
    return np.asarray(weights @ flat / np.sum(weights)), float(k)
