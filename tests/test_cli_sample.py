"""bayesreg sample, as a user runs it."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from helpers import make_data

import bayesreg as br
from bayesreg.cli import main

MODEL = ("--target", "y", "--prior", "Laplace(scale=0.3)", "--sigma", "1.5")


@pytest.fixture
def table(tmp_path):
    data = make_data(br.Gaussian(1.5))
    path = tmp_path / "table.csv"
    pd.DataFrame(data.X, columns=data.names).assign(y=data.y).to_csv(path, index=False)
    return path


def test_json_has_every_parameter_with_its_diagnostics(table, capsys):
    assert main(["sample", str(table), *MODEL, "--seed", "3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    # As the command reads them: another order in memory rounds otherwise.
    frame = pd.read_csv(table)
    data = br.Data(frame.drop(columns="y"), frame["y"])
    post = br.sample(br.Model(br.Gaussian(1.5), br.Laplace(0.3)), data, seed=3)
    row = found["parameters"]["coef[x2]"]
    drawn = post["posterior"]["coef"].sel(feature="x2")
    assert row["mean"] == pytest.approx(float(drawn.mean()), rel=1e-6)
    assert row["rhat"] == pytest.approx(
        float(post["diagnostics"]["coef"].sel(diagnostic="rhat", feature="x2")), rel=1e-6
    )
    assert found["attributes"]["seed"] == 3
    assert len(found["parameters"]) == 8


def test_a_table_and_the_reason_for_the_sampler(table, capsys, tmp_path):
    output = tmp_path / "post.nc"
    options = ["--draws", "500", "--output", str(output), "--seed", "1"]
    assert main(["sample", str(table), *MODEL, *options]) == 0
    text = capsys.readouterr().out
    assert "intercept" in text
    assert "gibbs: Gaussian likelihood" in text
    with xr.open_datatree(output) as tree:
        assert tree["posterior"]["coef"].shape == (4, 500, 7)
    assert main(["sample", str(table), *MODEL, *options]) == 2
    assert "not overwritten" in capsys.readouterr().err


def test_store_and_resume(table, tmp_path, capsys):
    path = tmp_path / "run.zarr"
    first = ["sample", str(table), *MODEL, "--draws", "600", "--seed", "1", "--json"]
    assert main([*first, "--store", str(path)]) == 0
    capsys.readouterr()
    assert main(["sample", "--resume", str(path), "--draws", "900", "--json"]) == 0
    longer = json.loads(capsys.readouterr().out)["parameters"]
    first[first.index("600")] = "900"
    assert main(first) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] == longer
    assert main([*first, "--store", str(path)]) == 2
    assert "exists already" in capsys.readouterr().err


def test_what_cannot_be_done_is_one_line(table, tmp_path, capsys):
    assert main(["sample", str(table)]) == 2
    assert "--target and --prior missing" in capsys.readouterr().err
    assert main(["sample", "--resume", str(tmp_path / "no"), "--seed", "1"]) == 2
    assert "--resume was given beside --seed" in capsys.readouterr().err
    assert main(["sample", "--resume", str(tmp_path / "no")]) == 2
    assert "no stored run" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore::bayesreg.errors.ConvergenceWarning")
def test_warnings_are_lines(table, capsys):
    assert main(["sample", str(table), *MODEL, "--draws", "20", "--seed", "1"]) == 0
    assert "bayesreg sample: warning: the draws fall short" in capsys.readouterr().err


def test_ctrl_c_prints_what_there_is_and_exits_130(table, tmp_path):
    path = tmp_path / "run.zarr"
    child = subprocess.Popen(
        [sys.executable, "-m", "bayesreg", "sample", str(table), *MODEL, "--draws", "100000000",
         "--seed", "1", "--store", str(path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while child.poll() is None and not _kept(path):
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    out, error = child.communicate(timeout=120)
    assert child.returncode == 130
    assert "interrupted: a partial result" in out
    assert "of 100000000 draws per chain" in error
    assert "Traceback" not in error
    assert np.isfinite(br.open_run(path)["posterior"]["coef"].values).all()


def _kept(path):
    from bayesreg.posterior.checkpoint import read_checkpoint

    return (path / "checkpoint" / "zarr.json").exists() and read_checkpoint(path)["kept"]
