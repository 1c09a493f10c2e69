"""Programs that use xgboost."""

from _printed import answer

answer("xgboost-cpu", "numpy")
