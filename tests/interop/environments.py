"""An environment for each library, because peers conflict: built once, used by the tests.

    python -m tests.interop.environments [library ...]

makes those of environments.toml (all of them without arguments) under the directory that the
environment variable BAYESREG_INTEROP names, else under .interop beside pyproject.toml.  R packages
come from Debian.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TABLE = HERE / "environments.toml"


class EnvironmentAbsentError(RuntimeError):
    """The environment of a library is not there, or not the one that the table describes."""


@dataclass(frozen=True)
class Environment:
    """What one library is fitted in.

    Attributes
    ----------
    library : str
    python : str
        Version of the interpreter; empty for R.
    requirements : tuple of str
        Pinned, for pip.
    debian : mapping of str to str
        Debian packages of R libraries, and the R package that each brings.
    """

    library: str
    python: str = ""
    requirements: tuple[str, ...] = ()
    debian: Mapping[str, str] = field(default_factory=dict)

    @property
    def command(self) -> str:
        return f"python -m tests.interop.environments {self.library}"

    @property
    def place(self) -> Path:
        return directory() / self.library

    def interpreter(self) -> str:
        """The interpreter that runs cases of this library.

        Raises
        ------
        EnvironmentAbsentError
            Naming the command that builds the environment.
        """
        if not self.python:
            return self._rscript()
        found = self.place / "bin" / "python"
        if not found.exists():
            raise EnvironmentAbsentError(
                f"there is no environment for {self.library} at {self.place}; build it with\n"
                f"    {self.command}\n"
                "or say where environments are, in the environment variable BAYESREG_INTEROP"
            )
        return str(found)

    def _rscript(self) -> str:
        found = shutil.which("Rscript")
        for debian, package in self.debian.items():
            quiet = f'quit(status = !requireNamespace("{package}", quietly = TRUE))'
            if found is None or subprocess.run([found, "-e", quiet], check=False).returncode:
                raise EnvironmentAbsentError(
                    f"R has no package {package}; install {debian} from Debian with\n"
                    f"    {self.command}"
                )
        assert found is not None
        return found

    def pinned(self) -> dict[str, str]:
        """Version by name, of what the table pins."""
        return dict(requirement.split("==") for requirement in self.requirements)


def directory() -> Path:
    """Where environments are."""
    return Path(os.environ.get("BAYESREG_INTEROP", ROOT / ".interop"))


def environments() -> dict[str, Environment]:
    """The table, by library."""
    table = tomllib.loads(TABLE.read_text())
    return {
        library: Environment(
            library,
            entry.get("python", ""),
            tuple(entry.get("requirements", ())),
            entry.get("debian", {}),
        )
        for library, entry in table.items()
    }


def environment(library: str) -> Environment:
    known = environments()
    if library not in known:
        raise SystemExit(f"no library {library!r} in {TABLE.name}; there are {', '.join(known)}")
    return known[library]


def build(entry: Environment) -> None:
    """Make the environment afresh."""
    if not entry.python:
        subprocess.run(["apt-get", "install", "-y", *entry.debian], check=True)
        return
    base = _interpreter(entry.python)
    if entry.place.exists():
        shutil.rmtree(entry.place)
    subprocess.run([base, "-m", "venv", str(entry.place)], check=True)
    pip = [entry.interpreter(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *entry.requirements], check=True)


def _interpreter(version: str) -> str:
    """A Python of this version on this machine."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return sys.executable
    installed = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [*(str(path) for path in installed.glob(f"{version}.*/bin/python")),
                  f"python{version}"]  # fmt: skip
    for candidate in candidates:
        if shutil.which(candidate) and _says(candidate, version):
            return candidate
    raise SystemExit(f"no Python {version} on this machine")


def _says(candidate: str, version: str) -> bool:
    """A pyenv shim exists for versions that it does not run."""
    done = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False)
    return done.returncode == 0 and f"Python {version}." in done.stdout


def main(libraries: list[str]) -> None:
    for library in libraries or list(environments()):
        entry = environment(library)
        sys.stdout.write(f"{library}: {', '.join((*entry.requirements, *entry.debian))}\n")
        sys.stdout.flush()
        build(entry)


if __name__ == "__main__":
    main(sys.argv[1:])
