"""Programs that use vowpalwabbit."""

from _printed import answer

answer("vowpalwabbit", "numpy")
