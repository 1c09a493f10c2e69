"""Array types shared by the whole package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
IntArray: TypeAlias = NDArray[np.intp]

#: A number, or one number per coefficient.
ScalarOrVector: TypeAlias = float | Sequence[float] | NDArray[Any]
