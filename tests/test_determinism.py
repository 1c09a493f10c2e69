"""The same seed gives the same bits, for every sampler, whatever runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("determinism.py")


def hashes(kind, threads):
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads,
                   "MKL_NUM_THREADS": threads, "NUMBA_NUM_THREADS": threads}  # fmt: skip
    environment["PYTHONPATH"] = str(PROGRAM.parents[1])
    run = subprocess.run(
        [sys.executable, "-W", "ignore", str(PROGRAM), kind], env=environment, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    return json.loads(run.stdout)


@pytest.fixture(scope="module")
def expected():
    """Two chains, one after the other, on one thread."""
    found = hashes("[2, 1]", "1")
    assert {"exact", "gibbs"} <= {label.split("-")[0] for label in found}
    assert len(set(found.values())) == len(found)
    return found


@pytest.mark.parametrize(
    ("kind", "threads"),
    [("[2, 2]", "2"), ("[3, 2]", "1"), ("fork", "2"), ("spawn", "1")],
    ids=["parallel-blas-2", "three-chains", "fork", "spawn"],
)
def test_same_seed_same_bits(expected, kind, threads):
    assert hashes(kind, threads) == expected
