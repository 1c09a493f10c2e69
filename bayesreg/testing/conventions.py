"""check_convention: do its two formulas agree, with each other and with what it minimises?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.conventions import to_penalty, to_prior
from bayesreg.conventions._convention import Convention, Penalised
from bayesreg.data import Data
from bayesreg.errors import ConversionError
from bayesreg.likelihoods import Likelihood
from bayesreg.model import Model
from bayesreg.priors import Flat
from bayesreg.testing._convention_cases import (
    KINDS,
    another_noise,
    narrow_columns,
    on_intercept,
    on_standardised_columns,
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
    without intercept, where that is not refused.

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
        _check_intercept(convention, stated, rows, objective, sizes)


def _check_penalty(
    convention: Convention, kind: str, likelihood: Likelihood, data: Data,
    objective: Objective | None, sizes: tuple[float, ...],
) -> None:  # fmt: skip
    """Every scale must be expressible; no intercept may be refused."""
    intercept = Flat() if convention.fits_intercept else None
    twins = []
    for model in _models(convention, kind, likelihood, data, intercept):
        twin = _twin(convention, model, data)
        _check_twin(convention, model, twin, data, objective, sizes)
        twins.append(twin)
    check_code(f"{convention.name} of {kind}", twins)
    if convention.fits_intercept:
        without = Model(likelihood, priors_of(kind)[0], None)
        try:
            twin = to_penalty(without, convention, data)
        except ConversionError:
            return
        _check_twin(convention, without, twin, data, objective, sizes)


def _models(
    convention: Convention, kind: str, likelihood: Likelihood, data: Data, intercept: Any
) -> Iterator[Model]:
    for prior in priors_of(kind, data.p if convention.per_coefficient else None):
        yield Model(likelihood, prior, intercept)
    if convention.per_coefficient and on_standardised_columns(data):
        yield Model(likelihood, priors_of(kind)[0], intercept, standardize=True)


def _check_intercept(
    convention: Convention, likelihood: Likelihood, data: Data, objective: Objective | None,
    sizes: tuple[float, ...],
) -> None:  # fmt: skip
    """A prior on the intercept, where the convention says that it takes one."""
    if not convention.penalises_intercept:
        return
    taken, reasons = 0, []
    for kind in convention.penalties:
        for prior in on_intercept(kind):
            model = Model(likelihood, priors_of(kind)[0], prior)
            try:
                twin = to_penalty(model, convention, data)
            except ConversionError as error:
                reasons.append(str(error))
                continue
            _check_twin(convention, model, twin, data, objective, sizes)
            taken += 1
    require(
        taken > 0,
        f"{convention.name} says penalises_intercept=True and takes no prior on the intercept: "
        f"{reasons[:1]}. Encode nats.intercept, or leave the flag out",
    )


def _twin(convention: Convention, model: Model, data: Data) -> Penalised:
    try:
        return to_penalty(model, convention, data)
    except ConversionError as error:
        raise AssertionError(
            f"{convention.name} of {model.prior!r}: {error}. It names this penalty, so that encode "
            "must express it and decode be its inverse"
        ) from error


def _check_twin(
    convention: Convention, model: Model, twin: Penalised, data: Data,
    objective: Objective | None, sizes: tuple[float, ...],
) -> None:  # fmt: skip
    where = f"{convention.name} of {model!r}"
    require(
        twin.column_factors is None,
        f"{where}: the columns would have to be rescaled; per_coefficient=True says that encode "
        "takes a strength for each coefficient",
    )
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
