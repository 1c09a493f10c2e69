"""A scale with a prior of its own: it can be stated, and has no mode."""

import numpy as np
import pytest

import bayesreg as br
from bayesreg.errors import BayesregError, ModelError, ModelTypeError, NoModeError

UNBOUNDED = [br.HalfCauchy(1.0), br.HalfNormal(1.0), br.Jeffreys(), br.Flat(), br.Exponential(1.0)]
DATA = br.Data(np.arange(12.0).reshape(6, 2) ** 0.5, [0.0, 1.0, 3.0, 2.0, 5.0, 4.0])


@pytest.mark.parametrize("kind", [br.Laplace, br.Normal])
@pytest.mark.parametrize("scale", UNBOUNDED, ids=repr)
def test_no_mode_with_the_reason_and_the_remedy(kind, scale):
    for model in (
        br.Model(br.Gaussian(1.0), kind(scale)),
        br.Model(br.Gaussian(br.HalfNormal(1.0)), kind(scale)),
        br.Model(br.Gaussian(1.0), {"x0": br.Flat(), "x1": br.Truncated(kind(scale), 0.0)}),
    ):
        with pytest.raises(NoModeError, match=r"b\^-p.*w = loc, b = 0.*State the scale"):
            br.find_map(model, DATA)


def test_the_reason_is_true_where_it_is_given():
    """log of p(b) times the density of p = 2 coefficients at loc, as b falls."""
    for scale in [*UNBOUNDED, br.InverseGamma(1.0, 1.0)]:
        b = np.array([1e-2, 1e-4, 1e-6])
        density = scale.log_density(b) + 2 * br.Laplace(1.0).log_density(0.0) - 2 * np.log(b)
        assert (np.diff(density) > 5).all() == (scale in UNBOUNDED)
    model = br.Model(br.Gaussian(1.0), br.Laplace(br.InverseGamma(1.0, 1.0)))
    with pytest.raises(ModelError, match="not searched for"):
        br.find_map(model, DATA)


def test_it_can_be_stated_and_everything_else_refuses():
    prior = br.Laplace(br.HalfCauchy(1.0), loc=0.5)
    model = br.Model(br.Gaussian(1.0), prior)
    assert br.from_text(repr(model)) == model
    assert br.from_dict(br.to_dict(model)) == model
    for use in (
        lambda: br.find_map_path(model, DATA),
        lambda: br.to_penalty(model, "sklearn.Lasso", DATA),
        lambda: br.certify(model, DATA, np.zeros(2)),
        lambda: br.to_penalty(model, "sklearn.Lasso", n=6),
        lambda: model.rescaled(2.0),
        lambda: model.log_density(DATA, np.zeros(2)),
        lambda: prior.log_density(0.0),
        lambda: prior.penalty(2),
    ):
        with pytest.raises(ModelError, match=r"scale of Laplace is unknown here"):
            use()
    with pytest.raises(NoModeError):
        br.verify(model, DATA)


@pytest.mark.parametrize("bad", [br.HalfCauchy, br.Laplace(1.0), br.Uniform(-1, 1), "HalfCauchy"])
def test_what_is_no_density_of_a_scale(bad):
    with pytest.raises((ModelError, ModelTypeError), match="Laplace scale"):
        br.Laplace(scale=bad)
    assert issubclass(ModelTypeError, BayesregError)
