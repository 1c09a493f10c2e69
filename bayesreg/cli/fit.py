"""bayesreg fit: the certified mode of a model on a CSV file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesreg._csv import read_csv
from bayesreg.cli.output import add_json, write_json, write_table, write_text
from bayesreg.errors import DataError, ModelError

if TYPE_CHECKING:
    from bayesreg.data import Data
    from bayesreg.model import Model


def add_fit(commands: Any) -> None:
    fit = commands.add_parser("fit", help="the certified mode of a model on a CSV file")
    fit.add_argument("file", type=Path, help="CSV with a header line")
    add_model(fit, required=True)
    fit.add_argument(
        "--mode", choices=("joint", "marginal"),
        help="which mode, where the likelihood has a prior on a parameter: "
        '"Gaussian(sigma=HalfNormal(scale=1))", "NegativeBinomial(alpha=...)"',
    )  # fmt: skip
    fit.add_argument("--tol", type=float, default=1e-8, help="relative gap asked (default 1e-8)")
    add_json(fit)
    fit.set_defaults(run=_fit)


def add_model(parser: argparse.ArgumentParser, required: bool) -> None:
    """The options that say which model and which columns."""
    parser.add_argument("--target", required=required, help="name of the column to predict")
    parser.add_argument("--prior", required=required, help='such as "Laplace(scale=20)"')
    parser.add_argument("--sigma", type=_sigma, help="noise sd of a Gaussian likelihood")
    parser.add_argument("--likelihood", help='such as "Bernoulli()"; default Gaussian(sigma=SIGMA)')
    parser.add_argument(
        "--intercept", default="Flat()", help='a prior, or "none" (default "Flat()")'
    )
    parser.add_argument("--columns", help="comma-separated predictors (default: all other columns)")
    parser.add_argument("--weights", help="name of a column of weights")
    parser.add_argument("--offset", help="name of a column of offsets")
    parser.add_argument("--trials", help="name of a column of trials, for Binomial()")
    parser.add_argument("--standardize", action="store_true", help="prior on standardised columns")


def _sigma(text: str) -> float:
    """A number; a density of sigma belongs into the likelihood."""
    try:
        return float(text)
    except ValueError:
        density = f"a density of sigma goes into --likelihood 'Gaussian(sigma={text})' --mode joint"
        remedy = f"; {density}" if "(" in text else ""
        raise argparse.ArgumentTypeError(f"must be a number; got {text!r}{remedy}") from None


def _fit(options: argparse.Namespace) -> int:
    from bayesreg.likelihoods import estimated_dispersion
    from bayesreg.solvers import find_map
    from bayesreg.wording import describe

    model, data = read_model(options), read_data(options)
    _require_mode(model, options.mode)
    # A dispersion has no words before it is a number.
    has_words = estimated_dispersion(model.likelihood) is None
    words = describe(model, data) if has_words else ""
    fit = find_map(model, data, target=options.mode, tol=options.tol)
    words = words or describe(fit.model, data)
    if options.json:
        return write_json({"words": words, **fit.to_dict()})
    write_text(words)
    write_table(fit.to_table())
    write_text(str(fit.certificate))
    return 0


def _require_mode(model: Model, mode: str | None) -> None:
    """--mode, where the model leaves a parameter to be found."""
    from bayesreg.likelihoods import Dispersed, estimated_dispersion, noise_prior

    if mode is not None:
        return
    if noise_prior(model.likelihood) is not None:
        raise ModelError(
            "--mode is missing: with sigma unknown say which mode is meant, --mode joint (over "
            "coefficients and sigma) or --mode marginal (sigma and intercept integrated out)"
        )
    likelihood = model.likelihood
    if isinstance(likelihood, Dispersed) and estimated_dispersion(likelihood) is not None:
        name = likelihood.dispersion_name
        raise ModelError(
            f"--mode is missing: with {name} unknown say --mode joint (over coefficients and "
            f"{name}), or state {name} as a number"
        )


def read_model(options: argparse.Namespace) -> Model:
    """The model asked for."""
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


def read_data(options: argparse.Namespace) -> Data:
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
