"""How kernels are compiled: kept on disk, without the interpreter's lock, 1 / 0 as numpy has it.

A compiler may vectorise a loop of divisions only where none of them can raise.
"""

from __future__ import annotations

from typing import Any

import numba

compiled: Any = numba.njit(cache=True, nogil=True, error_model="numpy")
#: A product and a sum in one rounding.
contracted: Any = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
#: Sums in any order besides: that is what makes them vector instructions.
reassociated: Any = numba.njit(
    cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc"}
)
