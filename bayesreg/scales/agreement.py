"""Do the methods agree on a scale, and what does it mean where they don't: one paragraph."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from bayesreg._tables import number

if TYPE_CHECKING:
    from bayesreg.scales.choice import Choice

_QUESTION = {
    "evidence": "the scale under which the prior predicts these data best, near the average |w|",
    "cv": "the scale whose mode predicts rows it has not seen best",
    "cv-posterior": "the scale whose posterior predicts folds it has not seen best",
    "loo": "the scale whose posterior predicts a row it has not seen best",
    "hyperprior": "what the data and its own prior say about the scale",
}
#: Methods that ask how large the coefficients are; those that ask what predicts.
_SIZE, _PREDICTION = ("evidence", "hyperprior"), ("loo", "cv-posterior")


def agreement(choices: Sequence[Choice]) -> str:
    """Whether the ranges of the choices meet, and what it means if not."""
    found = [choice for choice in choices if choice.found]
    if not found:
        return "No method found a scale; the reasons stand above."
    if len(found) == 1:
        return " ".join([_alone(found[0]), *_ends(found), *_missing(choices)])
    low, high = max(c.low for c in found), min(c.high for c in found)
    verdict = _shared(found, low, high) if low <= high else _apart(found)
    return " ".join([_spread(found), verdict, *_ends(found), *_missing(choices)])


def _alone(choice: Choice) -> str:
    return (
        f"One answer, by {choice.method}: {number(choice.scale, 3)}, "
        f"{_QUESTION[choice.method]}. Nothing here confirms it: other methods ask other questions."
    )


def _spread(found: Sequence[Choice]) -> str:
    smallest, largest = (f(found, key=lambda c: c.scale) for f in (min, max))
    if smallest.scale == largest.scale:
        return f"All choices are {number(smallest.scale, 3)}."
    span = (
        f"from {number(smallest.scale, 3)} ({smallest.method}) to {number(largest.scale, 3)} "
        f"({largest.method})"
    )
    if smallest.scale == 0 or largest.scale == float("inf"):
        return f"The choices go {span}."
    factor = number(largest.scale / smallest.scale, 2)
    return f"The choices lie within a factor {factor} of each other, {span}."


def _shared(found: Sequence[Choice], low: float, high: float) -> str:
    if low == 0 and high == float("inf"):
        return "Every range is open at both ends: these data do not tell one scale from another."
    outside = [c for c in found if not low <= c.scale <= high]
    if not outside:
        return (
            f"Their ranges share {_span(low, high)}: they agree as far as these data can tell, and "
            "any scale in there will do."
        )
    listed = _listed([f"{c.method} ({number(c.scale, 3)})" for c in outside])
    verb = "does" if len(outside) == 1 else "do"
    return (
        f"Their ranges share {_span(low, high)}: nowhere in there is a method worse than at its "
        f"best by more than its own uncertainty. What {listed} {verb} best with lies outside; see "
        "whether what matters to you changes from there to here."
    )


def _span(low: float, high: float) -> str:
    if high == float("inf"):
        return f"everything from {number(low, 3)} on"
    return (
        f"everything up to {number(high, 3)}"
        if low == 0
        else (f"{number(low, 3)} to {number(high, 3)}")
    )


def _apart(found: Sequence[Choice]) -> str:
    """What the pairs whose ranges do not meet disagree about, each reason once."""
    pairs = [
        (a, b) if a.scale <= b.scale else (b, a)
        for a, b in combinations(found, 2)
        if a.high < b.low or b.high < a.low
    ]
    if not pairs:
        return (
            "Any two ranges meet, but not all at once: the disagreement is slight. Take a scale "
            "in the middle, and see whether what matters to you changes over the spread."
        )
    names = {choice.method: None for pair in pairs for choice in pair}
    questions = "; ".join(f"{name} is {_QUESTION[name]}" for name in names)
    reasons = {_reason(small.method, large.method): None for small, large in pairs}
    return f"Some ranges do not meet. They ask different questions: {questions}. " + " ".join(
        reasons
    )


def _reason(smaller: str, larger: str) -> str:
    """Why the first method may want a smaller scale than the second one."""
    pair = {smaller, larger}
    if pair <= set(_SIZE):
        return (
            "Evidence and hyperprior read the same likelihood of the scale: where they part, the "
            "density of the scale counts as much as the data. Widen it, or mean it."
        )
    if larger == "cv":
        return (
            "A mode shrinks large effects as much as small ones, so that prediction by the mode "
            "wants a wider prior than the coefficients or the posterior's prediction do. Report "
            "the posterior at the evidence's scale; use the wider one for the mode alone; or try "
            "a prior with heavier tails, which does not trade one for the other."
        )
    if smaller == "cv":
        return (
            "The mode predicts best under more shrinkage: it has to set useless columns to zero, "
            "which the posterior does by averaging. With few columns at work the scale of those "
            "is larger than one prior for all can say: try StudentT, Cauchy or Horseshoe priors."
        )
    if pair <= set(_PREDICTION):
        return (
            "Rows one at a time and whole folds are predicted best at different scales: a fold "
            "leaves fewer rows to learn from, or rows come in groups. Choose folds that resemble "
            "the rows that you will predict."
        )
    return (
        "The evidence trusts the whole model, prediction only what it says about new rows: where "
        "they part, the prior's shape or the likelihood is in doubt rather than the scale. Compare "
        "Laplace, Normal and StudentT priors, and look at the residuals."
    )


def _ends(found: Sequence[Choice]) -> list[str]:
    """A sentence for methods that want to go beyond what was looked at."""
    said = []
    for boundary, meaning in _BOUNDARIES.items():
        names = [c.method for c in found if c.boundary == boundary]
        if names:
            verb = "wants" if len(names) == 1 else "want"
            said.append(f"{_listed(names)} {verb} {meaning}")
    return said


_BOUNDARIES = {
    "0": (
        "no effect of these columns at all: for that question, the data show none that the prior "
        "could tell from noise."
    ),
    "infinity": (
        "no shrinkage at all: for that question, the data determine the coefficients by "
        "themselves, or they are fitted ever better the larger they are."
    ),
    "lower end": (
        "the smallest scale that was tried or a smaller one: prediction gains little or nothing "
        "from these columns."
    ),
    "upper end": (
        "the largest scale that was tried or a larger one: prediction gains nothing from "
        "shrinking further than that."
    ),
}


def _missing(choices: Sequence[Choice]) -> list[str]:
    names = [choice.method for choice in choices if not choice.found]
    return [f"No answer from {_listed(names)}; the reason stands above."] if names else []


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
