"""Compiled loops: arrays in, arrays changed in place, cached on disk; nothing of bayesreg."""
