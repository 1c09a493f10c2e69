"""Programs that use bayesreg where nutpie is installed."""

from _printed import answer

answer("nutpie", "pymc")
