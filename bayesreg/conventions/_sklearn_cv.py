"""scikit-learn's estimators that choose their own alpha: read by what they chose.

Fitted, ``alpha_`` (and ``l1_ratio_``) is the parameter of the refit on all rows, which is what
``coef_`` minimises.  Before the fit only a grid of one value says which prior is meant; that grid
is also what makes them a target.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import numpy as np

from bayesreg._checks import shown
from bayesreg.conventions import _sklearn_common as common
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import Nats
from bayesreg.conventions._nonnegative import decoder
from bayesreg.conventions._setting import Setting
from bayesreg.conventions._sklearn_common import Decode, Encode, Parameters
from bayesreg.conventions._sklearn_least_squares import (
    ELASTIC_NET_,
    LASSO,
    RIDGE,
    RIDGE_CLASSIFIER,
    decode_classifier,
    decode_elastic_net,
    decode_lasso,
    decode_ridge,
)
from bayesreg.errors import NoEquivalentError


def _chosen(parameters: Parameters, grid: str, learned: str, setting: Setting) -> Any:
    """What the estimator chose, or the one value that it has to choose from."""
    if parameters[learned] is not None:
        return parameters[learned]
    values: Any = parameters.get(grid)
    if grid == "l1_ratio" and np.ndim(values) == 0:
        return values
    if np.ndim(values) == 1 and np.size(values) == 1:
        return np.ravel(np.asarray(values))[0]
    raise NoEquivalentError(
        f"{setting.target} chooses {learned.rstrip('_')} from {grid}={shown(values)} when it is "
        "fitted, and this one is not: which prior it will mean is not known. Nearest: the fitted "
        f"estimator, whose {learned} is read; or parameters={{{learned!r}: ...}}"
    )


def _decode(decode: Decode, parameters: Parameters, setting: Setting) -> Nats:
    if parameters.get("alpha_per_target", False):
        raise NoEquivalentError(
            f"{setting.target} with alpha_per_target=True has a prior per target. Nearest: one "
            "model per target"
        )
    found = {**parameters, "alpha": _chosen(parameters, "alphas", "alpha_", setting)}
    if "l1_ratio_" in parameters:
        found["l1_ratio"] = _chosen(parameters, "l1_ratio", "l1_ratio_", setting)
    return decode(found, setting)


def _encode(encode: Encode, nats: Nats, setting: Setting) -> dict[str, Any]:
    """The parameters of the fixed estimator, alpha as a grid of one."""
    found = encode(nats, setting)
    alpha = found.pop("alpha")
    if alpha == 0:
        raise NoEquivalentError(
            f"{setting.target} takes no alpha of 0. Nearest: sklearn.LinearRegression, which is "
            "the flat prior"
        )
    return {"alphas": [alpha], **found}


_FOLDS = (
    "alpha_ was chosen by cross-validation: with k folds each fit has N (1 - 1/k) rows, where that "
    "alpha is the prior scale b k/(k - 1) (of an L2 part tau sqrt(k/(k - 1))); the refit on all "
    "rows, whose coef_ this is, uses another prior: b and tau. To refit under the prior of the "
    "folds divide alpha_ by k/(k - 1)"
)
_SAME = (
    "alpha_ was chosen by cross-validation; RSS is a sum, so the folds and the refit share the "
    "prior"
)
_CV = ("cv", "n_jobs", "verbose")


def _cross_validated(
    fixed: Convention, kind: str, decode: Decode, note: str, defaults: Parameters, *irrelevant: str
) -> Convention:
    """The convention of ``fixed``, with alpha in a grid of one or learned."""
    kept = {name: value for name, value in fixed.defaults.items() if name != "alpha"}
    if "positive" in kept and kind in ("RidgeCV", "RidgeClassifierCV"):
        del kept["positive"]
    else:
        decode = decoder(decode)
    ratio = {"l1_ratio_": None} if "l1_ratio" in kept else {}

    def notes(parameters: Parameters, setting: Setting) -> tuple[str, ...]:
        return (note, *(line for line in fixed.notes({"alpha": 1.0}, setting)
                        if line != common.SHRINKING))  # fmt: skip

    return dataclasses.replace(
        fixed,
        name=f"sklearn.{kind}",
        objective=f"{fixed.objective}, alpha = alpha_ after the fit",
        defaults={**defaults, **kept},
        learned={"alpha_": None, **ratio},
        encode=partial(_encode, fixed.encode),
        decode=partial(_decode, decode),
        takes_sparse=True,
        takes_positive="positive" in kept,
        code=partial(common.code, kind),
        build=partial(common.build, kind),
        notes=notes,
        settings=fixed.settings if irrelevant and "tol" in irrelevant else common.fixed(),
        irrelevant=irrelevant,
    )


_PATH = ("eps", "copy_X", "max_iter", "precompute", "random_state", "selection", "tol", *_CV)
_READ_ONLY = (
    "it chooses alpha itself from the whole path and takes none. Nearest: sklearn.LassoLars"
)


def _along_the_path(kind: str, note: str, *irrelevant: str) -> Convention:
    """LassoLarsCV and LassoLarsIC, which can only be read."""
    return dataclasses.replace(
        _cross_validated(LASSO, kind, common.unbounded_only(decode_lasso), note, {}, *irrelevant),
        takes_positive=False,
        encode=common.no_target,
        one_way=_READ_ONLY,
        source=f"{common.VERSION}/_least_angle.py",
        settings=common.fixed(),
        takes_weights=False,
    )


_LARS = ("copy_X", "eps", "max_iter", "precompute", "verbose")

CONVENTIONS = (
    _cross_validated(
        ELASTIC_NET_, "ElasticNetCV", decode_elastic_net, _FOLDS, {"alphas": 100}, *_PATH
    ),
    _cross_validated(LASSO, "LassoCV", decode_lasso, _FOLDS, {"alphas": 100}, *_PATH),
    _along_the_path("LassoLarsCV", _FOLDS, *_LARS, "cv", "max_n_alphas", "n_jobs"),
    _along_the_path(
        "LassoLarsIC",
        "alpha_ was chosen by an information criterion on all rows: there are no folds",
        *_LARS,
        "criterion",
        "noise_variance",
    ),
    _cross_validated(
        RIDGE, "RidgeCV", decode_ridge, _SAME,
        {"alphas": (0.1, 1.0, 10.0), "alpha_per_target": False},
        "cv", "gcv_mode", "scoring", "store_cv_results",
    ),
    _cross_validated(
        RIDGE_CLASSIFIER, "RidgeClassifierCV", decode_classifier, _SAME,
        {"alphas": (0.1, 1.0, 10.0)},
        "cv", "scoring", "store_cv_results",
    ),
)  # fmt: skip
