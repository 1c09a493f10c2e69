"""A scale with a prior of its own: it can be stated, and has no mode."""

import numpy as np
import pytest

import bayesreg as br
from bayesreg.errors import BayesregError, ModelError, ModelTypeError, NoModeError

UNBOUNDED = [br.HalfCauchy(1.0), br.HalfNormal(1.0), br.Jeffreys(), br.Flat(), br.Exponential(1.0)]
DATA = br.Data(np.arange(12.0).reshape(6, 2) ** 0.5, [0.0, 1.0, 3.0, 2.0, 5.0, 4.0])


KINDS = {
    "Laplace": br.Laplace,
    "Normal": br.Normal,
    "StudentT": lambda scale: br.StudentT(3.0, scale),
    "Cauchy": br.Cauchy,
    "GroupLaplace": br.GroupLaplace,
    "ElasticNet": lambda scale: br.ElasticNet(1.0, 2.0, scale=scale),
    "HalfNormal": br.HalfNormal,
    "Exponential": br.Exponential,
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("scale", UNBOUNDED, ids=repr)
def test_no_mode_with_the_reason_and_the_remedy(kind, scale):
    for model in (
        br.Model(br.Gaussian(1.0), kind(scale)),
        br.Model(br.Gaussian(br.HalfNormal(1.0)), kind(scale)),
        br.Model(br.Gaussian(1.0), {"x0": br.Flat(), "x1": bounded(kind(scale))}),
    ):
        with pytest.raises(NoModeError, match=r"b\^-p.*w = loc, b = 0.*State the scale"):
            br.find_map(model, DATA)


def bounded(prior):
    """Above 0, where that can be stated."""
    return prior if isinstance(prior, br.GroupLaplace) else br.Truncated(prior, 0.0)


def test_the_reason_is_true_where_it_is_given():
    """log of p(b) times the density of p = 2 coefficients at loc, as b falls."""
    for scale in [*UNBOUNDED, br.InverseGamma(1.0, 1.0)]:
        b = np.array([1e-2, 1e-4, 1e-6])
        density = scale.log_density(b) + 2 * br.Laplace(1.0).log_density(0.0) - 2 * np.log(b)
        assert (np.diff(density) > 5).all() == (scale in UNBOUNDED)
    model = br.Model(br.Gaussian(1.0), br.Laplace(br.InverseGamma(1.0, 1.0)))
    with pytest.raises(ModelError, match="not searched for"):
        br.find_map(model, DATA)


@pytest.mark.parametrize("name", KINDS)
def test_it_can_be_stated_and_everything_else_refuses(name):
    prior = KINDS[name](br.HalfCauchy(1.0))
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
        with pytest.raises(ModelError, match=f"scale of {name} is unknown here"):
            use()
    with pytest.raises(NoModeError):
        br.verify(model, DATA)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(
    "bad",
    [br.HalfCauchy, br.Laplace(1.0), br.Uniform(-1, 1), "HalfCauchy", br.HalfNormal([1.0, 2.0]),
     br.HalfNormal(br.HalfNormal(1.0))],
    ids=repr,
)  # fmt: skip
def test_what_is_no_density_of_a_scale(name, bad):
    with pytest.raises((ModelError, ModelTypeError), match=f"{name} scale"):
        KINDS[name](bad)
    assert issubclass(ModelTypeError, BayesregError)


def test_a_density_within_a_density_of_sigma():
    with pytest.raises(ModelTypeError, match=r"must be a number.*HalfCauchy"):
        br.Gaussian(br.HalfNormal(br.HalfCauchy(1.0)))


def test_the_scale_of_an_elastic_net_multiplies_both():
    assert br.ElasticNet(0.5, [1.0, 2.0], scale=3.0) == br.ElasticNet(1.5, [3.0, 6.0])
    with pytest.raises(ModelTypeError, match=r"laplace_scale.*scale=HalfCauchy"):
        br.ElasticNet(br.HalfCauchy(1.0), 1.0)
