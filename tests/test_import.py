"""``import bayesreg`` costs numpy and no more, and every public name is there."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import bayesreg

HERE = Path(bayesreg.__file__).parents[1]


def modules_after(statement):
    """Top-level modules in a fresh interpreter after a statement."""
    code = f"import sys; {statement}; print(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    return set(output_of(code).split())


def output_of(code):
    """What a fresh interpreter prints, on this very copy of the package."""
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_import_loads_nothing_heavier_than_numpy():
    extra = modules_after("import bayesreg") - modules_after("import numpy") - {"bayesreg"}
    assert extra - set(sys.stdlib_module_names) == set()
    assert extra & {"asyncio", "difflib", "http", "multiprocessing", "unittest", "xml"} == set()


def test_the_check_sees_a_heavy_import():
    heavy = modules_after("import bayesreg; bayesreg.find_map") - modules_after("import bayesreg")
    assert heavy - set(sys.stdlib_module_names)


@pytest.mark.parametrize("name", bayesreg.__all__)
def test_public_name_resolves(name):
    value = getattr(bayesreg, name)
    assert value is getattr(bayesreg, name)
    assert name in dir(bayesreg)


@pytest.mark.parametrize("name", bayesreg._HOME)
def test_public_name_is_documented_and_public_at_home(name):
    value = getattr(bayesreg, name)
    assert value.__doc__
    assert value.__name__ == name
    home = importlib.import_module(f"bayesreg.{bayesreg._HOME[name]}")
    assert name in getattr(home, "__all__", [name])


def test_typed_face_names_the_same_things():
    # What type checkers see under TYPE_CHECKING is what __getattr__ serves.
    tree = ast.parse(Path(bayesreg.__file__).read_text())
    (face,) = [node for node in tree.body if isinstance(node, ast.If)]
    typed = {
        alias.name: node.module.removeprefix("bayesreg.")
        for node in face.body
        for alias in node.names
    }
    assert typed == bayesreg._HOME


@pytest.mark.parametrize(
    ("name", "near"),
    [("find_mpa", "find_map"), ("Laplce", "Laplace"), ("to_penalties", "to_penalty")],
)
def test_unknown_name_suggests_the_nearest(name, near):
    with pytest.raises(AttributeError, match=rf"no attribute '{name}'.*Did you mean .*'{near}'"):
        getattr(bayesreg, name)


def test_importing_every_submodule_shadows_no_public_name():
    submodules = [
        info.name
        for info in pkgutil.walk_packages(bayesreg.__path__, "bayesreg.")
        if not info.name.endswith("__main__")
    ]
    code = (
        "import bayesreg, importlib, types\n"
        f"for name in {submodules!r}: importlib.import_module(name)\n"
        "wrong = [n for n in bayesreg.__all__ "
        "if isinstance(getattr(bayesreg, n), types.ModuleType)]\n"
        "print(wrong)"
    )
    assert output_of(code).strip() == "[]"


def test_version_is_a_version():
    assert bayesreg.__version__[0].isdigit()
