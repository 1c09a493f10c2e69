"""Plain tables: a header and rows of text, as a string or through rich."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import rich.table
    from rich.console import Console, ConsoleOptions, RenderResult

#: What rich adds to the cells: at the ends of a line, and between two columns of it.
_EDGES, _BETWEEN = 4, 3


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

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """For a terminal of any width: lines break at words, and columns go on below."""
        for part in self._fitting(options.max_width):
            yield part.to_rich(options.max_width)

    def _fitting(self, width: int) -> list[Table]:
        """Itself, or its columns in several tables, each with the first column."""
        least = [max(map(_longest_word, cells)) for cells in self._columns()]
        groups: list[list[int]] = [[]]
        for k in range(1, len(least)):
            if groups[-1] and _total([least[j] for j in (0, *groups[-1], k)]) > width:
                groups.append([])
            groups[-1].append(k)
        titles = [self.title] + [""] * (len(groups) - 1)
        return [
            Table(*self._chosen([0, *group]), title)
            for group, title in zip(groups, titles, strict=True)
        ]

    def _chosen(self, kept: list[int]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
        lines = [tuple(line[k] for k in kept) for line in (self.header, *self.rows)]
        return lines[0], tuple(lines[1:])

    def _columns(self) -> list[tuple[str, ...]]:
        return list(zip(self.header, *self.rows, strict=True))

    def _widths(self, available: int | None) -> list[int]:
        """Of the columns: the widest give way first, down to their longest word."""
        widths = [max(map(len, cells)) for cells in self._columns()]
        if available is None:
            return widths
        least = [max(map(_longest_word, cells)) for cells in self._columns()]
        while _total(widths) > available and widths != least:
            spare = [w if w > m else 0 for w, m in zip(widths, least, strict=True)]
            widths[spare.index(max(spare))] -= 1
        return widths

    def to_rich(self, width: int | None = None) -> rich.table.Table:
        """The same table for a terminal, its cells broken at words to fit ``width``."""
        from rich import box
        from rich.table import Table as RichTable
        from rich.text import Text

        table = RichTable(title=self.title or None, box=box.SIMPLE_HEAD, title_justify="left")
        for k, (name, wide) in enumerate(zip(self.header, self._widths(width), strict=True)):
            justify: Literal["left", "right"] = "left" if k == 0 else "right"
            table.add_column(Text(name), justify=justify, width=wide)
        for row in self.rows:
            table.add_row(*map(Text, row))
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


def with_notes(table: Table, notes: Sequence[str]) -> Iterator[Any]:
    """What rich shows of a result: its table, and below it what there is to say."""
    from rich.text import Text

    yield table
    for note in notes:
        yield Text(note)


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    first = cells[0].ljust(widths[0])
    rest = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
    return "  ".join([first, *rest]).rstrip()


def _longest_word(cell: str) -> int:
    return max(map(len, cell.split()), default=0)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _EDGES + _BETWEEN * (len(widths) - 1)


def number(value: float, digits: int = 4) -> str:
    """Short text of a number; an exact zero is shown as 0, never as 0.000."""
    if value == 0:
        return "0"
    return f"{value:.{digits}g}"
