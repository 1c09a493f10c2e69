"""Which targets can say what this one cannot: a few, the likeliest first."""

from __future__ import annotations

from collections.abc import Iterable

from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import FLAT, Nats

#: Libraries that most people have, after the one that was asked for.
_LIBRARIES = ("sklearn", "glmnet", "glum", "statsmodels", "torch", "keras")

_SECOND = ("sklearn.SGD", "sklearn.LinearSVR")

_OF_ITS_OWN = 3
_OF_OTHERS = 3


def able(asked: Convention, nats: Nats, known: Iterable[Convention]) -> str:
    """The nearest conventions that have this likelihood, penalty and intercept.

    Those of the library that was asked for, then one of each other; the most special first.
    """
    fitting = sorted((one for one in known if _fits(one, nats)), key=_rank)
    library = _library(asked)
    own = [one for one in fitting if _library(one) == library][:_OF_ITS_OWN]
    others: dict[str, Convention] = {}
    for one in fitting:
        if _library(one) != library:
            others.setdefault(_library(one), one)
    shown = [*own, *list(others.values())[:_OF_OTHERS]]
    if not shown:
        return "find_map, which takes the model as it is"
    rest = len(fitting) - len(shown)
    more = f", and {rest} more in bayesreg.targets()" if rest else ""
    return ", ".join(one.name for one in shown) + more


def _library(convention: Convention) -> str:
    return convention.name.partition(".")[0]


def _fits(convention: Convention, nats: Nats) -> bool:
    return (
        nats.likelihood in convention.likelihoods
        and nats.kind in (FLAT, *convention.penalties)
        and not convention.one_way
        and (nats.intercept is None or convention.fits_intercept)
        and (not nats.has_proper_intercept or convention.penalises_intercept)
    )


def _rank(convention: Convention) -> tuple[int, bool, int, int]:
    library = _library(convention)
    place = _LIBRARIES.index(library) if library in _LIBRARIES else len(_LIBRARIES)
    # Of a library's estimators the plain one has the short name: Ridge before RidgeClassifier.
    # What chooses its own alpha takes a grid of one, stochastic descent stops short of the optimum,
    # LinearSVR penalises the intercept: no one's first choice.
    second = convention.name.endswith("CV") or convention.name.startswith(_SECOND)
    return (
        place,
        second,
        len(convention.penalties),
        len(convention.name),
    )
