"""Runs programs as printed and keeps the values that are wanted: numpy and the library only."""

import json
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np


def answer(*packages):
    """Read cases.json and arrays.npz of the directory in argv, write answers.json and .npz."""
    place = Path(sys.argv[1])
    cases = json.loads((place / "cases.json").read_text())
    arrays = np.load(place / "arrays.npz", allow_pickle=False)
    values, errors = {}, {}
    for k, case in enumerate(cases):
        names = ("X", "y", "sample_weight")
        space = {name: arrays[f"{name}_{k}"] for name in names if f"{name}_{k}" in arrays}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                exec(case["code"], space)
            for name, expression in case["wanted"].items():
                values[f"{name}_{k}"] = np.asarray(eval(expression, space), dtype=float)
        except Exception as error:
            errors[k] = f"{type(error).__name__}: {error}"
    np.savez(place / "answers.npz", **values)
    versions = {name: version(name) for name in packages}
    (place / "answers.json").write_text(json.dumps({"errors": errors, "versions": versions}))
