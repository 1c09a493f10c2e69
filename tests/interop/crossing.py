"""Cases cross to a library's interpreter and answers come back: npz + JSON, R as plain text."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bayesreg import Data

from .environments import HERE, EnvironmentAbsentError, environment

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Case:
    """A program to run on data, and the expressions whose values are wanted once it has run."""

    name: str
    code: str
    data: Data
    wanted: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """The values by name, or what went wrong."""

    values: Mapping[str, np.ndarray]
    error: str = ""


@dataclass(frozen=True)
class Answers:
    """Answers by the names of the cases, and the versions that gave them."""

    by_name: Mapping[str, Answer]
    versions: Mapping[str, str]


def answers(library: str, cases: Sequence[Case]) -> Answers:
    """All cases in one process of the library's own interpreter."""
    entry = environment(library)
    interpreter = entry.interpreter()
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        (_write if entry.python else _write_for_r)(place, cases)
        suffix = "py" if entry.python else "R"
        runner = HERE / "runners" / f"run_{library}.{suffix}"
        outside = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
        done = subprocess.run(
            [interpreter, str(runner), str(place)], capture_output=True, text=True, check=False,
            env={**outside, **_ONE_THREAD},
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"the runner of {library} ended badly:\n{done.stderr[-3000:]}")
        found = (_read if entry.python else _read_from_r)(place, cases)
    for name, version in entry.pinned().items():
        if found.versions.get(name, version).split("+")[0] != version:
            raise EnvironmentAbsentError(
                f"the environment of {library} has {name} {found.versions[name]}, and "
                f"environments.toml says {version}; build it again with\n    {entry.command}"
            )
    return found


def _write(place: Path, cases: Sequence[Case]) -> None:
    arrays = {}
    for k, case in enumerate(cases):
        arrays[f"X_{k}"], arrays[f"y_{k}"] = case.data.to_dense().X, case.data.y
        if case.data.weights is not None:
            arrays[f"sample_weight_{k}"] = case.data.weights
    np.savez(place / "arrays.npz", **arrays)
    rows = [{"code": case.code, "wanted": dict(case.wanted)} for case in cases]
    (place / "cases.json").write_text(json.dumps(rows))


def _read(place: Path, cases: Sequence[Case]) -> Answers:
    report = json.loads((place / "answers.json").read_text())
    with np.load(place / "answers.npz", allow_pickle=False) as arrays:
        found = {
            case.name: Answer(
                {name: arrays[f"{name}_{k}"] for name in case.wanted if f"{name}_{k}" in arrays},
                report["errors"].get(str(k), ""),
            )
            for k, case in enumerate(cases)
        }
    return Answers(found, report["versions"])


def _write_for_r(place: Path, cases: Sequence[Case]) -> None:
    """R reads no npz: one number a line, in 17 digits, which is exact."""
    for k, case in enumerate(cases):
        folder = place / f"{k:04d}"
        folder.mkdir()
        weights = np.ones(case.data.n) if case.data.weights is None else case.data.weights
        np.savetxt(folder / "x.txt", case.data.to_dense().X, fmt="%.17g")
        np.savetxt(folder / "y.txt", case.data.y, fmt="%.17g")
        np.savetxt(folder / "weights.txt", weights, fmt="%.17g")
        (folder / "code.R").write_text(case.code)
        for name, expression in case.wanted.items():
            (folder / f"{name}.wanted").write_text(expression + "\n")


def _read_from_r(place: Path, cases: Sequence[Case]) -> Answers:
    found = {}
    for k, case in enumerate(cases):
        folder = place / f"{k:04d}"
        error = folder / "error.txt"
        if error.exists():
            found[case.name] = Answer({}, error.read_text())
            continue
        values = {name: np.atleast_1d(np.loadtxt(folder / f"{name}.txt")) for name in case.wanted}
        found[case.name] = Answer(values)
    versions = (line.split() for line in (place / "versions.txt").read_text().splitlines())
    return Answers(found, dict(versions))
