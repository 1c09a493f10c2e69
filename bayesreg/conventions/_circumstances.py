"""What is known when a conversion starts: likelihood and noise, N, and what the caller adds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bayesreg import _checks
from bayesreg._text import nearest
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._noise import estimated_sigma
from bayesreg.conventions._observed import refuse_impossible_targets
from bayesreg.conventions._quantities import QUANTITIES
from bayesreg.conventions._refusals import refuse_offset, refuse_weights
from bayesreg.conventions._setting import NOISE, Setting
from bayesreg.conventions._stated import Stated, at_sigma, likelihood_of
from bayesreg.conventions._steps import representable, required
from bayesreg.data import Data
from bayesreg.errors import ConversionError, DataTypeError
from bayesreg.likelihoods import ClassLikelihood, Likelihood


def circumstances(
    origin: Convention,
    given: Mapping[str, Any] | None,
    favoured: tuple[str, ...],
    likelihood: Likelihood | ClassLikelihood | str | None,
    sigma: float | str | None,
    data: Data | None,
    n: float | None,
    total_weight: float | None,
    quantities: Mapping[str, Any],
) -> Setting:
    """The circumstances of a conversion from these parameters.

    ``favoured`` are the likelihoods to choose from where the origin leaves it open.
    """
    _require_number_or_estimate(sigma)
    complete = origin.complete(required(origin, given))
    said = dict(origin.says(complete))
    if said and sigma is not None:
        raise ConversionError(f"{origin.name} says sigma itself ({said}); leave sigma= out")
    usual = origin.usual(complete, checked(data))
    chosen = likelihood_of(
        origin.likelihoods, likelihood, sigma is not None, origin, usual, favoured
    )
    if isinstance(sigma, str):
        sigma = estimated_sigma(data, _has_intercept(origin, complete, chosen, data))
    chosen = at_sigma(chosen, sigma)
    setting = setting_of(chosen, data, n, total_weight, {**quantities, **said})
    refuse_impossible_targets(data, setting.likelihood, origin.name)
    refuse_offset(data, setting.likelihood, origin.name)
    refuse_weights(origin, setting.weighted)
    return setting


def setting_of(
    likelihood: Stated,
    data: Data | None,
    n: float | None,
    total_weight: float | None,
    quantities: Mapping[str, Any],
) -> Setting:
    known: dict[str, Any] = dict(quantities)
    if likelihood.noise is not None:
        known[NOISE[likelihood.name]] = likelihood.noise
    data = checked(data)
    _refuse_said_twice(data, quantities)
    total = _total_weight(data, n, total_weight)
    if total is not None:
        known["total_weight"] = total
    if n is not None:
        known["rows"] = _checks.positive_number(n, "n")
    weighted = data is not None and data.weights is not None
    return Setting(likelihood.name, known, data, weighted, likelihood.shape)


def _require_number_or_estimate(sigma: float | str | None) -> None:
    if isinstance(sigma, str) and sigma != "estimate":
        raise ConversionError(f"sigma must be a number or 'estimate'; got {_checks.shown(sigma)}")


def _has_intercept(
    origin: Convention, complete: Mapping[str, Any], chosen: Stated, data: Data | None
) -> bool:
    """Whether these parameters mean an intercept, by whatever name the library has for it."""
    setting = setting_of(chosen, data, None, None, {}).on_behalf_of(origin).ordinary()
    with representable(origin, setting):
        return origin.decode(complete, setting).intercept is not None


def data_in_second_place(parameters: Any, data: Data | None) -> tuple[Any, Data | None]:
    """``to_prior(estimator, data)``: an estimator brings its own parameters."""
    if isinstance(parameters, Data) and data is None:
        return None, parameters
    return parameters, checked(data)


def checked(data: Data | None) -> Data | None:
    if data is not None and not isinstance(data, Data):
        raise DataTypeError(
            f"data must be a bayesreg.Data; got {type(data).__name__}. Wrap it: Data(X, y)"
        )
    return data


def told_apart(keywords: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Quantities that a formula may need, and options of the target."""
    quantities: dict[str, Any] = {}
    options: dict[str, Any] = {}
    for name, value in keywords.items():
        quantity = QUANTITIES.get(name)
        if quantity is None or quantity.argument != name:
            options[name] = value
        elif quantity.per_column:
            quantities[name] = _checks.nonnegative_vector(value, name)
        else:
            quantities[name] = _checks.positive_number(value, name)
    return quantities, options


def refuse_unknown(names: Mapping[str, Any], verb: str) -> None:
    for name in names:
        known = [key for key, part in QUANTITIES.items() if part.argument == key]
        raise ConversionError(f"{verb} has no argument {name!r}.{nearest(name, known)}")


def _refuse_said_twice(data: Data | None, quantities: Mapping[str, Any]) -> None:
    for name in quantities:
        if data is not None and name in QUANTITIES and QUANTITIES[name].of_data is not None:
            raise ConversionError(
                f"data and {name} were given; the data say {name} too. Pass one of the two"
            )


def _total_weight(data: Data | None, n: float | None, total_weight: float | None) -> float | None:
    """N: from the data, else total_weight, else n (all weights 1)."""
    if data is not None:
        if n is not None or total_weight is not None:
            raise ConversionError(
                "data and n (or total_weight) were given; the data say both. Pass one of the two"
            )
        return data.total_weight
    given = n if total_weight is None else total_weight
    if given is None:
        return None
    return _checks.positive_number(given, "n" if total_weight is None else "total_weight")
