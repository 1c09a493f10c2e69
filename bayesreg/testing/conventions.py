"""check_convention: do its two formulas agree, with each other and with what it minimises?"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.conventions import to_penalty, to_prior
from bayesreg.conventions._convention import Convention
from bayesreg.data import Data
from bayesreg.errors import ConversionError
from bayesreg.likelihoods import Likelihood
from bayesreg.model import Model
from bayesreg.priors import ElasticNet, Flat, Laplace, Normal, Prior
from bayesreg.testing._numeric import compare, require

Objective = Callable[
    [FloatArray, float, FloatArray, FloatArray, FloatArray, Mapping[str, Any]], float
]

_PRIORS: dict[str, Prior] = {
    "L1": Laplace(0.3), "L2": Normal(0.5), "elastic net": ElasticNet(0.3, 0.6), "flat": Flat(),
}  # fmt: skip
_POINTS = 6


def check_convention(
    convention: Convention,
    likelihood: Likelihood,
    data: Data,
    objective: Objective | None = None,
) -> None:
    """Check a convention of your own under one of its likelihoods.

    For each penalty that it says it can express: the parameters of the prior decode to that
    prior, are complete, and come with a program and notes; and the objective that you write down
    a second time is the negative log posterior but for a factor and a constant.

    Parameters
    ----------
    convention : Convention
        ``to_penalty``, ``to_prior``, ``convert`` and ``explain`` take it in place of a name.
    likelihood : Likelihood
        One that it names, with a stated scale of the noise.
    data : Data
        With weights if the library takes them: only then do N and n differ.
    objective : callable, optional
        ``objective(coef, intercept, X, y, weights, parameters)``, what the library minimises,
        written from its documentation and not from ``encode``.

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
        set(convention.penalties) <= set(_PRIORS),
        f"penalties of {convention.name} are among {tuple(_PRIORS)}; got {convention.penalties}",
    )
    for kind in convention.penalties:
        intercept = Flat() if convention.fits_intercept else None
        _check_penalty(convention, Model(likelihood, _PRIORS[kind], intercept), data, objective)


def _check_penalty(
    convention: Convention, model: Model, data: Data, objective: Objective | None
) -> None:
    where = f"{convention.name} of {model.prior!r}"
    try:
        twin = to_penalty(model, convention, data)
    except ConversionError as error:
        raise AssertionError(
            f"{where}: {error}. It names this penalty, so that encode must express it and decode "
            "be its inverse"
        ) from error
    back = to_prior(convention, twin.parameters, data, likelihood=model.likelihood)
    assert isinstance(back, Model), f"{where}: decode gives the prior alone"
    require(
        type(back.prior) is type(model.prior),
        f"{where}: decode gives {back!r}; it must give back what encode was given",
    )
    for name, value in vars(model.prior).items():
        if isinstance(value, float):
            compare(
                getattr(back.prior, name), value,
                f"{where}: decode gives another {name}; it must be the inverse of encode",
                rtol=1e-12,
            )  # fmt: skip
    require(bool(twin.notes), f"{where} has no notes; say how it treats the intercept")
    _check_code(where, twin.code)
    if objective is not None:
        _check_objective(where, model, data, twin.parameters, objective)


def _check_code(where: str, code: str) -> None:
    require(bool(code.strip()), f"{where} has no code; print a program that fits it")
    if "import " in code:
        try:
            ast.parse(code)
        except SyntaxError as error:
            raise AssertionError(f"{where}: its code is not Python: {error}") from None


def _check_objective(
    where: str, model: Model, data: Data, parameters: Mapping[str, Any], objective: Objective
) -> None:
    """Differences of the objective are those of -log density, times one positive number."""
    rng = np.random.default_rng(4)
    weights = np.ones(data.n) if data.weights is None else data.weights
    X = data.X if isinstance(data.X, np.ndarray) else data.X.toarray()
    theirs, ours = [], []
    for _ in range(_POINTS):
        coef, a = rng.normal(0.0, 0.2, data.p), float(rng.normal())
        a = a if model.intercept is not None else 0.0
        theirs.append(objective(coef, a, X, data.y, weights, parameters))
        ours.append(-model.log_density(data, coef, a))
    slopes = np.diff(theirs) / np.diff(ours)
    require(
        bool(slopes[0] > 0),
        f"{where}: the objective falls where the posterior density falls; is its sign right?",
    )
    compare(
        slopes, np.full(slopes.size, slopes[0]),
        f"{where}: the objective is not the negative log posterior but for a factor and a "
        "constant: correct encode and decode, or the objective",
        rtol=1e-8,
    )  # fmt: skip
