"""scikit-learn's MultiTaskLasso and MultiTaskElasticNet: K targets, one row w_j. of W per column.

    ||Y - X W'||^2 / (2N) + alpha r sum_j ||w_j.||_2 + alpha (1 - r) / 2 ||W||^2

    alpha r = sigma^2 / (N b),   alpha (1 - r) = sigma^2 / (N tau^2)

The prior is one over all K p coefficients, independent between the columns j: each row has the
density exp(-||w_j.||_2 / b), which is GroupLaplace(b), and the same noise sigma for every target.
Product of both parts: no prior here.
"""

from __future__ import annotations

import dataclasses
from functools import partial

from bayesreg.conventions import _sklearn_common as common
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import ELASTIC_NET, FLAT, L1, L2, Nats
from bayesreg.conventions._sklearn_common import Parameters
from bayesreg.conventions._sklearn_least_squares import decode_elastic_net, decode_lasso
from bayesreg.data import Data
from bayesreg.errors import NoEquivalentError
from bayesreg.priors import Flat, GroupLaplace, Normal, Prior


def _row_prior(nats: Nats) -> Prior:
    """The prior of the K coefficients of one column."""
    if nats.kind == ELASTIC_NET:
        raise NoEquivalentError(
            "sklearn.MultiTaskElasticNet with 0 < l1_ratio < 1 has the density "
            "exp(-||w_j.||_2 / b - ||w_j.||^2 / (2 tau^2)) for each row, and no prior here is the "
            f"product of both. With b = {1 / nats.l1!r} and tau = {nats.l2**-0.5!r} nearest: "
            "GroupLaplace(b) on data with the rows sqrt(1/tau^2) sigma I appended, whose targets "
            "are 0; or l1_ratio=1"
        )
    if nats.kind == FLAT:
        return Flat()
    return GroupLaplace(1.0 / nats.l1) if nats.kind == L1 else Normal(nats.l2**-0.5)


def _usual(parameters: Parameters, data: Data | None) -> str:
    return "MultiTask"


_NOTES = common.notes(
    "every target has an intercept, and none is penalised",
    common.AS_IS,
    common.UNWEIGHTED,
    common.SHRINKING,
    "the prior returned is that of one row of coef_.T, the K coefficients of a column: the L1 part "
    "is not K Laplace priors, for a column enters with all targets or with none",
    "as one regression: the targets one below the other, np.kron(np.eye(K), X) as columns, K "
    "indicator columns with a Flat prior as intercepts, and GroupLaplace(b, "
    "groups=np.tile(np.arange(p), K)); the loss is not divided by K",
)

LASSO = Convention(
    name="sklearn.MultiTaskLasso",
    likelihoods=(),
    without_model=("MultiTask",),
    penalties=(L1,),
    objective="||Y - X W'||^2/(2 n) + alpha sum_j ||w_j.||_2",
    formula="alpha = sigma^2 / (n b), each row of W with density exp(-||w_j.||_2 / b)",
    fixes="sigma^2 / b",
    intercept="flat or none, one per target",
    source=f"{common.VERSION}/_coordinate_descent.py",
    defaults={"alpha": 1.0, "fit_intercept": True},
    encode=common.no_target,
    decode=decode_lasso,
    code=partial(common.code, "MultiTaskLasso"),
    build=partial(common.build, "MultiTaskLasso"),
    solution="estimator.coef_",
    notes=_NOTES,
    irrelevant=("copy_X", "max_iter", "random_state", "selection", "tol", "warm_start"),
    usual=_usual,
    takes_weights=False,
    prior=_row_prior,
    one_way="it has several targets, and a Model has one. Nearest: sklearn.Lasso for each target, "
    "whose zeros are not shared; or find_map with a GroupLaplace prior on the stacked targets",
)

ELASTIC_NET_ = dataclasses.replace(
    LASSO,
    name="sklearn.MultiTaskElasticNet",
    penalties=(L1, L2, ELASTIC_NET),
    objective="||Y - X W'||^2/(2 n) + alpha [l1_ratio sum_j ||w_j.||_2 + (1 - l1_ratio)/2 ||W||^2]",
    formula="alpha l1_ratio = sigma^2 / (n b), alpha (1 - l1_ratio) = sigma^2 / (n tau^2)",
    fixes="sigma^2 / b and sigma / tau",
    defaults={"alpha": 1.0, "l1_ratio": 0.5, "fit_intercept": True},
    decode=decode_elastic_net,
)

CONVENTIONS = (ELASTIC_NET_, LASSO)
