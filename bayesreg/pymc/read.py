"""from_pymc: a PyMC model as a model and data of ours, checked by evaluating both.

The graph is not matched against patterns of code.  The linear predictor is evaluated: with one
coefficient at 1 and the others at 0 it is a column of X, whatever way it was written
(``X @ beta``, ``beta * x``, ``pm.math.dot``, dims, Deterministics), and at random points it must be
offset + a + X w.  In the end the log density of both models is compared, so that a model that was
misread is never returned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bayesreg._checks import shown
from bayesreg._text import nearest
from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import ModelTypeError, NoEquivalentError
from bayesreg.model import Model
from bayesreg.pymc.agreement import require_agreement
from bayesreg.pymc.graph import Graph, columns, constant_value, in_double
from bayesreg.pymc.read_names import column_names, one_target
from bayesreg.pymc.read_noise import read_sigma, refuse_hyperpriors
from bayesreg.pymc.read_notes import notes_of
from bayesreg.pymc.read_priors import Part, parameters_of, read_prior, relative, whole_prior
from bayesreg.pymc.read_targets import Target, read_target

#: Departure of the linear predictor from linearity that rounding explains.
_LINEAR = 1e-9


@dataclass(frozen=True)
class FromPyMC:
    """What a PyMC model is here; unpacks as ``model, data``.

    Attributes
    ----------
    model : Model
    data : Data
        X as the coefficients meet it, y, weights, offset, names.
    coefficients : mapping of str to tuple of str
        The columns that each variable of the PyMC model is the coefficients of.
    intercept : str or None
        The variable that is the intercept.
    notes : tuple of str
        What stands between the model and its penalised twin.
    difference : float
        The largest difference of the two log densities at random points, but for one constant.
    """

    model: Model
    data: Data
    coefficients: Mapping[str, tuple[str, ...]]
    intercept: str | None
    notes: tuple[str, ...] = field(default=())
    difference: float = 0.0

    def __iter__(self) -> Iterator[Any]:
        return iter((self.model, self.data))

    def __str__(self) -> str:
        lines = [f"{self.model!r}", f"{self.data!r}"]
        lines += [f"  {name}: {', '.join(names)}" for name, names in self.coefficients.items()]
        lines += [f"  intercept: {self.intercept}"] if self.intercept else []
        return "\n".join([*lines, *(f"- {note}" for note in self.notes)])


def from_pymc(model: Any, *, given: Mapping[str, Any] | None = None) -> FromPyMC:
    """Read a PyMC model as a penalised regression.

    Parameters
    ----------
    model : pymc.Model
        With one observed variable, whose location is linear in the free ones: Normal, Bernoulli
        or Binomial (logit), Poisson, NegativeBinomial or Gamma (log), StudentT, Cauchy, Laplace,
        AsymmetricLaplace.
    given : mapping of str to number or array, optional
        Free variables to state as numbers, such as a hyperparameter: ``given={"tau": 0.5}``. The
        model is then that of the others given these.

    Returns
    -------
    FromPyMC
        ``model, data = from_pymc(pm_model)``; ``.notes`` says what stands between this model and
        a penalised regression: a prior on the intercept, an unknown sigma.

    Raises
    ------
    NoEquivalentError
        For what is no penalised regression: hyperpriors, products of variables, potentials,
        several observed variables, other distributions; why, and what is nearest.
    ModelTypeError
        For what is no ``pymc.Model``.

    Notes
    -----
    A scalar variable whose column is 1 in every row is the intercept, under its own prior. The log
    densities, prior and likelihood apart, are compared at random points before anything is
    returned.

    Examples
    --------
    >>> import numpy as np, pymc as pm, bayesreg as br
    >>> x, y = np.array([0.0, 1.0, 2.0]), np.array([0.1, 0.9, 2.2])
    >>> with pm.Model() as pm_model:
    ...     slope, level = pm.Laplace("slope", 0, 0.5), pm.Flat("level")
    ...     _ = pm.Normal("y", level + slope * x, sigma=0.3, observed=y)
    >>> model, data = br.from_pymc(pm_model)
    >>> model
    Model(likelihood=Gaussian(sigma=0.3), prior=Laplace(scale=0.5))
    """
    import warnings

    _require_pymc_model(model)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="PyTensor could not link to a BLAS")
        return _read(model if not given else _stated(model, given))


def _stated(model: Any, given: Mapping[str, Any]) -> Any:
    """The model with free variables at numbers, without their priors."""
    import pymc as pm

    if not isinstance(given, Mapping):
        raise ModelTypeError(
            f"given must be a mapping of names to numbers, {{'tau': 0.5}}; got {shown(given)}"
        )
    known = [rv.name for rv in model.free_RVs]
    for name in given:
        if name not in known:
            raise NoEquivalentError(
                f"given names {name!r}, which is no free variable of the model."
                f"{nearest(str(name), known)}"
            )
    return pm.do(model, {name: _number(name, value) for name, value in given.items()})


def _number(name: str, value: Any) -> FloatArray:
    try:
        number = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        number = np.array(np.nan)
    if not np.all(np.isfinite(number)):
        raise ModelTypeError(
            f"given[{name!r}] must be a finite number or array; got {shown(value)}"
        )
    return number


def _read(model: Any) -> FromPyMC:
    observed = one_target(model)
    graph, target = Graph(model), read_target(observed)
    refuse_hyperpriors(graph, target)
    y = in_double(constant_value(model.rvs_to_values[observed]))
    coefficients = graph.names_in(target.eta)
    predictor = (target.eta, y.size, lambda eta: _wide(eta, y.shape))
    offset, X = _linear(graph, coefficients, *predictor)
    values = _values_at(graph, target)
    likelihood, weights, on_sigma = read_sigma(graph, target, values, y.shape)
    parts = {name: _part(graph, name, values, on_sigma) for name in coefficients}
    intercept = _intercept(graph, coefficients, X)
    names = column_names(model, graph, [name for name in coefficients if name != intercept])
    if not names:
        raise NoEquivalentError(
            "the linear predictor has no coefficients besides an intercept, so there is nothing "
            "that a penalty would shrink. Nearest: the model with a column of X"
        )
    kept = ~_of(graph, coefficients, intercept)
    trials = values(1.0).get("trials")
    ours = Model(
        likelihood,
        whole_prior([(own, parts[name]) for name, own in names.items()]),
        None if intercept is None else parts[intercept].prior(),
    )
    data = Data(
        X[:, kept], y.ravel(), weights, offset if np.any(offset) else None,
        [column for own in names.values() for column in own],
        None if trials is None else np.broadcast_to(trials, y.shape).ravel(),
    )  # fmt: skip
    difference = require_agreement(model, ours, data, names, intercept, on_sigma, graph.shapes)
    notes = notes_of(ours, data, intercept, on_sigma)
    return FromPyMC(ours, data, names, intercept, notes, difference)


def _values_at(graph: Graph, target: Target) -> Any:
    """The parameters of target and priors at a value of everything that is not a coefficient."""
    named = {("", name): variable for name, variable in target.parameters.items()}
    for rv in graph.free:
        for k, variable in enumerate(parameters_of(rv)):
            named[rv.name, str(k)] = variable
    evaluate = graph.function(list(named.values()))

    def at(value: float) -> dict[str, Any]:
        found = evaluate({rv.name: value for rv in graph.free})
        by_name: dict[str, Any] = {}
        for (owner, name), array in zip(named, found, strict=True):
            if owner:
                by_name.setdefault(f"~{owner}", []).append(in_double(array))
            else:
                by_name[name] = in_double(array)
        return by_name

    return at


def _part(graph: Graph, name: str, values: Any, on_sigma: str | None) -> Part:
    """The prior of a variable; in units of sigma where its scale moves with sigma."""
    rv = next(rv for rv in graph.free if rv.name == name)
    stated = values(1.0).get(f"~{name}", [])
    part = read_prior(rv, stated, graph.shapes[name])
    if on_sigma is None or on_sigma not in graph.names_in(*parameters_of(rv)):
        return part
    if not relative(rv, stated, values(2.0)[f"~{name}"]):
        raise NoEquivalentError(
            f"the prior of {name} depends on {on_sigma}, and not by a scale proportional to it. "
            f"Nearest: a scale of the form {on_sigma} * number (relative_to_noise=True)"
        )
    return Part(part.kind, part.arguments, part.bounds, relative=True)


def _intercept(graph: Graph, names: Sequence[str], X: FloatArray) -> str | None:
    """The scalar variable whose column is 1 in every row."""
    for name in names:
        own = X[:, _of(graph, names, name)]
        if own.shape[1] == 1 and len(graph.shapes[name]) < 2 and np.all(own == 1.0):
            return name
    return None


def _of(graph: Graph, names: Sequence[str], chosen: str | None) -> Any:
    """Which columns are those of a variable."""
    sizes = [int(np.prod(graph.shapes[name], dtype=int)) for name in names]
    return np.repeat(np.array([name == chosen for name in names], dtype=bool), sizes)


def _wide(eta: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """eta with an entry for each target."""
    if np.broadcast_shapes(eta.shape, shape) != shape:
        raise NoEquivalentError(
            f"y has shape {shape} and the linear predictor {eta.shape}: together they are "
            f"{np.broadcast_shapes(eta.shape, shape)} targets. Nearest: y with the shape of the "
            "linear predictor, such as y.ravel()"
        )
    return np.broadcast_to(eta, shape).ravel()


def _linear(
    graph: Graph, names: Sequence[str], eta: Any, n: int, wide: Any
) -> tuple[FloatArray, FloatArray]:
    """(offset, X), once it is sure that there is no more to eta than these."""
    offset, X, departure = columns(graph, eta, names, n, wide)
    if departure <= _LINEAR:
        return offset, X
    remedies = [name for name in names if _is_linear_without(name, graph, names, eta, n, wide)]
    nearest_model = (
        f"one factor stated as a number, given={{{remedies[0]!r}: 1.0}}"
        if remedies
        else "the canonical link, and a predictor that is a sum of columns times coefficients"
    )
    raise NoEquivalentError(
        f"the predictor is not linear in {', '.join(names)}, as with products of variables, "
        "splines of a parameter, or another link than logit (Bernoulli, Binomial) or log "
        f"(Poisson, NegativeBinomial, Gamma). Nearest: {nearest_model}"
    )


def _is_linear_without(
    name: str, graph: Graph, names: Sequence[str], eta: Any, n: int, wide: Any
) -> bool:
    """Whether the predictor is linear once this variable is a number."""
    rest = [other for other in names if other != name]
    return bool(rest) and columns(graph, eta, rest, n, wide, {name: 1.0})[2] <= _LINEAR


def _require_pymc_model(model: object) -> None:
    kind = type(model)
    if not any(base.__module__.startswith("pymc.model") for base in kind.__mro__):
        raise ModelTypeError(
            f"from_pymc reads a pymc.Model; got {kind.__module__}.{kind.__name__}"
            + (". For a bambi.Model: from_bambi" if kind.__module__.startswith("bambi") else "")
        )
