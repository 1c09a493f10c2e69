"""All conventions by name.  A new library is one file with CONVENTIONS and one line here."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from bayesreg import _checks
from bayesreg.conventions import (
    adelie,
    bambi,
    brms,
    celer,
    dropout,
    glmnet,
    glum,
    keras,
    liblinear,
    mass,
    mlx,
    numpyro,
    optax,
    pymc,
    rstanarm,
    skglm,
    sklearn,
    spark,
    stan,
    statsmodels,
    tensorflow,
    textbook,
    torch,
    vowpalwabbit,
    xgboost,
)
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._near import near_targets
from bayesreg.conventions._refused import refuse_by_name
from bayesreg.errors import ConversionError

CONVENTIONS: dict[str, Convention] = {
    **adelie.CONVENTIONS,
    **bambi.CONVENTIONS,
    **brms.CONVENTIONS,
    **celer.CONVENTIONS,
    **dropout.CONVENTIONS,
    **glmnet.CONVENTIONS,
    **glum.CONVENTIONS,
    **keras.CONVENTIONS,
    **liblinear.CONVENTIONS,
    **mass.CONVENTIONS,
    **mlx.CONVENTIONS,
    **numpyro.CONVENTIONS,
    **optax.CONVENTIONS,
    **pymc.CONVENTIONS,
    **rstanarm.CONVENTIONS,
    **skglm.CONVENTIONS,
    **sklearn.CONVENTIONS,
    **spark.CONVENTIONS,
    **stan.CONVENTIONS,
    **statsmodels.CONVENTIONS,
    **tensorflow.CONVENTIONS,
    **textbook.CONVENTIONS,
    **torch.CONVENTIONS,
    **vowpalwabbit.CONVENTIONS,
    **xgboost.CONVENTIONS,
}


_LEGEND = (
    "w coefficients, s weights, N = sum(s), m = n without weights, RSS = sum s r^2, "
    "L = negative log likelihood;\nsigma noise sd, b scale of a Laplace prior, tau sd of a Normal "
    "prior. Any penalty may be 0: a flat prior.\n\n"
)


class Targets(tuple[Convention, ...]):
    """Conventions that print as a table."""

    __slots__ = ()

    def __str__(self) -> str:
        cells = [("target", "likelihoods", "penalties", "intercept"), *map(_row, self)]
        widths = [max(len(row[k]) for row in cells) for k in range(4)]
        header, *rows = (_aligned(row, widths) for row in cells)
        formulas = [f"    {convention.objective},  {convention.formula}" for convention in self]
        body = [f"{row}\n{formula}" for row, formula in zip(rows, formulas, strict=True)]
        return "\n".join([_LEGEND + header, "-" * (sum(widths) + 6), *body])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """A table for notebooks: a row per target."""
        names = ("target", "minimises", "lambda from the prior", "likelihoods", "penalties")
        head = "".join(f"<th style='text-align:left'>{name}</th>" for name in names)
        rows = "".join(f"<tr>{_html_cells(convention)}</tr>" for convention in self)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def targets() -> Targets:
    """Every convention: what it minimises, what it can express, how it treats the intercept.

    Returns
    -------
    tuple of Convention
        ``.name``, ``.likelihoods``, ``.penalties``, ``.objective``, ``.formula``,
        ``.intercept``, ``.source``; prints as a table.
    """
    return Targets(CONVENTIONS.values())


def find(name: object, argument: str) -> Convention:
    """The convention of that name, or one of the caller's own; else an error with near names."""
    if isinstance(name, Convention):
        return name
    if not isinstance(name, str):
        raise ConversionError(
            f"{argument} must be the name of a convention, such as 'sklearn.Lasso', or a "
            f"Convention; got {_checks.shown(name)}"
        )
    refuse_by_name(name)
    if name not in CONVENTIONS:
        raise ConversionError(f"{argument} {name!r} is unknown.{near_targets(name, CONVENTIONS)}")
    return CONVENTIONS[name]


def _row(convention: Convention) -> tuple[str, ...]:
    return (
        convention.name,
        ", ".join(convention.losses),
        ", ".join(convention.penalties),
        convention.intercept,
    )


def _aligned(row: Iterable[str], widths: Iterable[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _html_cells(convention: Convention) -> str:
    one_way = " (read only)" if convention.one_way else ""
    cells = (
        convention.name + one_way,
        convention.objective,
        convention.formula,
        ", ".join(convention.losses),
        ", ".join(convention.penalties),
    )
    return "".join(f"<td style='text-align:left'>{escape(cell)}</td>" for cell in cells)
