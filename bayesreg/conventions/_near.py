"""Which target a name that is not one may mean: compared by class, whatever the library.

``sklearn.RandomForestRegressor`` is like no target here; that it begins like many says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

from bayesreg.conventions._refused import REFUSED

_NEAR = 0.7
_SHOWN = 4

#: What many classes end with.
_COMMON = ("regression", "regressor", "classifier")


def near_targets(name: str, known: Iterable[str]) -> str:
    """' Did you mean ...?' and where all are listed, for error messages.

    What is refused by name counts too: ``torch.adamw`` means AdamW, and its reason.
    """
    known = list(known)
    found = sorted(
        [*known, *REFUSED],
        key=lambda target: (-_likeness(name, target), not target.startswith("sklearn.")),
    )
    close = [target for target in found if _likeness(name, target) >= _NEAR][:_SHOWN]
    guess = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
    return f"{guess} bayesreg.targets() (bayesreg convert --list) lists all {len(known)}."


def _likeness(name: str, target: str) -> float:
    """Of the classes, letter by letter, more where one is in the other; a bit for the library."""
    library, _, word = name.lower().rpartition(".")
    home, _, kind = target.lower().rpartition(".")
    if not library and word == home:  # "glmnet"
        return 1.0
    word, kind = _own_part(word), _own_part(kind)
    like = SequenceMatcher(None, word, kind).ratio()
    if min(len(word), len(kind)) > 3 and (word in kind or kind in word):
        like = max(like, _NEAR) + 0.1 * like
    return like + (0.05 if library == home and like >= _NEAR else 0.0)


def _own_part(word: str) -> str:
    for ending in _COMMON:
        word = word.removesuffix(ending) or word
    return word
