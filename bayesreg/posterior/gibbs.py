"""Gibbs sampling: Gaussian likelihood with known sigma, any mix of Laplace, ElasticNet, Normal.

Park and Casella (2008, JASA 103:681) augmented by elastic-net curvature, in whitened rows
(:mod:`bayesreg.posterior.whitening`); the iteration is in
:mod:`bayesreg._kernels.bayesian_lasso`. With q <= n it runs on the Gram matrix, formed once from
centred columns; with q > n in n dimensions.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.errors import ImproperPosteriorError
from bayesreg.posterior.protocol import Draws, Task
from bayesreg.posterior.whitening import WhitenedRows, unsuited, whiten

__all__ = ["draw", "unsuited"]

# Random numbers generated ahead for one call of a kernel: 2 MiB.
_NUMBERS_AHEAD = 2**18

#: (u, normals, mixing normals, uniforms, row normals, draws) -> iterations done.
Iterate = Callable[..., int]


def draw(task: Task) -> Draws:
    """Chains from dispersed starts, warmed up for ``task.tune`` iterations."""
    rows = whiten(task.problem)
    iterate = _kernel(rows)
    v = np.empty((len(task.seeds), task.draws, task.problem.size))
    for chain, seed in zip(v, task.seeds, strict=True):
        _chain(chain, rows, iterate, task, seed)
    return Draws(v)


def _chain(
    chain: FloatArray,
    rows: WhitenedRows,
    iterate: Iterate,
    task: Task,
    seed: np.random.SeedSequence,
) -> None:
    n, q = rows.design.shape
    # A stream for each purpose: draw t uses row t of each, however the iterations are blocked.
    start, *streams, completing = (np.random.default_rng(child) for child in seed.spawn(6))
    u = dispersed_start(rows, start)
    kept = np.empty((task.draws, q))
    block = max(1, _NUMBERS_AHEAD // (n + 3 * q + 1))
    done = -task.tune
    while done < task.draws:
        # Warm-up ends a block, so that blocks are kept or dropped whole.
        size = min(block, (0 if done < 0 else task.draws) - done)
        numbers = (
            streams[0].standard_normal((size, q)),
            streams[1].standard_normal((size, n if q > n else 0)),
            streams[2].standard_normal((size, q)),
            streams[3].random((size, q)),
        )
        draws = np.empty((size, q)) if done < 0 else kept[done : done + size]
        if iterate(u, *numbers, draws) < size:
            raise ImproperPosteriorError(_SINGULAR)
        done += size
        task.advance(size)
    chain[:] = rows.completion(kept, completing)


def dispersed_start(rows: WhitenedRows, rng: np.random.Generator) -> FloatArray:
    """Twice a draw from a Laplace of about the prior's sd: wider than any posterior here."""
    return 2.0 * rng.laplace(size=rows.l2.size) / np.sqrt(2.0)


def _kernel(rows: WhitenedRows) -> Iterate:
    from bayesreg._kernels.bayesian_lasso import gibbs_gram, gibbs_rows

    A, t, l1, l2 = (
        np.ascontiguousarray(part) for part in (rows.design, rows.target, rows.l1, rows.l2)
    )
    n, q = A.shape
    if q > n:
        return lambda u, normals, row_normals, mixing, uniforms, draws: gibbs_rows(
            A, t, l1, l2, u, normals, row_normals, mixing, uniforms, draws
        )
    gram, moment = A.T @ A, A.T @ t
    return lambda u, normals, row_normals, mixing, uniforms, draws: gibbs_gram(
        gram, moment, l1, l2, u, normals, mixing, uniforms, draws
    )


_SINGULAR = (
    "the posterior is singular to working precision: some columns are nearly collinear and their "
    "prior is too wide to tell them apart. Drop or merge the collinear columns, or give them a "
    "smaller prior scale"
)
