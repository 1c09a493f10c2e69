"""Keeps what the interop tests prove, for ``python -m tests.interop.matrix``.

python -m pytest -m interop -n 0 tests/interop
"""

from __future__ import annotations

import pytest

from .matrix import keep

_ROWS: list[dict[str, object]] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    for name, row in report.user_properties:
        if name == "interop" and report.when == "call":
            _ROWS.append({**row, "proved": report.passed})


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _ROWS:
        keep(_ROWS)
