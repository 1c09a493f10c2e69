"""From blocks of extended vectors to the variables of the result, in the user's units.

Each block of each chain is described by itself, in the thread that drew it: what stands in the
result depends neither on other chains nor on how many draws there are.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.model import Model
from bayesreg.posterior.densities import Parameters, Rows, lambdas, log_prior, parts
from bayesreg.posterior.predictive import draw_targets
from bayesreg.posterior.protocol import Block, Chain
from bayesreg.posterior.run import Pieces
from bayesreg.posterior.target import Posterior

#: The stream of random numbers that posterior predictive draws use.
PREDICTIVE = "posterior_predictive"
# Groups with a column per row of the data, not per coefficient.
_BY_ROW = ("log_likelihood", "posterior_predictive")
# Engines report numbers; these are known to be something else.
_KINDS = {"diverging": bool, "tree_depth": np.int64, "n_steps": np.int64}


class Describer:
    """Groups of variables from blocks.

    ``pointwise``: with the log likelihood of each row. Chains with a stream ``PREDICTIVE`` get
    targets drawn for each row.
    """

    def __init__(
        self,
        model: Model,
        data: Data,
        posterior: Posterior,
        statistics: tuple[str, ...],
        pointwise: bool,
    ) -> None:
        self._model, self._data, self._posterior = model, data, posterior
        self._statistics, self._pointwise = statistics, pointwise
        self._rows = Rows(model, data)

    def empty(self, count: int, statistics: int) -> Block:
        size, scalars = self._posterior.problem.size, len(self._posterior.scalars)
        return Block.empty(count, size, scalars, statistics)

    def __call__(self, chain: Chain, block: Block) -> Pieces:
        drawn = parameters(self._posterior, block)
        by_row, total = self._rows.log_likelihood(drawn, self._pointwise)
        prior = log_prior(self._model, self._data, self._posterior, drawn)
        summed = sum(np.sum(part, axis=2) if part.ndim == 3 else part for part in prior.values())
        values = _named(drawn) | lambdas(self._model, self._data, self._posterior, drawn)
        pieces = {
            "posterior": {name: part[0] for name, part in values.items()},
            "sample_stats": {**self._statistics_of(block), "lp": total + np.ravel(summed)},
            "log_prior": {name: part[0] for name, part in prior.items()},
        }
        if by_row is not None:
            pieces["log_likelihood"] = {"y": by_row}
        if PREDICTIVE in chain.streams:
            pieces["posterior_predictive"] = {"y": self._targets(drawn, chain.streams[PREDICTIVE])}
        return pieces

    def _statistics_of(self, block: Block) -> dict[str, np.ndarray]:
        columns = dict(zip(self._statistics, block.statistics.T, strict=True))
        return {name: column.astype(_KINDS.get(name, np.float64))
                for name, column in columns.items()}  # fmt: skip

    def _targets(self, drawn: Parameters, rng: np.random.Generator) -> FloatArray:
        found = np.empty((drawn.coef.shape[1], self._rows.count))
        for part in parts(*found.shape):
            eta = self._rows.linear_predictor(drawn, part)
            scalars = {name: values[0, part] for name, values in drawn.scalars.items()}
            likelihood, weights = self._rows.likelihood, self._rows.weights
            found[part] = draw_targets(likelihood, eta, scalars, weights, rng)
        return found


def parameters(posterior: Posterior, block: Block) -> Parameters:
    """A block as coefficients, intercept and scalars of one chain."""
    problem = posterior.problem
    coef = problem.user_coefficients(block.v[None, :, : problem.p])
    scalars = {name: block.scalars[None, :, k] for k, name in enumerate(posterior.scalars)}
    if not problem.has_intercept:
        return Parameters(coef, None, scalars)
    intercept = block.v[None, :, problem.p]
    if problem.shift.any():
        intercept = intercept - coef @ problem.shift
    return Parameters(coef, intercept, scalars)


def _named(drawn: Parameters) -> dict[str, FloatArray]:
    named = {"coef": drawn.coef}
    if drawn.intercept is not None:
        named["intercept"] = drawn.intercept
    return named | drawn.scalars


def last_dimension(group: str) -> str:
    """What the third dimension of a variable of draws is."""
    return "obs" if group in _BY_ROW else "feature"
