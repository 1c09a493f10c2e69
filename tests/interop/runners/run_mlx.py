"""Programs that use mlx."""

from _printed import answer

answer("mlx", "numpy")
