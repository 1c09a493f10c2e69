"""Runs on disk: what a store holds, going on bit for bit, damage, and refusals."""

import shutil
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
from helpers import make_data

from bayesreg import (
    Data,
    Gaussian,
    Laplace,
    Model,
    Normal,
    open_run,
    resume,
    sample,
)
from bayesreg.errors import ModelError, ModelTypeError, StoreError, VersionWarning
from bayesreg.posterior import checkpoint, run, run_store, storing

pytestmark = pytest.mark.filterwarnings("ignore::bayesreg.errors.ConvergenceWarning")

LASSO = Model(Gaussian(1.5), Laplace(0.3))
RIDGE = Model(Gaussian(1.5), Normal(0.3))
EACH = [pytest.param(LASSO, id="gibbs"), pytest.param(RIDGE, id="exact")]


@pytest.fixture(scope="module")
def data():
    return make_data(Gaussian(1.5), weights=True, offset=True)


@pytest.fixture(autouse=True, scope="module")
def short_blocks():
    """Blocks of 64 draws and chunks of 128: short runs have several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "_LONGEST_BLOCK", 64)
        patch.setattr(storing, "chunk_length", lambda length, *rest: 2 * length)
        yield


def assert_same(one, other):
    """Every number of every group, and every attribute but where it is."""
    assert set(one.children) == set(other.children)
    for name, group in one.children.items():
        assert list(group.variables) == list(other[name].variables), name
        for variable, values in group.variables.items():
            found = other[name][variable].values
            assert values.dtype == found.dtype, (name, variable)
            np.testing.assert_array_equal(found, values.values, err_msg=f"{name}/{variable}")
    gone = {"store"}
    assert {k: v for k, v in one.attrs.items() if k not in gone} == {
        k: v for k, v in other.attrs.items() if k not in gone
    }


def stopped_after(monkeypatch, blocks, start):
    """Carry out ``start()``, with Ctrl-C after so many blocks."""
    step, done = run._Step.__call__, []

    def interrupting(self, chain):
        pieces = step(self, chain)
        done.append(1)
        if len(done) == 2 * blocks:
            signal.raise_signal(signal.SIGINT)
        return pieces

    with monkeypatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setattr(run._Step, "__call__", interrupting)
        return start()


# --- what it holds ------------------------------------------------------------------------------


@pytest.mark.parametrize("model", EACH)
def test_a_stored_run_is_the_run(model, data, tmp_path):
    options = {"draws": 1000, "chains": 2, "seed": 3, "posterior_predictive": True}
    stored = sample(model, data, **options, store=tmp_path / "run.zarr")
    assert_same(sample(model, data, **options), stored)
    assert_same(stored, open_run(tmp_path / "run.zarr"))


def test_every_array_of_the_data_comes_back(tmp_path):
    from bayesreg.posterior.opening import read_run

    X = np.asfortranarray(np.random.default_rng(0).normal(size=(40, 3)))
    data = Data(X, X[:, 0], weights=np.arange(40.0), offset=X[:, 1], names=["ä", "b b", "'"])
    sample(RIDGE, data, seed=1, store=tmp_path / "a.zarr")
    found = read_run(tmp_path / "a.zarr").order.data
    assert found.names == data.names
    assert found.X.flags.f_contiguous
    for name in ("X", "y", "weights", "offset"):
        np.testing.assert_array_equal(getattr(found, name), getattr(data, name))


def test_the_files_are_zarr_for_everybody(data, tmp_path):
    import xarray as xr

    post = sample(LASSO, data, seed=1, store=tmp_path / "run.zarr")
    with xr.open_datatree(tmp_path / "run.zarr", engine="zarr", consolidated=False) as tree:
        np.testing.assert_array_equal(tree["posterior"]["coef"], post["posterior"]["coef"])


def test_arviz_reads_a_stored_run(data, tmp_path):
    import arviz_stats

    post = sample(LASSO, data, seed=1, store=tmp_path / "run.zarr")
    memory = sample(LASSO, data, seed=1)
    assert arviz_stats.loo(post).elpd == arviz_stats.loo(memory).elpd
    assert arviz_stats.summary(post, var_names=["coef"]).shape[0] == data.p
    post.to_netcdf(tmp_path / "post.nc")


@pytest.mark.parametrize("kind", ["bool", "int64", "float64"])
def test_chunks_of_nothing_but_zeros_are_there(tmp_path, kind):
    """Such as a long run without a divergence; after opening the arrays again as well."""
    layout = run_store.Layout(
        {"sample_stats/diverging": ((), kind), "posterior/coef": ((2,), kind)}
    )
    run_store.DrawArrays.create(tmp_path, layout, 2, 4, 8)
    arrays = run_store.DrawArrays(tmp_path, layout, 2, 4, "r+")
    for k in range(2):
        shapes = {"sample_stats/diverging": (2, 4), "posterior/coef": (2, 4, 2)}
        arrays.write(k, {name: np.zeros(shape, kind) for name, shape in shapes.items()})
    arrays.require(8)
    arrays.verify(8)
    arrays.resize(12)
    with pytest.raises(StoreError, match="c/0/2 is damaged: it is not there"):
        arrays.require(9)


# --- going on -----------------------------------------------------------------------------------


@pytest.mark.parametrize("model", EACH)
def test_a_longer_run_has_the_same_bits(model, data, tmp_path):
    """Extended twice, from ends that are no ends of blocks."""
    path = tmp_path / "run.zarr"
    sample(model, data, 500, 2, 3, store=path, posterior_predictive=True)
    resume(path, 900)
    longer = resume(path, 1500)
    whole = sample(model, data, 1500, 2, 3, posterior_predictive=True)
    assert_same(whole, longer)
    assert_same(whole, resume(path))


@pytest.mark.parametrize("blocks", [5, 9, 16, 19])
def test_an_interrupted_run_goes_on_as_if_it_had_not_been(monkeypatch, data, tmp_path, blocks):
    path = tmp_path / "run.zarr"
    options = {"draws": 1000, "chains": 2, "seed": 3, "tune": 200}
    partial = stopped_after(
        monkeypatch, blocks, lambda: sample(LASSO, data, **options, cores=1, store=path)
    )
    whole = sample(LASSO, data, **options)
    kept = partial["posterior"].sizes["draw"]
    assert partial.attrs["partial"] == 1
    assert 0 < kept < 1000
    np.testing.assert_array_equal(
        partial["posterior"]["coef"], whole["posterior"]["coef"][:, :kept]
    )
    assert_same(whole, resume(path))


def test_an_interrupted_warm_up_goes_on(monkeypatch, data, tmp_path):
    path = tmp_path / "run.zarr"
    options = {"draws": 500, "chains": 2, "seed": 3, "tune": 200}
    with pytest.raises(KeyboardInterrupt):
        stopped_after(monkeypatch, 2, lambda: sample(LASSO, data, **options, cores=1, store=path))
    with pytest.raises(StoreError, match="no draws yet"):
        open_run(path)
    assert_same(sample(LASSO, data, **options), resume(path))


PROGRAM = """
import sys
import numpy as np, bayesreg as br
from bayesreg.posterior import run, run_store, storing
run._LONGEST_BLOCK = 32
run_store._CHUNK_NUMBERS = 32 * 20 * 2 * 3
rng = np.random.default_rng(0)
X = rng.normal(size=(200, 20))
data = br.Data(X, X[:, 0] + rng.normal(size=200))
model = br.Model(br.Gaussian(1.0), br.Laplace(0.1))
path, draws = sys.argv[1], int(sys.argv[2])
if sys.argv[3] == "sample":
    br.sample(model, data, draws, 2, seed=1, tune=100, store=path)
else:
    br.resume(path)
"""


def test_kill_at_any_moment_loses_no_acknowledged_draw(tmp_path):
    """Killed again and again, each time later: what is there is that of a whole run."""
    path, draws = tmp_path / "run.zarr", 6_000
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM]
    subprocess.run([*command, str(tmp_path / "whole.zarr"), str(draws), "sample"], check=True)
    whole = open_run(tmp_path / "whole.zarr")
    acknowledged, kills, rng = 0, 0, np.random.default_rng(5)
    while acknowledged < draws:
        mode = "resume" if path.exists() else "sample"
        child = subprocess.Popen([*command, str(path), str(draws), mode])
        wanted = acknowledged + rng.integers(1, 2000)
        while child.poll() is None and stated(path) < wanted:
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.01))
        kills += child.poll() is None
        child.kill()
        child.wait()
        before, acknowledged = acknowledged, stated(path)
        assert acknowledged >= before
        if acknowledged:
            kept = open_run(path)["posterior"]["coef"].values
            assert kept.shape[1] == acknowledged
            np.testing.assert_array_equal(kept, whole["posterior"]["coef"][:, :acknowledged])
    assert kills >= 3
    for group in ("posterior", "sample_stats", "log_prior", "log_likelihood"):
        for name, values in whole[group].data_vars.items():
            np.testing.assert_array_equal(open_run(path)[group][name], values)


def stated(path):
    """Draws that the checkpoint acknowledges."""
    return (
        checkpoint.read_checkpoint(path)["kept"] if (path / "checkpoint/zarr.json").exists() else 0
    )


def test_what_lies_beyond_the_checkpoint_is_ignored(data, tmp_path):
    """Draws that were written and not acknowledged: as if the process was killed between."""
    path = tmp_path / "run.zarr"
    sample(LASSO, data, 300, 2, seed=1, store=path)
    saved = tmp_path / "checkpoint"
    shutil.copytree(path / "checkpoint", saved)
    longer = resume(path, 900)
    expected = longer["posterior"]["coef"].values
    shutil.rmtree(path / "checkpoint")
    shutil.copytree(saved, path / "checkpoint")
    assert open_run(path)["posterior"]["coef"].shape == (2, 300, data.p)
    np.testing.assert_array_equal(resume(path, 900)["posterior"]["coef"], expected)


# --- damage -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(short_blocks, data, tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "run.zarr"
    sample(LASSO, data, 500, 2, seed=1, store=path)
    return path


def everything(path):
    """Every number that a store gives."""
    tree = open_run(path)
    return [
        values.values for group in tree.children.values() for values in group.variables.values()
    ]


def damage(finished, tmp_path, kinds):
    """(file, kind, error or None) for each file of a copy, damaged and then restored."""
    expected, path = everything(finished), tmp_path / "copy.zarr"
    shutil.copytree(finished, path)
    rng = np.random.default_rng(0)
    for file in sorted(file for file in path.rglob("*") if file.is_file()):
        original = file.read_bytes()
        flipped = bytearray(original)
        flipped[rng.integers(len(original))] ^= 1 << rng.integers(8)
        for kind in kinds(rng):
            file.write_bytes(flipped if kind == "flip" else original[:-1])
            if kind == "gone":
                file.unlink()
            try:
                found = everything(path)
            except (ValueError, FileNotFoundError) as error:
                yield file, kind, error
            else:
                for one, other in zip(expected, found, strict=True):
                    np.testing.assert_array_equal(one, other)
                yield file, kind, None
            file.write_bytes(original)


def test_damage_is_an_error_and_never_other_numbers(finished, tmp_path):
    """A byte flipped, a byte missing, no file: an error, or the numbers that were there."""
    found = list(damage(finished, tmp_path, lambda rng: [rng.choice(["flip", "cut", "gone"])]))
    refused = [file for file, _, error in found if error is not None]
    assert len(refused) > len(found) / 2
    # Keys in the description of an array that nobody reads may change: no numbers are there.
    assert {file.name for file, _, error in found if error is None} <= {"zarr.json"}


@pytest.mark.slow
def test_every_damage_is_an_error_and_never_other_numbers(finished, tmp_path):
    found = list(damage(finished, tmp_path, lambda rng: ["flip", "cut", "gone"]))
    assert {file.name for file, _, error in found if error is None} <= {"zarr.json"}


def test_resume_names_the_damaged_file(finished, tmp_path):
    path = tmp_path / "copy.zarr"
    shutil.copytree(finished, path)
    file = path / "log_likelihood" / "y" / "c" / "0" / "1" / "0"
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)
    with pytest.raises(StoreError, match=r"log_likelihood/y/c/0/1/0 is damaged"):
        resume(path, 900)
    file.write_bytes(content[:50])
    with pytest.raises(StoreError, match=r"y/c/0/1/0 is damaged: it has 50 of"):
        open_run(path)


def test_a_checkpoint_with_other_numbers_is_refused(finished, tmp_path):
    path = tmp_path / "copy.zarr"
    shutil.copytree(finished, path)
    file = path / "checkpoint" / "zarr.json"
    text = file.read_text()
    changed = text.replace('\\"kept\\": 500', '\\"kept\\": 400')
    assert changed != text
    file.write_text(changed)
    with pytest.raises(StoreError, match="its checksum does not match"):
        open_run(path)


def test_hostile_checkpoints_are_refused(finished, tmp_path):
    path = tmp_path / "copy.zarr"
    shutil.copytree(finished, path)
    file = path / "checkpoint" / "zarr.json"
    for text in ("", "[" * 100_000, '{"attributes": 1}', '{"attributes": {"checkpoint": 1}}'):
        file.write_text(text)
        with pytest.raises(StoreError, match="damaged"):
            open_run(path)
    content = checkpoint.read_checkpoint(finished)
    cases = ({"start": {"dtype": "object", "shape": [1], "base64": ""}}, {"model": "__import__()"},
             {"chains_at": [{}]}, {"chains": 10**12})  # fmt: skip
    for change in cases:
        checkpoint.write_checkpoint(path, {**content, **change})
        with pytest.raises(StoreError):
            open_run(path)
    checkpoint.write_checkpoint(path, {**content, "format": 99})
    with pytest.raises(StoreError, match="format"):
        open_run(path)


FULL = """
import resource, signal, sys, pathlib
import numpy as np, bayesreg as br
from bayesreg.posterior import run, run_store
run._LONGEST_BLOCK = 64
rng = np.random.default_rng(0)
X = rng.normal(size=(50, 3))
data = br.Data(X, X[:, 0] + rng.normal(size=50))
path = pathlib.Path(sys.argv[1])
br.sample(br.Model(br.Gaussian(1.0), br.Laplace(0.1)), data, 500, 2, seed=1, store=path)
largest = max(f.stat().st_size for f in path.rglob("*") if f.is_file())
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
try:
    br.resume(path, 5000)
except OSError as error:
    print(type(error).__name__, error)
print(br.open_run(path)["posterior"]["coef"].shape)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(br.resume(path, 5000)["posterior"]["coef"].shape)
"""


def test_a_full_disk_is_an_error_with_the_path_and_loses_nothing(tmp_path):
    """No file may grow beyond 20 kB, as on a device that is full."""
    path = tmp_path / "run.zarr"
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FULL, str(path)],
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    assert found[0].startswith("OSError")
    assert str(path) in found[0]
    assert "safe" in found[0]
    assert found[1:] == ["(2, 500, 3)", "(2, 5000, 3)"]


# --- refusals -----------------------------------------------------------------------------------


def test_nothing_is_overwritten(data, finished, tmp_path):
    before = {file: file.read_bytes() for file in finished.rglob("*") if file.is_file()}
    with pytest.raises(StoreError, match=r"exists already.*resume.*another path"):
        sample(LASSO, data, seed=1, store=finished)
    assert before == {file: file.read_bytes() for file in finished.rglob("*") if file.is_file()}
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StoreError, match="exists already"):
        sample(LASSO, data, seed=1, store=tmp_path / "file")


def test_what_cannot_be_stored_or_resumed_is_refused(data, finished, tmp_path):
    with pytest.raises(ModelError, match=r"whole runs.*to_netcdf"):
        sample(LASSO, data, sampler="pymc", store=tmp_path / "run.zarr")
    with pytest.raises(ModelTypeError, match="store must be a path"):
        sample(LASSO, data, store=3)
    assert not (tmp_path / "run.zarr").exists()
    with pytest.raises(ModelError, match=r"500 draws per chain already.*draws=100"):
        resume(finished, 100)
    with pytest.raises(StoreError, match=r"no stored run at.*killed before.*start it again"):
        resume(tmp_path / "nothing.zarr")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError, match="not a stored run"):
        resume(tmp_path / "empty")
    with pytest.raises(ModelTypeError, match="path"):
        resume(None)
    with pytest.raises(ModelError, match="draws"):
        resume(finished, 0)
    with pytest.raises(OSError, match="nowhere"):
        sample(LASSO, data, seed=1, store=tmp_path / "nowhere" / "run.zarr")


def test_without_zarr_the_remedy_is_named(data, tmp_path, monkeypatch):
    from bayesreg.errors import MissingExtraError

    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'bayesreg\[store\]'"):
        sample(LASSO, data, store=tmp_path / "run.zarr")


def test_one_process_writes_at_a_time(finished):
    from bayesreg.posterior.storing import locked

    with locked(finished), pytest.raises(StoreError, match="another process is writing"):
        resume(finished, 900)


def test_other_versions_are_said(finished, tmp_path):
    path = tmp_path / "copy.zarr"
    shutil.copytree(finished, path)
    content = checkpoint.read_checkpoint(path)
    content["versions"]["numpy_version"] = "1.0"
    checkpoint.write_checkpoint(path, content)
    with pytest.warns(VersionWarning, match=r"numpy 1\.0 ->"):
        resume(path, 900)


# --- memory -------------------------------------------------------------------------------------

MEMORY = """
import resource, sys
import numpy as np, bayesreg as br
rng = np.random.default_rng(0)
X = rng.normal(size=(30, 10))
data = br.Data(X, X[:, 0] + rng.normal(size=30))
model = br.Model(br.Gaussian(1.0), br.Laplace(0.1))
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
br.sample(model, data, 150_000, 2, seed=1, store=sys.argv[1], log_likelihood=False)
short = peak()
post = br.resume(sys.argv[1], 2_400_000)
print(peak() - short, post["posterior"]["coef"].nbytes / 2**20)
"""


@pytest.mark.slow
def test_memory_stays_flat(tmp_path):
    """16 times the draws, 360 MiB of coefficients alone: the peak grows by less than a fifth."""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MEMORY, str(tmp_path / "run.zarr")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    growth, size = map(float, run.stdout.split())
    assert size > 360
    assert growth < 0.2 * size
