"""to_pymc with unknown scales and dispersions, Horseshoe and bounds: the density is ours."""

import warnings

import numpy as np
import pytest

from bayesreg import (
    AsymmetricLaplace,
    Bernoulli,
    Cauchy,
    Data,
    ElasticNet,
    Exponential,
    Flat,
    Gamma,
    Gaussian,
    GroupLaplace,
    HalfCauchy,
    HalfNormal,
    Horseshoe,
    InverseGamma,
    Jeffreys,
    Laplace,
    Model,
    MultivariateNormal,
    NegativeBinomial,
    Normal,
    Poisson,
    StudentT,
    Truncated,
    Uniform,
    sample,
    to_pymc,
)
from bayesreg.errors import ModelError
from bayesreg.posterior.densities import Parameters, log_likelihood, log_prior
from bayesreg.posterior.target import pose
from bayesreg.pymc.bounds import between

HALF = HalfNormal(0.5)
CASES = {
    "scale": (Poisson(), Laplace(HALF, loc=0.1)),
    "scale-inverse-gamma": (Bernoulli(), Normal(InverseGamma(2.0, 1.0))),
    "scale-jeffreys": (Poisson(), Normal(Jeffreys())),
    "scale-flat": (Poisson(), Laplace(Flat())),
    "scales": (Poisson(), {"x0": Laplace(HalfCauchy(0.4)), "x[12]": Laplace(Uniform(0.1, 2.0))}),
    "scale-beside-flat": (Poisson(), {"x0": Flat(), "x[12]": Laplace(HALF)}, Laplace(HALF)),
    "sigma-and-scale": (Gaussian(HalfNormal(2.0)), Laplace(Exponential(1.0))),
    "relative": (Gaussian(HalfCauchy(1.0)), Normal(HalfNormal(1.0), relative_to_noise=True)),
    "relative-covariance": (
        Gaussian(HALF),
        MultivariateNormal(np.diag([0.2, 0.5, 1.0]) + 0.1, relative_to_noise=True),
    ),
    "relative-covariance-of-two": (
        Gaussian(HALF),
        {
            "x[01]": MultivariateNormal(np.eye(2) + 0.1, loc=0.2, relative_to_noise=True),
            "x2": Laplace(HALF),
        },
    ),
    "relative-groups": (
        Gaussian(HALF),
        GroupLaplace(0.4, groups=[0, 0, 1], relative_to_noise=True),
    ),
    "relative-student": (Gaussian(HALF), StudentT(nu=4.0, scale=0.5, relative_to_noise=True)),
    "relative-student-beside": (
        Gaussian(HALF),
        {"x0": StudentT(nu=4.0, scale=0.5, relative_to_noise=True), "x[12]": Normal(HALF)},
    ),
    "student-scale": (Poisson(), StudentT(4.0, HALF, loc=0.1)),
    "student-scale-beside": (Poisson(), {"x0": StudentT(4.0, HALF), "x[12]": Normal(0.5)}),
    "cauchy-scale": (Gaussian(HALF), Cauchy(HALF, relative_to_noise=True)),
    "elastic-net-scale": (Poisson(), ElasticNet(0.5, 0.8, loc=0.1, scale=HalfCauchy(0.5))),
    "group-scale": (Gaussian(HALF), GroupLaplace(InverseGamma(2.0, 1.0), groups=[0, 0, 1])),
    "half-normal-scale": (Poisson(), HalfNormal(HALF)),
    "exponential-scale": (Poisson(), {"x0": Exponential(HALF), "x[12]": Exponential(0.4)}),
    "phi": (Gamma(HalfNormal(1.0)), Normal(0.5)),
    "alpha": (NegativeBinomial(InverseGamma(2.0, 4.0)), Laplace(0.4)),
    "alpha-and-scale": (NegativeBinomial(HalfCauchy(4.0)), Laplace(HALF)),
    "student-sigma": (StudentT(nu=4, sigma=HalfNormal(1.0)), Laplace(0.4, loc=0.1)),
    "student-sigma-inverse-gamma": (StudentT(nu=1, sigma=InverseGamma(2.0, 1.0)), Normal(0.5)),
    "student-sigma-and-scale": (StudentT(nu=4, sigma=Jeffreys()), Laplace(HALF), Flat()),
    "s": (AsymmetricLaplace(q=0.3, s=HalfNormal(1.0)), Laplace(0.4)),
    "s-uniform-and-scale": (AsymmetricLaplace(q=0.5, s=Uniform(0.1, 2.0)), Normal(HALF)),
    "half-normal": (Poisson(), HalfNormal([0.3, 0.4, 1.0]), HalfNormal(2.0)),
    "exponential": (Poisson(), Exponential(0.3), Truncated(Laplace(1.0), lower=-3.0)),
    "uniform": (Poisson(), Uniform(-0.5, 0.8), Uniform(-5.0, 5.0)),
    "uniform-beside-flat": (Poisson(), {"x0": Uniform(-1.0, 1.0), "x[12]": Flat()}),
    "truncated": (Poisson(), Truncated(Laplace(0.3, loc=0.1), lower=-0.2)),
    "truncated-net": (Poisson(), Truncated(ElasticNet(0.3, 0.5), lower=-0.4, upper=0.5)),
    "truncated-cauchy": (Poisson(), Truncated(Cauchy(0.3), upper=0.4)),
    "half-unknown": (Poisson(), Truncated(Laplace(HALF), lower=0.0)),
    "moving-below": (Poisson(), Truncated(Laplace(HALF, loc=-0.4), lower=-0.2)),
    "moving-both-sides": (Poisson(), Truncated(Laplace(HALF), lower=-0.1, upper=0.6)),
    "tail-of-a-normal": (Poisson(), Truncated(Normal(HALF, loc=2.0), lower=-1.0, upper=0.5)),
    "moving-with-sigma": (
        Gaussian(HALF),
        Truncated(Laplace(0.4, relative_to_noise=True), lower=[-0.3, -np.inf, 0.0]),
    ),
    "mixed-sides": (
        Poisson(),
        {
            "x0": HalfNormal(0.3),
            "x1": Normal(HalfCauchy(0.5)),
            "x2": Truncated(Normal(HALF), lower=-0.1, upper=2.0),
        },
    ),
}  # fmt: skip


def make_data(likelihood, weighted=True):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(12, 3))
    y = (rng.random(12) < 0.5) * 1.0 if isinstance(likelihood, Bernoulli) else rng.poisson(2.0, 12)
    weights = rng.uniform(0.3, 2.0, 12) if weighted else None
    return Data(X, y + (0.5 if isinstance(likelihood, Gamma) else 0.0), weights=weights,
                offset=0.2 * rng.normal(size=12))  # fmt: skip


def compiled_density(model, data):
    """PyMC's joint log density as a function of values in their own units."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="PyTensor could not link")
        pm_model = to_pymc(model, data)
        compiled = pm_model.compile_logp(jacobian=False, mode="FAST_COMPILE")

    def density(point):
        moved = {}
        for variable in pm_model.free_RVs:
            value, transform = point[variable.name], pm_model.rvs_to_transforms[variable]
            if transform is not None:
                value = transform.forward(np.asarray(value), *variable.owner.inputs).eval()
            moved[pm_model.rvs_to_values[variable].name] = np.asarray(value)
        return float(compiled(moved))

    return density


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", CASES)
def test_the_density_is_ours(name, weighted):
    likelihood, prior, *intercept = CASES[name]
    model = Model(likelihood, prior, *(intercept or [Normal(1.0)]))
    data = make_data(likelihood, weighted)
    posterior = pose(model, data)
    density = compiled_density(model, data)
    rng = np.random.default_rng(5)
    for _ in range(8):
        coef, a = rng.uniform(0.02, 0.35, 3), rng.uniform(0.1, 2.0)
        scalars = {key: rng.uniform(0.3, 1.5) for key in posterior.scalars}
        drawn = Parameters(
            coef[None, None],
            np.full((1, 1), a),
            {k: np.full((1, 1), s) for k, s in scalars.items()},
        )
        ours = log_likelihood(model, data, drawn).sum()
        ours += sum(np.sum(part) for part in log_prior(model, data, posterior, drawn).values())
        theirs = density({"coef": coef, "intercept": a, **scalars})
        # PyMC has the constant of its HalfCauchy in single precision.
        assert theirs == pytest.approx(ours, rel=1e-10, abs=1e-8)


def test_horseshoe_by_its_local_scales():
    """Given its local scale a coefficient is normal, and the scale half-Cauchy."""
    model = Model(Poisson(), Horseshoe(HalfNormal(0.5), loc=0.1), None)
    data = make_data(Poisson())
    density = compiled_density(model, data)
    rng = np.random.default_rng(6)
    coef, local, tau = rng.normal(size=3), rng.uniform(0.2, 3.0, 3), 0.4
    ours = -data.weights @ Poisson().loss(data.y, data.X @ coef + data.offset)
    ours -= np.sum(Poisson().constant(data.y, data.weights))
    for w, scale in zip(coef, local, strict=True):
        ours += Normal(tau * scale, loc=0.1).log_density(w)
    ours += np.sum(HalfCauchy(1.0).log_density(local)) + HalfNormal(0.5).log_density(tau)
    theirs = density({"coef": coef, "local_scale": local, "scale": tau})
    assert theirs == pytest.approx(float(ours), rel=1e-9, abs=1e-8)


@pytest.mark.parametrize(
    ("likelihood", "prior", "because"),
    [
        (Gaussian(HalfNormal(1.0)), ElasticNet(0.3, 0.5, relative_to_noise=True), "share that"),
        (Gaussian(HalfNormal(1.0)), Cauchy(0.3, relative_to_noise=True), "share that"),
        (Poisson(), Horseshoe(0.3), "Horseshoe prior with a bound"),
    ],
    ids=["elastic-net", "cauchy", "horseshoe"],
)
def test_what_has_no_counterpart(likelihood, prior, because):
    """Bounds away from loc, where the mass between them has no closed form in the scale."""
    data = make_data(likelihood)
    model = Model(likelihood, Truncated(prior, lower=-1.0))
    with pytest.raises(ModelError, match=because):
        to_pymc(model, data)
    with pytest.raises(ModelError, match=f"appl.*{because}"):
        sample(model, data, sampler="pymc")
    to_pymc(Model(likelihood, Truncated(prior, lower=0.0)), data)


def test_numbers_on_the_line_and_their_volume():
    """Between is one to one, its log Jacobian and its gradients are those of differences."""
    import pytensor
    import pytensor.tensor as pt

    lower, upper = np.array([-0.5, 1.0, -np.inf, -np.inf]), np.array([0.8, np.inf, 2.0, np.inf])
    transform, t = between(lower, upper), pt.vector("t")
    w, volume = transform.backward(t), transform.log_jac_det(t)
    slope = pytensor.grad(pt.sum(w), t)
    outputs = [w, transform.forward(w), volume, slope, pytensor.grad(pt.sum(volume), t)]
    compiled = pytensor.function([t], outputs, mode="FAST_COMPILE")
    rng = np.random.default_rng(7)
    for _ in range(20):
        at, h = rng.normal(size=4), 1e-5
        w, back, volume, slope, bend = compiled(at)
        assert np.all((w > lower) & (w < upper))
        np.testing.assert_allclose(back, at, rtol=1e-9)
        above, below = compiled(at + h), compiled(at - h)
        np.testing.assert_allclose(slope, (above[0] - below[0]) / (2 * h), rtol=1e-7)
        np.testing.assert_allclose(volume, np.log(np.abs(slope)), atol=1e-12)
        np.testing.assert_allclose(bend, (above[2] - below[2]) / (2 * h), atol=1e-7)
    # What the other entries are does not matter: nothing overflows into them.
    assert np.all(np.isfinite(compiled(np.array([3.0, 1.0, 1.0, 900.0]))[3]))


@pytest.mark.parametrize("name", ["moving-both-sides", "mixed-sides", "tail-of-a-normal"])
def test_gradients_are_those_of_differences(name):
    """On the line, Jacobians and all: what a sampler follows."""
    likelihood, prior, *_ = CASES[name]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="PyTensor could not link")
        pm_model = to_pymc(Model(likelihood, prior), make_data(likelihood))
        density = pm_model.compile_logp(mode="FAST_COMPILE")
        gradient = pm_model.compile_dlogp(mode="FAST_COMPILE")
    rng, point = np.random.default_rng(8), pm_model.initial_point()
    shapes = {v.name: np.shape(point[v.name]) for v in pm_model.continuous_value_vars}
    for _ in range(3):
        at = {key: point[key] + 0.3 * rng.normal(size=shape) for key, shape in shapes.items()}
        way = {key: rng.normal(size=shape) for key, shape in shapes.items()}
        above, below = ({key: at[key] + h * way[key] for key in shapes} for h in (1e-5, -1e-5))
        difference = (density(above) - density(below)) / 2e-5
        along = gradient(at) @ np.concatenate([np.ravel(way[key]) for key in shapes])
        assert along == pytest.approx(difference, rel=1e-6, abs=1e-6)
