"""Programs that use PyTorch."""

from _printed import answer

answer("torch", "numpy")
