"""from_pymc: a PyMC model as a model and data of ours, checked by evaluating both.

The graph is not matched against patterns of code.  Every operation between the coefficients and the
predictor must be linear; then the predictor is evaluated: with one coefficient at 1 and the others
at 0 it is a column of X, whatever way it was written (``X @ beta``, ``beta * x``, ``pm.math.dot``,
dims, Deterministics).  In the end the log density of both models is compared, near and far, so that
a model that was misread is not returned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import ModelTypeError, NoEquivalentError
from bayesreg.likelihoods import Gaussian
from bayesreg.model import Model
from bayesreg.pymc.agreement import require_agreement
from bayesreg.pymc.graph import Graph, columns, constant_value, in_double
from bayesreg.pymc.linearity import GUARDS, not_linear
from bayesreg.pymc.powers import powers_of
from bayesreg.pymc.read_names import column_names, one_target
from bayesreg.pymc.read_noise import read_sigma, refuse_hyperpriors
from bayesreg.pymc.read_notes import notes_of
from bayesreg.pymc.read_priors import Part, parameters_of, read_prior, relative, whole_prior
from bayesreg.pymc.read_targets import Target, read_target
from bayesreg.pymc.read_whole import refuse_hidden_draws, refuse_transforms
from bayesreg.pymc.stated import stated, without_initial_values

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
        The largest difference of the two log densities at random points, but for one constant,
        relative to 1 + their size.
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
        AsymmetricLaplace. The sigma of a Normal, StudentT or Cauchy may be free.
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
        warnings.filterwarnings("ignore", message="Detected variables likely created by GP objects")
        plain = without_initial_values(model)
        return _read(plain if given is None else stated(plain, given))


def _read(model: Any) -> FromPyMC:
    observed = one_target(model)
    graph, target = Graph(model), read_target(observed)
    refuse_hidden_draws(graph, observed)
    refuse_transforms(graph)
    refuse_hyperpriors(graph, target)
    y = in_double(constant_value(model.rvs_to_values[observed]))
    coefficients = graph.names_in(target.eta)
    predictor = (target.eta, y.size, lambda eta: _wide(eta, y.shape))
    offset, X = _linear(graph, coefficients, *predictor)
    values = _values_at(graph, target)
    likelihood, weights, on_sigma = read_sigma(graph, target, values, y.shape)
    parts = {name: _part(graph, name, values, on_sigma) for name in coefficients}
    _require_noise_sd(likelihood, parts)
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
    sigma, doubled = graph.variables([on_sigma]), values(2.0)[f"~{name}"]
    if all(powers_of(parameter, sigma) is not None for parameter in parameters_of(rv)):
        if all(np.array_equal(one, two) for one, two in zip(stated, doubled, strict=True)):
            return part
        if relative(rv, stated, doubled):
            return Part(part.kind, part.arguments, part.bounds, relative=True)
    raise NoEquivalentError(
        f"the prior of {name} depends on {on_sigma}, and not by a scale proportional to it. "
        f"Nearest: a scale of the form {on_sigma} * number (relative_to_noise=True)"
    )


def _require_noise_sd(likelihood: Any, parts: Mapping[str, Part]) -> None:
    """Scales in units of sigma, which only Gaussian noise has."""
    for name, part in parts.items():
        if part.relative and not isinstance(likelihood, Gaussian):
            raise NoEquivalentError(
                f"the prior of {name} is in units of the sigma of {likelihood!r}, which is no "
                "noise sd. Nearest: a prior scale that is a number, or pm.Normal noise"
            )


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
    fault = not_linear([eta], graph.variables(names))
    why = f"it passes through {fault}"
    if fault is None:
        offset, X, departure = columns(graph, eta, names, n, wide)
        if departure <= _LINEAR:
            return offset, X
        why = f"it is so to {departure:.1g} only, as in single precision"
    remedy = _remedy(graph, names, eta, fault)
    raise NoEquivalentError(
        f"the predictor is not linear in {', '.join(names)} ({why}), as with products of "
        "variables, splines of a parameter, bounds, or another link than logit (Bernoulli, "
        f"Binomial) or log (Poisson, NegativeBinomial, Gamma). Nearest: {remedy}"
    )


def _remedy(graph: Graph, names: Sequence[str], eta: Any, fault: str | None) -> str:
    """What to write instead of a predictor that is not linear."""
    if fault in GUARDS.values():
        return (
            f"the predictor without {fault}: pm.Bernoulli(logit_p=eta) and pm.Poisson(mu=exp(eta)) "
            "need no guard against overflow here"
        )
    for name in names:
        rest = [other for other in names if other != name]
        if rest and not_linear([eta], graph.variables(rest)) is None:
            return f"one factor stated as a number, given={{{name!r}: 1.0}}"
    return "the canonical link, as logit_p=eta, and eta a sum of columns times coefficients"


def _require_pymc_model(model: object) -> None:
    kind = type(model)
    if not any(base.__module__.startswith("pymc.model") for base in kind.__mro__):
        raise ModelTypeError(
            f"from_pymc reads a pymc.Model; got {kind.__module__}.{kind.__name__}"
            + (". For a bambi.Model: from_bambi" if kind.__module__.startswith("bambi") else "")
        )
