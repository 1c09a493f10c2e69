"""Ctrl-C: what there is comes back within 2 s, whatever the chains are doing."""

import signal
import subprocess
import sys
import time

import pytest

from bayesreg.posterior.workers import Abandoned, workers

# Ctrl-C takes 2 s at most; the machine may be busy with other tests, and a block takes an hour.
SOON = 15.0

COMMON = """
import signal, sys, time, warnings
import numpy as np, bayesreg as br
rng = np.random.default_rng(0)
X = rng.normal(size=(200, 30))
data = br.Data(X, X[:, 0] + rng.normal(size=200))
model = br.Model(br.Gaussian(1.0), br.Laplace(0.1))
br.sample(model, data, 2000, 2, seed=1, tune=20)
from bayesreg.posterior import run

class Slow:
    '''Calls that nothing stops, long or short.'''
    def __init__(self, engine):
        self.engine = engine
        self.statistics, self.cost = engine.statistics, engine.cost
    def begin(self, seed):
        return self.engine.begin(seed)
    def advance(self, chain, block):
        self.engine.advance(chain, block)
        end = time.monotonic() + float(sys.argv[1])
        while time.monotonic() < end:
            time.sleep(0.01)

from bayesreg.posterior import execution
prepared = execution.prepared
execution.prepared = lambda sampler, setup: Slow(prepared(sampler, setup))
run._LONGEST_BLOCK = 50
print("ready", flush=True)
"""

KEPT = (
    COMMON
    + """
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    post = br.sample(model, data, 10**6, 2, seed=1, tune=20)
print(post["posterior"].sizes["draw"], post.attrs["partial"])
print([str(w.message) for w in caught if w.category.__name__ == "PartialRunWarning"])
whole = br.sample(model, data, post["posterior"].sizes["draw"], 2, seed=1, tune=20)
print(np.array_equal(whole["posterior"]["coef"], post["posterior"]["coef"]))
"""
)

STORED = (
    COMMON
    + """
import tempfile
path = tempfile.mkdtemp() + "/run.zarr"
slow = Slow.advance
Slow.advance = lambda self, chain, block: (
    self.engine.advance(chain, block) if chain.iteration < 120 else slow(self, chain, block)
)
warnings.simplefilter("ignore")
post = br.sample(model, data, 300, 2, seed=1, tune=20, store=path)
print(post["posterior"].sizes["draw"], flush=True)
execution.prepared = prepared
whole = br.sample(model, data, 300, 2, seed=1, tune=20)
print(np.array_equal(whole["posterior"]["coef"], br.resume(path)["posterior"]["coef"]))
"""
)

WARMING = (
    COMMON
    + """
try:
    br.sample(model, data, 100, 2, seed=1, tune=10**6)
except KeyboardInterrupt:
    print("KeyboardInterrupt")
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""
)


def interrupted(program, block_seconds, after=1.5, times=1):
    """Lines that the program prints after Ctrl-C, and seconds until its result."""
    child = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", program, str(block_seconds)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout.readline() == "ready\n"
    time.sleep(after)
    began = time.monotonic()
    for _ in range(times):
        child.send_signal(signal.SIGINT)
        time.sleep(0.1)
    first = child.stdout.readline()
    seconds = time.monotonic() - began
    lines = [first, *child.stdout]
    child.wait(timeout=60)
    return lines, seconds, child


@pytest.mark.parametrize("block_seconds", [0.0, 0.3])
def test_the_draws_so_far_are_returned_and_marked(block_seconds):
    lines, seconds, child = interrupted(KEPT, block_seconds)
    count, partial = map(int, lines[0].split())
    assert (partial, child.returncode) == (1, 0)
    assert count > 0
    assert f"has {count} of 1000000 draws" in lines[1]
    assert lines[2] == "True\n"
    assert seconds < SOON


def test_a_stored_run_goes_on_from_before_the_block_that_was_left_behind():
    """The block takes an hour and has moved the chains already: they are not those on disk."""
    lines, seconds, child = interrupted(STORED, 3600.0, after=3.0)
    assert lines == ["100\n", "True\n"]
    assert child.returncode == 0
    assert seconds < SOON


@pytest.mark.parametrize("block_seconds", [0.0, 3600.0])
def test_in_the_warm_up_there_is_nothing_to_return(block_seconds):
    """Also where a block takes an hour: neither the result nor the end of the process waits."""
    lines, seconds, child = interrupted(WARMING, block_seconds)
    assert lines == ["KeyboardInterrupt\n"]
    assert child.returncode == 0
    assert seconds < SOON


def test_a_second_ctrl_c_does_not_wait():
    lines, seconds, _ = interrupted(WARMING, 3600.0, times=2)
    assert lines == ["KeyboardInterrupt\n"]
    assert seconds < SOON


def test_workers_keep_order_and_raise_the_first_error():
    def work(k):
        if k in (2, 3):
            raise ValueError(k)
        return k * k

    with workers(3, lambda: False) as pool:
        assert pool.map(work, range(2)) == [0, 1]
        with pytest.raises(ValueError, match="2"):
            pool.map(work, range(5))
        assert pool.map(work, [5, 1, 0]) == [25, 1, 0]


def test_workers_that_hang_are_left_behind():
    began = time.monotonic()
    with pytest.raises(Abandoned), workers(2, lambda: True) as pool:
        pool.map(lambda k: time.sleep(30), range(2))
    assert time.monotonic() - began < SOON


def test_another_handler_is_left_alone():
    """Where Ctrl-C is ignored or somebody else's, it stays so."""
    from bayesreg.posterior.interruption import noted_interruption

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with noted_interruption() as interruption:
            signal.raise_signal(signal.SIGINT)
            assert not interruption.requested
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    with noted_interruption() as interruption:
        signal.raise_signal(signal.SIGINT)
        assert interruption.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
