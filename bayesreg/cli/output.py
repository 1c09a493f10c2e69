"""What the commands print: text, tables through rich on a terminal, or one JSON document."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from bayesreg._json import json_text

if TYPE_CHECKING:
    from bayesreg._tables import Table


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def write_json(value: Any) -> int:
    sys.stdout.write(json_text(value) + "\n")
    return 0


def write_heading(text: str) -> None:
    sys.stdout.write(f"\n{text}\n{'=' * len(text)}\n")


def write_text(text: str) -> None:
    sys.stdout.write(text + "\n")


def write_table(table: Table) -> None:
    """Through rich on a terminal, as plain text in a pipe or a file."""
    if sys.stdout.isatty():
        from rich.console import Console

        Console(highlight=False).print(table)
    else:
        sys.stdout.write(f"{table}\n")
