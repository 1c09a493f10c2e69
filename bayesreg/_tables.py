"""Plain tables: a header and rows of text, as a string or through rich."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import rich.table


@dataclass(frozen=True)
class Table:
    """Cells that are already text; the first column is left-aligned, the others right-aligned."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""

    def __str__(self) -> str:
        lines = [self.header, *self.rows]
        widths = [max(len(line[k]) for line in lines) for k in range(len(self.header))]
        text = [_aligned(line, widths) for line in lines]
        rule = "-" * len(text[0])
        return "\n".join([*([self.title] if self.title else []), text[0], rule, *text[1:]])

    def to_rich(self) -> rich.table.Table:
        """The same table for a terminal."""
        from rich import box
        from rich.table import Table as RichTable

        table = RichTable(title=self.title or None, box=box.SIMPLE_HEAD, title_justify="left")
        for k, name in enumerate(self.header):
            table.add_column(name, justify="left" if k == 0 else "right", no_wrap=True)
        for row in self.rows:
            table.add_row(*row)
        return table

    def to_html(self) -> str:
        """The same table for a notebook."""
        from html import escape

        def line(cells: Sequence[str], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        body = "".join(line(row, "td") for row in self.rows)
        caption = f"<caption>{escape(self.title)}</caption>" if self.title else ""
        return (
            f"<table>{caption}<thead>{line(self.header, 'th')}</thead><tbody>{body}</tbody></table>"
        )


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    first = cells[0].ljust(widths[0])
    rest = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
    return "  ".join([first, *rest]).rstrip()


def number(value: float, digits: int = 4) -> str:
    """Short text of a number; an exact zero is shown as 0, never as 0.000."""
    if value == 0:
        return "0"
    return f"{value:.{digits}g}"
