"""Programs that use skglm."""

from _printed import answer

answer("skglm", "numpy")
