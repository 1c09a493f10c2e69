"""Values of the model as text: the inverse of :mod:`bayesreg.spec`.

``Laplace(scale=0.5)`` prints as it is written; fields at their default are left out.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Any


def value_text(value: object) -> str:
    """Text of one field: numbers in their shortest exact form, vectors as lists."""
    if isinstance(value, tuple):
        return "[" + ", ".join(value_text(v) for v in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k!r}: {value_text(v)}" for k, v in value.items()) + "}"
    return repr(value)


def dataclass_text(instance: Any) -> str:
    """``Name(field=value, ...)`` without the fields that are at their default."""
    shown = []
    for field in fields(instance):
        value = getattr(instance, field.name)
        default = field.default if field.default is not MISSING else _built_default(field)
        if value != default:
            shown.append(f"{field.name}={value_text(value)}")
    return f"{type(instance).__name__}({', '.join(shown)})"


def _built_default(field: Any) -> object:
    return field.default_factory() if field.default_factory is not MISSING else MISSING


_LISTED = 30


def nearest(word: str, known: Iterable[str]) -> str:
    """'did you mean ...?' and the list (its beginning, when long), for error messages."""
    known = sorted(known)
    more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
    return f"{closest(word, known)} Known: {', '.join(known[:_LISTED])}{more}."


def closest(word: str, known: Iterable[str]) -> str:
    """'did you mean ...?' alone; empty when nothing is near."""
    close = difflib.get_close_matches(word, sorted(known), n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(repr(c) for c in close)}?" if close else ""
