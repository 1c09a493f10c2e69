"""Checks of parameters that come from a library: numbers in the library's own domain."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np

from bayesreg._checks import shown
from bayesreg.errors import ConversionError, NoEquivalentError


def plain(value: Any, name: str, target: str) -> Any:
    """The same without numpy's arrays, whose comparisons with a word are arrays again."""
    try:
        np.ndim(value)
    except ValueError:
        raise ConversionError(
            f"{target}: {name} must be a word, a number or an array; got {shown(value)}, whose "
            "rows have different lengths"
        ) from None
    return value.tolist() if isinstance(value, np.ndarray) else value


def nonnegative(value: Any, name: str, target: str) -> float:
    """A finite number of at least 0: the strength of a penalty."""
    number = _number(value, name, target)
    if not (number >= 0 and math.isfinite(number)):
        raise ConversionError(
            f"{target}: {name} must be finite and not negative (0: no penalty); got {number!r}"
        )
    if 0 < number < sys.float_info.min:
        raise ConversionError(
            f"{target}: {name}={number!r} is too small to be represented with all its digits; "
            "pass 0 for no penalty, or measure y in smaller units"
        )
    return number


def positive(value: Any, name: str, target: str) -> float:
    """A number above 0, infinity included: the inverse of a penalty."""
    number = _number(value, name, target)
    if not number > 0:
        raise ConversionError(
            f"{target}: {name} must be positive (inf: no penalty); got {number!r}"
        )
    return number


def fraction(value: Any, name: str, target: str) -> float:
    """A number from 0 to 1."""
    number = _number(value, name, target)
    if not 0 <= number <= 1:
        raise ConversionError(f"{target}: {name} must be between 0 and 1; got {number!r}")
    return number


def switch(value: Any, name: str, target: str) -> bool:
    """True or False."""
    if not isinstance(value, bool | np.bool_):
        raise ConversionError(f"{target}: {name} must be True or False; got {shown(value)}")
    return bool(value)


def word(value: Any, name: str, target: str, known: Iterable[str]) -> str:
    """One of the library's words."""
    if isinstance(value, str) and value in known:
        return value
    raise ConversionError(
        f"{target}: {name} must be {' or '.join(map(repr, known))}; got {shown(value)}"
    )


def real(value: Any, name: str, target: str) -> float:
    """Any finite number."""
    number = _number(value, name, target)
    if not math.isfinite(number):
        raise ConversionError(f"{target}: {name} must be finite; got {number!r}")
    return number


def _number(value: Any, name: str, target: str) -> float:
    if np.ndim(value) > 0 and not isinstance(value, str):
        raise ConversionError(
            f"{target}: {name} must be one number; got an array of shape {np.shape(value)}. "
            "An array is one number per target in scikit-learn, never one per feature; "
            "convert the targets one by one"
        )
    if isinstance(value, np.ndarray):
        value = value[()]
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise ConversionError(f"{target}: {name} must be a number; got {shown(value)}")
    try:
        return float(value)
    except OverflowError:
        raise ConversionError(
            f"{target}: {name} is too large for a float; got {shown(value)}. Pass a smaller number"
        ) from None


def refuse_switch(value: Any, name: str, target: str, reason: str) -> None:
    """A library option that means another model when it is on."""
    if switch(value, name, target):
        raise NoEquivalentError(f"{target} with {name}=True has no equivalent: {reason}")
