"""Notebooks run from top to bottom, and are kept with their outputs."""

import os
from pathlib import Path

import nbclient
import nbformat
import pytest

ROOT = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(ROOT.glob("*.ipynb"))
# Seconds after which a cell hangs: on a busy machine a first call compiles for a minute.
_HANGING = 600


def _outputs(notebook):
    """Text of each code cell, and whether it drew a picture."""
    return [
        (
            "".join(out.get("text", "") for out in cell.outputs),
            any("image/png" in out.get("data", {}) for out in cell.outputs),
        )
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


@pytest.mark.notebook
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_and_its_kept_outputs_are_current(path):
    kept = _outputs(nbformat.read(path, as_version=4))
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(
        notebook,
        timeout=_HANGING,
        kernel_name="python3",
        resources={"metadata": {"path": str(ROOT)}},
    ).execute(env={name: value for name, value in os.environ.items() if name != "MPLBACKEND"})
    for (kept_text, kept_picture), (text, picture) in zip(kept, _outputs(notebook), strict=True):
        assert kept_picture == picture
        # Figures may differ in their last digits from machine to machine, words may not.
        assert _words(kept_text) == _words(text)


def _words(text):
    return [word for word in text.split() if word.isalpha()]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_kept_outputs_are_complete_and_clean(path):
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    assert not [out for cell in code for out in cell.outputs if out.output_type == "error"]
    assert not [out for cell in code for out in cell.outputs if out.get("name") == "stderr"]
    assert sum(picture for _, picture in _outputs(notebook)) >= 2


def test_there_is_a_notebook():
    assert NOTEBOOKS
