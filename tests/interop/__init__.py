"""Other libraries fitted for real: their optimum is our mode.  See environments.py and proof.py.

All of it, from the root; the matrix is what the runs have kept, dated:

    python -m tests.interop.environments
    python -m pytest -m interop -n 0 tests/interop
    python -m tests.interop.matrix --keep
"""
