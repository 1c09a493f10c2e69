"""Pictures: what is drawn is what was computed, on the Axes that was given."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from helpers import make_data
from matplotlib.cbook import is_math_text

import bayesreg as br
from bayesreg.errors import DataTypeError, ModelError, ModelTypeError


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def case():
    data = make_data(br.Gaussian(1.5))
    model = br.Model(br.Gaussian(1.5), br.Laplace(0.05))
    return model, data


def test_path_draws_every_coefficient_and_lambda_above(case):
    model, data = case
    path = br.find_map_path(model, data, n_scales=20)
    ax = br.plot_path(path, marked_scale=0.05)
    lines = [line for line in ax.get_lines() if len(line.get_xdata()) == 20]
    assert len(lines) == data.p
    for j, line in enumerate(lines):
        drawn = np.isfinite(line.get_ydata())
        np.testing.assert_array_equal(line.get_ydata()[drawn], path.coef[drawn, j])
        assert np.all(path.coef[~drawn, j] == 0)
        assert np.all(drawn[path.coef[:, j] != 0])
    ax.figure.canvas.draw()
    above = ax.child_axes[0]
    assert "lambda" in above.get_xlabel()
    for scale, value in zip(path.scales, path.lambdas, strict=True):
        below_at = ax.transData.transform((scale, 0.0))[0]
        assert above.transData.transform((value, 0.0))[0] == pytest.approx(below_at, abs=0.5)
    assert {text.get_text() for text in ax.texts} >= set(data.names)


def test_names_at_the_line_ends_do_not_overlap(case):
    model, data = case
    ax = br.plot_path(br.find_map_path(model, data, n_scales=20))
    ax.figure.canvas.draw()
    boxes = [t.get_window_extent() for t in ax.texts if t.get_text() in data.names]
    for a in range(len(boxes)):
        for b in range(a):
            assert not boxes[a].overlaps(boxes[b])


def test_map_vs_posterior_marks_exact_zeros(case):
    model, data = case
    fit = br.find_map(model, data)
    comparison = br.compare(fit, br.sample(model, data, seed=1, progress=False))
    ax = br.plot_map_vs_posterior(comparison)
    shown = {line.get_label(): line for line in ax.get_lines()}
    assert len(shown["MAP, exactly 0"].get_xdata()) == fit.n_zeros
    np.testing.assert_array_equal(
        np.sort(shown["MAP"].get_xdata()), np.sort(fit.coef[fit.coef != 0])
    )
    assert [tick.get_text() for tick in ax.get_yticklabels()] == list(data.names)


def test_given_axes_are_used_and_returned(case):
    model, data = case
    _, ax = plt.subplots()
    path = br.find_map_path(model, data, [0.1, 1.0])
    assert br.plot_path(path, ax=ax) is ax
    assert len(plt.get_fignums()) == 1


def test_one_scale_and_one_coefficient_can_be_drawn():
    data = br.Data([[0.0], [1.0], [3.0]], [0.0, 1.0, 2.0])
    path = br.find_map_path(br.Model(br.Gaussian(1.0), br.Laplace(1.0)), data, [1.0])
    br.plot_path(path).figure.canvas.draw()


def test_names_are_drawn_as_they_are():
    base = make_data(br.Gaussian(1.5))
    names = [r"$\frac$", "cost in $ or $", "intercept", *"abcd"]
    data = br.Data(base.X, base.y, names=names)
    model = br.Model(br.Gaussian(1.5), br.Laplace(0.5))
    ends = br.plot_path(br.find_map_path(model, data, n_scales=5))
    comparison = br.compare(br.find_map(model, data), br.sample(model, data, seed=1))
    rows = br.plot_map_vs_posterior(comparison)
    ends.figure.canvas.draw()
    rows.figure.canvas.draw()
    drawn = [tick.get_text() for tick in rows.get_yticklabels()]
    assert not any(map(is_math_text, [*drawn, *(text.get_text() for text in ends.texts)]))
    assert [text.replace(r"\$", "$") for text in drawn] == names


def test_wrong_options_are_named(case):
    model, data = case
    path = br.find_map_path(model, data, [0.1, 1.0])
    for options, error, match in [
        ({"marked_scale": -1.0}, ModelError, "marked_scale must be a positive"),
        ({"marked_scale": "1"}, ModelTypeError, "marked_scale"),
        ({"labels": -1}, ModelError, "labels must be at least 0"),
        ({"labels": 1.5}, ModelTypeError, "labels must be a whole number"),
        ({"ax": plt.subplots(1, 2)[1]}, DataTypeError, r"ax must be one .* axes\[0\]"),
    ]:
        with pytest.raises(error, match=match):
            br.plot_path(path, **options)
    assert not br.plot_path(path, labels=0).texts


def test_wrong_arguments_are_named(case):
    with pytest.raises(DataTypeError, match="MapPath from find_map_path"):
        br.plot_path([1, 2])
    with pytest.raises(DataTypeError, match=r"compare\(fit, post\)"):
        br.plot_map_vs_posterior([1, 2])
