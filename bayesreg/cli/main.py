"""Choose a command, run it, turn every failure into one line and an exit status."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence

from bayesreg._version import __version__
from bayesreg.cli.choose import add_choose
from bayesreg.cli.convert import add_convert
from bayesreg.cli.demo import add_demo
from bayesreg.cli.fit import add_fit
from bayesreg.cli.sample import add_sample
from bayesreg.errors import BayesregError, NotCertifiedError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status (0 done, 1 not certified, 2 cannot be done,
    130 interrupted)."""
    options = _parser().parse_args(arguments)
    if sys.stdout is None:
        return _fail(options, "standard output is closed; let it be a terminal, a pipe or a file")
    try:
        status: int = options.run(options)
        sys.stdout.flush()
        return status
    except NotCertifiedError as error:
        return _fail(options, str(error), status=1)
    except BayesregError as error:
        return _fail(options, str(error))
    except OverflowError as error:
        return _fail(options, f"a number is out of range ({error.args[-1]}); bring it nearer to 1")
    except KeyboardInterrupt:
        return _fail(options, "interrupted", status=130)
    except BrokenPipeError:
        _abandon_output()
        return 0
    except OSError as error:
        return _fail(options, f"{error}; check that the path is right, may be written and has room")


def _fail(options: argparse.Namespace, reason: str, status: int = 2) -> int:
    """One line on standard error, if there is one."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            sys.stderr.write(f"bayesreg {options.command}: {' '.join(reason.split())}\n")
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except OSError:
            _abandon_output()
    return status


def _abandon_output() -> None:
    """What cannot be written is dropped, so that the interpreter does not complain at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bayesreg",
        description="State the prior or the penalty, get both: the exact mode with a proof, the "
        "posterior with its diagnostics, the same model in every library.",
    )
    parser.add_argument("--version", action="version", version=f"bayesreg {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    add_demo(commands)
    add_fit(commands)
    add_choose(commands)
    add_sample(commands)
    add_convert(commands)
    return parser
