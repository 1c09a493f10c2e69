"""Programs that use statsmodels."""

from _printed import answer

answer("statsmodels", "numpy")
