"""What choose_scale returns: each method's choice with its uncertainty, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg._json import plain
from bayesreg._tables import Table, number, with_notes
from bayesreg.scales.agreement import agreement

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult


@dataclass(frozen=True)
class Choice:
    """One method's scale.

    Attributes
    ----------
    method : str
    scale : float
        In units of the prior. 0.0 or infinity where the supremum lies there (``boundary``); NaN
        where ``note`` says why there is none.
    low, high : float
        Its uncertainty, ``interval`` says what kind. 0.0 and infinity are ends that were not
        found: the range is open there.
    lambda_ : float
        The canonical lambda beside it. Where sigma is unknown and lambda depends on it, that at
        sigma = 1.
    sigma, lambda_at_sigma : float
        There, sigma at the joint mode at this scale, and the canonical lambda with it: the one to
        give to other software (``lambda_`` itself where no unknown sigma enters it). NaN where
        there is no such mode.
    interval : str
    note : str
        What else to know.
    boundary : str
        "0" or "infinity" where the supremum lies there; "lower end" or "upper end" where the
        score is best at an end of the axis; else "".
    one_standard_error, one_standard_error_lambda : float
        For cross-validation the smallest scale, and largest lambda, whose score lies within one
        standard error of the best; else NaN. ``one_standard_error_lambda_at_sigma`` like
        ``lambda_at_sigma``.
    monte_carlo_error : float
        Of ``log(scale)``; 0 where nothing was sampled.
    """

    method: str
    scale: float
    low: float
    high: float
    lambda_: float
    interval: str
    note: str = ""
    boundary: str = ""
    one_standard_error: float = float("nan")
    one_standard_error_lambda: float = float("nan")
    monte_carlo_error: float = 0.0
    sigma: float = float("nan")
    lambda_at_sigma: float = float("nan")
    one_standard_error_lambda_at_sigma: float = float("nan")

    @property
    def found(self) -> bool:
        """True where the method has an answer, be it 0 or infinity."""
        return not np.isnan(self.scale)


@dataclass(frozen=True, eq=False, repr=False)
class ScaleChoices(Mapping[str, Choice]):
    """The choices by method, with a table and a paragraph.

    Attributes
    ----------
    choices : dict of method to Choice
    axis_column : str
        Whose prior the scale is; the scales of other columns keep their ratio to it.
    scores : dict of name to array
        What the methods saw along ``scores["scale"]``, in ascending order: ``log_evidence`` (and
        ``log_evidence_error``; differences along the scale only), ``cv_deviance`` and
        ``cv_error``, ``cv_log_density`` and ``cv_log_density_error``, ``elpd_loo`` and
        ``elpd_loo_difference_error``; and ``scale_draws`` of the hyperprior's posterior.
    sigma_power : int
        lambda is ``lambda_`` times sigma to this power; 0 where ``lambda_`` holds as it stands.
    """

    choices: Mapping[str, Choice]
    axis_column: str
    scores: Mapping[str, Any]
    sigma_power: int = 0

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

    @property
    def notes(self) -> tuple[str, ...]:
        """A line for each method that has something to add."""
        notes = tuple(f"{c.method}: {c.note}" for c in self.choices.values() if c.note)
        return (*([self._about_lambda()] if self.sigma_power else []), *notes)

    def _about_lambda(self) -> str:
        times = "sigma" if self.sigma_power == 1 else f"sigma^{self.sigma_power}"
        return (
            f"lambda: sigma is unknown, so that lambda is {times} times that at sigma = 1; in "
            "brackets the sigma of the joint mode at the scale"
        )

    def to_table(self) -> Table:
        """A row per method, and one for the one-standard-error choice."""
        lambdas = ("lambda at sigma = 1", "lambda (sigma)") if self.sigma_power else ("lambda",)
        header = ("method", f"scale of {self.axis_column}", *lambdas, "range", "the range is")
        choices = self.choices.values()
        rows = [row for choice in choices for row in _rows(choice, bool(self.sigma_power))]
        return Table(header, tuple(rows))

    def to_dict(self) -> dict[str, object]:
        """Everything as plain numbers and strings, for JSON; infinity becomes ``"inf"``."""
        fields = ("scale", "low", "high", "lambda_", "interval", "note", "boundary",
                  "one_standard_error", "one_standard_error_lambda", "monte_carlo_error", "sigma",
                  "lambda_at_sigma", "one_standard_error_lambda_at_sigma")  # fmt: skip
        found = {
            "axis_column": self.axis_column,
            "choices": {
                name: {field.rstrip("_"): getattr(choice, field) for field in fields}
                for name, choice in self.choices.items()
            },
            "agreement": self.agreement,
            "scores": {
                name: np.asarray(values).tolist()
                for name, values in self.scores.items()
                if name != "scale_draws"
            },
        }
        return {key: plain(value) for key, value in found.items()}

    def __str__(self) -> str:
        return "\n".join([str(self.to_table()), *self.notes, "", self.agreement])

    __repr__ = __str__

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from with_notes(self.to_table(), [*self.notes, "", self.agreement])

    def _repr_html_(self) -> str:
        from html import escape

        items = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        listed = f"<ul>{items}</ul>" if items else ""
        return f"{self.to_table().to_html()}{listed}<p>{escape(self.agreement)}</p>"


def _rows(choice: Choice, sigma_is_unknown: bool) -> list[tuple[str, ...]]:
    if not choice.found:
        lambdas = ("-", "-") if sigma_is_unknown else ("-",)
        return [(choice.method, "-", *lambdas, "-", "not found, see below")]
    span = f"{number(choice.low, 3)} to {number(choice.high, 3)}"
    used = _with_sigma(choice.lambda_at_sigma, choice.sigma) if sigma_is_unknown else ()
    rows: list[tuple[str, ...]] = [
        (choice.method, number(choice.scale), number(choice.lambda_), *used, span, choice.interval)
    ]
    if np.isfinite(choice.one_standard_error):
        used = _with_sigma(choice.one_standard_error_lambda_at_sigma) if sigma_is_unknown else ()
        rows.append((
            f"{choice.method}, 1 se", number(choice.one_standard_error),
            number(choice.one_standard_error_lambda), *used, "", "",
        ))  # fmt: skip
    return rows


def _with_sigma(value: float, sigma: float | None = None) -> tuple[str]:
    if np.isnan(value):
        return ("-",)
    return (number(value) if sigma is None else f"{number(value)} ({number(sigma)})",)
