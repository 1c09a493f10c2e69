"""How kernels are compiled: kept on disk, without the interpreter's lock, 1 / 0 as numpy has it.

A compiler may vectorise a loop of divisions only where none of them can raise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(function: Kernel) -> Kernel:
    """As written."""
    kernel: Kernel = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return kernel


def contracted(function: Kernel) -> Kernel:
    """A product and a sum may be one operation with one rounding."""
    kernel: Kernel = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})(
        function
    )
    return kernel


def reassociated(function: Kernel) -> Kernel:
    """Sums in any order besides: that is what makes them vector instructions."""
    kernel: Kernel = numba.njit(
        cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc"}
    )(function)
    return kernel
