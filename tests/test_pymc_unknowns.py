"""to_pymc with unknown scales and dispersions, Horseshoe and bounds: the density is ours."""

import warnings

import numpy as np
import pytest

from bayesreg import (
    Bernoulli,
    Cauchy,
    Data,
    ElasticNet,
    Exponential,
    Gamma,
    Gaussian,
    HalfCauchy,
    HalfNormal,
    Horseshoe,
    InverseGamma,
    Laplace,
    Model,
    NegativeBinomial,
    Normal,
    Poisson,
    Truncated,
    Uniform,
    sample,
    to_pymc,
)
from bayesreg.errors import ModelError
from bayesreg.posterior.densities import Parameters, log_likelihood, log_prior
from bayesreg.posterior.target import pose

CASES = {
    "scale": (Poisson(), Laplace(HalfNormal(0.5), loc=0.1)),
    "scale-inverse-gamma": (Bernoulli(), Normal(InverseGamma(2.0, 1.0))),
    "scales": (Poisson(), {"x0": Laplace(HalfCauchy(0.4)), "x[12]": Laplace(Uniform(0.1, 2.0))}),
    "sigma-and-scale": (Gaussian(HalfNormal(2.0)), Laplace(Exponential(1.0))),
    "relative": (Gaussian(HalfCauchy(1.0)), Normal(HalfNormal(1.0), relative_to_noise=True)),
    "phi": (Gamma(HalfNormal(1.0)), Normal(0.5)),
    "alpha": (NegativeBinomial(InverseGamma(2.0, 4.0)), Laplace(0.4)),
    "half-normal": (Poisson(), HalfNormal([0.3, 0.4, 1.0])),
    "exponential": (Poisson(), Exponential(0.3)),
    "uniform": (Poisson(), Uniform(-0.5, 0.8)),
    "truncated": (Poisson(), Truncated(Laplace(0.3, loc=0.1), lower=-0.2)),
    "truncated-net": (Poisson(), Truncated(ElasticNet(0.3, 0.5), lower=-0.4, upper=0.5)),
    "truncated-cauchy": (Poisson(), Truncated(Cauchy(0.3), upper=0.4)),
    "half-unknown": (Poisson(), Truncated(Laplace(HalfNormal(0.5)), lower=0.0)),
}


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
    likelihood, prior = CASES[name]
    model = Model(likelihood, prior, Normal(1.0))
    data = make_data(likelihood, weighted)
    posterior = pose(model, data)
    density = compiled_density(model, data)
    rng = np.random.default_rng(5)
    for _ in range(3):
        coef, a = rng.uniform(0.02, 0.35, 3), rng.normal()
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
    ours = model.log_likelihood(data, coef, 0.0).sum() if model.intercept else None
    eta = data.X @ coef + data.offset
    assert ours is None
    expected = data.weights @ Poisson().loss(data.y, eta)
    expected = -expected - np.sum(Poisson().constant(data.y, data.weights))
    expected += np.sum(
        [Normal(tau * s, loc=0.1).log_density(w) for w, s in zip(coef, local, strict=True)]
    )
    expected += np.sum(HalfCauchy(1.0).log_density(local)) + HalfNormal(0.5).log_density(tau)
    theirs = density({"coef": coef, "local_scale": local, "scale": tau})
    assert theirs == pytest.approx(float(expected), rel=1e-9, abs=1e-8)


def test_what_has_no_counterpart():
    data = make_data(Poisson())
    mixed = Model(Poisson(), {"x0": HalfNormal(0.3), "x[12]": Normal(0.5)})
    with pytest.raises(ModelError, match="same sides"):
        to_pymc(mixed, data)
    moving = Model(Poisson(), Truncated(Laplace(HalfNormal(1.0)), lower=-1.0))
    with pytest.raises(ModelError, match="share that it cuts off"):
        to_pymc(moving, data)
    for model in (mixed, moving):
        with pytest.raises(ModelError, match="does not apply"):
            sample(model, data, sampler="pymc")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("likelihood", "prior"),
    [CASES["scale"], CASES["alpha"], CASES["half-normal"], CASES["sigma-and-scale"]],
    ids=["scale", "alpha", "half-normal", "sigma-and-scale"],
)
def test_pymc_agrees_with_nuts(likelihood, prior):
    """Two programs that share no density: means of coefficients and log numbers."""
    import arviz_stats

    data, model = make_data(likelihood), Model(likelihood, prior)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one, other = (
            sample(model, data, seed=3, sampler=name, draws=3000)["posterior"]
            for name in ("nuts", "pymc")
        )
    for name in pose(model, data).scalars:
        one[name], other[name] = np.log(one[name]), np.log(other[name])
    names = [("coef", j) for j in range(3)] + [(name, ()) for name in pose(model, data).scalars]
    for name, j in names:
        x, y = (
            post[name].values[..., j] if name == "coef" else post[name].values
            for post in (one, other)
        )
        error = [np.std(z) / np.sqrt(float(arviz_stats.ess(z, method="mean"))) for z in (x, y)]
        assert abs(np.mean(x) - np.mean(y)) < 4.5 * np.hypot(*error), name
