"""to_penalty, to_prior and convert: decode to nats, check, encode from nats."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from bayesreg import _checks
from bayesreg._estimated import Estimated
from bayesreg._text import nearest
from bayesreg.conventions import _nats
from bayesreg.conventions._convention import Convention, Penalised
from bayesreg.conventions._estimator import refuse_other_data, source_of
from bayesreg.conventions._explain import explanation, twins
from bayesreg.conventions._nats import Nats
from bayesreg.conventions._noise import estimated_sigma
from bayesreg.conventions._quantities import QUANTITIES
from bayesreg.conventions._refusals import (
    refuse_inexpressible,
    refuse_offset,
    refuse_per_coefficient,
    refuse_weights,
)
from bayesreg.conventions._registry import CONVENTIONS, find
from bayesreg.conventions._rescaling import (
    NOTE,
    code_on_rescaled_columns,
    factors_of,
    on_rescaled_columns,
)
from bayesreg.conventions._setting import NOISE, MissingQuantityError, Setting
from bayesreg.data import Data
from bayesreg.errors import ConversionError, DataTypeError, ModelError, ModelTypeError
from bayesreg.likelihoods import (
    LIKELIHOODS,
    ClassLikelihood,
    Likelihood,
    noise_prior,
    require_numbers,
)
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
        What the target lets one choose, such as ``solver`` of sklearn.LogisticRegression; and
        what its formula needs and data would say: ``sd_y``, ``sd_x``, ``rms_y``, ...

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
    quantities, options = _told_apart(options)
    setting = _setting(_stated(model.likelihood), data, n, total_weight, quantities)
    refuse_offset(data, setting.likelihood, goal.name)
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
    sigma: float | str | None = None,
    n: float | None = None,
    total_weight: float | None = None,
    likelihood: Likelihood | str | None = None,
    **quantities: Any,
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
    sigma : float or "estimate", optional
        Noise standard deviation of a Gaussian likelihood. A penalty does not fix it.
        ``"estimate"`` takes the residuals of least squares on all columns; the model's sigma then
        carries its standard error (``model.likelihood.sigma.standard_error``) and says in
        ``describe`` how it was found.
    likelihood : Likelihood or str, optional
        For targets that leave it open; ``Gaussian(sigma=...)`` says sigma too.
    **quantities
        What the formula needs and data would say: ``sd_y``, ``sd_x``, ``rms_y``, ...

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
    sigma = _number_or_estimate(sigma, data, given)
    chosen = _likelihood(origin.likelihoods, likelihood, sigma, origin.name)
    known, unknown = _told_apart(quantities)
    _refuse_unknown(unknown, "to_prior")
    setting = _setting(chosen, data, n, total_weight, known)
    refuse_offset(data, setting.likelihood, origin.name)
    nats, noise = _decoded(origin, given, setting), _stated_noise(origin, setting)
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
    sigma: float | str | None = None,
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
    sigma = _number_or_estimate(sigma, data, given)
    possible = origin.likelihoods
    if likelihood is None:
        possible = tuple(kind for kind in possible if kind in goal.likelihoods) or possible
    chosen = _likelihood(possible, likelihood, sigma, origin.name)
    quantities, options = _told_apart(options)
    setting = _setting(chosen, data, n, total_weight, quantities)
    refuse_offset(data, setting.likelihood, goal.name)
    twin = _where_it_cancels(
        lambda known: _encoded(goal, _decoded(origin, given, known), known, options), setting
    )
    if isinstance(sigma, Estimated):
        return replace(twin, notes=(*twin.notes, f"sigma = {sigma}"))
    return twin


def explain(
    target: Any,
    parameters: Any = None,
    data: Data | None = None,
    *,
    sigma: float | str | None = None,
    n: float | None = None,
    total_weight: float | None = None,
    likelihood: Likelihood | str | None = None,
    **quantities: Any,
) -> str:
    """What a library's parameters mean, derived line by line with the numbers given.

    Parameters
    ----------
    target, parameters, data, sigma, n, total_weight, likelihood, **quantities
        As in :func:`to_prior`.

    Returns
    -------
    str
        The objective, its conversion to nats, the prior, what the prior depends on (what
        cross-validation does with it included), pitfalls, and the same optimum elsewhere.

    Raises
    ------
    ConversionError, NoEquivalentError
        As :func:`to_prior`.

    Examples
    --------
    >>> import bayesreg as br
    >>> print(br.explain("sklearn.Lasso", {"alpha": 0.1}, n=442, sigma=54.0).splitlines()[3])
        RSS/(2 N) + alpha sum|w|
    """
    parameters, data = _data_in_second_place(parameters, data)
    name, given = source_of(target, parameters, CONVENTIONS)
    origin = find(name, "target")
    sigma = _number_or_estimate(sigma, data, given)
    model = to_prior(
        target, parameters, data, sigma=sigma, n=n, total_weight=total_weight,
        likelihood=likelihood, **quantities,
    )  # fmt: skip
    known, _ = _told_apart(quantities)
    chosen = _likelihood(origin.likelihoods, likelihood, sigma, origin.name)
    setting = _setting(chosen, data, n, total_weight, known)
    nats = _decoded(origin, given, setting)
    stated = {key: value for key, value in (given or {}).items() if key in origin.defaults}
    return explanation(
        origin, origin.complete(stated), nats, model, setting.on_behalf_of(origin),
        _on_fewer_rows(origin, given, setting),
        twins(
            lambda goal: _encoded(goal, nats, setting, {}),
            [goal for goal in CONVENTIONS.values() if goal is not origin],
        ),
    )  # fmt: skip


def _on_fewer_rows(
    origin: Convention, given: Mapping[str, Any] | None, setting: Setting
) -> Nats | None:
    """What the same parameters mean in a fit of 5-fold cross-validation; None without N."""
    fewer = dict(setting.known)
    if setting.data is not None:
        fewer.setdefault("rows", setting.data.y.size)
        if origin.name.startswith("dropout."):
            fewer["squares_x"] = setting.on_behalf_of(origin).per_column("squares_x")
    for name in ("total_weight", "rows", "squares_x"):
        if name in fewer:
            fewer[name] = 0.8 * fewer[name]
    if "total_weight" not in fewer:
        return None
    return _decoded(origin, given, replace(setting, known=fewer))


def _number_or_estimate(
    sigma: float | str | None, data: Data | None, given: Mapping[str, Any] | None
) -> float | None:
    """sigma, estimated where that is asked for."""
    if isinstance(sigma, str):
        if sigma != "estimate":
            raise ConversionError(f"sigma must be a number or 'estimate'; got {sigma!r}")
        return estimated_sigma(data, bool((given or {}).get("fit_intercept", True)))
    return sigma


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
    refuse_weights(origin, setting.weighted)
    parameters, setting = origin.complete(given), setting.on_behalf_of(origin)
    ordinary = setting.ordinary()
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
    refuse_weights(goal, setting.weighted)
    refuse_inexpressible(goal, nats, CONVENTIONS.values())
    if nats.penalty.size > 1 and not goal.per_coefficient:
        return _on_rescaled_columns(goal, nats, setting, options)
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


def _on_rescaled_columns(
    goal: Convention, nats: Nats, setting: Setting, options: Mapping[str, Any]
) -> Penalised:
    """The twin on columns multiplied so that one strength serves all."""
    factors = factors_of(nats)
    if factors is None:
        refuse_per_coefficient(goal)
    assert factors is not None
    twin = _encoded(goal, on_rescaled_columns(nats, factors), setting, options)
    return replace(
        twin,
        code=code_on_rescaled_columns(twin.code, goal.solution, factors),
        notes=(NOTE, *twin.notes),
        column_factors=factors,
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
        if QUANTITIES[missing.quantity].per_column:
            raise
        at_one, at_two = (
            _where_it_cancels(make, setting.assuming(missing.quantity, value))
            for value in (1.0, 2.0)
        )
        if at_one != at_two:
            raise
        return at_one


@dataclass(frozen=True)
class _Stated:
    """A likelihood as far as it is known: its name, the scale of its noise, the rest."""

    name: str
    noise: float | None = None
    shape: Mapping[str, Any] = field(default_factory=dict)


def _setting(
    likelihood: _Stated,
    data: Data | None,
    n: float | None,
    total_weight: float | None,
    quantities: Mapping[str, Any],
) -> Setting:
    known: dict[str, Any] = dict(quantities)
    if likelihood.noise is not None:
        known[NOISE[likelihood.name]] = likelihood.noise
    if data is not None and not isinstance(data, Data):
        raise DataTypeError(
            f"data must be a bayesreg.Data; got {type(data).__name__}. Wrap it: Data(X, y)"
        )
    total = _total_weight(data, n, total_weight)
    if total is not None:
        known["total_weight"] = total
    if n is not None:
        known["rows"] = _checks.positive_number(n, "n")
    weighted = data is not None and data.weights is not None
    return Setting(likelihood.name, known, data, weighted, likelihood.shape)


def _told_apart(keywords: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
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


def _refuse_unknown(names: Mapping[str, Any], verb: str) -> None:
    for name in names:
        known = [key for key, part in QUANTITIES.items() if part.argument == key]
        raise ConversionError(f"{verb} has no argument {name!r}.{nearest(name, known)}")


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


def _stated(likelihood: Likelihood | ClassLikelihood) -> _Stated:
    name = type(likelihood).__name__
    if noise_prior(likelihood) is not None:
        raise ConversionError(
            f"sigma is unknown (sigma ~ {noise_prior(likelihood)!r}), but the penalty that a prior "
            "amounts to depends on it. Say which sigma is meant: Gaussian(sigma=...), or for the "
            "one at a joint mode model.at_sigma(find_map(model, data, "
            "target='joint').scalars['sigma'])"
        )
    require_numbers(likelihood)
    noise = getattr(likelihood, NOISE[name]) if name in NOISE else None
    return _Stated(name, noise, _nats.shape_of(likelihood))


def _likelihood(
    possible: tuple[str, ...], wanted: Likelihood | str | None, sigma: float | None, target: str
) -> _Stated:
    """Which likelihood is meant, and its sigma where that was given."""
    if sigma is not None and not isinstance(sigma, Estimated):
        sigma = _checks.positive_number(sigma, "sigma")
    stated = _wanted(wanted, possible, sigma, target)
    if stated.name not in possible:
        raise ConversionError(f"{target} is for {' or '.join(possible)} data, not {stated.name}")
    if sigma is None:
        return stated
    if NOISE.get(stated.name) != "sigma":
        raise ConversionError(
            f"sigma was given, but {target} is {stated.name} here, which has no sigma"
        )
    if stated.noise not in (None, sigma):
        raise ConversionError(f"sigma={sigma!r} contradicts likelihood=Gaussian({stated.noise!r})")
    return replace(stated, noise=sigma)


def _wanted(
    wanted: Likelihood | str | None, possible: tuple[str, ...], sigma: float | None, target: str
) -> _Stated:
    if isinstance(wanted, str):
        if wanted not in LIKELIHOODS:
            raise ConversionError(f"no likelihood {wanted!r}.{nearest(wanted, LIKELIHOODS)}")
        return _Stated(wanted)
    if isinstance(wanted, Likelihood | ClassLikelihood) and not isinstance(wanted, type):
        return _stated(wanted)
    if wanted is not None:
        raise ModelTypeError(
            f"likelihood must be a likelihood such as Bernoulli(), or its name; got {wanted!r}"
        )
    if len(possible) == 1:
        return _Stated(possible[0])
    if sigma is not None and "Gaussian" in possible:
        return _Stated("Gaussian")
    raise ConversionError(
        f"{target} leaves the likelihood open ({', '.join(possible)}), so it must be said: pass "
        "likelihood=, or sigma= for Gaussian"
    )


def _stated_noise(origin: Convention, setting: Setting) -> float | None:
    """The noise of the model to return, also where the formula could do without."""
    name = NOISE.get(setting.likelihood)
    if name is None:
        return None
    given = setting.known.get(name)
    return given if isinstance(given, Estimated) else setting.on_behalf_of(origin).number(name)
