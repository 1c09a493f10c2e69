"""Recognising a library's estimator by where its class lives, without importing the library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesreg.conventions._composite import search_of, unwrapped
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._near import near_targets
from bayesreg.conventions._refused import refuse_bayesian_models, refuse_by_name
from bayesreg.data import Data
from bayesreg.errors import ConversionError, DataTypeError, NoEquivalentError


@dataclass(frozen=True, eq=False)
class Source:
    """What a conversion starts from.

    Attributes
    ----------
    name : str or Convention
        The convention: of ours the name.
    parameters : mapping or None
        None when a name came alone.
    scaler : object or None
        The StandardScaler before the estimator, where it came in a Pipeline.
    search : object or None
        The search whose best estimator it is.
    """

    name: str | Convention
    parameters: Mapping[str, Any] | None
    scaler: Any = None
    search: Any = None


def recognise(estimator: Any, known: Mapping[str, Convention], data: Data | None = None) -> Source:
    """Name of the convention and parameters of a fitted or unfitted estimator.

    Only the library's own class is recognised: a subclass may minimise something else
    (scikit-learn's MultiTaskLasso is a subclass of its Lasso).  A Pipeline of a StandardScaler and
    an estimator is read, and of a search its best estimator.

    Raises
    ------
    ConversionError
        For an object or class that is not known, with the nearest names; for data of other columns
        than those it was fitted to.
    NoEquivalentError
        For an estimator that no model or prior here is the twin of.
    """
    refuse_bayesian_models(estimator)
    given = estimator
    estimator, scaler = unwrapped(estimator)
    kind = type(estimator)
    name = f"{kind.__module__.split('.')[0]}.{kind.__name__}"
    refuse_by_name(name)
    if name not in known or not hasattr(estimator, "get_params"):
        raise ConversionError(
            f"no convention is known for an object of class {kind.__module__}.{kind.__name__}."
            f"{near_targets(name, known)} If it minimises one of these objectives, pass that "
            "name and its parameters"
        )
    learned = {
        attribute: getattr(estimator, attribute, unfitted)
        for attribute, unfitted in known[name].learned.items()
    }
    _refuse_several_outputs(estimator, known[name])
    _refuse_other_data(given, data)
    return Source(name, {**estimator.get_params(deep=False), **learned}, scaler, search_of(given))


def _refuse_several_outputs(estimator: Any, convention: Convention) -> None:
    name = convention.name
    if "classes_" in convention.learned or "MultiTask" in convention.without_model:
        return
    classes = np.size(getattr(estimator, "classes_", ()))
    if classes > 2:
        raise NoEquivalentError(
            f"this {name} was fitted to {classes} classes, one against the rest: {classes} "
            "separate fits, not one model. Nearest: one model per class, with y in {-1, 1} or "
            "{0, 1}; LogisticRegression is a Multinomial model"
        )
    shape = np.shape(getattr(estimator, "coef_", ()))
    if len(shape) == 2 and shape[0] > 1:
        raise NoEquivalentError(
            f"this {name} was fitted to {shape[0]} targets at once. Nearest: one model per target"
        )


def _refuse_other_data(estimator: Any, data: Data | None) -> None:
    """A fitted estimator's N is that of its own data: those given must at least have its columns.

    Its vectors, such as ``lambda_`` of ARDRegression, are in the order of those columns.

    Raises
    ------
    ConversionError
        When the numbers of columns, their names or their order differ, or the numbers of classes.
    """
    columns = getattr(estimator, "n_features_in_", None)
    if data is None:
        return
    if columns is not None and columns != data.p:
        raise ConversionError(
            f"this {type(estimator).__name__} was fitted to {columns} columns and data have "
            f"{data.p}, so they are not its data and N would be wrong; pass the data it was "
            "fitted to, or n="
        )
    _refuse_other_columns(estimator, data)
    _refuse_other_classes(estimator, data)


def _refuse_other_columns(estimator: Any, data: Data) -> None:
    names = _fitted_names(estimator)
    unnamed = data.names == tuple(f"x{j}" for j in range(data.p))
    if names is None or unnamed or names == data.names or len(names) != data.p:
        return
    at = next(j for j, name in enumerate(names) if name != data.names[j])
    others = (
        "the same columns in another order"
        if set(names) == set(data.names)
        else "columns of other names"
    )
    raise ConversionError(
        f"this {type(estimator).__name__} was fitted to {others}: column {at} was {names[at]!r}, "
        f"and in data it is {data.names[at]!r}. Pass Data of the columns in the order of the fit, "
        "Data(frame[list(estimator.feature_names_in_)], y); or names= as they were then"
    )


def _refuse_other_classes(estimator: Any, data: Data | None) -> None:
    classes = getattr(estimator, "classes_", None)
    if data is None or classes is None:
        return
    found = np.unique(data.y).size
    if found != np.size(classes):
        raise ConversionError(
            f"this {type(estimator).__name__} was fitted to {np.size(classes)} classes and y in "
            f"data has {found}, so they are not its data; pass the data it was fitted to, or n="
        )


def _fitted_names(estimator: Any) -> tuple[str, ...] | None:
    """The columns that an estimator was fitted to, where they had names."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        names = getattr(estimator, "feature_names_", None)  # glum; an array's are _col_0, ...
    found = None if names is None else tuple(str(name) for name in names)
    return None if found is None or any(name.startswith("_col_") for name in found) else found


def source_of(
    source: Any, parameters: Any, known: Mapping[str, Convention], data: Data | None
) -> Source:
    """Name and parameters, from a name with parameters (or an estimator), or an estimator."""
    if isinstance(source, Convention):
        if not isinstance(parameters, Mapping):
            raise DataTypeError(
                f"after a convention of your own come its parameters, a mapping; got "
                f"{type(parameters).__name__}"
            )
        return Source(source, parameters)
    if not isinstance(source, str):
        if parameters is not None and not isinstance(parameters, Mapping):
            raise DataTypeError(
                f"after an estimator comes data, a bayesreg.Data; got {type(parameters).__name__}. "
                "Wrap it: Data(X, y)"
            )
        if parameters is not None:
            raise ConversionError(
                f"parameters were given beside the estimator {type(source).__name__}, which has "
                "its own; pass one of the two"
            )
        return recognise(source, known, data)
    if parameters is None or isinstance(parameters, Mapping):
        return Source(source, parameters)
    found = recognise(parameters, known, data)
    if found.name != source:
        raise ConversionError(f"the estimator is a {found.name}, not a {source}; pass it alone")
    return found
