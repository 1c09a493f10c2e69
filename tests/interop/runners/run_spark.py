"""Programs that use spark."""

from _printed import answer

answer("pyspark", "numpy")
