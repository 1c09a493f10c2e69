"""From blocks of extended vectors to the variables of the result, in the user's units.

Each block of each chain is described by itself, in the thread that drew it: what stands in the
result depends neither on other chains nor on how many draws there are.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.likelihoods import has_classes
from bayesreg.model import Model
from bayesreg.posterior.class_rows import ClassRows, class_log_prior
from bayesreg.posterior.class_target import ClassPosterior
from bayesreg.posterior.densities import Parameters, Rows, lambdas, log_prior
from bayesreg.posterior.predictive import draw_targets
from bayesreg.posterior.protocol import AnyPosterior, Block, Chain
from bayesreg.posterior.run import Pieces

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
        posterior: AnyPosterior,
        statistics: tuple[str, ...],
        pointwise: bool,
    ) -> None:
        self._model, self._data, self._posterior = model, data, posterior
        self._statistics, self._pointwise = statistics, pointwise
        several = has_classes(model.likelihood)
        self._rows = ClassRows(model, data) if several else Rows(model, data)

    def empty(self, count: int, statistics: int) -> Block:
        size, scalars = self._posterior.size, len(self._posterior.scalars)
        return Block.empty(count, size, scalars, statistics)

    def __call__(self, chain: Chain, block: Block) -> Pieces:
        drawn = parameters(self._posterior, block)
        by_row, total = self._rows.log_likelihood(drawn, self._pointwise)
        prior = self._log_prior(drawn)
        summed = sum(np.sum(part.reshape(*part.shape[:2], -1), axis=2) for part in prior.values())
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

    def _log_prior(self, drawn: Parameters) -> dict[str, FloatArray]:
        if isinstance(self._posterior, ClassPosterior):
            return class_log_prior(self._model, self._data, self._posterior, drawn)
        return log_prior(self._model, self._data, self._posterior, drawn)

    def _statistics_of(self, block: Block) -> dict[str, np.ndarray]:
        columns = dict(zip(self._statistics, block.statistics.T, strict=True))
        return {name: column.astype(_KINDS.get(name, np.float64))
                for name, column in columns.items()}  # fmt: skip

    def _targets(self, drawn: Parameters, rng: np.random.Generator) -> FloatArray:
        found = np.empty((drawn.coef.shape[1], self._rows.count))
        for part in self._rows.parts(len(found)):
            eta = self._rows.linear_predictor(drawn, part)
            scalars = {name: values[0, part] for name, values in drawn.scalars.items()}
            likelihood, weights = self._rows.likelihood, self._rows.weights
            found[part] = draw_targets(likelihood, eta, scalars, weights, rng)
        return found


def parameters(posterior: AnyPosterior, block: Block) -> Parameters:
    """A block as coefficients, intercept and scalars of one chain."""
    scalars = {name: block.scalars[None, :, k] for k, name in enumerate(posterior.scalars)}
    if isinstance(posterior, ClassPosterior):
        coef, intercept = posterior.problem.coefficients(posterior.by_class(block.v)[None])
        return Parameters(coef, intercept if posterior.problem.has_intercept else None, scalars)
    problem = posterior.problem
    coef = problem.user_coefficients(block.v[None, :, : problem.p])
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


def dimensions(group: str, name: str, count: int) -> tuple[str, ...]:
    """The dimensions of one draw of a variable, of which there are ``count``."""
    if group in _BY_ROW:
        return ("obs",)
    if count == 1 and name == "intercept":
        return ("class",)
    return ("class", "feature")[2 - count :]
