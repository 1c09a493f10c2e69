"""Which part of the rows each fit of a cross-validation sees.

k folds leave 1 - 1/k of them.  What scikit-learn splits otherwise (by chance, in time, by a list of
the caller's) is not guessed: then half of the rows stands for an example, and is called one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

_OF_K_FOLDS = ("KFold", "StratifiedKFold", "GroupKFold", "StratifiedGroupKFold")
_REPEATED = ("RepeatedKFold", "RepeatedStratifiedKFold")

#: What scikit-learn makes of cv=None.
_USUAL = 5


@dataclass(frozen=True)
class Folds:
    """The share of the rows that a fit sees, and how it is said."""

    share: float
    words: str


def folds_of(parameters: Mapping[str, Any] | None, search: Any, rows: float | None) -> Folds:
    """Of the estimator's own cross-validation, else of the search around it, else an example."""
    own = parameters or {}
    if "cv" not in own and search is None:
        return _of_k(_USUAL, f"In {_USUAL}-fold cross-validation, for example,")
    splitter = own.get("cv", getattr(search, "cv", None))
    if type(search).__name__.startswith("Halving"):
        return _unknown(search)  # its first rounds see few rows, whatever the folds
    if type(splitter).__name__ == "LeaveOneOut" and rows:
        start = "In leave-one-out cross-validation"
        return Folds(1.0 - 1.0 / rows, f"{start} each fit sees all of them but one")
    k = _number_of_folds(splitter)
    return _unknown(splitter) if k is None else _of_k(k, f"In {k}-fold cross-validation")


def _number_of_folds(splitter: Any) -> int | None:
    if splitter is None:
        return _USUAL
    if isinstance(splitter, int | np.integer) and not isinstance(splitter, bool):
        return int(splitter)
    kind = type(splitter)
    if not kind.__module__.startswith("sklearn.model_selection"):
        return None
    if kind.__name__ in _OF_K_FOLDS:
        return int(splitter.n_splits)
    if kind.__name__ in _REPEATED:
        return int(splitter.cvargs["n_splits"])
    return None


def _of_k(k: int, start: str) -> Folds:
    part = f"{1 - 1 / k:.0%} of them" if k < 100 else f"all of them but one in {k}"
    return Folds(1.0 - 1.0 / k, f"{start} each fit sees {part}")


def _unknown(splitter: Any) -> Folds:
    return Folds(
        0.5,
        f"Its cross-validation ({type(splitter).__name__}) is not one of k folds: how many of them "
        "a fit sees is not read here. A fit to half of them, for example, is one",
    )
