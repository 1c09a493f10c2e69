"""A library's optimum is our mode, by certificate: the one test that every library goes through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

import bayesreg as br
from bayesreg.conventions._nats import from_model
from bayesreg.conventions._registry import CONVENTIONS

from .crossing import Answers, Case, answers

#: Relative duality gap that a library reaches unless its test says otherwise.
PRECISION = 1e-8


@dataclass(frozen=True)
class Proof:
    """One model that a target has to reproduce.

    Attributes
    ----------
    target : str
    model : Model
    data : Data
    options : mapping
        For to_penalty.
    intercept : str
        The expression of the intercept once the printed code has run.
    precision : float
        The relative duality gap within which the library's own optimum lies.
    edits : tuple of (str, str)
        Replacements in the printed code, to show what the library does otherwise.
    """

    target: str
    model: br.Model
    data: br.Data
    options: Mapping[str, Any] = field(default_factory=dict)
    intercept: str = "estimator.intercept_"
    precision: float = PRECISION
    edits: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        row = self.row()
        flags = [name for name in ("weights", "standardise") if row[name]]
        flags += [] if row["intercept"] else ["no-intercept"]
        proper = row["intercept"] and not isinstance(self.model.intercept, br.Flat)
        flags += ["intercept-prior"] if proper else []
        parts = [self.target, row["likelihood"], type(self.model.prior).__name__, *flags]
        scale = getattr(self.model.prior, "axis_scale", 0.0)
        parts += ["each"] if np.ndim(scale) else []
        parts += ["edited"] if self.edits else []
        return "-".join([*parts, *map(str, self.options.values())])

    def twin(self) -> br.conventions.Penalised:
        return br.to_penalty(self.model, self.target, self.data, **self.options)

    def case(self) -> Case:
        twin = self.twin()
        coef = CONVENTIONS[self.target].solution if twin.column_factors is None else "coef"
        code = twin.code
        for old, new in self.edits:
            assert old in code
            code = code.replace(old, new)
        return Case(self.name, code, self.data, {"coef": coef, "intercept": self.intercept})

    def row(self) -> dict[str, Any]:
        """Where this case stands in the matrix."""
        return {
            "target": self.target,
            "likelihood": type(self.model.likelihood).__name__,
            "penalty": from_model(self.model, self.data).kind,
            "weights": self.data.weights is not None,
            "standardise": bool(self.model.standardize),
            "intercept": self.model.intercept is not None,
        }


def upward(data: br.Data) -> br.Data:
    """Columns turned so that y rises with each: a fit held at or above 0 keeps several."""
    X = data.to_dense().X
    slopes = np.linalg.lstsq(X - X.mean(0), data.y - data.y.mean(), rcond=None)[0]
    return replace(data, X=X * np.sign(slopes))


def parameters(proofs: Sequence[Proof]) -> list[Any]:
    """For pytest.mark.parametrize; two cases of one name would hide one another."""
    names = [proof.name for proof in proofs]
    twice = {name for name in names if names.count(name) > 1}
    assert not twice, twice
    return [pytest.param(proof, id=proof.name) for proof in proofs]


def solve(library: str, proofs: Sequence[Proof]) -> Answers:
    return answers(library, [proof.case() for proof in proofs])


def certified(proof: Proof, found: Answers, record: Any) -> None:
    """The optimum satisfies our certificate at the prior, and at what comes back."""
    answer = found.by_name[proof.name]
    assert not answer.error, answer.error
    coef, intercept = (
        np.ravel(answer.values["coef"]),
        float(np.ravel(answer.values["intercept"])[0]),
    )
    gap = br.certify(proof.model, proof.data, coef, intercept).relative_gap
    back = returned(proof)
    back_gap = br.certify(back, _columns(proof), coef / _factors(proof), intercept).relative_gap
    record("interop", {**proof.row(), "gap": max(gap, back_gap), "versions": dict(found.versions)})
    assert max(gap, back_gap) <= proof.precision
    assert np.count_nonzero(coef) >= 2  # an all-zero fit would prove little


def returned(proof: Proof) -> br.Model:
    """What to_prior makes of the twin's parameters, on the columns that the library saw."""
    twin = proof.twin()
    return br.to_prior(
        proof.target, twin.parameters, _columns(proof), likelihood=proof.model.likelihood
    )


def _factors(proof: Proof) -> Any:
    factors = proof.twin().column_factors
    return 1.0 if factors is None else factors


def _columns(proof: Proof) -> br.Data:
    data = proof.data
    return br.Data(data.to_dense().X * _factors(proof), data.y, data.weights)


def wrong_optimum(proof: Proof, found: Answers, record: Any) -> None:
    """The library returns a point that is not the optimum of its own objective: by how much."""
    answer = found.by_name[proof.name]
    assert not answer.error, answer.error
    coef = np.ravel(answer.values["coef"])
    intercept = float(np.ravel(answer.values["intercept"])[0])
    ours = br.find_map(proof.model, proof.data)
    theirs, best = (
        -proof.model.log_density(proof.data, *point)
        for point in ((coef, intercept), (np.asarray(ours.coef), float(ours.intercept)))
    )
    shown = {
        "wrong": {"theirs": theirs, "ours": best},
        "gap": br.certify(proof.model, proof.data, coef, intercept).relative_gap,
        "settings": [new for _, new in proof.edits],
        "versions": dict(found.versions),
    }
    record("interop", {**proof.row(), **shown})
    assert ours.certificate.relative_gap < 1e-10
    assert theirs > best + 1e-6
