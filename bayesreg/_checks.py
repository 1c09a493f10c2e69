"""Checks of scalar and per-coefficient arguments.

Each returns the value in the one form used inside (``float`` or a tuple of floats) or raises
with the argument's name, what was found and what is accepted.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np

from bayesreg._estimated import Estimated
from bayesreg._types import FloatArray
from bayesreg.errors import ModelError, ModelTypeError

#: Quantities whose squares and products are formed must lie within these sizes.
LARGEST, SMALLEST = 1e150, 1e-150
#: The square of one such number, and its inverse, are numbers.
_SQUARED = 1e153


def positive_number(value: Any, argument: str) -> float:
    """A finite number above 0."""
    number = _number(value, argument, "a positive number")
    if not (number > 0 and math.isfinite(number)):
        raise ModelError(f"{argument} must be a positive, finite number; got {number!r}")
    return number


def noise(value: Any, argument: str) -> float:
    """A positive number whose square is representable."""
    number = positive_number(value, argument)
    if not 1e-100 <= number <= 1e100:
        raise ModelError(
            f"{argument} must lie between 1e-100 and 1e+100, so that squares and products stay "
            f"numbers; got {number!r}. Measure y in other units"
        )
    return value if isinstance(value, Estimated) else number


def nonnegative_vector(value: Any, argument: str) -> FloatArray:
    """Finite numbers of at least 0, one per column."""
    array = np.asarray(value)
    if array.ndim != 1 or array.dtype.kind not in "iuf":
        raise ModelError(
            f"{argument} must be a vector of numbers, one per column; got {shown(value)}"
        )
    if not np.all(np.isfinite(array) & (array >= 0)):
        raise ModelError(f"{argument} must be finite and not negative; got {shown(value)}")
    return np.asarray(array, dtype=np.float64)


def single(value: Any, argument: str) -> float:
    """One number, not one per coefficient."""
    if np.ndim(value) != 0:
        raise ModelError(f"{argument} must be a single number; got {shown(value)}")
    if not isinstance(value, Real):
        raise ModelTypeError(
            f"{argument} must be a number: densities are stated one within another only once; got "
            f"{shown(value)}"
        )
    return float(value)


def scale(value: Any, argument: str, squared: bool = False) -> float | tuple[float, ...]:
    """A positive number or one per coefficient; ``inf`` means flat there.

    ``squared`` asks for sizes whose squares are numbers.
    """
    if not squared:
        return _scalar_or_vector(value, argument, "positive (inf means: flat there)", _is_positive)
    wanted = f"positive, from {1 / _SQUARED:g} to {_SQUARED:g} (inf means: flat there)"
    return _scalar_or_vector(value, argument, wanted, _has_a_square)


def _is_positive(number: float) -> bool:
    return number > 0


def _has_a_square(number: float) -> bool:
    return 1 / _SQUARED <= number <= _SQUARED or number == math.inf


def location(value: Any, argument: str) -> float | tuple[float, ...]:
    """A finite number or one per coefficient."""
    wanted = f"finite and at most {LARGEST:g} in size"
    return _scalar_or_vector(value, argument, wanted, lambda x: abs(x) <= LARGEST)


def bound(value: Any, argument: str) -> float | tuple[float, ...]:
    """A number, possibly infinite, or one per coefficient; not NaN."""
    return _scalar_or_vector(value, argument, "a number, not NaN", lambda x: not math.isnan(x))


def flag(value: Any, argument: str) -> bool:
    """True or False, nothing that merely behaves like it."""
    if not isinstance(value, bool | np.bool_):
        raise ModelTypeError(f"{argument} must be True or False; got {shown(value)}")
    return bool(value)


def shown(value: object) -> str:
    """repr for messages: one line, never long, never failing."""
    try:
        text = " ".join(repr(value).split())
    except (ValueError, RecursionError):  # integers beyond the digit limit, for one
        return f"a huge {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."


def _number(value: Any, argument: str, wanted: str) -> float:
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bool | np.bool_):
        raise ModelTypeError(f"{argument} must be {wanted}; got the bool {value!r}")
    if not isinstance(value, Real):
        raise ModelTypeError(
            f"{argument} must be {wanted}; got {shown(value)} of type {type(value).__name__}"
        )
    try:
        return float(value)
    except OverflowError:
        raise ModelError(f"{argument} is too large for a float; got {shown(value)}") from None


def _scalar_or_vector(
    value: Any, argument: str, wanted: str, accept: Callable[[float], bool]
) -> float | tuple[float, ...]:
    if isinstance(value, str | bytes):
        raise ModelTypeError(
            f"{argument} must be a number or an array of numbers; got {shown(value)}"
        )
    if _dimensions(value, argument) == 0:
        number = _number(value, argument, "a number or an array of numbers")
        if not accept(number):
            raise ModelError(f"{argument} must be {wanted}; got {number!r}")
        return number
    if np.ndim(value) != 1:
        raise ModelError(
            f"{argument} must be a number or one-dimensional (one entry per coefficient); "
            f"got shape {np.shape(value)}"
        )
    numbers = tuple(_number(v, f"{argument}[{i}]", "a number") for i, v in enumerate(value))
    for i, number in enumerate(numbers):
        if not accept(number):
            raise ModelError(f"{argument}[{i}] must be {wanted}; got {number!r}")
    if not numbers:
        raise ModelError(f"{argument} is empty; give a number or one entry per coefficient")
    return numbers


def _dimensions(value: Any, argument: str) -> int:
    try:
        return np.ndim(value)
    except ValueError:
        raise ModelError(
            f"{argument} must be a number or one-dimensional; got nested lists of unequal length"
        ) from None


def per_coefficient(value: float | tuple[float, ...], size: int, argument: str) -> Any:
    """``value`` as an array of length ``size``; the wrong length is an error."""
    array = np.asarray(value, dtype=np.float64)
    if array.ndim == 1 and array.size != size:
        raise ModelError(
            f"{argument} has {array.size} entries but applies to {size} coefficients; "
            f"give one number, or {size} of them"
        )
    return np.broadcast_to(array, (size,)).copy()
