"""Imports go one way.  Read from the source, inside functions too, without importing it."""

import ast
import graphlib
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "bayesreg"

#: From the ground up; a module or subpackage imports from its own row and the rows above it.
LAYERS = [
    [
        "_checks",
        "_csv",
        "_estimated",
        "_frames",
        "_json",
        "_tables",
        "_text",
        "_types",
        "_version",
        "_warning",
        "covariance",
        "data",
        "design",
        "dispersion",
        "errors",
        "group_penalty",
        "penalty",
        "tails",
    ],
    ["likelihoods", "priors"],
    ["coefficients", "columns"],
    ["model"],
    ["class_problem", "design_priors", "gradient_descent", "problem", "unknowns"],
    ["moments"],
    ["proof"],
    [
        "conventions",
        "pymc",
        "solvers",
        "spec",
        "wording",
    ],
    ["posterior", "twin"],
    ["comparison", "power_scaling", "scales", "testing", "verification", "verification_classes"],
    ["plots"],
    ["__main__", "cli", "demo"],
]
LEVEL = {name: level for level, row in enumerate(LAYERS) for name in row}

FOUNDATION = {name for row in LAYERS[: LEVEL["problem"] + 1] for name in row}

#: Exceptions to "its own row": what may be imported by whom.
ONLY_FROM = {
    "testing": FOUNDATION | {"conventions", "posterior"},
    "spec": FOUNDATION,
    "proof": FOUNDATION | {"moments"},
    "conventions": FOUNDATION,
}
KERNEL_USERS = {"solvers", "posterior"}


def unit_of(path):
    """The module or subpackage that a file belongs to, by its name inside bayesreg."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def absolute(node, path):
    """The absolute module that ``from x import y`` names in a file."""
    if not node.level:
        return node.module or ""
    package = ("bayesreg", *path.relative_to(PACKAGE).parts[:-1])
    base = package[: len(package) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def imports(tree, path, nested=True):
    """(line, dotted name) of every import; without ``nested`` those run at import time only."""
    found = []
    waiting = list(ast.iter_child_nodes(tree))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = absolute(node, path)
            # ``from bayesreg import data`` names a module, ``from x import y`` may.
            found += [(node.lineno, f"{module}.{alias.name}") for alias in node.names]
        is_body = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if nested or not (is_body or _type_checking(node)):
            waiting.extend(ast.iter_child_nodes(node))
    return found


def _type_checking(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def ours(names):
    """The units among dotted names, with their lines."""
    return [(line, name.split(".")[1]) for line, name in names if name.startswith("bayesreg.")]


FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")
PARSED = {path: ast.parse(path.read_text()) for path in FILES}
IDS = [str(path.relative_to(PACKAGE)) for path in FILES]


def faults(path, tree):
    """What a file imports of bayesreg that its layer may not."""
    unit, found = unit_of(path), []
    for line, name in ours(imports(tree, path)):
        if name == unit:
            continue
        if name == "_kernels":
            allowed = unit in KERNEL_USERS
        elif unit == "_kernels":
            allowed = False
        elif name not in LEVEL:
            # A public name taken from the package itself hides where it comes from.
            allowed = name == "__version__"
        else:
            allowed = name in ONLY_FROM.get(unit, LEVEL) and LEVEL[name] <= LEVEL[unit]
        if not allowed:
            found.append(f"line {line}: {unit} may not import {name}")
    return found


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_file_imports_from_its_layer_or_below(path):
    assert faults(path, PARSED[path]) == []


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_file_has_a_place(path):
    assert unit_of(path) in {*LEVEL, "_kernels"}


def test_no_two_units_need_each_other():
    graph = {}
    for path, tree in PARSED.items():
        needed = {name for _, name in ours(imports(tree, path))}
        graph.setdefault(unit_of(path), set()).update(needed - {unit_of(path)})
    order = list(graphlib.TopologicalSorter(graph).static_order())
    assert order.index("errors") < order.index("model") < order.index("problem")


THIRD_PARTY = {"proof": {"numpy", "scipy"}, "conventions": {"numpy", "scipy"}}


@pytest.mark.parametrize("unit", THIRD_PARTY)
def test_proof_and_formulas_need_no_library(unit):
    for path, tree in PARSED.items():
        if unit_of(path) == unit:
            names = {name.split(".")[0] for _, name in imports(tree, path, nested=False)}
            outside = names - set(sys.stdlib_module_names) - {"bayesreg"}
            assert outside <= THIRD_PARTY[unit], path


def test_kernels_know_numpy_and_numba_only():
    """And one another."""
    for path, tree in PARSED.items():
        if unit_of(path) == "_kernels":
            found = {name for _, name in imports(tree, path)}
            names = {n.split(".")[0] for n in found if not n.startswith("bayesreg._kernels.")}
            assert names - set(sys.stdlib_module_names) <= {"numpy", "numba"}, path


WRONG = [
    ("data.py", "from bayesreg.model import Model", "data may not import model"),
    ("data.py", "def f():\n    import bayesreg.solvers.mode", "data may not import solvers"),
    ("data.py", "def f():\n    from .solvers import find_map", "data may not import solvers"),
    ("model.py", "from bayesreg import problem", "model may not import problem"),
    ("priors/x.py", "class A:\n    from ..model import Model", "priors may not import model"),
    ("proof/gap.py", "import bayesreg._kernels.cd", "proof may not import _kernels"),
    ("proof/gap.py", "from bayesreg.solvers import find_map", "proof may not import solvers"),
    ("spec.py", "from bayesreg._kernels import cd", "spec may not import _kernels"),
    ("testing/x.py", "from bayesreg.proof.gap import x", "testing may not import proof"),
    ("_kernels/x.py", "from bayesreg.errors import DataError", "_kernels may not import errors"),
    ("verification.py", "from bayesreg import Model", "verification may not import Model"),
    (
        "plots.py",
        "if TYPE_CHECKING:\n    from bayesreg.cli import main",
        "plots may not import cli",
    ),
]


@pytest.mark.parametrize(("name", "source", "message"), WRONG)
def test_a_wrong_import_is_seen(name, source, message):
    (fault,) = faults(PACKAGE / name, ast.parse(source))
    assert message in fault


def test_a_library_at_import_time_is_seen():
    lines = ["import numpy", "if TYPE_CHECKING: import a", "def f(): import b", "if x: import c"]
    source = "\n".join(lines)
    names = {name for _, name in imports(ast.parse(source), PACKAGE / "x.py", nested=False)}
    assert names == {"numpy", "c"}
