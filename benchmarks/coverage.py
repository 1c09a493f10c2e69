"""How often 90% intervals of the posterior hold the truth, and what refitting a selection does.

    python -m benchmarks.coverage [--replications 400] [--seed 1] [--readme]

Truths drawn from the prior: whatever the data, 90% of the intervals must hold them (aim: 90 +- 2%),
for correct draws of the posterior and for nothing else.  Sparse fixed truths: nobody promises a
coverage there; ours is reported beside "refit least squares on the columns that LassoCV selected".
Intervals are the highest-density ones of ``bayesreg.compare``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.stats import t as student_t

import bayesreg as br
from benchmarks import report

PROBABILITY = 0.9
AIM = 0.02
#: A row per design: n observations of p columns, neighbours correlated by one half.
DESIGNS = ((60, 10), (15, 25))
PRIORS = (br.Laplace(0.5), br.Normal(0.7))
NOISES = (1.0, br.HalfNormal(1.5))
SPARSE_TRUTH = np.array([1.0, 0.5, 0.25, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])


@dataclass(frozen=True)
class Intervals:
    """Ends, truths and the number of the data set they come from; a row per interval."""

    low: np.ndarray
    high: np.ndarray
    truth: np.ndarray
    data_set: np.ndarray

    @property
    def covers(self) -> np.ndarray:
        return (self.low <= self.truth) & (self.truth <= self.high)

    def where(self, rows: np.ndarray) -> Intervals:
        parts = (self.low, self.high, self.truth, self.data_set)
        return Intervals(*(part[rows] for part in parts))

    def coverage(self) -> tuple[float, float]:
        """Share that holds the truth and its standard error, data sets being independent."""
        share = float(np.mean(self.covers))
        excess = np.bincount(self.data_set, self.covers - share)
        return share, float(np.sqrt(np.sum(excess**2))) / self.covers.size


def gather(rows: Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Intervals:
    """One Intervals from (low, high, truth) of every data set."""
    found = list(rows)
    low, high, truth = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Intervals(low, high, truth, np.repeat(np.arange(len(found)), [len(f[0]) for f in found]))


def design(n: int, p: int, rng: np.random.Generator) -> np.ndarray:
    """Standard normal columns, neighbours correlated by 1/2: x_j = x_(j-1)/2 + sqrt(3)/2 e_j."""
    X = rng.normal(size=(n, p))
    for j in range(1, p):
        X[:, j] = 0.5 * X[:, j - 1] + np.sqrt(0.75) * X[:, j]
    return X


def draw_truth(
    prior: br.Laplace | br.Normal, noise: float | br.HalfNormal, p: int, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Coefficients and sigma from their priors, by NumPy alone."""
    family = rng.laplace if isinstance(prior, br.Laplace) else rng.normal
    sigma = noise if isinstance(noise, float) else abs(rng.normal(scale=noise.scale))
    return family(scale=prior.scale, size=p), sigma


def credible(model: br.Model, data: br.Data, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the intervals of the coefficients, and of sigma last where it is unknown."""
    from arviz_stats.base import array_stats

    options = {"progress": False, "log_likelihood": False, "cores": 1}
    post = br.sample(model, data, seed=seed, **options)["posterior"]
    draws = post["coef"].transpose("chain", "draw", "feature").values
    if "sigma" in post:
        draws = np.concatenate([draws, post["sigma"].values[..., None]], axis=2)
    ends = array_stats.hdi(draws, prob=PROBABILITY, axis=[0, 1])
    return ends[:, 0], ends[:, 1]


def over_prior_drawn_truths(
    prior: br.Laplace | br.Normal, noise: float | br.HalfNormal, n: int, p: int,
    replications: int, seed: int, *, believed: br.Laplace | br.Normal | None = None,
) -> Intervals:  # fmt: skip
    """Intervals of the posterior under ``believed``, by default the prior that drew the truth.

    Rows of sigma follow those of the p coefficients of each data set.
    """
    model = br.Model(br.Gaussian(noise), prior if believed is None else believed)

    def data_sets() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        for k in range(replications):
            rng = np.random.default_rng([seed, k])
            coef, sigma = draw_truth(prior, noise, p, rng)
            X = design(n, p, rng)
            data = br.Data(X, 1.0 + X @ coef + sigma * rng.normal(size=n))
            truth = coef if isinstance(noise, float) else np.append(coef, sigma)
            yield (*credible(model, data, k), truth)

    return gather(data_sets())


def refitted_selection(data: br.Data, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Student-t intervals of least squares on the columns that LassoCV kept; NaN for the others.

    Honest if the columns had been chosen before the data; they were not.
    """
    from sklearn.linear_model import LassoCV

    kept = np.flatnonzero(LassoCV(cv=5, random_state=seed).fit(data.X, data.y).coef_)
    Z = np.column_stack([np.ones(data.n), np.asarray(data.X)[:, kept]])
    inverse = np.linalg.inv(Z.T @ Z)
    estimate = inverse @ (Z.T @ data.y)
    freedom = data.n - Z.shape[1]
    variance = np.sum((data.y - Z @ estimate) ** 2) / freedom
    reach = student_t.ppf((1 + PROBABILITY) / 2, freedom) * np.sqrt(variance * np.diag(inverse))
    low, high = np.full(data.p, np.nan), np.full(data.p, np.nan)
    low[kept], high[kept] = (estimate - reach)[1:], (estimate + reach)[1:]
    return low, high


def over_sparse_truths(
    intervals: Callable[[br.Data, int], tuple[np.ndarray, np.ndarray]], replications: int, seed: int
) -> Intervals:
    """Intervals of the coefficients over data sets with the one truth, sigma 1, n = 60."""

    def data_sets() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        for k in range(replications):
            rng = np.random.default_rng([seed, k])
            X = design(60, SPARSE_TRUTH.size, rng)
            data = br.Data(X, 1.0 + X @ SPARSE_TRUTH + rng.normal(size=60))
            low, high = intervals(data, k)
            yield low[: data.p], high[: data.p], SPARSE_TRUTH

    return gather(data_sets())


def sparse_methods() -> dict[str, Callable[[br.Data, int], tuple[np.ndarray, np.ndarray]]]:
    """Our two priors at the scale whose mean |w| is the truth's, sigma unknown; and the naive."""
    mean = float(np.mean(np.abs(SPARSE_TRUTH)))
    scales = {"Laplace": mean, "Normal": mean * np.sqrt(np.pi / 2)}
    priors = {name: getattr(br, name)(scale) for name, scale in scales.items()}
    ours = {
        f"posterior, {name}({prior.scale:.3g}), sigma ~ {NOISES[1]!r}": (
            lambda data, k, prior=prior: credible(br.Model(br.Gaussian(NOISES[1]), prior), data, k)
        )
        for name, prior in priors.items()
    }
    return ours | {"least squares refitted on LassoCV's selection": refitted_selection}


def percent(intervals: Intervals) -> str:
    share, error = intervals.coverage()
    return f"{100 * share:.1f} +- {100 * error:.1f}"


def verdict(intervals: Intervals) -> str:
    return "met" if abs(intervals.coverage()[0] - PROBABILITY) <= AIM else "missed"


def prior_drawn_table(replications: int, seed: int) -> str:
    """Coverage in percent with its standard error, a row per model and design."""
    lines = [
        "| prior of the truth and of the model | sigma | n, p | coefficients | sigma | 90 +- 2 |",
        "|---|---|---|---|---|---|",
    ]
    print("\n".join(lines))
    for prior, noise, (n, p) in product(PRIORS, NOISES, DESIGNS):
        found = over_prior_drawn_truths(prior, noise, n, p, replications, seed)
        known = isinstance(noise, float)
        last = np.zeros(found.truth.size, bool)
        if not known:
            last[p :: p + 1] = True
        coef = found.where(~last)
        of_sigma = "" if known else percent(found.where(last))
        lines.append(
            f"| {prior!r} | {noise!r} | {n}, {p} | {percent(coef)} | {of_sigma} | {verdict(coef)} |"
        )
        print(lines[-1], flush=True)
    return "\n".join(lines)


def sparse_table(replications: int, seed: int) -> str:
    """Coverage of each size of coefficient, among those that have an interval."""
    sizes = np.unique(SPARSE_TRUTH)[::-1]
    heads = [f"w = {size:g}" for size in sizes]
    lines = [f"| intervals | {' | '.join(heads)} | mean width |", "|---" * (len(sizes) + 2) + "|"]
    print("\n" + "\n".join(lines))
    for name, intervals in sparse_methods().items():
        found = over_sparse_truths(intervals, replications, seed)
        cells = [_sparse_cell(found.where(found.truth == size)) for size in sizes]
        width = float(np.nanmean(found.high - found.low))
        lines.append(f"| {name} | {' | '.join(cells)} | {width:.2f} |")
        print(lines[-1], flush=True)
    return "\n".join(lines)


def _sparse_cell(found: Intervals) -> str:
    given = found.where(np.isfinite(found.low))
    share = 100 * given.truth.size / found.truth.size
    return percent(given) + ("" if share == 100 else f" of the {share:.0f}% selected")


def main() -> None:
    parser = report.parser("coverage", __doc__)
    parser.add_argument("--replications", type=int, default=400, help="data sets per row")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--readme", action="store_true", help="rewrite the table of README.md")
    options = parser.parse_args()
    tables = [
        make(options.replications, options.seed) for make in (prior_drawn_table, sparse_table)
    ]
    note = f"{options.replications} data sets per row, seed {options.seed}. {report.stamp()}"
    print(note)
    if options.readme:
        report.rewrite_readme("coverage", "\n\n".join([*tables, note]))


if __name__ == "__main__":
    main()
