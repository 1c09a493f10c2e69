"""bayesreg convert: a penalty to a prior, a prior to a penalty, library to library."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bayesreg.cli.output import add_json, write_json, write_text
from bayesreg.errors import ConversionError

if TYPE_CHECKING:
    from bayesreg.model import Model

_CONVERT_EPILOG = """examples:
  bayesreg convert sklearn.Lasso alpha=0.1 --to model --n 442 --sigma 54
  bayesreg convert "Laplace(scale=20)" --sigma 54 --n 442 --to sklearn.Lasso
  bayesreg convert sklearn.Ridge alpha=2 --to textbook.mse_ridge --n 100
  bayesreg convert sklearn.Ridge alpha=2 sd_y=77 --to glmnet.glmnet --n 442
  bayesreg convert --list
"""


def add_convert(commands: Any) -> None:
    convert = commands.add_parser(
        "convert", help="a penalty to a prior, a prior to a penalty, library to library",
        epilog=_CONVERT_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    convert.add_argument("source", nargs="?", help="an estimator's name, a prior or a model")
    convert.add_argument(
        "parameters", nargs="*", metavar="name=value",
        help="its parameters, and what a formula asks for (sd_y=77, p=10, sd_x=0.5,2)",
    )  # fmt: skip
    convert.add_argument("--to", help='an estimator\'s name, or "model"')
    convert.add_argument("--sigma", type=float, help="noise sd, where the formula needs it")
    convert.add_argument("--n", type=float, help="number of rows (or sum of the weights)")
    convert.add_argument("--likelihood", help="such as Bernoulli, where the source leaves it open")
    convert.add_argument("--list", action="store_true", help="print every estimator and form")
    add_json(convert)
    convert.set_defaults(run=_convert)


def _convert(options: argparse.Namespace) -> int:
    from bayesreg.conventions import Penalised, targets

    if options.list:
        if options.json:
            return write_json([_target_dict(target) for target in targets()])
        write_text(str(targets()))
        return 0
    if options.source is None or options.to is None:
        raise ConversionError("say what to convert and --to what; --list shows what there is")
    result = _converted(options)
    if options.json:
        return write_json(_conversion_dict(result))
    write_text(str(result) if isinstance(result, Penalised) else repr(result))
    return 0


def _converted(options: argparse.Namespace) -> Any:
    from bayesreg.conventions import convert, to_penalty, to_prior

    if "(" in options.source:
        model = _stated_model(options)
        return model if options.to == "model" else to_penalty(model, options.to, n=options.n)
    parameters, quantities = _told_apart(options.source, _parameters(options.parameters))
    known = {"n": options.n, "sigma": options.sigma, "likelihood": _likelihood(options)}
    known |= quantities
    if options.to == "model":
        return to_prior(options.source, parameters, **known)
    return convert(options.source, parameters, to=options.to, **known)


def _told_apart(source: str, given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The source's own parameters, and quantities that a formula asks for (sd_y=77)."""
    from bayesreg.conventions import targets
    from bayesreg.conventions._quantities import QUANTITIES

    asked = {name for name, quantity in QUANTITIES.items() if quantity.of_data is not None}
    own = {name for target in targets() if target.name == source for name in target.defaults}
    quantities = {name: value for name, value in given.items() if name in asked - own}
    return {name: given[name] for name in given if name not in quantities}, quantities


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
    """name=value with value a number, several (0.5,2), True, False, None or a word."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ConversionError(f"{text!r} is not of the form name=value, such as alpha=0.1")
    words = {"True": True, "False": False, "None": None}
    if value in words:
        return name, words[value]
    try:
        numbers = [float(number) for number in value.split(",")]
    except ValueError:
        return name, value
    return name, numbers[0] if len(numbers) == 1 else numbers


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
        "column_factors": None if result.column_factors is None else result.column_factors.tolist(),
    }


def _target_dict(target: Any) -> dict[str, Any]:
    names = ("name", "likelihoods", "penalties", "objective", "formula", "intercept", "source")
    return {name: getattr(target, name) for name in names}
