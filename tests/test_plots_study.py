"""Pictures of a study: what is drawn is what was computed."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import bayesreg as br
from bayesreg.errors import DataTypeError, ModelError


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def study():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, 3))
    data = br.Data(X, X[:, 0] + rng.standard_normal(20), names=["a$b", "c", "d"])
    model = br.Model(br.Gaussian(1.0), br.Normal(1.0))
    scales = np.geomspace(0.05, 5.0, 12)
    return br.scan_scales(model, data, scales, loo=True, progress=False)


def test_a_study_is_drawn_with_modes_means_bands_and_choices(study):
    ax = br.plot_path(study, choices={"evidence": 0.5, "loo": 1.0}, marked_scale=2.0)
    drawn = [line.get_ydata() for line in ax.get_lines() if len(line.get_xdata()) == 12]
    assert sum(np.array_equal(y, study["map"].values[:, 0]) for y in drawn) >= 1
    assert sum(np.array_equal(y, study["mean"].values[:, 0]) for y in drawn) >= 1
    assert len(ax.collections) == 3
    vertical = [x[0] for x in (line.get_xdata() for line in ax.get_lines()) if len(set(x)) == 1]
    assert sorted(vertical) == [0.5, 1.0, 2.0]
    ax.figure.canvas.draw()
    assert {text.get_text() for text in ax.texts} >= {r"a\$b", "evidence", "loo"}
    above = ax.child_axes[0]
    for scale, value in zip(study["scale"].values, study["lambda"].values, strict=True):
        below_at = ax.transData.transform((scale, 0.0))[0]
        assert above.transData.transform((value, 0.0))[0] == pytest.approx(below_at, abs=0.5)


def test_evidence_is_drawn_below_its_maximum(study):
    _, ax = plt.subplots()
    assert br.plot_evidence(study, ax=ax) is ax
    lines = {line.get_label(): line.get_ydata() for line in ax.get_lines()}
    evidence = study["log_evidence"].values
    np.testing.assert_array_equal(lines["evidence, log p(y | scale)"], evidence - evidence.max())
    loo = study["loo"].values
    np.testing.assert_array_equal(lines["leave-one-out log density"], loo - loo.max())


def test_a_narrow_axis_has_numbers(study):
    """Of 0.05 to 0.5 powers of ten would leave one number or two."""
    narrow = study.isel(scale=slice(0, 7))
    path = br.find_map_path(br.Model(br.Gaussian(1.0), br.Laplace(1.0)), _few_rows(), [0.3, 1, 4])
    for ax in (br.plot_evidence(narrow), br.plot_path(narrow), br.plot_path(path)):
        ax.figure.canvas.draw()
        for axis in (ax.xaxis, ax.child_axes[0].xaxis):
            low, high = sorted(axis.get_view_interval())
            shown = [
                float(label.get_text())
                for at, label in zip(axis.get_majorticklocs(), axis.get_ticklabels(), strict=True)
                if low <= at <= high
            ]
            assert len(shown) >= 3, shown
            assert all(str(value).strip(".0")[0] in "125" for value in shown)


def _few_rows():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, 2))
    return br.Data(X, X[:, 0] + rng.standard_normal(20))


def test_what_cannot_be_drawn_is_said(study):
    with pytest.raises(DataTypeError, match="scan_scales"):
        br.plot_evidence({"scale": 1})
    with pytest.raises(DataTypeError, match="scan_scales"):
        br.plot_path(study.drop_vars("lambda"))
    with pytest.raises(DataTypeError, match="choices"):
        br.plot_path(study, choices=[0.5])
    with pytest.raises(ModelError, match="loo=True"):
        br.plot_evidence(study.drop_vars(["log_evidence", "loo"]))
