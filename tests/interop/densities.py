"""Libraries that state a density: theirs and ours differ by one constant at random points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from helpers import make_data

import bayesreg as br

from .crossing import Answers, Case

SCALES = np.geomspace(0.1, 0.5, 7)
LIKELIHOODS = [br.Gaussian(1.5), br.Bernoulli(), br.Poisson()]

#: Of the differences between the points, relative to how much the density differs between them.
PRECISION = 1e-9


def data_of(likelihood, weights=False):
    """Without the rows of weight 0, which have no density."""
    data = make_data(likelihood, weights=weights)
    used = np.ones(60, dtype=bool) if data.weights is None else data.weights > 0
    return br.Data(data.X[used], data.y[used], data.weights[used] if weights else None)


def points():
    """Six rows of coefficients and, last, an intercept."""
    return np.random.default_rng(5).normal(0, 0.2, size=(6, 8))


@dataclass(frozen=True)
class Density:
    """A model whose printed program has to have our log density.

    ``tail`` is program text that puts the log densities at ``points`` into ``values``.
    """

    target: str
    model: br.Model
    data: br.Data
    tail: str

    @property
    def name(self) -> str:
        each = "each" if np.ndim(self.model.prior.scale) else "one"
        intercept = type(self.model.intercept).__name__
        weights = "weighted" if self.data.weights is not None else "plain"
        return f"{self.target}-{type(self.model.likelihood).__name__}-{each}-{intercept}-{weights}"

    def case(self) -> Case:
        twin = br.to_penalty(self.model, self.target, self.data)
        head = f"{twin.code}\n\nimport numpy as np\npoints = np.array({points().tolist()!r})\n"
        return Case(self.name, head + self.tail, self.data, {"values": "values"})


def constant_apart(density: Density, found: Answers) -> float:
    """How far from one constant the differences are, relative to the spread of the density."""
    answer = found.by_name[density.name]
    assert not answer.error, answer.error
    there = 1.0 if density.model.intercept is not None else 0.0
    ours = np.array(
        [density.model.log_density(density.data, v[:-1], there * v[-1]) for v in points()]
    )
    return float(np.ptp(answer.values["values"] - ours) / np.ptp(ours))
