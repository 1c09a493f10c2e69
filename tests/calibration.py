"""Calibration of every sampler at full size: ``python -m tests.calibration``.

Each row of CASES is a model with proper priors, a design, and mutants: models that differ from the
sampler's own by what a bug would change. The sampler must be calibrated, and a sampler told the
mutant must not be: the power of the test is the share of batches of 1000 replications in which it
is found out. With n < p and informative priors, since a vague prior hides errors.

    python -m tests.calibration                    print, all rows
    python -m tests.calibration --only coordinate  rows whose name contains this
    python -m tests.calibration --keep             write tests/reference/calibration.md and .json;
                                                   rows that are not run again stay as they are
"""

import argparse
import json
import sys
import time
import zlib
from dataclasses import dataclass, field, replace
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np

from bayesreg import (
    AsymmetricLaplace,
    Bernoulli,
    Binomial,
    Data,
    ElasticNet,
    Exponential,
    Gaussian,
    GroupLaplace,
    HalfNormal,
    Horseshoe,
    InverseGamma,
    Laplace,
    Model,
    NegativeBinomial,
    Normal,
    Poisson,
    StudentT,
    Truncated,
    Uniform,
)
from bayesreg.posterior.choice import SAMPLERS
from bayesreg.testing.samplers import calibrate, geweke

REFERENCE = Path(__file__).parent / "reference"
#: Replications in which power is counted, the size of the ordinary tests.
BATCH = 1000
#: The chance that a right set of samplers fails.
LEVEL = 0.01

SIGMA = InverseGamma(3.0, 3.0)
SCALE = InverseGamma(3.0, 1.5)
WEIGHTS = np.array([0.5, 1.0, 2.0, 1.5, 0.7, 1.2, 0.9, 1.0])


@dataclass(frozen=True)
class Case:
    """One sampler under one model.

    ``mutants`` are by name the models that the sampler is told instead; ``thin`` is wide enough
    for nearly independent draws; ``transitions`` is the length of Geweke's test, 0 for none;
    ``repeats`` is how many times as many replications as usual show every mutant: where the rows
    outweigh the prior, or its tails are heavy, a prior 25% wider changes little.
    """

    sampler: str
    name: str
    model: Model
    n: int
    p: int = 4
    thin: int = 8
    tune: int = 100
    transitions: int = 10_000
    repeats: int = 1
    mutants: dict = field(default_factory=dict)

    @property
    def label(self):
        return f"{self.sampler}-{self.name}-{'n<p' if self.n < self.p else 'n>p'}"

    @property
    def data(self):
        """A fixed design with weights; y is drawn in each replication."""
        rng = np.random.default_rng([self.n, self.p])
        weights = np.resize(WEIGHTS, self.n)
        y = np.ones(self.n)
        if not isinstance(self.model.likelihood, Gaussian):
            weights = None
        binomial = isinstance(self.model.likelihood, Binomial)
        trials = np.resize([3.0, 5.0], self.n) if binomial else None
        return Data(rng.normal(size=(self.n, self.p)), y, weights=weights, trials=trials)


def told(model, prior=None, **noise):
    """A model with another prior, or another density of the noise: sigma, s."""
    likelihood = replace(model.likelihood, **noise) if noise else model.likelihood
    return replace(model, likelihood=likelihood, prior=model.prior if prior is None else prior)


def steeper(density):
    """p(s) / s for an inverse gamma: one contrast too many in the update of sigma (n for n - 1),
    or one coefficient too many in that of the scale."""
    return InverseGamma(density.shape + 0.5, density.scale)


def with_scale(prior, change):
    """The prior with its random scale's density changed, inside bounds too."""
    if isinstance(prior, Truncated):
        return replace(prior, prior=with_scale(prior.prior, change))
    return replace(prior, scale=change(prior.scale))


def random_scale(prior):
    """The density of a prior's scale; None where that is a number."""
    inner = prior.prior if isinstance(prior, Truncated) else prior
    scale = getattr(inner, "scale", None)
    return scale if isinstance(scale, InverseGamma) else None


def wider(prior):
    """The scale of a prior wrong by 25%; of a random scale, its density's; of a box, its width."""
    if isinstance(prior, dict):
        return {key: wider(part) for key, part in prior.items()}
    if random_scale(prior):
        return with_scale(prior, lambda s: InverseGamma(s.shape, s.scale * 1.25**2))
    if isinstance(prior, Uniform):
        return Uniform(prior.lower * 1.25, prior.upper * 1.25)
    return prior.rescaled(1.25, 1.25**2)


def mutants(model):
    """Every mutant that the model has room for."""
    found = {"prior 25% wider": told(model, prior=wider(model.prior))}
    for name in ("sigma", "s"):
        density = getattr(model.likelihood, name, None)
        if isinstance(density, InverseGamma):
            found[f"n for n - 1 in {name}"] = told(model, **{name: steeper(density)})
    if random_scale(model.prior):
        found["power of scale"] = told(model, prior=with_scale(model.prior, steeper))
    return found


def cases(sampler, name, model, repeats=(1, 1), **options):
    """A model at n < p and at n > p."""
    return [Case(sampler, name, model, n, mutants=mutants(model), repeats=more, **options)
            for n, more in zip((3, 8), repeats, strict=True)]  # fmt: skip


NUTS = {"thin": 4, "tune": 200, "transitions": 0}
KNOWN, NOISE, PROPER = Gaussian(1.0), Gaussian(SIGMA), Normal(1.0)

#: Every sampler x prior, at both sizes. A new one is one line.
CASES = [
    *cases("exact", "normal", Model(KNOWN, Normal(0.7, loc=0.2), PROPER), thin=1),
    *cases("exact", "sigma", Model(NOISE, Normal(0.7, loc=0.2), PROPER), thin=1),
    *cases("exact", "scale", Model(KNOWN, Normal(SCALE)), transitions=0, thin=1),
    *cases("exact", "sigma-scale", Model(NOISE, Normal(SCALE), None), thin=1),
    *cases("exact", "relative-scale",
           Model(NOISE, Normal(SCALE, relative_to_noise=True)), transitions=0, thin=1),
    *cases("gibbs", "laplace", Model(KNOWN, Laplace(0.7, loc=0.2), PROPER)),
    *cases("gibbs", "laplace-no-intercept", Model(KNOWN, Laplace(0.7), None)),
    *cases("gibbs", "laplace-flat-intercept", Model(KNOWN, Laplace(0.7)), transitions=0),
    *cases("gibbs", "elastic-net", Model(KNOWN, ElasticNet(0.7, 1.0), Laplace(0.5))),
    *cases("gibbs", "mixed", Model(KNOWN, {"x[01]": Laplace(0.7), "x[23]": Normal(0.5)}, PROPER)),
    *cases("gibbs", "laplace-sigma", Model(NOISE, Laplace(0.7, loc=0.2), PROPER)),
    *cases("gibbs", "laplace-relative", Model(NOISE, Laplace(0.7, relative_to_noise=True), PROPER)),
    *cases("gibbs", "laplace-scale", Model(NOISE, Laplace(SCALE), PROPER), (1, 4), thin=16),
    *cases("gibbs", "laplace-relative-scale",
           Model(NOISE, Laplace(SCALE, relative_to_noise=True)), transitions=0, thin=16),
    *cases("gibbs", "elastic-net-sigma", Model(NOISE, ElasticNet(0.7, 1.0), PROPER)),
    *cases("gibbs", "elastic-net-scale", Model(NOISE, ElasticNet(1.0, 1.5, scale=SCALE), PROPER),
           thin=16),
    *cases("gibbs", "student-t", Model(NOISE, StudentT(3.0, 0.7, loc=0.2), PROPER), (1, 4)),
    *cases("gibbs", "student-t-scale", Model(NOISE, StudentT(3.0, SCALE), PROPER), (4, 4), thin=16),
    *cases("gibbs", "group-laplace", Model(NOISE, GroupLaplace(0.7, groups=[0, 0, 1, 1]), PROPER),
           (1, 8)),
    *cases("gibbs", "group-laplace-scale",
           Model(NOISE, GroupLaplace(SCALE, groups=[0, 0, 1, 1]), PROPER), thin=16),
    # Without Geweke's test: draws of a Horseshoe prior alone mix too slowly for its errors.
    *cases("gibbs", "horseshoe", Model(NOISE, Horseshoe(0.7), PROPER), (4, 8), thin=32,
           transitions=0),
    *cases("gibbs", "horseshoe-scale", Model(NOISE, Horseshoe(SCALE), PROPER), thin=32,
           transitions=0),
    *cases("polya-gamma", "bernoulli", Model(Bernoulli(), Laplace(0.7, loc=0.2), PROPER)),
    *cases("polya-gamma", "binomial", Model(Binomial(), Normal(0.7), PROPER)),
    # Without Geweke's test: the metric depends on the data.
    *cases("nuts", "bernoulli", Model(Bernoulli(), Laplace(0.7, loc=0.2), PROPER), **NUTS),
    *cases("nuts", "binomial", Model(Binomial(), Normal(SCALE), PROPER), **NUTS),
    *cases("nuts", "poisson", Model(Poisson(), Laplace(0.5), PROPER), **NUTS),
    *cases("nuts", "negative-binomial", Model(NegativeBinomial(1.0), Normal(0.5), PROPER), **NUTS),
    *cases("nuts", "student-t", Model(StudentT(4.0, sigma=1.0), Laplace(0.7), PROPER), **NUTS),
    *cases("nuts", "student-t-sigma",
           Model(StudentT(4.0, sigma=SIGMA), Laplace(0.7), PROPER), **NUTS),
    *cases("nuts", "asymmetric-laplace-s",
           Model(AsymmetricLaplace(0.3, SCALE), Laplace(0.7), PROPER), **NUTS),
    *cases("nuts", "student-t-scale", Model(Bernoulli(), StudentT(4.0, SCALE), PROPER), **NUTS),
    *cases("nuts", "gaussian", Model(NOISE, Laplace(SCALE), PROPER), **NUTS),
    *cases("coordinate", "half-normal", Model(NOISE, HalfNormal(0.7), PROPER)),
    *cases("coordinate", "exponential", Model(NOISE, Exponential(0.7), PROPER)),
    *cases("coordinate", "half-normal-scale", Model(NOISE, HalfNormal(SCALE), PROPER)),
    *cases("coordinate", "exponential-scale", Model(NOISE, Exponential(SCALE), PROPER), (1, 4)),
    *cases("coordinate", "uniform", Model(NOISE, Uniform(-0.5, 1.0), PROPER)),
    *cases("coordinate", "laplace", Model(NOISE, Laplace(SCALE, loc=0.2), PROPER), thin=16),
    *cases("coordinate", "positive-laplace",
           Model(NOISE, Truncated(Laplace(SCALE), lower=0.0), PROPER)),
    *cases("coordinate", "positive-relative-flat-intercept",
           Model(NOISE, Truncated(Laplace(SCALE, relative_to_noise=True), lower=0.0)),
           transitions=0),
    *cases("coordinate", "laplace-off-loc",
           Model(NOISE, Truncated(Laplace(SCALE, 0.2, relative_to_noise=True), -0.3, 1.5), PROPER)),
    *cases("coordinate", "normal-off-loc",
           Model(KNOWN, Truncated(Normal(SCALE, loc=0.2), lower=0.3), PROPER)),
    *cases("coordinate", "elastic-net-relative",
           Model(NOISE, Truncated(ElasticNet(0.7, 1.0, 0.2, True), upper=0.5), None), (1, 2)),
    *cases("coordinate", "student-t",
           Model(NOISE, Truncated(StudentT(3.0, 0.7, loc=0.2), lower=-0.5), PROPER)),
    *cases("coordinate", "student-t-relative",
           Model(NOISE, Truncated(StudentT(3.0, 0.7, relative_to_noise=True), lower=0.0), PROPER)),
    *cases("coordinate", "horseshoe",
           Model(NOISE, Truncated(Horseshoe(SCALE), lower=0.0), PROPER), transitions=0),
    *cases("coordinate", "mixed",
           Model(NOISE, {"x0": HalfNormal(0.7), "x1": Laplace(SCALE), "x[23]": Uniform(-1, 0.5)},
                 PROPER), (1, 4)),
]  # fmt: skip

#: What the adjusted p-value of each case must exceed, and of a mutant must not.
FAMILY_LEVEL = LEVEL / len(CASES)


def seed_of(case, seed):
    """Another stream for every case, whatever its place in the table."""
    return zlib.crc32(f"{case.label} {seed}".encode())


def assess(case, replications, seed):
    """Everything that is printed of one case."""
    row, data, seed = SAMPLERS[case.sampler], case.data, seed_of(case, seed)
    replications *= case.repeats
    start = time.process_time()
    options = {"thin": case.thin, "tune": case.tune}
    found = calibrate(row, case.model, data, replications=replications, seed=seed, **options)
    quantity, p = found.worst
    result = {
        "case": case.label, "n": case.n, "p": case.p, "model": repr(case.model),
        "replications": replications, "quantities": list(found.labels),
        "chi_square": found.chi_square.tolist(),
        "kolmogorov_smirnov": found.kolmogorov_smirnov.tolist(),
        "smallest_adjusted_p": p, "worst": quantity, "mutants": {}, "date": str(date.today()),
    }  # fmt: skip
    for name, model in case.mutants.items():
        wrong = calibrate(
            row, case.model, data, told=model, replications=replications, seed=seed + 1, **options
        )
        caught = [
            batch.worst[1] < FAMILY_LEVEL for batch in wrong.batches(min(BATCH, replications))
        ]
        result["mutants"][name] = {
            "smallest_adjusted_p": wrong.worst[1], "power": float(np.mean(caught)),
            "batches": len(caught),
        }  # fmt: skip
    if case.transitions:
        joint = geweke(row, case.model, data, transitions=case.transitions,
                       tune=case.tune, seed=seed)  # fmt: skip
        result["geweke"] = {"smallest_adjusted_p": joint.worst[1], "worst": joint.worst[0],
                            "largest_z": float(np.max(np.abs(joint.z)))}  # fmt: skip
    result["passed"] = passed(result)
    result["seconds"] = round(time.process_time() - start, 1)
    return result


def passed(result):
    """Calibrated, and every mutant found at full size."""
    joint = result.get("geweke", {"smallest_adjusted_p": 1.0})
    return bool(
        result["smallest_adjusted_p"] > FAMILY_LEVEL
        and joint["smallest_adjusted_p"] > FAMILY_LEVEL
        and all(m["smallest_adjusted_p"] < FAMILY_LEVEL for m in result["mutants"].values())
    )


def line(result):
    """A row of the table."""
    powers = "; ".join(f"{name}: {m['power']:.2f}" for name, m in result["mutants"].items())
    joint = result.get("geweke")
    shown = "-" if joint is None else f"{joint['smallest_adjusted_p']:.2g}"
    return (
        f"| {result['case']} | {result['replications']} | {min(result['chi_square']):.2g} | "
        f"{min(result['kolmogorov_smirnov']):.2g} | {result['smallest_adjusted_p']:.2g} "
        f"({result['worst']}) | {shown} | {powers} | {'yes' if result['passed'] else 'NO'} | "
        f"{result['seconds']} | {result['date']} |"
    )


HEADER = """# Calibration of the samplers

Written by `python -m tests.calibration --keep` on {date}; {versions}; seed {seed}.
Ranks of every coefficient, the intercept (where proper), sigma, scales, the log prior and the
joint log likelihood among {kept} draws; 16 bins. *chi-square*, *KS*: the smallest raw p-value over
the quantities. *adjusted*: the smallest after Holm's adjustment over both tests and all quantities.
*Geweke*: the smallest adjusted p-value of the joint distribution test. *power*: the share of
batches of {batch} replications in which a mutant is found. A case passes, and a mutant is found, at
an adjusted p-value of {level} over the number of cases.

| case | runs | chi-square | KS | adjusted (worst) | Geweke | power | passed | CPU s | date |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def header(seed):
    names = ("bayesreg", "numpy", "scipy", "numba")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return HEADER.format(date=date.today(), versions=versions, seed=seed, kept=63, batch=BATCH,
                         level=LEVEL)  # fmt: skip


def keep(results, text):
    """Write the table, with the rows that were there already and were not run again."""
    file = REFERENCE / "calibration.json"
    known = json.loads(file.read_text()) if file.exists() else []
    by_case = {result["case"]: result for result in [*known, *results]}
    kept = [by_case[case.label] for case in CASES if case.label in by_case]
    file.write_text(json.dumps(kept, indent=1) + "\n")
    table = text + "".join(line(result) + "\n" for result in kept)
    (REFERENCE / "calibration.md").write_text(table)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.calibration", description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)  # fmt: skip
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--replications", type=int, default=BATCH)
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--keep", action="store_true", help="write tests/reference/calibration.*")
    options = parser.parse_args(arguments)
    text = header(options.seed)
    print(text, end="")
    results = []
    for case in CASES:
        if options.only not in case.label:
            continue
        results.append(assess(case, options.replications, options.seed))
        print(line(results[-1]), flush=True)
        if options.keep:
            keep(results, text)
    failures = [result["case"] for result in results if not result["passed"]]
    if failures:
        print(f"not passed: {', '.join(failures)}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
