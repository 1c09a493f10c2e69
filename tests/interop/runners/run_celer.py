"""Programs that use celer."""

from _printed import answer

answer("celer", "numpy")
