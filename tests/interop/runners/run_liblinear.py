"""Programs that use liblinear."""

from _printed import answer

answer("liblinear-official", "numpy")
