"""``python -m bayesreg.conventions``: the table of all conventions."""

from __future__ import annotations

import sys

from bayesreg.conventions import targets

sys.stdout.write(f"{targets()}\n")
