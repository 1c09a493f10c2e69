"""Figures that the project prints about itself; run as ``python -m benchmarks.<name>``."""
