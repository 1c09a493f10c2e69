"""The command line: bayesreg demo | fit | convert.

Every command prints for people, or with ``--json`` one JSON document.  Errors go to standard error
as one line with cause and remedy; nothing is written to disk but where an option says so.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesreg._csv import read_csv
from bayesreg._json import json_text
from bayesreg._version import __version__
from bayesreg.errors import (
    BayesregError,
    ConversionError,
    DataError,
    ModelError,
    NotCertifiedError,
)

if TYPE_CHECKING:
    from bayesreg._tables import Table
    from bayesreg.data import Data
    from bayesreg.model import Model


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status (0 done, 1 not certified, 2 cannot be done)."""
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
    _add_demo(commands)
    _add_fit(commands)
    _add_convert(commands)
    return parser


# ---- demo ---------------------------------------------------------------------------------------


def _add_demo(commands: Any) -> None:
    demo = commands.add_parser("demo", help="the walk-through on the diabetes data (442 x 10)")
    demo.add_argument("--pictures", type=Path, metavar="DIR", help="write two PNG files into DIR")
    demo.add_argument("--overwrite", action="store_true", help="replace pictures already in DIR")
    demo.add_argument("--seed", type=int, default=1, help="of the posterior draws (default 1)")
    _add_json(demo)
    demo.set_defaults(run=_demo)


def _demo(options: argparse.Namespace) -> int:
    from bayesreg import demo as walk

    result = walk.run_demo(
        options.pictures, overwrite=options.overwrite, seed=options.seed, progress=not options.json
    )
    if options.json:
        return _write_json(result.to_dict())
    _heading("1. The model")
    _text(result.words)
    _heading("2. The posterior mode (MAP), certified")
    _table(result.fit.to_table())
    _text(str(result.fit.certificate))
    _heading("3. The same optimum from scikit-learn, at converted penalties, for two priors")
    _table(walk.twin_table(result.twins))
    _heading("4. The mode beside the posterior")
    _table(result.comparison.to_table())
    _text("Exactly 0 is a property of the mode, not a certainty:\n"
          + walk.certain_zeros(result.comparison))  # fmt: skip
    _heading("5. How prior scale maps to lambda")
    _table(walk.scale_table(result.scales))
    _heading("6. Pictures")
    written = "\n".join(f"written: {path}" for path in result.pictures)
    _text(written or "none drawn; --pictures DIR writes two PNG files into DIR")
    return 0


# ---- fit ----------------------------------------------------------------------------------------


def _add_fit(commands: Any) -> None:
    fit = commands.add_parser("fit", help="the certified mode of a model on a CSV file")
    fit.add_argument("file", type=Path, help="CSV with a header line")
    fit.add_argument("--target", required=True, help="name of the column to predict")
    fit.add_argument("--prior", required=True, help='such as "Laplace(scale=20)"')
    fit.add_argument("--sigma", type=float, help="noise sd of a Gaussian likelihood")
    fit.add_argument("--likelihood", help='such as "Bernoulli()"; default Gaussian(sigma=SIGMA)')
    fit.add_argument("--intercept", default="Flat()", help='a prior, or "none" (default "Flat()")')
    fit.add_argument("--columns", help="comma-separated predictors (default: all other columns)")
    fit.add_argument("--weights", help="name of a column of weights")
    fit.add_argument("--offset", help="name of a column of offsets")
    fit.add_argument("--trials", help="name of a column of trials, for Binomial()")
    fit.add_argument("--standardize", action="store_true", help="prior on standardised columns")
    fit.add_argument("--tol", type=float, default=1e-8, help="relative gap asked (default 1e-8)")
    _add_json(fit)
    fit.set_defaults(run=_fit)


def _fit(options: argparse.Namespace) -> int:
    from bayesreg.solvers import find_map
    from bayesreg.wording import describe

    model, data = _model(options), _read(options)
    words = describe(model, data)
    fit = find_map(model, data, tol=options.tol)
    if options.json:
        return _write_json({"words": words, **fit.to_dict()})
    _text(words)
    _table(fit.to_table())
    _text(str(fit.certificate))
    return 0


def _model(options: argparse.Namespace) -> Model:
    from bayesreg.likelihoods import Gaussian
    from bayesreg.model import Model
    from bayesreg.spec import from_text

    if options.likelihood is not None:
        likelihood = from_text(options.likelihood, kind="likelihood")
        if options.sigma is not None:
            raise ModelError("give --sigma or --likelihood, not both: Gaussian(sigma=...) says it")
    elif options.sigma is None:
        raise ModelError(
            "--sigma is missing: for a Gaussian likelihood the prior scale alone does not fix the "
            "mode (lambda = sigma^2 / scale). Give --sigma, or --likelihood 'Bernoulli()'"
        )
    else:
        likelihood = Gaussian(sigma=options.sigma)
    none = options.intercept.strip().lower() == "none"
    intercept = None if none else from_text(options.intercept, kind="prior")
    prior = from_text(options.prior, kind="prior")
    return Model(likelihood, prior, intercept, standardize=options.standardize)


def _read(options: argparse.Namespace) -> Data:
    """The columns asked for, from the CSV file."""
    from bayesreg.data import Data

    frame = read_csv(options.file)
    roles = _roles(options)
    if options.columns is None:
        columns = [name for name in frame.columns if name not in roles]
    else:
        columns = [name.strip() for name in options.columns.split(",")]
    for name in columns:
        if name in roles:
            raise DataError(
                f"--columns names {name!r}, which is the {roles[name]} column: it cannot be a "
                "predictor too. Leave it out of --columns"
            )
    for name in (*roles, *columns):
        if name not in frame.columns:
            from bayesreg._text import nearest

            hint = nearest(name, map(str, frame.columns))
            raise DataError(f"{options.file} has no column {name!r}.{hint}")
    if not columns:
        raise DataError(f"{options.file} has no column besides {', '.join(roles)} to predict from")

    def column(name: str | None) -> Any:
        return None if name is None else frame[name]

    return Data(
        frame[columns], column(options.target),
        weights=column(options.weights), offset=column(options.offset),
        trials=column(options.trials),
    )  # fmt: skip


def _roles(options: argparse.Namespace) -> dict[str, str]:
    """Which column is the target, the weights, ...: no column is two of them."""
    roles: dict[str, str] = {}
    for role in ("target", "weights", "offset", "trials"):
        name = getattr(options, role)
        if name in roles:
            raise DataError(
                f"--{roles[name]} and --{role} both name the column {name!r}; a column can be "
                "only one of them"
            )
        if name is not None:
            roles[name] = role
    return roles


# ---- convert ------------------------------------------------------------------------------------

_CONVERT_EPILOG = """examples:
  bayesreg convert sklearn.Lasso alpha=0.1 --to model --n 442 --sigma 54
  bayesreg convert "Laplace(scale=20)" --sigma 54 --n 442 --to sklearn.Lasso
  bayesreg convert sklearn.Ridge alpha=2 --to textbook.mse_ridge --n 100
  bayesreg convert --list
"""


def _add_convert(commands: Any) -> None:
    convert = commands.add_parser(
        "convert", help="a penalty to a prior, a prior to a penalty, library to library",
        epilog=_CONVERT_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    convert.add_argument("source", nargs="?", help="an estimator's name, a prior or a model")
    convert.add_argument("parameters", nargs="*", metavar="name=value")
    convert.add_argument("--to", help='an estimator\'s name, or "model"')
    convert.add_argument("--sigma", type=float, help="noise sd, where the formula needs it")
    convert.add_argument("--n", type=float, help="number of rows (or sum of the weights)")
    convert.add_argument("--likelihood", help="such as Bernoulli, where the source leaves it open")
    convert.add_argument("--list", action="store_true", help="print every estimator and form")
    _add_json(convert)
    convert.set_defaults(run=_convert)


def _convert(options: argparse.Namespace) -> int:
    from bayesreg.conventions import Penalised, targets

    if options.list:
        if options.json:
            return _write_json([_target_dict(target) for target in targets()])
        _text(str(targets()))
        return 0
    if options.source is None or options.to is None:
        raise ConversionError("say what to convert and --to what; --list shows what there is")
    result = _converted(options)
    if options.json:
        return _write_json(_conversion_dict(result))
    _text(str(result) if isinstance(result, Penalised) else repr(result))
    return 0


def _converted(options: argparse.Namespace) -> Any:
    from bayesreg.conventions import convert, to_penalty, to_prior

    if "(" in options.source:
        model = _stated_model(options)
        return model if options.to == "model" else to_penalty(model, options.to, n=options.n)
    known = {"n": options.n, "sigma": options.sigma, "likelihood": _likelihood(options)}
    parameters = _parameters(options.parameters)
    if options.to == "model":
        return to_prior(options.source, parameters, **known)
    return convert(options.source, parameters, to=options.to, **known)


def _likelihood(options: argparse.Namespace) -> Any:
    """--likelihood as a name or, with parentheses, as the likelihood itself."""
    from bayesreg.spec import from_text

    text = options.likelihood
    return from_text(text, kind="likelihood") if text is not None and "(" in text else text


def _stated_model(options: argparse.Namespace) -> Model:
    from bayesreg.model import Model
    from bayesreg.spec import from_text

    if options.parameters:
        raise ConversionError(
            f"{options.parameters[0]!r} belongs to an estimator's name; {options.source!r} says "
            "all of its parameters itself. Leave it out"
        )
    stated = from_text(options.source)
    if not isinstance(stated, Model):
        return Model(_stated_likelihood(options), stated)
    for name in ("sigma", "likelihood"):
        if getattr(options, name) is not None:
            raise ConversionError(
                f"--{name} was given beside a model, which has its own: {stated.likelihood!r}. "
                f"Leave --{name} out, or change the model"
            )
    return stated


def _stated_likelihood(options: argparse.Namespace) -> Any:
    from bayesreg._text import nearest
    from bayesreg.likelihoods import LIKELIHOODS, Gaussian
    from bayesreg.spec import from_text

    wanted = _likelihood(options)
    if wanted in (None, "Gaussian"):
        if options.sigma is None:
            raise ConversionError(
                "--sigma is missing: a prior scale is a penalty only beside the noise sd "
                "(lambda = sigma^2 / scale). Give --sigma, or --likelihood Bernoulli"
            )
        return Gaussian(sigma=options.sigma)
    if isinstance(wanted, str) and wanted not in LIKELIHOODS:
        raise ConversionError(f"no likelihood {wanted!r}.{nearest(wanted, LIKELIHOODS)}")
    likelihood = from_text(f"{wanted}()") if isinstance(wanted, str) else wanted
    if options.sigma is not None:
        raise ConversionError(
            f"--sigma was given beside --likelihood {options.likelihood}, which "
            f"{'says' if isinstance(likelihood, Gaussian) else 'has no'} sigma. Leave --sigma out"
        )
    return likelihood


def _parameters(texts: Sequence[str]) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    for text in texts:
        name, value = _parameter(text)
        if name in parameters:
            raise ConversionError(f"{name!r} was given twice; leave one of the two out")
        parameters[name] = value
    return parameters


def _parameter(text: str) -> tuple[str, Any]:
    """name=value with value a number, True, False, None or a word."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ConversionError(f"{text!r} is not of the form name=value, such as alpha=0.1")
    words = {"True": True, "False": False, "None": None}
    if value in words:
        return name, words[value]
    try:
        return name, float(value)
    except ValueError:
        return name, value


def _conversion_dict(result: Any) -> dict[str, Any]:
    from bayesreg.model import Model

    if isinstance(result, Model):
        from bayesreg.spec import to_dict

        return {"model": repr(result), "spec": to_dict(result)}
    return {
        "target": result.target,
        "parameters": result.parameters,
        "settings": result.settings,
        "objective": result.objective,
        "formula": result.formula,
        "code": result.code,
        "notes": list(result.notes),
    }


def _target_dict(target: Any) -> dict[str, Any]:
    names = ("name", "likelihoods", "penalties", "objective", "formula", "intercept", "source")
    return {name: getattr(target, name) for name in names}


# ---- output -------------------------------------------------------------------------------------


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def _write_json(value: Any) -> int:
    sys.stdout.write(json_text(value) + "\n")
    return 0


def _heading(text: str) -> None:
    sys.stdout.write(f"\n{text}\n{'=' * len(text)}\n")


def _text(text: str) -> None:
    sys.stdout.write(text + "\n")


def _table(table: Table) -> None:
    """Through rich on a terminal, as plain text in a pipe or a file."""
    if sys.stdout.isatty():
        from rich.console import Console

        Console(highlight=False).print(table.to_rich())
    else:
        sys.stdout.write(f"{table}\n")


if __name__ == "__main__":
    sys.exit(main())
