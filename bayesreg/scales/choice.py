"""What choose_scale returns: each method's choice with its uncertainty, and what they say together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesreg._tables import Table, number


@dataclass(frozen=True)
class Choice:
    """One method's scale.

    Attributes
    ----------
    method : str
    scale : float
        In units of the prior; NaN where ``note`` says why there is none.
    low, high : float
        Its uncertainty; ``interval`` says what kind.
    lambda_ : float
        The canonical lambda beside it, with an unknown sigma at 1.
    interval : str
    note : str
        What else to know.
    """

    method: str
    scale: float
    low: float
    high: float
    lambda_: float
    interval: str
    note: str = ""

    @property
    def found(self) -> bool:
        return bool(np.isfinite(self.scale))


@dataclass(frozen=True, eq=False, repr=False)
class ScaleChoices(Mapping[str, Choice]):
    """The choices by method, with a table and a paragraph.

    Attributes
    ----------
    choices : dict of method to Choice
    axis_column : str
        Whose prior the scale is.
    scores : dict of name to array
        What the methods saw along ``scores["scale"]``: ``log_evidence``, ``cv_deviance`` and its
        ``cv_error``, ``elpd_loo``, ... reusable for a picture.
    """

    choices: Mapping[str, Choice]
    axis_column: str
    scores: Mapping[str, Any]

    def __getitem__(self, method: str) -> Choice:
        return self.choices[method]

    def __iter__(self) -> Iterator[str]:
        return iter(self.choices)

    def __len__(self) -> int:
        return len(self.choices)

    @property
    def agreement(self) -> str:
        """One paragraph: do the methods agree, and what does it mean where they don't."""
        return agreement(tuple(self.choices.values()))

    def to_table(self) -> Table:
        """A row per method."""
        rows = tuple(
            (choice.method, number(choice.scale), _span(choice), number(choice.lambda_),
             choice.interval if choice.found else choice.note)
            for choice in self.choices.values()
        )  # fmt: skip
        return Table(
            ("method", f"scale of {self.axis_column}", "range", "lambda", "range is"), rows
        )

    def __str__(self) -> str:
        notes = [f"{c.method}: {c.note}" for c in self.choices.values() if c.note and c.found]
        return "\n".join([str(self.to_table()), *notes, "", self.agreement])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from html import escape

        return f"{self.to_table().to_html()}<p>{escape(self.agreement)}</p>"


def _span(choice: Choice) -> str:
    if not choice.found:
        return "-"
    return f"[{number(choice.low, 3)}, {number(choice.high, 3)}]"


_MEANING = {
    "evidence": "the scale under which the prior predicts these data best, near the average |w|",
    "cv": "the scale whose mode predicts rows it has not seen best",
    "loo": "the scale whose posterior predicts rows it has not seen best",
    "hyperprior": "what the data and its own prior say about the scale, the rest averaged",
}


def agreement(choices: tuple[Choice, ...]) -> str:
    """Whether the ranges of the choices meet, and what it means if not."""
    found = [choice for choice in choices if choice.found]
    if not found:
        return "No method found a scale: " + "; ".join(f"{c.method}: {c.note}" for c in choices)
    if len(found) == 1:
        return f"Only {found[0].method} was asked or found one: {_MEANING[found[0].method]}."
    low, high = max(c.low for c in found), min(c.high for c in found)
    smallest, largest = (f(found, key=lambda c: c.scale) for f in (min, max))
    ratio = largest.scale / smallest.scale
    spread = (
        f"The choices lie within a factor {number(ratio, 2)} of each other, from "
        f"{number(smallest.scale, 3)} ({smallest.method}) to {number(largest.scale, 3)} "
        f"({largest.method})"
    )
    if low <= high:
        return (
            f"{spread}, and their ranges share [{number(low, 3)}, {number(high, 3)}]: they agree "
            "as far as these data can tell, and any scale in there will do."
        )
    return (
        f"{spread}, and their ranges do not meet. They ask different questions: {smallest.method} "
        f"is {_MEANING[smallest.method]}; {largest.method} is {_MEANING[largest.method]}. "
        f"{_disagreement(smallest.method, largest.method)}"
    )


def _disagreement(smallest: str, largest: str) -> str:
    if "cv" in (smallest, largest):
        return (
            "A mode under a Laplace prior shrinks large effects as much as small ones, so that "
            "prediction by the mode may want a wider prior than the coefficients have, or with few "
            "of them at work a narrower one. Report the posterior at the evidence's scale, or try a "
            "prior with heavier tails."
        )
    return (
        "Where prediction and evidence part, the prior's shape is in doubt rather than its scale: "
        "compare Laplace, Normal and StudentT priors, and look at the residuals."
    )
