"""The word by which a library's parameters say the likelihood: family, loss, objective."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bayesreg.conventions import _parameters
from bayesreg.data import Data

Usual = Callable[[Mapping[str, Any], Data | None], str | None]


def said_by(name: str, likelihoods: Mapping[str, str], target: str) -> Usual:
    """``usual`` of a convention whose parameter ``name`` is one of these words.

    Parameters
    ----------
    name : str
    likelihoods : mapping of str to str
        The library's words, and the likelihood that each says.
    """

    def usual(parameters: Mapping[str, Any], data: Data | None) -> str | None:
        given = parameters[name]
        if given is None:
            return None
        return likelihoods[_parameters.word(given, name, target, likelihoods)]

    return usual


def inverted(words: Mapping[str, str]) -> dict[str, str]:
    """Likelihoods by the library's word, from words by likelihood."""
    return {word: likelihood for likelihood, word in words.items()}
