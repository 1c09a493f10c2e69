"""Results as JSON that every parser reads: infinity and NaN are no JSON, so they become text."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def plain(value: Any) -> Any:
    """The same with every float that is not finite as ``"inf"``, ``"-inf"`` or ``"nan"``."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(float(value))
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value


def json_text(value: Any) -> str:
    """One JSON document (RFC 8259), indented."""
    return json.dumps(plain(value), indent=2, allow_nan=False)
