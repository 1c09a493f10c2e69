"""Pictures say what is so, and can be read: on white and black paper, on small Axes."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

import bayesreg as br
from bayesreg.demo import load_diabetes
from bayesreg.errors import ModelError, ModelTypeError
from bayesreg.plots.colours import colour, ink, line_style, luminance, paper

STYLES = ("default", "dark_background")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def diabetes():
    return br.Model(br.Gaussian(54.0), br.Laplace(60.0)), load_diabetes()


@pytest.fixture(scope="module")
def comparison(diabetes):
    return br.compare(br.find_map(*diabetes), br.sample(*diabetes, seed=1, progress=False))


@pytest.fixture(scope="module")
def study(diabetes):
    model = br.Model(br.Gaussian(54.0), br.Normal(60.0))
    return br.scan_scales(model, diabetes[1], np.geomspace(5, 500, 12), loo=True, progress=False)


def lambda_draws():
    draws = 13.0 * np.random.default_rng(0).lognormal(sigma=0.35, size=(4, 500))
    posterior = xr.Dataset({"lambda1": (("chain", "draw"), draws)})
    return xr.DataTree.from_dict({"posterior": posterior})


def two_columns():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(40, 2)) @ [[1.0, 0.5], [0.0, 1.0]]
    return br.Data(X, X @ [1.0, 0.25] + 0.5 + rng.normal(size=40), names=["dose", "age"])


CHOICES = {"evidence": 83.0, "cv": 95.0, "cv, one se": 70.0, "loo": 88.0, "hyperprior": 91.0}
PICTURES = {
    "map": lambda case, ax: br.plot_map_vs_posterior(case["comparison"], ax=ax),
    "trajectory": lambda case, ax: br.plot_trajectory(*case["diabetes"], ax=ax),
    "study": lambda case, ax: br.plot_path(case["study"], choices=CHOICES, ax=ax),
    "path": lambda case, ax: br.plot_path(
        br.find_map_path(*case["diabetes"], n_scales=20), marked_scale=60.0, ax=ax
    ),
    "evidence": lambda case, ax: br.plot_evidence(case["study"], choices=CHOICES, ax=ax),
    "lambda": lambda case, ax: br.plot_lambda_posterior(lambda_draws(), ax=ax),
    "geometry": lambda case, ax: br.plot_geometry(
        br.Model(br.Gaussian(1.0), br.Laplace(0.05)), two_columns(), ax=ax
    ),
    "shrinkage": lambda case, ax: br.plot_shrinkage(br.Laplace(1.0), br.Normal(1.0), ax=ax),
}


@pytest.fixture
def case(diabetes, comparison, study):
    return {"diabetes": diabetes, "comparison": comparison, "study": study}


# --- what is said -------------------------------------------------------------------------------


def test_a_mean_at_the_mode_does_not_hollow_its_diamond(comparison):
    """In the middle of each diamond is its own filling, whatever else is drawn there."""
    ax = br.plot_map_vs_posterior(comparison)
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert lines["posterior mean"].get_marker() == "|"
    assert lines["posterior mean"].get_markersize() > 1.5 * lines["MAP"].get_markersize()
    canvas = ax.figure.canvas
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3] / 255.0
    for label, filling in (("MAP", colour(ax, 1)), ("MAP, exactly 0", paper(ax))):
        wanted = plt.matplotlib.colors.to_rgb(filling)
        for x, y in ax.transData.transform(lines[label].get_xydata()):
            middle = pixels[pixels.shape[0] - 1 - round(y), round(x)]
            np.testing.assert_allclose(middle, wanted, atol=0.02, err_msg=label)


@pytest.mark.parametrize("size", [(8, 5), (4, 3)], ids=str)
def test_no_interval_lies_under_the_legend(size, comparison):
    ax = br.plot_map_vs_posterior(comparison, ax=plt.subplots(figsize=size)[1])
    ax.figure.canvas.draw()
    assert not ax.get_legend().get_window_extent().overlaps(ax.get_window_extent())


def rings(ax):
    found = [line for line in ax.get_lines() if line.get_marker() == "o"]
    return {(line.get_xdata()[0], line.get_color()) for line in found}


def test_trajectory_goes_to_the_mode_and_rings_its_zeros(diabetes):
    ax = br.plot_trajectory(*diabetes)
    mode = br.find_map(*diabetes).coef
    paths = [line.get_ydata() for line in ax.get_lines() if line.get_linewidth() == 1.8]
    ends = np.array([path[-1] for path in paths])
    np.testing.assert_allclose(ends, mode, atol=1e-3 * np.max(np.abs(mode)))
    np.testing.assert_array_equal(ends == 0, mode == 0)
    zeros = np.flatnonzero(mode == 0)
    assert [diabetes[1].names[j] for j in zeros] == ["age", "s2", "s4"]
    expected = {(int(np.flatnonzero(paths[j])[-1]) + 1, colour(ax, int(j))) for j in zeros}
    assert rings(ax) == expected
    assert "not yet" not in ax.get_title(loc="left")


def test_a_short_trajectory_says_so_and_rings_no_coefficient_off_zero_in_the_mode(diabetes):
    """With steps in the columns' own units the start is all it gets to."""
    ax = br.plot_trajectory(*diabetes, steps=60, lr=54.0**2)
    mode = br.find_map(*diabetes).coef
    assert "not yet there after 60 steps" in ax.get_title(loc="left").replace("\n", " ")
    assert len(rings(ax)) <= np.sum(mode == 0)
    colours = {colour(ax, int(j)) for j in np.flatnonzero(mode == 0)}
    assert {shade for _, shade in rings(ax)} <= colours


def test_the_sign_step_can_be_seen(diabetes):
    """It circles the zeros by more than the width of a line."""
    ax = br.plot_trajectory(*diabetes)
    ax.figure.canvas.draw()
    mode = br.find_map(*diabetes).coef
    dotted = [line for line in ax.get_lines() if line.get_linestyle() == ":"]
    for j in np.flatnonzero(mode == 0):
        tail = dotted[j].get_ydata()[-20:]
        pixels = ax.transData.transform([[1.0, tail.min()], [1.0, tail.max()]])
        assert np.ptp(pixels[:, 1]) * 72 / ax.figure.dpi > 2 * dotted[j].get_linewidth()


def test_contours_of_the_likelihood_are_whole():
    for prior in (br.Laplace(0.05), br.Normal(0.2)):
        ax = br.plot_geometry(br.Model(br.Gaussian(1.0), prior), two_columns())
        blue = plt.matplotlib.colors.to_rgba(colour(ax, 0))
        drawn = [
            c
            for c in ax.collections
            if len(c.get_edgecolor()) and tuple(c.get_edgecolor()[0]) == blue
        ]
        contours = [path for c in drawn for path in c.get_paths()]
        assert len(contours) == 4
        for path in contours:
            np.testing.assert_allclose(path.vertices[0], path.vertices[-1])


# --- what can be read ---------------------------------------------------------------------------


def contrast(one, other):
    """WCAG 2.2: 1 for the same, 21 for black on white; 3 is asked of graphics."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_colours_hold_on_black_and_are_told_apart():
    with plt.style.context("dark_background"):
        ax = plt.subplots()[1]
    shades = [colour(ax, j) for j in range(7)]
    assert len(set(shades)) == 7
    assert min(contrast(shade, "black") for shade in shades) > 7
    looks = [(colour(ax, j), line_style(j)) for j in range(28)]
    assert len(set(looks)) == 28
    assert ink(ax) == "#ffffff"
    assert paper(ax) == "#000000"


@pytest.mark.parametrize("style", STYLES)
def test_bands_are_seen(style, study):
    with plt.style.context(style):
        ax = br.plot_lambda_posterior(lambda_draws())
        bands = [ax.patches[-1], *br.plot_path(study).collections]
        for band in bands:
            *shade, alpha = np.ravel(band.get_facecolor())
            back = np.array(plt.matplotlib.colors.to_rgb(paper(ax)))
            assert contrast(alpha * np.array(shade) + (1 - alpha) * back, back) > 1.1


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", PICTURES)
def test_all_text_is_inside_a_small_figure(name, style, case):
    """Also where the style in force is no longer that of the Axes."""
    with plt.style.context(style):
        figure, ax = plt.subplots(figsize=(4, 3))
    assert PICTURES[name](case, ax) is ax
    figure.canvas.draw()
    assert "…" not in ax.get_title(loc="left")
    box, whole = ax.get_tightbbox(), figure.bbox
    assert box.x0 >= whole.x0 - 1
    assert box.x1 <= whole.x1 + 1
    assert box.y0 >= whole.y0 - 1
    assert box.y1 <= whole.y1 + 1
    assert ax.get_window_extent().height > 0.25 * whole.height
    words = [*ax.texts, ax.title, ax.xaxis.label]
    if ax.get_legend() is not None:
        words += ax.get_legend().get_texts()
    for text in words:
        assert contrast(text.get_color(), paper(ax)) > (2 if style == "default" else 7)


@pytest.mark.parametrize("size", [(8, 5), (4, 3)], ids=str)
def test_names_of_choices_and_lines_lie_free(size, study):
    ax = plt.subplots(figsize=size)[1]
    br.plot_path(study, choices=CHOICES, ax=ax)
    ax.figure.canvas.draw()
    named = [text for text in ax.texts if text.get_text() in CHOICES]
    assert len(named) == len(CHOICES)
    boxes = {text.get_text(): plt.Text.get_window_extent(text) for text in named}
    for one, other in itertools.combinations(boxes.values(), 2):
        assert not one.overlaps(other)
    for box, scale in itertools.product(boxes.values(), CHOICES.values()):
        x = ax.transData.transform((scale, 0.0))[0]
        assert not box.x0 < x < box.x1
    ends = [t.get_window_extent() for t in ax.texts if t.get_text() in study["feature"].values]
    for one, other in itertools.combinations(ends, 2):
        assert not one.overlaps(other)


def test_bands_are_few_or_those_asked_for(study):
    assert len(br.plot_path(study).collections) == 4
    assert len(br.plot_path(study, bands=0).collections) == 0
    ax = br.plot_path(study, bands=["age", "sex"])
    shades = [tuple(band.get_facecolor()[0][:3]) for band in ax.collections]
    assert shades == [plt.matplotlib.colors.to_rgb(colour(ax, j)) for j in (0, 1)]
    names = list(study["feature"].values)
    means = [line for line in ax.get_lines() if line.get_linewidth() == 0.9]
    for j, line in enumerate(means):
        np.testing.assert_array_equal(line.get_ydata(), study["mean"].values[:, j])
    looks = {(line.get_color(), line.get_linestyle()) for line in means}
    assert len(means) == len(looks) == len(names)
    for bands, error, match in [
        (-1, ModelError, "at least 0"),
        (["age", "height"], ModelError, "'height'"),
        ("age", ModelTypeError, "list of names"),
        (1.5, ModelTypeError, "whole number"),
    ]:
        with pytest.raises(error, match=match):
            br.plot_path(study, bands=bands)


def test_lambda_has_several_numbers():
    ax = br.plot_lambda_posterior(lambda_draws())
    ax.figure.canvas.draw()
    low, high = ax.get_xlim()
    shown = [at for at in ax.xaxis.get_majorticklocs() if low <= at <= high]
    assert len(shown) >= 3
    labels = [label.get_text() for label in ax.xaxis.get_ticklabels()]
    assert {"10", "20"} <= set(labels)


def test_the_axis_of_scales_is_called_the_same_everywhere(study, diabetes):
    model, data = diabetes
    common = "prior scale (in units of the coefficient)"
    path = br.find_map_path(model, data, [10.0, 60.0])
    for ax in (br.plot_path(path), br.plot_path(study), br.plot_evidence(study)):
        assert ax.get_xlabel().replace("\n", " ") == common
    by_column = br.Model(br.Gaussian(54.0), {"age": br.Flat(), "*": br.Laplace(60.0)})
    ax = br.plot_path(br.find_map_path(by_column, data, [10.0, 60.0]))
    assert ax.get_xlabel() == "prior scale of sex (in units of the coefficient)"
