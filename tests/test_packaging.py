"""Wheel and sdist build, install into fresh environments, and carry what they must."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.packaging


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", str(out), str(ROOT)],
        check=True, capture_output=True,
    )  # fmt: skip
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    return wheel, sdist


def _modules():
    return {str(path.relative_to(ROOT)) for path in (ROOT / "bayesreg").rglob("*.py")}


def test_wheel_has_every_module_the_marker_and_the_licence(built):
    names = set(zipfile.ZipFile(built[0]).namelist())
    assert _modules() <= names
    assert "bayesreg/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]


def test_sdist_can_be_tested_from(built):
    with tarfile.open(built[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert _modules() <= names
    for name in ("README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "pyproject.toml",
                 "tests/helpers.py", "tests/reference/penalised_optima.json"):  # fmt: skip
        assert name in names


@pytest.mark.parametrize("kind", [0, 1], ids=["wheel", "sdist"])
def test_installs_and_runs_outside_the_checkout(built, kind, tmp_path):
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    subprocess.run([python, "-m", "pip", "install", "-q", built[kind]], check=True)
    program = (
        "import bayesreg as br; from bayesreg.demo import load_diabetes; "
        "fit = br.find_map(br.Model(br.Gaussian(54.0), br.Laplace(60.0)), load_diabetes()); "
        "assert fit.certificate.holds; print(br.__file__)"
    )
    done = subprocess.run(
        [python, "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert str(tmp_path) in done.stdout
    listed = subprocess.run(
        [tmp_path / "venv" / "bin" / "bayesreg", "convert", "--list"],
        cwd=tmp_path, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert "sklearn.Lasso" in listed.stdout
