"""The two halves of every conversion, checked: parameters to nats, nats to parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from bayesreg._text import nearest
from bayesreg.conventions import _nats
from bayesreg.conventions._convention import Convention, Penalised
from bayesreg.conventions._nats import Nats
from bayesreg.conventions._quantities import QUANTITIES
from bayesreg.conventions._refusals import (
    refuse_inexpressible,
    refuse_per_coefficient,
    refuse_weights,
)
from bayesreg.conventions._registry import CONVENTIONS
from bayesreg.conventions._rescaling import (
    NOTE,
    code_on_rescaled_columns,
    factors_of,
    on_rescaled_columns,
)
from bayesreg.conventions._setting import MissingQuantityError, Setting
from bayesreg.design import is_sparse
from bayesreg.errors import ConversionError, ModelError


def decoded(origin: Convention, given: Mapping[str, Any] | None, setting: Setting) -> Nats:
    parameters = origin.complete(required(origin, given))
    setting = setting.on_behalf_of(origin)
    ordinary = setting.ordinary()
    with representable(origin, setting):
        nats = origin.decode(parameters, setting)
        # What is a penalty at sigma = N = 1 is one at any other.
        if nats.kind != origin.decode(parameters, ordinary).kind:
            raise OverflowError("a penalty vanishes")
    setting.fitting(nats.penalty.l1, "the penalty")
    return nats


def required(origin: Convention, given: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if given is None:
        names = ", ".join(name for name in origin.defaults if name != "fit_intercept")
        raise ConversionError(
            f"parameters of {origin.name} are missing ({names}); pass a mapping, such as "
            f"{{{next(iter(origin.defaults))!r}: 0.1}}, or the estimator itself"
        )
    return given


def encoded(
    goal: Convention, nats: Nats, setting: Setting, options: Mapping[str, Any]
) -> Penalised:
    for name in options:
        if name not in goal.options:
            known = nearest(name, goal.options) if goal.options else " It has none."
            raise ConversionError(f"{goal.name} has no option {name!r}.{known}")
    setting = setting.on_behalf_of(goal, options)
    refuse_weights(goal, setting.weighted)
    refuse_inexpressible(goal, nats, CONVENTIONS.values())
    setting.fitting(nats.penalty.l1, "the prior")
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
        code=_on_dense_columns(goal, setting) + goal.code(arguments, setting),
        notes=goal.notes(parameters, setting),
        _builder=lambda: goal.build(arguments, setting),
    )


def _on_dense_columns(goal: Convention, setting: Setting) -> str:
    """The line that a program on arrays begins with where X is sparse."""
    sparse = setting.data is not None and is_sparse(setting.data.X)
    return "X = X.toarray()\n\n" if sparse and not goal.takes_sparse else ""


def _on_rescaled_columns(
    goal: Convention, nats: Nats, setting: Setting, options: Mapping[str, Any]
) -> Penalised:
    """The twin on columns multiplied so that one strength serves all."""
    factors = factors_of(nats, setting)
    if factors is None:
        refuse_per_coefficient(goal)
    assert factors is not None
    sparse = setting.data is not None and is_sparse(setting.data.X)
    twin = encoded(goal, on_rescaled_columns(nats, factors), setting, options)
    return replace(
        twin,
        code=code_on_rescaled_columns(twin.code, goal.solution, factors, sparse),
        notes=(NOTE, *twin.notes),
        column_factors=factors,
    )


def _encoded_parameters(goal: Convention, nats: Nats, setting: Setting) -> dict[str, Any]:
    """The parameters, which must decode to what they were made of."""
    with representable(goal, setting):
        parameters = goal.encode(nats, setting)
        try:
            back = goal.decode(goal.complete(parameters), setting)
        except ConversionError as error:  # what it refuses to read, it must not write
            raise OverflowError(str(error)) from None
        if not _nats.agree(nats, back):
            raise OverflowError("the parameters lose the penalty, or one of its two parts")
        return parameters


@contextmanager
def representable(convention: Convention, setting: Setting) -> Iterator[None]:
    """Quantities beyond the range of floats, in a formula or its result, as one error."""
    try:
        with np.errstate(all="ignore"):  # what is lost shows in the result, which is checked
            yield
    except (ArithmeticError, ModelError) as error:
        known = ", ".join(f"{name}={value!r}" for name, value in setting.known.items())
        raise ConversionError(
            f"{convention.name}: the result is not representable in floats{known and ' at '}"
            f"{known}: {error.args[-1]}. The formula is {convention.formula}; measure "
            "y, or the columns, in units that bring these numbers nearer to 1"
        ) from None


def where_it_cancels(make: Callable[[Setting], Penalised], setting: Setting) -> Penalised:
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
            where_it_cancels(make, setting.assuming(missing.quantity, value))
            for value in (1.0, 2.0)
        )
        if at_one != at_two:
            raise
        return at_one
