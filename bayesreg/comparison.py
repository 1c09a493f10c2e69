"""compare: the mode beside the posterior, a row per coefficient.

Under a Laplace prior the two tell different things: the mode has exact zeros, the posterior has
none, and how sure a zero is stands only in the posterior.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg import _checks
from bayesreg._tables import Table, number, with_notes
from bayesreg._types import BoolArray, FloatArray
from bayesreg.errors import DataError, DataTypeError, ModelError
from bayesreg.likelihoods import Dispersed, estimated_dispersion, noise_prior
from bayesreg.posterior.diagnostics import diagnose
from bayesreg.solvers import MapEstimate
from bayesreg.spec import from_text

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from rich.console import Console, ConsoleOptions, RenderResult


# Share of a log density that rounding may change.
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Arrays with one entry per coefficient, the intercept last where the model has one.

    Of K classes the coefficients of class 0 come first, then those of class 1, ..., and last the
    K intercepts; names are "0, x1", "1, x1", ..., "0, intercept", as in "coef[0, x1]" of ArviZ.

    Attributes
    ----------
    names : tuple of str
    map : array
        Posterior mode of the whole vector.
    mean, median, sd : arrays
        Of each entry by itself.
    density_mode : array
        Where the density of each entry by itself is highest, from a kernel density estimate: not
        the entry of ``map``, which is where the density of all entries together is.
    hdi_low, hdi_high : arrays
        Ends of the shortest interval that holds ``probability``.
    p_positive : array
        Share of the draws above 0.
    p_rope : array or None
        Share of the draws within ``rope`` of 0.
    rope : float or None
    zero_in_mode : array of bool
        The mode is exactly 0.
    r_hat, ess_bulk, ess_tail : arrays
        NaN for a coefficient that never moves.
    probability : float
    model_text : str
    which_map : str
        Whose mode: of p(coef, intercept | y), or of p(coef, intercept, sigma | y).
    has_intercept : bool
        The last row is the intercept: "intercept", or "(intercept)" beside a column of that name.
    n_classes : int
        K; 1 for one vector of coefficients.
    """

    names: tuple[str, ...]
    map: FloatArray
    mean: FloatArray
    median: FloatArray
    density_mode: FloatArray
    sd: FloatArray
    hdi_low: FloatArray
    hdi_high: FloatArray
    p_positive: FloatArray
    zero_in_mode: BoolArray
    r_hat: FloatArray
    ess_bulk: FloatArray
    ess_tail: FloatArray
    probability: float
    model_text: str
    has_intercept: bool
    which_map: str
    p_rope: FloatArray | None = None
    rope: float | None = None
    n_classes: int = 1

    @property
    def n_intercepts(self) -> int:
        """How many of the last rows are intercepts."""
        return self.n_classes if self.has_intercept else 0

    def to_frame(self) -> pd.DataFrame:
        """A DataFrame indexed by coefficient."""
        import pandas as pd

        columns = ["map", "mean", "median", "density_mode", "sd", "hdi_low", "hdi_high",
                   "p_positive", "zero_in_mode", "r_hat", "ess_bulk", "ess_tail"]  # fmt: skip
        if self.p_rope is not None:
            columns.insert(columns.index("zero_in_mode"), "p_rope")
        values = {name: getattr(self, name) for name in columns}
        return pd.DataFrame(values, index=pd.Index(self.names, name="coefficient"))

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON; NaN becomes None."""
        rows = self.to_frame().to_dict(orient="index")
        return {
            "model": self.model_text,
            "probability": self.probability,
            "rows": {
                str(name): {key: None if value != value else value for key, value in row.items()}
                for name, row in rows.items()
            },
        }

    def to_table(self) -> Table:
        """The rows as text."""
        percent = f"{100 * self.probability:g}%"
        header = ["coefficient", "MAP", "mean", "median", "mode", "sd", f"{percent} HDI",
                  "P(w > 0)", "R-hat", "ESS"]  # fmt: skip
        if self.rope is not None:
            header.insert(header.index("R-hat"), f"P(|w| < {self.rope:g})")
        return Table(tuple(header), tuple(self._row(k) for k in range(len(self.names))))

    def _row(self, k: int) -> tuple[str, ...]:
        ess = min(self.ess_bulk[k], self.ess_tail[k])
        row = [
            self.names[k],
            *(number(part[k]) for part in (self.map, self.mean, self.median)),
            number(self.density_mode[k], 3),
            number(self.sd[k]),
            f"[{number(self.hdi_low[k], 3)}, {number(self.hdi_high[k], 3)}]",
            f"{self.p_positive[k]:.3f}",
        ]
        if self.p_rope is not None:
            row.append(f"{self.p_rope[k]:.3f}")
        row.append("-" if np.isnan(self.r_hat[k]) else f"{self.r_hat[k]:.3f}")
        row.append("-" if np.isnan(ess) else f"{ess:.0f}")
        return tuple(row)

    @property
    def note(self) -> str:
        """Which mode is which, and of what model."""
        return (
            f"MAP: the mode of {self.which_map}, all at once; mode: of each coefficient's own "
            f"density. {self.model_text}"
        )

    def __str__(self) -> str:
        return f"{self.to_table()}\n{self.note}"

    __repr__ = __str__

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from with_notes(self.to_table(), [self.note])

    def _repr_html_(self) -> str:
        from html import escape

        return f"{self.to_table().to_html()}<p>{escape(self.note)}</p>"


def compare(
    fit: MapEstimate, post: xr.DataTree, *, probability: float = 0.95, rope: float | None = None
) -> Comparison:
    """The mode beside the posterior, a row per coefficient (of K classes, for each of them).

    Parameters
    ----------
    fit : MapEstimate
        From :func:`bayesreg.find_map`.
    post : xarray.DataTree
        From :func:`bayesreg.sample`, for the same model.
    probability : float
        Mass of the interval.
    rope : float, optional
        Also the share of the draws within this distance of 0.

    Returns
    -------
    Comparison

    Raises
    ------
    DataTypeError, DataError, ModelError
        When the two are not results for the same model and columns.
    """
    mass = _checks.positive_number(probability, "probability")
    if mass >= 1:
        raise ModelError(f"probability must be below 1; got {mass!r} (0.95 for a 95% interval)")
    width = None if rope is None else _checks.positive_number(rope, "rope")
    names, draws = _draws(fit, post)
    figures = diagnose(draws, names)
    has_intercept = len(names) > fit.coef.size
    modes = np.append(fit.coef, fit.intercept) if has_intercept else np.ravel(fit.coef)
    return Comparison(
        names=names,
        map=modes,
        mean=draws.mean(axis=(0, 1)),
        median=np.median(draws, axis=(0, 1)),
        density_mode=_density_modes(draws),
        sd=draws.std(axis=(0, 1), ddof=1),
        p_positive=np.mean(draws > 0, axis=(0, 1)),
        zero_in_mode=modes == 0.0,
        probability=mass,
        model_text=repr(fit.model),
        has_intercept=has_intercept,
        which_map=_which_map(fit),
        p_rope=None if width is None else np.mean(np.abs(draws) < width, axis=(0, 1)),
        rope=width,
        n_classes=max(len(fit.classes), 1),
        r_hat=figures.rhat,
        ess_bulk=figures.ess_bulk,
        ess_tail=figures.ess_tail,
        **_interval(draws, mass),
    )


def _draws(fit: MapEstimate, post: xr.DataTree) -> tuple[tuple[str, ...], FloatArray]:
    """Names and draws (chain, draw, entry), intercepts last."""
    if not isinstance(fit, MapEstimate):
        raise DataTypeError(f"fit must be a MapEstimate from find_map; got {type(fit).__name__}")
    if "posterior" not in getattr(post, "children", {}):
        raise DataTypeError(
            f"post must be a DataTree from sample, with a 'posterior' group; got "
            f"{type(post).__name__}"
        )
    sampled = str(post.attrs.get("model", repr(fit.model)))
    on_dispersion = _log_prior_of_dispersion(fit, sampled)
    if on_dispersion is None:
        raise ModelError(f"fit is for {fit.model!r}, but post was sampled from {sampled}")
    of_class = ("class",) if fit.classes else ()
    coef = post["posterior"]["coef"].transpose("chain", "draw", *of_class, "feature")
    if tuple(str(name) for name in coef["feature"].values) != fit.names:
        raise DataError("fit and post have different columns; compute both from the same Data")
    _require_same_data(fit, post, on_dispersion)
    labels = [f"{k}, " for k in fit.classes] or [""]
    names = tuple(label + name for label in labels for name in fit.names)
    draws = np.asarray(coef.values, dtype=np.float64).reshape(*coef.shape[:2], -1)
    if "intercept" not in post["posterior"]:
        return names, draws
    intercept = post["posterior"]["intercept"].transpose("chain", "draw", *of_class).values
    last = _intercept_label(fit.names)
    return (
        (*names, *(label + last for label in labels)),
        np.concatenate([draws, intercept.reshape(*draws.shape[:2], -1)], axis=2),
    )


def _log_prior_of_dispersion(fit: MapEstimate, sampled: str) -> float | None:
    """What the density of the model sampled has beside that of the fit's; None for another model.

    A dispersion that was found beside the coefficients is a number in the model of the fit.
    """
    if sampled == repr(fit.model):
        return 0.0
    try:
        model = from_text(sampled, "model")
    except ModelError:
        return None
    prior, likelihood = estimated_dispersion(model.likelihood), model.likelihood
    if prior is None or not isinstance(likelihood, Dispersed):
        return None
    found = fit.scalars.get(likelihood.dispersion_name)
    if found is None:
        return None
    if replace(model, likelihood=likelihood.with_dispersion(found)) != fit.model:
        return None
    return float(np.ravel(prior.log_density(np.array([found])))[0])


def _require_same_data(fit: MapEstimate, post: xr.DataTree, on_dispersion: float) -> None:
    """The density that the fit says it has is the one that it has on the rows sampled."""
    from bayesreg.posterior.tree import sampled_data

    if fit.target == "marginal" or not {"constant_data", "observed_data"} <= set(post.children):
        return
    # With a dispersion found the fit's model has its number.
    sigma = None if noise_prior(fit.model.likelihood) is None else fit.scalars.get("sigma")
    density = on_dispersion + fit.model.log_density(
        sampled_data(post), fit.coef, fit.intercept, sigma=sigma
    )
    if not abs(density - fit.log_density) <= _ROUNDING * (1.0 + abs(fit.log_density)):
        raise DataError(
            f"fit and post are of different data: log p(y, mode) is {fit.log_density:.6g} where "
            f"the fit was made and {density:.6g} on the rows of post. Compute both from the same "
            "Data"
        )


def _intercept_label(names: tuple[str, ...]) -> str:
    """Rows are looked up by name: no column may have the same."""
    label = "intercept"
    while label in names:
        label = f"({label})"
    return label


def _interval(draws: FloatArray, probability: float) -> dict[str, FloatArray]:
    from arviz_stats.base import array_stats

    ends = np.asarray(array_stats.hdi(draws, prob=probability, axis=[0, 1]))
    return {"hdi_low": ends[..., 0], "hdi_high": ends[..., 1]}


def _density_modes(draws: FloatArray) -> FloatArray:
    """The highest point of a kernel density estimate of each entry; a constant is its own."""
    from arviz_stats.base import array_stats

    found = np.empty(draws.shape[2])
    for k in range(found.size):
        values = np.ravel(draws[:, :, k])
        if np.ptp(values) == 0:
            found[k] = values[0]
            continue
        grid, density, _ = array_stats.kde(values)
        found[k] = grid[int(np.argmax(density))]
    return found


def _which_map(fit: MapEstimate) -> str:
    """The density that the mode is of."""
    entries = ["coef"] + (["intercept"] if fit.model.intercept is not None else [])
    return f"p({', '.join([*entries, *fit.scalars])} | y)"
