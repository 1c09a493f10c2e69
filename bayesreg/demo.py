"""The walk-through on the diabetes data: model, mode, proof, twin, posterior, scale, pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bayesreg._tables import Table, number
from bayesreg.comparison import Comparison, compare
from bayesreg.data import Data
from bayesreg.errors import DataError
from bayesreg.likelihoods import Gaussian
from bayesreg.model import Model
from bayesreg.posterior import sample
from bayesreg.priors import Laplace, Normal
from bayesreg.solvers import MapEstimate, find_map, find_map_path
from bayesreg.twin import TwinFit, fit_twin
from bayesreg.wording import describe

#: Noise sd near the residual sd of least squares on these data; scales in units of a coefficient.
SIGMA = 54.0
LAPLACE_SCALE = 60.0
NORMAL_SCALE = 150.0
SCALES = (5.0, 10.0, 20.0, 40.0, 60.0, 100.0, 200.0, 500.0, 2000.0)
#: Per chain, for the table over the scales: tight scales mix more slowly.
SCALE_DRAWS = 2500
PICTURES = ("map_path.png", "map_vs_posterior.png")


@dataclass(frozen=True, eq=False)
class ScaleRow:
    """One line of the table that maps prior scale to lambda."""

    scale: float
    lambda1: float
    alpha: float
    n_nonzero: int
    mode_l1_norm: float
    posterior_mean_l1_norm: float


@dataclass(frozen=True, eq=False)
class Demo:
    """Everything the walk-through shows, as values."""

    words: str
    fit: MapEstimate
    twins: tuple[TwinFit, ...]
    comparison: Comparison
    scales: tuple[ScaleRow, ...]
    pictures: tuple[Path, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "words": self.words,
            "fit": self.fit.to_dict(),
            "twins": [_twin_dict(twin) for twin in self.twins],
            "comparison": self.comparison.to_dict(),
            "scales": [vars(row) for row in self.scales],
            "pictures": [str(path) for path in self.pictures],
        }


def load_diabetes() -> Data:
    """442 patients, 10 centred columns of unit norm (Efron et al. 2004), from scikit-learn."""
    from sklearn.datasets import load_diabetes as load

    frame, target = load(return_X_y=True, as_frame=True)
    return Data(frame, target)


def load_prostate() -> Data:
    """97 men before surgery: log prostate-specific antigen and eight clinical measures.

    Stamey, Kabalin, McNeal, Johnstone, Freiha, Redwine and Yang (1989, Journal of Urology
    141:1076), as in Tibshirani (1996, JRSS B 58:267). Columns in their own units.
    """
    file = Path(__file__).with_name("prostate.csv")
    names = file.read_text().split("\n", 1)[0].split(",")
    table = np.loadtxt(file, delimiter=",", skiprows=1)
    return Data(table[:, :-1], table[:, -1], names=names[:-1])


def run_demo(
    pictures: Path | None = None, *, overwrite: bool = False, seed: int = 1, progress: bool = True
) -> Demo:
    """The walk-through.

    Parameters
    ----------
    pictures : Path, optional
        Directory for the two pictures; none are drawn without it.
    overwrite : bool
        Replace pictures that are already there.
    seed : int
        Of the posterior draws.
    """
    if pictures is not None:
        _require_free(pictures, overwrite)
    data = load_diabetes()
    model = Model(likelihood=Gaussian(sigma=SIGMA), prior=Laplace(scale=LAPLACE_SCALE))
    fit = find_map(model, data)
    normal = Model(likelihood=Gaussian(sigma=SIGMA), prior=Normal(scale=NORMAL_SCALE))
    post = sample(model, data, seed=seed, progress=progress)
    comparison = compare(fit, post)
    return Demo(
        words=describe(model, data),
        fit=fit,
        twins=(fit_twin(model, data, fit), fit_twin(normal, data, find_map(normal, data))),
        comparison=comparison,
        scales=scale_rows(model, data, seed),
        pictures=() if pictures is None else _draw(pictures, model, data, comparison),
    )


def scale_rows(model: Model, data: Data, seed: int) -> tuple[ScaleRow, ...]:
    """Mode and posterior along the prior scale."""
    path = find_map_path(model, data, SCALES)
    rows = []
    for scale, estimate in zip(SCALES, path.estimates, strict=True):
        post = sample(estimate.model, data, draws=SCALE_DRAWS, seed=seed, progress=False)
        draws = post["posterior"]["coef"].transpose("chain", "draw", "feature").values
        rows.append(
            ScaleRow(
                scale=scale,
                lambda1=float(estimate.lambda1[0]),
                alpha=_lasso_alpha(estimate.model, data),
                n_nonzero=data.p - estimate.n_zeros,
                mode_l1_norm=float(np.sum(np.abs(estimate.coef))),
                posterior_mean_l1_norm=float(np.mean(np.sum(np.abs(draws), axis=2))),
            )
        )
    return tuple(rows)


def _lasso_alpha(model: Model, data: Data) -> float:
    from bayesreg.conventions import to_penalty

    return float(to_penalty(model, "sklearn.Lasso", data).parameters["alpha"])


def twin_table(twins: tuple[TwinFit, ...]) -> Table:
    header = ("prior", "twin", "converted parameters", "largest difference of a coefficient",
              "objective above ours (nats)", "same zeros")  # fmt: skip
    rows = []
    for twin in twins:
        shown = {k: v for k, v in twin.penalised.parameters.items() if isinstance(v, float)}
        parameters = ", ".join(f"{name} = {number(value, 6)}" for name, value in shown.items())
        rows.append(
            (repr(twin.model.prior), twin.penalised.target, parameters,
             f"{twin.largest_difference:.1e}",
             f"{twin.excess:.1e}", "yes" if twin.zeros_agree else "NO")
        )  # fmt: skip
    return Table(header, tuple(rows))


def scale_table(rows: tuple[ScaleRow, ...]) -> Table:
    header = ("prior scale", "lambda", "Lasso alpha", "nonzeros at the mode", "||w||_1 at the mode",
              "posterior mean ||w||_1")  # fmt: skip
    return Table(
        header,
        tuple(
            (number(row.scale), number(row.lambda1), number(row.alpha), str(row.n_nonzero),
             number(row.mode_l1_norm), number(row.posterior_mean_l1_norm))
            for row in rows
        ),
    )  # fmt: skip


def certain_zeros(comparison: Comparison) -> str:
    """What the posterior says about the coefficients that the mode puts at exactly 0."""
    lines = []
    for k in np.flatnonzero(comparison.zero_in_mode):
        sure = max(comparison.p_positive[k], 1 - comparison.p_positive[k])
        sign = "positive" if comparison.p_positive[k] > 0.5 else "negative"
        lines.append(
            f"  {comparison.names[k]}: exactly 0 in the mode; in the posterior "
            f"{comparison.mean[k]:+.1f} +- {comparison.sd[k]:.1f}, {sign} with probability "
            f"{sure:.2f}"
        )
    return "\n".join(lines)


def _draw(directory: Path, model: Model, data: Data, comparison: Comparison) -> tuple[Path, ...]:
    import matplotlib.pyplot as plt

    from bayesreg.plots import plot_map_vs_posterior, plot_path

    directory.mkdir(parents=True, exist_ok=True)
    axes = (
        plot_path(find_map_path(model, data, n_scales=150), marked_scale=LAPLACE_SCALE),
        plot_map_vs_posterior(comparison),
    )
    paths = tuple(directory / name for name in PICTURES)
    for ax, path in zip(axes, paths, strict=True):
        ax.figure.savefig(path, dpi=150)  # type: ignore[union-attr]
        plt.close(ax.figure)  # type: ignore[arg-type]
    return paths


def _require_free(directory: Path, overwrite: bool) -> None:
    if directory.exists() and not directory.is_dir():
        raise DataError(f"pictures go into a directory, but {str(directory)!r} is a file")
    taken = [directory / name for name in PICTURES if (directory / name).exists()]
    if taken and not overwrite:
        raise DataError(
            f"{str(taken[0])!r} exists and is not overwritten; pass overwrite=True (--overwrite on "
            "the command line) or another directory"
        )


def _twin_dict(twin: TwinFit) -> dict[str, Any]:
    return {
        "target": twin.penalised.target,
        "parameters": dict(twin.penalised.parameters),
        "largest_difference": twin.largest_difference,
        "excess_nats": twin.excess,
        "zeros_agree": twin.zeros_agree,
    }
