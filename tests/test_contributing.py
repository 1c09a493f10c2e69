"""CONTRIBUTING.md: its worked examples run as printed and pass their checks."""

import re
from pathlib import Path

import numpy as np
import pytest

import bayesreg as br
from bayesreg.testing import check_likelihood, check_prior

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)


@pytest.fixture(scope="module")
def namespace():
    found: dict[str, object] = {}
    for block in BLOCKS:
        exec(compile(block, "CONTRIBUTING.md", "exec"), found)
    return found


def test_there_is_a_prior_a_likelihood_and_their_use(namespace):
    assert len(BLOCKS) == 3
    assert "check_prior(ShiftedExponential" in BLOCKS[0]
    assert "check_likelihood(LogisticNoise" in BLOCKS[1]
    assert namespace["fit"].certificate.holds
    assert namespace["fit"].n_zeros == 1


def test_the_example_prior_is_the_exponential_we_have(namespace):
    w = np.linspace(0.0, 3.0, 7)
    ours, theirs = br.Exponential(0.5), namespace["ShiftedExponential"](0.5)
    np.testing.assert_allclose(theirs.log_density(w), ours.log_density(w))
    assert repr(theirs) == "ShiftedExponential(scale=0.5)"


def test_the_example_likelihood_is_scipys(namespace):
    from scipy import stats

    y, eta = np.linspace(-4, 6, 11), np.linspace(3, -2, 11)
    part = namespace["LogisticNoise"](0.7)
    found = part.loss(y, eta) + part.constant(y, np.ones(11))
    np.testing.assert_allclose(found, -stats.logistic.logpdf(y, eta, 0.7), rtol=1e-13)


def test_the_checks_would_see_a_fault_in_either(namespace):
    class Wrong(namespace["ShiftedExponential"]):
        def log_density(self, w):
            return super().log_density(w) + 0.1

    with pytest.raises(AssertionError):
        check_prior(Wrong(0.5))

    class AlsoWrong(namespace["LogisticNoise"]):
        def curvature(self, y, eta):
            return 2 * super().curvature(y, eta)

    with pytest.raises(AssertionError, match="curvature"):
        check_likelihood(AlsoWrong(0.7), [0.0, 1.0])


def test_files_named_in_the_text_exist():
    root = Path(__file__).parents[1]
    for name in re.findall(r"`((?:bayesreg|tests)/[\w/]+\.py)`", TEXT):
        assert (root / name).exists(), name
