"""Tables in terminals of any width: no number is cut, and every result has its table there."""

import io

import numpy as np
import pytest
from rich.console import Console

import bayesreg as br
from bayesreg._tables import Table

WIDE = Table(
    tuple(f"heading{k}" for k in range(9)),
    tuple(tuple(f"{k}.{row}23456" for k in range(9)) for row in range(3)),
    "a title",
)


def shown(result, width):
    console = Console(file=io.StringIO(), width=width)
    console.print(result)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_numbers_stay_whole_whatever_the_width(width):
    text = shown(WIDE, width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    words = text.split()
    for cell in [*WIDE.header, *(cell for row in WIDE.rows for cell in row)]:
        assert cell in words
    # The first column says in each part whose row it is.
    assert words.count("heading0") == words.count("0.023456")


def test_a_wide_terminal_has_one_table():
    assert shown(WIDE, 200).split().count("heading0") == 1
    assert shown(WIDE, 60).split().count("heading0") > 1


def test_sentences_break_between_words():
    table = Table(("method", "scale"), (("one two three four five", "1.23456"),))
    text = shown(table, 20)
    assert "1.23456" in text
    assert {"one", "two", "three", "four", "five"} <= set(text.split())
    assert len(text.splitlines()) > 4


def some_results():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    data = br.Data(X, X[:, 0] + rng.normal(size=40))
    model = br.Model(br.Gaussian(1.0), br.Laplace(0.3))
    fit = br.find_map(model, data)
    post = br.sample(model, data, seed=1, progress=False)
    options = {"n_scales": 4, "seed": 1, "progress": False}
    return {
        "fit": fit,
        "comparison": br.compare(fit, post, rope=0.1),
        "sensitivity": br.sensitivity(post),
        "elicited": br.elicit(model, data, seed=1),
        "choices": br.choose_scale(model, data, ["cv"], **options),
    }


def test_every_result_has_a_table_in_a_terminal_and_in_a_notebook():
    for name, result in some_results().items():
        text, html = shown(result, 80), result._repr_html_()
        assert "…" not in text, name
        assert "─" in text, name
        assert html.count("<table>") == 1, name
        cells = [cell for row in result.to_table().rows for cell in row]
        for cell in cells:
            assert set(cell.split()) <= set(text.split()), name
            assert f"<td>{cell}</td>".replace(" < ", " &lt; ") in html or "<" in cell, name
