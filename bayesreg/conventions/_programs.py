"""The program and the object of a library that has estimators in the manner of scikit-learn."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from bayesreg.conventions._setting import Setting
from bayesreg.errors import ConversionError

#: Where the package has another name than the module.
_PACKAGES = {"sklearn": "scikit-learn"}

Code = Callable[[Mapping[str, Any], Setting], str]


def program(module: str, kind: str) -> tuple[Code, Callable[[Mapping[str, Any], Setting], Any]]:
    """``code`` and ``build`` of the class ``kind`` of ``module``."""
    return partial(_code, module, kind), partial(_build, module, kind)


def _code(module: str, kind: str, arguments: Mapping[str, Any], setting: Setting) -> str:
    """Import, constructor and fit, as a program on X and y (and sample_weight)."""
    inside = ", ".join(f"{name}={literal(value)}" for name, value in arguments.items())
    weights = ", sample_weight=sample_weight" if setting.weighted else ""
    vectors = any(isinstance(value, list) for value in arguments.values())
    return (
        f"{'import numpy as np' + chr(10) if vectors else ''}from {module} import {kind}\n\n"
        f"estimator = {kind}({inside})\n"
        f"estimator.fit(X, y{weights})\n"
    )


def literal(value: Any) -> str:
    """Program text of a value; a list stands for a vector."""
    if isinstance(value, list):
        return f"np.array({value!r})"
    return 'float("inf")' if value == float("inf") else repr(value)


def library(module: str) -> Any:
    """The module, which is a library of the caller's.

    Raises
    ------
    ConversionError
        Where it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConversionError(
            f".build() makes an object of {module}, which cannot be imported here ({error}). "
            f"Install {_PACKAGES.get(module.split('.')[0], module.split('.')[0])}; .code and "
            ".parameters do without it"
        ) from error


def _build(module: str, kind: str, arguments: Mapping[str, Any], setting: Setting) -> Any:
    given = {
        name: np.array(value) if isinstance(value, list) else value
        for name, value in arguments.items()
    }
    return getattr(library(module), kind)(**given)
