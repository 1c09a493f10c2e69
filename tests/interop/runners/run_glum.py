"""Programs that use glum."""

from _printed import answer

answer("glum", "numpy")
