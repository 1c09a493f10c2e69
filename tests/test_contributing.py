"""CONTRIBUTING.md: its worked examples run as printed and pass their checks."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

import bayesreg as br
from bayesreg.conventions import free_intercept, uniform
from bayesreg.errors import DataTypeError
from bayesreg.testing import check_convention, check_likelihood, check_prior

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)


@pytest.fixture(scope="module")
def namespace():
    found: dict[str, object] = {}
    for block in BLOCKS:
        exec(compile(block, "CONTRIBUTING.md", "exec"), found)
    return found


def test_there_is_a_prior_a_likelihood_and_their_use(namespace):
    assert len(BLOCKS) == 4
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


def broken(namespace, **changes):
    """check_convention of the worked example with some of it replaced."""
    objective = changes.pop("objective", namespace["objective"])
    convention = dataclasses.replace(namespace["MEAN_RIDGE"], **changes)
    check_convention(convention, br.Gaussian(1.5), namespace["weighted"], objective)


def test_the_check_of_a_convention_sees_what_is_wrong(namespace):
    def without_n(nats, setting):
        return {"kappa": setting.sigma**2 * nats.l2}

    def back_without_n(parameters, setting):
        l2 = parameters["kappa"] / setting.sigma**2
        return namespace["Nats"]("Gaussian", uniform(l2=l2), free_intercept(True))

    with pytest.raises(AssertionError, match="not the negative log posterior"):
        broken(namespace, encode=without_n, decode=back_without_n)
    with pytest.raises(AssertionError, match="lose the penalty"):
        broken(namespace, encode=without_n)
    with pytest.raises(AssertionError, match="falls where the posterior"):
        broken(namespace, objective=lambda *a: -namespace["objective"](*a))
    with pytest.raises(AssertionError, match="no notes"):
        broken(namespace, notes=lambda parameters, setting: ())
    with pytest.raises(AssertionError, match="no code"):
        broken(namespace, code=lambda parameters, setting: "")
    with pytest.raises(AssertionError, match="not Python"):
        broken(namespace, code=lambda parameters, setting: "import (")
    with pytest.raises(AssertionError, match="names the likelihoods"):
        broken(namespace, likelihoods=("Poisson",))
    with pytest.raises(AssertionError, match="are among"):
        broken(namespace, penalties=("L3",))
    with pytest.raises(AssertionError, match="be its inverse"):
        broken(namespace, penalties=("L1",))


def test_a_convention_of_your_own_stands_beside_ours(namespace):
    mine, data = namespace["MEAN_RIDGE"], namespace["weighted"]
    ridge = br.convert(mine, {"kappa": 0.1}, to="sklearn.Ridge", data=data)
    assert ridge.parameters["alpha"] == pytest.approx(0.1 * np.sum(data.weights))
    back = br.convert("sklearn.Ridge", ridge.parameters, to=mine, data=data)
    assert back.parameters == {"kappa": pytest.approx(0.1)}
    assert "mine.MeanRidge" in br.explain(mine, {"kappa": 0.1}, data, sigma=1.5)
    with pytest.raises(DataTypeError, match="a mapping"):
        br.to_prior(mine, None, data)
