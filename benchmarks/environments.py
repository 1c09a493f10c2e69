"""Build the environments that the benchmarks run in, one per file in benchmarks/requirements.

    python -m benchmarks.environments [name ...] [--directory DIR]

Without ``--directory`` they are ``.venv-bench-<name>`` in the checkout (ignored by git).  What
cannot be installed is named with the reason and left out; the benchmark then runs without it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = Path(__file__).resolve().parent / "requirements"


def location(name: str, directory: Path | None = None) -> Path:
    """Where an environment lives."""
    return ROOT / f".venv-bench-{name}" if directory is None else directory / name


def interpreter(name: str, directory: Path | None = None) -> Path:
    """Its Python, which may not exist."""
    inside = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return location(name, directory).joinpath(*inside)


def names() -> list[str]:
    return sorted(file.stem for file in REQUIREMENTS.glob("*.txt"))


def requirements(name: str) -> list[str]:
    """The lines of its file, comments left out."""
    lines = (REQUIREMENTS / f"{name}.txt").read_text().splitlines()
    stripped = (line.split(" #")[0].strip() for line in lines)
    return [line for line in stripped if line and not line.startswith("#")]


def build(name: str, directory: Path | None = None) -> dict[str, str]:
    """Make or complete one environment; returns requirement -> reason for what failed."""
    python = interpreter(name, directory)
    if not python.exists():
        print(f"{name}: making {location(name, directory)}", flush=True)
        venv.create(location(name, directory), with_pip=True)
    wanted = requirements(name)
    print(f"{name}: installing {', '.join(wanted)}", flush=True)
    if _install(python, wanted) is None:
        return {}
    # Together they failed: one at a time, so that one library does not cost the others.  The first
    # line comes with each, as it is what the others must agree with.
    failures = {}
    for line in wanted:
        reason = _install(python, [wanted[0], line])
        if reason is not None:
            failures[line] = reason
    return failures


def _install(python: Path, wanted: list[str]) -> str | None:
    """None, or pip's last line of complaint."""
    arguments = [
        part for line in wanted for part in line.split(maxsplit=1 if line[0] == "-" else 0)
    ]
    command = [str(python), "-m", "pip", "install", "-q", *arguments]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if run.returncode == 0:
        return None
    complaints = [line for line in run.stderr.splitlines() if line.startswith("ERROR")]
    return (complaints or run.stderr.strip().splitlines() or ["pip failed"])[-1]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.environments")
    parser.add_argument("names", nargs="*", default=names(), help=f"of {', '.join(names())}")
    parser.add_argument("--directory", type=Path, help="where to put them (default: the checkout)")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(names()))
    if unknown:
        parser.error(f"no such environment: {', '.join(unknown)}; there are {', '.join(names())}")
    failed = False
    for name in options.names:
        for line, reason in build(name, options.directory).items():
            print(f"{name}: skipped {line}: {reason}")
            failed = failed or line == requirements(name)[0]
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
