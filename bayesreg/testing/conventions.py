"""check_convention: do its two formulas agree, with each other and with what it minimises?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.conventions import to_penalty, to_prior
from bayesreg.conventions._convention import Convention, Penalised
from bayesreg.data import Data
from bayesreg.errors import ConversionError, NoEquivalentError
from bayesreg.likelihoods import Likelihood
from bayesreg.model import Model
from bayesreg.priors import Flat
from bayesreg.testing._convention_cases import (
    KINDS,
    another_noise,
    narrow_columns,
    no_constant_columns,
    on_intercept,
    priors_of,
)
from bayesreg.testing._convention_code import check_code
from bayesreg.testing._numeric import compare, require

Objective = Callable[
    [FloatArray, float, FloatArray, FloatArray, FloatArray, Mapping[str, Any]], float
]

#: Sizes of the coefficients at which objectives are compared: on the data, on narrow columns.
_NEAR, _WIDE = (0.1, 0.2, 0.2, 0.3, 0.4, 0.5), (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


def check_convention(
    convention: Convention,
    likelihood: Likelihood,
    data: Data,
    objective: Objective | None = None,
) -> None:
    """Check a convention of your own under one of its likelihoods.

    For each penalty that it says it can express, at several scales: the parameters of the prior
    decode to that prior, are complete, and come with notes and a program that has them; and the
    objective that you write down a second time is the negative log posterior but for a factor and
    a constant. All of it once as given, and once with another sigma, weights of its own (where
    the library takes them) and columns so narrow that coefficients are large. Where the
    convention says so, with a scale for each coefficient, and with a prior on the intercept;
    without intercept, where that is not refused. A ``NoEquivalentError`` of the convention's own
    counts as an honest answer, unless it answers every prior of a kind.

    Parameters
    ----------
    convention : Convention
        ``to_penalty``, ``to_prior``, ``convert`` and ``explain`` take it in place of a name.
    likelihood : Likelihood
        One that it names, with a stated scale of the noise.
    data : Data
    objective : callable, optional
        ``objective(coef, intercept, X, y, weights, parameters)``, what the library minimises,
        written from its documentation and not from ``encode``. Without it the two formulas are
        only shown to be each other's inverse, which wrong ones can be too.

    Raises
    ------
    AssertionError
        Naming the penalty, what does not agree, and the remedy.
    """
    name = type(likelihood).__name__
    require(
        name in convention.likelihoods,
        f"{convention.name} names the likelihoods {convention.likelihoods}, not {name!r}; check "
        "it under one of those",
    )
    require(
        set(convention.penalties) <= set(KINDS),
        f"penalties of {convention.name} are among {KINDS}; got {convention.penalties}",
    )
    narrow = narrow_columns(data, convention.takes_weights)
    for stated, rows, sizes in (
        (likelihood, data, _NEAR),
        (another_noise(likelihood), narrow, _WIDE),
    ):
        for kind in convention.penalties:
            _check_penalty(convention, kind, stated, rows, objective, sizes)


def _check_penalty(
    convention: Convention, kind: str, likelihood: Likelihood, data: Data,
    objective: Objective | None, sizes: tuple[float, ...],
) -> None:  # fmt: skip
    twins = []
    for model in _models(convention, kind, likelihood, data):
        twin = _twin(convention, model, data)
        if twin is not None:
            _check_twin(convention, model, twin, data, objective, sizes)
            twins.append(twin)
    require(
        bool(twins),
        f"{convention.name} names {kind} among its penalties, and encode refuses every such prior",
    )
    check_code(f"{convention.name} of {kind}", twins)


def _models(
    convention: Convention, kind: str, likelihood: Likelihood, data: Data
) -> Iterator[Model]:
    """What the convention says that it can express."""
    intercept = Flat() if convention.fits_intercept else None
    first, *others = priors_of(kind, data.p if convention.per_coefficient else None)
    for prior in (first, *others):
        yield Model(likelihood, prior, intercept)
    if convention.fits_intercept:
        yield Model(likelihood, first, None)
    if convention.penalises_intercept:
        for prior in on_intercept(first):
            yield Model(likelihood, first, prior)
    if convention.per_coefficient and no_constant_columns(data):
        yield Model(likelihood, first, intercept, standardize=True)


def _twin(convention: Convention, model: Model, data: Data) -> Penalised | None:
    """The twin; None where the convention says itself that there is none, or no intercept-free."""
    try:
        return to_penalty(model, convention, data)
    except NoEquivalentError:
        return None
    except ConversionError as error:
        if model.intercept is None and convention.fits_intercept:
            return None
        raise AssertionError(
            f"{convention.name} of {model!r}: {error}. It says that it has this, so that encode "
            "must express it and decode be its inverse; or raise NoEquivalentError with the reason"
        ) from error


def _check_twin(
    convention: Convention, model: Model, twin: Penalised, data: Data,
    objective: Objective | None, sizes: tuple[float, ...],
) -> None:  # fmt: skip
    where = f"{convention.name} of {model!r}"
    require(bool(twin.notes), f"{where} has no notes; say how it treats the intercept")
    back = to_prior(convention, twin.parameters, data, likelihood=model.likelihood)
    assert isinstance(back, Model), f"{where}: decode gives the prior alone"
    _check_inverse(where, model, back, data)
    if objective is not None:
        _check_objective(where, model, data, twin.parameters, objective, sizes)


def _check_inverse(where: str, model: Model, back: Model, data: Data) -> None:
    """decode gives what encode was given, in nats."""
    require(
        type(back.prior) is type(model.prior)
        and (back.intercept is None) == (model.intercept is None),
        f"{where}: decode gives {back!r}; it must give back what encode was given",
    )
    pairs: list[tuple[str, Any, Any]]
    pairs = [("coefficients", back.coefficient_penalty(data), model.coefficient_penalty(data))]
    pairs.append(("intercept", back.intercept_penalty(), model.intercept_penalty()))
    for part, found, expected in pairs:
        for name in ("l1", "l2", "loc") if expected is not None else ():
            compare(
                getattr(found, name), getattr(expected, name),
                f"{where}: decode gives another {name} of the {part}, in nats; it must be the "
                "inverse of encode",
                rtol=1e-12, atol=0.0,
            )  # fmt: skip


def _check_objective(
    where: str, model: Model, data: Data, parameters: Mapping[str, Any], objective: Objective,
    sizes: tuple[float, ...],
) -> None:  # fmt: skip
    """Differences of the objective are those of -log density, times one positive number."""
    rng = np.random.default_rng(4)
    weights = np.ones(data.n) if data.weights is None else data.weights
    X = data.X if isinstance(data.X, np.ndarray) else data.X.toarray()
    theirs, ours = [], []
    for size in sizes:
        coef, a = size * rng.choice([-1.0, 1.0], data.p) * rng.uniform(0.5, 1.5, data.p), 0.0
        if model.intercept is not None:
            a = float(rng.normal())
        theirs.append(objective(coef, a, X, data.y, weights, parameters))
        ours.append(-model.log_density(data, coef, a))
    slopes = np.diff(theirs) / np.diff(ours)
    require(
        bool(slopes[-1] > 0),
        f"{where}: the objective falls where the posterior density falls; is its sign right?",
    )
    compare(
        slopes, np.full(slopes.size, slopes[-1]),
        f"{where}: the objective is not the negative log posterior but for a factor and a "
        "constant: correct encode and decode, or the objective",
        rtol=1e-8,
    )  # fmt: skip
