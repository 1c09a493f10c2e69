"""What libraries have that no prior is the twin of, by name: the reason and what is nearest."""

from __future__ import annotations

from bayesreg.conventions import (
    _decoupled,
    _sklearn_refused,
    _sklearn_wrappers,
    skglm,
    xgboost,
)
from bayesreg.errors import NoEquivalentError

REFUSED = {
    **_decoupled.REFUSED,
    **skglm.REFUSED,
    **xgboost.REFUSED,
    **_sklearn_refused.REFUSED,
    **_sklearn_wrappers.REFUSED,
}


def refuse_by_name(name: str) -> None:
    """The reason, where the name is one of these.

    Raises
    ------
    NoEquivalentError
    """
    if name in REFUSED:
        raise NoEquivalentError(f"{name} has no equivalent here: {REFUSED[name]}")
