"""Programs that use bambi."""

from _printed import answer

answer("bambi", "pymc")
