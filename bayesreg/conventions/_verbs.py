"""to_penalty, to_prior and convert: decode to nats, check, encode from nats."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from bayesreg import _checks
from bayesreg._text import nearest
from bayesreg.conventions import _nats
from bayesreg.conventions._convention import Convention, Penalised
from bayesreg.conventions._estimator import refuse_other_data, source_of
from bayesreg.conventions._nats import Nats
from bayesreg.conventions._refusals import (
    refuse_inexpressible,
    refuse_offset,
    refuse_standardized,
)
from bayesreg.conventions._registry import CONVENTIONS, find
from bayesreg.conventions._setting import MissingQuantityError, Setting
from bayesreg.data import Data
from bayesreg.errors import ConversionError, DataTypeError, ModelError, ModelTypeError
from bayesreg.likelihoods import LIKELIHOODS, ClassLikelihood, Gaussian, Likelihood
from bayesreg.model import Model
from bayesreg.priors import Prior


def to_penalty(
    model: Model,
    target: str,
    data: Data | None = None,
    *,
    n: float | None = None,
    total_weight: float | None = None,
    **options: Any,
) -> Penalised:
    """The penalised twin of a model in a library's own parameters.

    The optimum of the result's objective is the posterior mode of the model.

    Parameters
    ----------
    model : Model
    target : str
        ``"sklearn.Lasso"``, ``"textbook.nll_l2"``, ...; :func:`targets` lists them.
    data : Data, optional
        For the sum of the weights, and for priors that name columns.
    n, total_weight : float, optional
        Instead of data: the number of rows, or N, the sum of the weights.
    **options
        What the target lets one choose, such as ``solver`` of sklearn.LogisticRegression.

    Returns
    -------
    Penalised
        ``.parameters``, ``.objective``, ``.code``, ``.notes``, ``.build()``.

    Raises
    ------
    ConversionError
        Naming the quantity the formula needs and that was not given, or the unknown name.
    NoEquivalentError
        When the target cannot express the model: why, and what is nearest.
    """
    if not isinstance(model, Model):
        raise ModelTypeError(f"model must be a bayesreg.Model; got {type(model).__name__}")
    goal = find(target, "target")
    setting = _setting(_name_and_sigma(model.likelihood), data, n, total_weight)
    refuse_offset(data, setting.likelihood, goal.name)
    refuse_standardized(model, goal.name)
    twin = _encoded(goal, _nats.from_model(model, data), setting, options)
    relative = isinstance(model.prior, Prior) and model.prior.relative_to_noise
    if relative and not goal.relative_to_noise:
        note = f"the prior is relative to the noise: this is its twin at sigma={setting.sigma!r}"
        return replace(twin, notes=(*twin.notes, note))
    return twin


def to_prior(
    target: Any,
    parameters: Any = None,
    data: Data | None = None,
    *,
    sigma: float | None = None,
    n: float | None = None,
    total_weight: float | None = None,
    likelihood: Likelihood | str | None = None,
) -> Model:
    """The model whose posterior mode is a penalised regression's optimum.

    ``to_prior("sklearn.Lasso", {"alpha": 0.1}, data, sigma=54.0)``, or with an estimator, fitted
    or not: ``to_prior(estimator, data, sigma=54.0)``.

    Parameters
    ----------
    target : str or estimator
    parameters : mapping or estimator
        Under the library's own names; what is left out is at the library's default.
    data : Data, optional
        For the sum of the weights; or ``n``, or ``total_weight``.
    sigma : float, optional
        Noise standard deviation of a Gaussian likelihood. A penalty does not fix it.
    likelihood : Likelihood or str, optional
        For targets that leave it open; ``Gaussian(sigma=...)`` says sigma too.

    Raises
    ------
    ConversionError
        Naming the quantity or parameter that is missing, unknown or out of its domain.
    NoEquivalentError
        When no model here is the equivalent: why, and what is nearest.
    """
    parameters, data = _data_in_second_place(parameters, data)
    name, given = source_of(target, parameters, CONVENTIONS)
    refuse_other_data(parameters if isinstance(target, str) else target, data)
    origin = find(name, "target")
    chosen = _likelihood(origin.likelihoods, likelihood, sigma, origin.name)
    setting = _setting(chosen, data, n, total_weight)
    refuse_offset(data, setting.likelihood, origin.name)
    nats, noise = _decoded(origin, given, setting), _stated_sigma(origin, setting)
    with _representable(origin, setting):
        model = _nats.to_model(nats, noise, origin.relative_to_noise)
        if not _nats.agree(nats, _nats.from_model(model, None)):
            raise OverflowError("the scale of the prior vanishes or is infinite")
        return model


def convert(
    source: Any,
    parameters: Any = None,
    *,
    to: str,
    data: Data | None = None,
    sigma: float | None = None,
    n: float | None = None,
    total_weight: float | None = None,
    likelihood: Likelihood | str | None = None,
    **options: Any,
) -> Penalised:
    """The same optimum in another library's parameters.

    sigma and n are asked for only where they do not cancel: from one form of least squares to
    another no sigma is needed.

    Parameters
    ----------
    source : str or estimator
    parameters : mapping or estimator
    to : str
        The target's name; the rest as in :func:`to_penalty` and :func:`to_prior`.

    Raises
    ------
    ConversionError, NoEquivalentError
        As in :func:`to_penalty` and :func:`to_prior`.
    """
    parameters, data = _data_in_second_place(parameters, data)
    name, given = source_of(source, parameters, CONVENTIONS)
    refuse_other_data(parameters if isinstance(source, str) else source, data)
    origin, goal = find(name, "source"), find(to, "to")
    possible = origin.likelihoods
    if likelihood is None:
        possible = tuple(kind for kind in possible if kind in goal.likelihoods) or possible
    chosen = _likelihood(possible, likelihood, sigma, origin.name)
    setting = _setting(chosen, data, n, total_weight)
    refuse_offset(data, setting.likelihood, goal.name)
    return _where_it_cancels(
        lambda known: _encoded(goal, _decoded(origin, given, known), known, options), setting
    )


def _data_in_second_place(parameters: Any, data: Data | None) -> tuple[Any, Data | None]:
    """``to_prior(estimator, data)``: an estimator brings its own parameters."""
    if isinstance(parameters, Data) and data is None:
        return None, parameters
    return parameters, data


def _decoded(origin: Convention, given: Mapping[str, Any] | None, setting: Setting) -> Nats:
    if given is None:
        names = ", ".join(name for name in origin.defaults if name != "fit_intercept")
        raise ConversionError(
            f"parameters of {origin.name} are missing ({names}); pass a mapping, such as "
            f"{{{next(iter(origin.defaults))!r}: 0.1}}, or the estimator itself"
        )
    parameters, setting = origin.complete(given), setting.on_behalf_of(origin)
    ordinary = setting
    for quantity in setting.known:
        ordinary = ordinary.assuming(quantity, 1.0)
    with _representable(origin, setting):
        nats = origin.decode(parameters, setting)
        # What is a penalty at sigma = N = 1 is one at any other.
        if nats.kind != origin.decode(parameters, ordinary).kind:
            raise OverflowError("a penalty vanishes")
        return nats


def _encoded(
    goal: Convention, nats: Nats, setting: Setting, options: Mapping[str, Any]
) -> Penalised:
    for name in options:
        if name not in goal.options:
            known = nearest(name, goal.options) if goal.options else " It has none."
            raise ConversionError(f"{goal.name} has no option {name!r}.{known}")
    setting = setting.on_behalf_of(goal, options)
    refuse_inexpressible(goal, nats, CONVENTIONS.values())
    parameters = _encoded_parameters(goal, nats, setting)
    settings = goal.settings(parameters)
    arguments = {**parameters, **settings}
    return Penalised(
        target=goal.name,
        parameters=parameters,
        settings=settings,
        objective=goal.objective,
        formula=goal.formula,
        code=goal.code(arguments, setting),
        notes=goal.notes(parameters, setting),
        _builder=lambda: goal.build(arguments, setting),
    )


def _encoded_parameters(goal: Convention, nats: Nats, setting: Setting) -> dict[str, Any]:
    """The parameters, which must decode to what they were made of."""
    with _representable(goal, setting):
        parameters = goal.encode(nats, setting)
        try:
            back = goal.decode(goal.complete(parameters), setting)
        except ConversionError as error:  # what it refuses to read, it must not write
            raise OverflowError(str(error)) from None
        if not _nats.agree(nats, back):
            raise OverflowError("the parameters lose the penalty")
        return parameters


@contextmanager
def _representable(convention: Convention, setting: Setting) -> Iterator[None]:
    """Quantities beyond the range of floats, in a formula or its result, as one error."""
    try:
        yield
    except (ArithmeticError, ModelError) as error:
        known = ", ".join(f"{name}={value!r}" for name, value in setting.known.items())
        raise ConversionError(
            f"{convention.name}: the result is not representable in floats{known and ' at '}"
            f"{known}: {error.args[-1]}. The formula is {convention.formula}; measure "
            "y, or the columns, in units that bring these numbers nearer to 1"
        ) from None


def _where_it_cancels(make: Callable[[Setting], Penalised], setting: Setting) -> Penalised:
    """``make`` without the quantities that do not matter.

    Every formula is a product of powers of sigma and N, so a result that is the same at 1 and at
    2 is the same everywhere; and doubling is exact in floating point.
    """
    try:
        return make(setting)
    except MissingQuantityError as missing:
        at_one, at_two = (
            _where_it_cancels(make, setting.assuming(missing.quantity, value))
            for value in (1.0, 2.0)
        )
        if at_one != at_two:
            raise
        return at_one


def _setting(
    likelihood: tuple[str, float | None],
    data: Data | None,
    n: float | None,
    total_weight: float | None,
) -> Setting:
    name, sigma = likelihood
    known = {} if sigma is None else {"sigma": sigma}
    if data is not None and not isinstance(data, Data):
        raise DataTypeError(
            f"data must be a bayesreg.Data; got {type(data).__name__}. Wrap it: Data(X, y)"
        )
    total = _total_weight(data, n, total_weight)
    if total is not None:
        known["total_weight"] = total
    return Setting(name, known, weighted=data is not None and data.weights is not None)


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


def _name_and_sigma(likelihood: Likelihood | ClassLikelihood) -> tuple[str, float | None]:
    sigma = likelihood.sigma if isinstance(likelihood, Gaussian) else None
    return type(likelihood).__name__, sigma


def _likelihood(
    possible: tuple[str, ...], wanted: Likelihood | str | None, sigma: float | None, target: str
) -> tuple[str, float | None]:
    """Which likelihood is meant, and its sigma where that was given."""
    if sigma is not None:
        sigma = _checks.positive_number(sigma, "sigma")
    name, its_sigma = _wanted(wanted, possible, sigma, target)
    if name not in possible:
        raise ConversionError(f"{target} is for {' or '.join(possible)} data, not {name}")
    if sigma is not None and name != "Gaussian":
        raise ConversionError(f"sigma was given, but {target} is {name} here, which has no sigma")
    if None not in (sigma, its_sigma) and sigma != its_sigma:
        raise ConversionError(f"sigma={sigma!r} contradicts likelihood=Gaussian({its_sigma!r})")
    return name, its_sigma if sigma is None else sigma


def _wanted(
    wanted: Likelihood | str | None, possible: tuple[str, ...], sigma: float | None, target: str
) -> tuple[str, float | None]:
    if isinstance(wanted, str):
        if wanted not in LIKELIHOODS:
            raise ConversionError(f"no likelihood {wanted!r}.{nearest(wanted, LIKELIHOODS)}")
        return wanted, None
    if isinstance(wanted, Likelihood) and not isinstance(wanted, type):
        return _name_and_sigma(wanted)
    if wanted is not None:
        raise ModelTypeError(
            f"likelihood must be a likelihood such as Bernoulli(), or its name; got {wanted!r}"
        )
    if len(possible) == 1:
        return possible[0], None
    if sigma is not None and "Gaussian" in possible:
        return "Gaussian", None
    raise ConversionError(
        f"{target} leaves the likelihood open ({', '.join(possible)}), so it must be said: pass "
        "likelihood=, or sigma= for Gaussian"
    )


def _stated_sigma(origin: Convention, setting: Setting) -> float | None:
    """sigma of the Gaussian model to return, also where the formula could do without."""
    if setting.likelihood != "Gaussian":
        return None
    return setting.on_behalf_of(origin).sigma
