"""The demo: what the README promises is what a newcomer sees."""

import json

import numpy as np
import pytest

from bayesreg.cli import main
from bayesreg.demo import LAPLACE_SCALE, PICTURES, SIGMA, load_diabetes, load_prostate, run_demo
from bayesreg.errors import DataError


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    return run_demo(tmp_path_factory.mktemp("demo"), progress=False)


def test_the_model_in_words(shown):
    for part in ("Normal(a + x_i . w, sd = 54)", f"Laplace(scale={LAPLACE_SCALE})",
                 "lambda1 = sigma^2 / b = 48.6", "n = 442 rows, p = 10 columns"):  # fmt: skip
        assert part in shown.words


def test_the_mode_has_exact_zeros_and_a_certificate(shown):
    assert shown.fit.certificate.holds
    assert shown.fit.certificate.zeros_proved
    assert shown.fit.n_zeros >= 3


def test_the_twins_are_the_same_optimum(shown):
    assert [twin.penalised.target for twin in shown.twins] == ["sklearn.Lasso", "sklearn.Ridge"]
    for twin in shown.twins:
        assert twin.largest_difference < 1e-3
        assert abs(twin.excess) < 1e-8
        assert twin.zeros_agree
    alpha = shown.twins[0].penalised.parameters["alpha"]
    assert alpha == pytest.approx(SIGMA**2 / (442 * LAPLACE_SCALE), rel=1e-14)


def test_zeros_of_the_mode_are_not_certain_in_the_posterior(shown):
    zero = shown.comparison.zero_in_mode
    assert np.all(shown.comparison.sd[zero] > 10)
    assert np.all(np.abs(shown.comparison.p_positive[zero] - 0.5) < 0.49)
    assert np.nanmax(shown.comparison.r_hat) < 1.01


def test_scale_maps_to_lambda(shown):
    scales = np.array([row.scale for row in shown.scales])
    np.testing.assert_allclose([row.lambda1 for row in shown.scales], SIGMA**2 / scales)
    np.testing.assert_allclose([row.alpha for row in shown.scales], SIGMA**2 / scales / 442)
    nonzero = [row.n_nonzero for row in shown.scales]
    assert nonzero[0] <= 2
    assert nonzero[-1] >= 9
    mode = [row.mode_l1_norm for row in shown.scales]
    assert mode == sorted(mode)


def test_pictures_are_written_once_and_not_over(shown):
    assert [path.name for path in shown.pictures] == list(PICTURES)
    for path in shown.pictures:
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.stat().st_size > 20_000
    with pytest.raises(DataError, match="not overwritten"):
        run_demo(shown.pictures[0].parent)
    with pytest.raises(DataError, match="is a file"):
        run_demo(shown.pictures[0])


def test_the_command_prints_every_part(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["demo"]) == 0
    out = capsys.readouterr().out
    for heading in ("1. The model", "2. The posterior mode", "3. The same optimum",
                    "4. The mode beside the posterior", "5. How prior scale maps to lambda",
                    "6. Pictures"):  # fmt: skip
        assert heading in out
    for name in load_diabetes().names:
        assert name in out
    assert list(tmp_path.iterdir()) == []


def test_the_command_as_json(capsys):
    assert main(["demo", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["fit"]["certificate"]["holds"] is True
    assert len(found["scales"]) == 9


def test_prostate_data_are_those_of_the_literature():
    """Least squares as R's lm prints it for the same data (lasso2::Prostate)."""
    data = load_prostate()
    assert (data.y.size, data.p, data.names[0]) == (97, 8, "lcavol")
    columns = np.column_stack([np.ones(97), data.X])
    found = np.linalg.lstsq(columns, data.y, rcond=None)[0]
    expected = [0.669399027, 0.587022881, 0.454460641, -0.019637208, 0.107054351, 0.766155885,
                -0.105473570, 0.045135964, 0.004525324]  # fmt: skip
    np.testing.assert_allclose(found, expected, rtol=2e-6)
