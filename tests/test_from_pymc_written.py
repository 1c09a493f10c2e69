"""Models as people write them: each is read with its own density, near and far, or refused.

The density here does not come from the reader: it is PyMC's, in its own transformed variables, so
that a transform that narrows a variable is part of it.
"""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from pymc.distributions import transforms

import bayesreg as br
from bayesreg.errors import NoEquivalentError

RNG = np.random.default_rng(0)
N_ROWS = 25
X = RNG.normal(1.0, [1.0, 0.3, 4.0], (N_ROWS, 3))
Y = X @ [1.0, 0.0, 0.2] + RNG.normal(size=N_ROWS)
BINARY, COUNTS, POSITIVE = (Y > 1).astype(int), RNG.poisson(2, N_ROWS), np.exp(0.2 * Y)
Z, GROUP = RNG.normal(size=N_ROWS), np.resize([0, 1, 2, 3], N_ROWS)
COORDS = {"feature": ["age", "bmi", "bp"], "obs": range(N_ROWS)}


def built(build):
    with pm.Model(coords=COORDS) as model:
        build()
    return model


def weights(shape=3, **keywords):
    return pm.Normal("w", 0, 1, shape=shape, **keywords)


def normal(mu, sigma=1.5, observed=Y, **keywords):
    pm.Normal("y", mu, sigma, observed=observed, **keywords)


def noise():
    return pm.HalfNormal("s", 2.0)


def with_noise(build):
    """A model of sigma: build(s)."""
    return lambda: build(noise())


def jeffreys(potential):
    def build():
        s = pm.HalfFlat("s")
        pm.Potential("on_s", potential(s))
        normal(X @ weights(), s)

    return build


# ---- read ---------------------------------------------------------------------------------------


def data_container():
    normal(pm.math.dot(pm.Data("X", X), weights()), observed=pm.Data("Y", Y))


def labelled():
    mu = pm.Data("X", X, dims=("obs", "feature")) @ pm.Normal("w", 0, 1, dims="feature")
    normal(mu + pm.Normal("a", 0, 5), dims="obs")


def stacked_columns():
    columns = [pm.Normal(f"b{j}") * X[:, j] for j in range(2)]
    normal(pm.math.stack(columns, axis=1).sum(axis=1))


def joined():
    design = np.column_stack([np.ones(N_ROWS), X])
    normal(design @ pt.concatenate([[pm.Flat("a")], weights()]))


def varying_slopes():
    w = pm.Normal("w", 0, 1, shape=(4, 2))
    normal(w[GROUP, 0] + w[GROUP, 1] * Z)


def centred_levels():
    w = weights(4)
    normal((w - w.mean())[GROUP])


def piecewise():
    w = weights()
    normal(pt.switch(X[:, 0] > 1, w[0] * X[:, 1], w[1] * X[:, 2]))


def of_its_shape():
    mu = X @ weights()
    normal(mu, pt.ones_like(mu) * 1.5)


def two_targets():
    normal(X @ weights((3, 2)), observed=np.column_stack([Y, Z]))


def odds_twice():
    w = weights()
    pm.Bernoulli("y", p=pt.exp(X @ w) / (1 + pt.exp(X @ w)), observed=BINARY)


def guarded_as_bambi_does():
    p = pm.math.sigmoid(X @ weights())
    for end, instead in ((0, 1e-16), (1, 1 - 1e-16)):
        p = pt.switch(pt.eq(p, end), instead, p)
    pm.Bernoulli("y", p, observed=BINARY)


def guarded_elsewhere():
    p = pm.math.sigmoid(X @ weights())
    pm.Bernoulli("y", pt.switch(pt.eq(p, 0.5), 0.4, p), observed=BINARY)


def sixty_terms():
    normal(sum(pm.Normal(f"b{j}") * Z ** (j % 5) for j in range(60)))


def spectral_process():
    process = pm.gp.HSGP(m=[4], c=1.5, cov_func=pm.gp.cov.ExpQuad(1, ls=1.0))
    normal(process.prior("f", X=X[:, :1]))


def park_casella(s):
    normal(X @ pm.Laplace("w", 0, s * np.array([0.1, 0.2, 0.3])), s)


def root_of_variance(s):
    normal(X @ pm.Normal("w", 0, pt.sqrt(s**2 / 4.0), shape=3), s)


READ = {
    "Data": data_container,
    "dims": labelled,
    "stack": stacked_columns,
    "concatenate": joined,
    "varying slopes": varying_slopes,
    "centred": centred_levels,
    "switch on data": piecewise,
    "ones_like": of_its_shape,
    "reference level": lambda: normal(pt.concatenate([[0.0], weights()])[GROUP]),
    "set_subtensor": lambda: normal(X @ pt.set_subtensor(pt.zeros(3)[1:], weights(2))),
    "einsum": lambda: normal(pt.einsum("ij,j->i", X, weights())),
    "vecdot": lambda: normal(pt.vecdot(pt.as_tensor(X), weights())),
    "random walk": lambda: normal(pt.cumsum(weights(N_ROWS))),
    "two targets": two_targets,
    "sixty terms": sixty_terms,
    "HSGP": spectral_process,
    "non-centred, numbers": lambda: normal(X @ (1 + 0.5 * weights())),
    "initval": lambda: normal(X @ weights(initval=np.ones(3)), pm.HalfNormal("s", initval=2.0)),
    "initval from the prior": lambda: normal(X @ weights(initval="prior")),
    "float32 data": lambda: normal(pm.Data("X", X.astype("float32")) @ weights()),
    "counts as floats": lambda: normal(X @ weights(), observed=COUNTS),
    "large columns": lambda: normal((X * 1e8) @ weights() + 1e6),
    "MvNormal": lambda: normal(X @ pm.MvNormal("w", np.ones(3), 0.3 + 2 * np.eye(3))),
    "Truncated": lambda: normal(
        X @ pm.Truncated("w", pm.Normal.dist(0, 1), lower=-8, upper=8, shape=3)
    ),
    "no transform": lambda: normal(X @ pm.HalfNormal("w", 1, shape=3, default_transform=None)),
    "softplus for log": lambda: normal(
        X @ pm.HalfNormal("w", 1, shape=3, default_transform=transforms.log_exp_m1)
    ),
    "log odds for interval": lambda: normal(
        X @ pm.Uniform("w", 0, 1, shape=3, default_transform=transforms.logodds)
    ),
    "half-line interval": lambda: normal(
        X @ pm.HalfNormal("w", 1, shape=3, default_transform=transforms.Interval(0, None))
    ),
    "intercept > 0": lambda: normal(pm.HalfNormal("a") + X @ weights()),
    "two intercepts": lambda: normal(pm.Normal("a") + pm.Normal("a2") + X @ weights()),
    "odds twice": odds_twice,
    "rounding guarded": guarded_as_bambi_does,
    "reciprocal": lambda: pm.Bernoulli("y", pt.reciprocal(1 + pt.exp(-X @ weights())),
                                       observed=BINARY),
    "of failure": lambda: pm.Bernoulli("y", 1 - pm.math.sigmoid(X @ weights()), observed=BINARY),
    "Deterministic p": lambda: pm.Bernoulli(
        "y", pm.Deterministic("p", pm.math.invlogit(X @ weights())), observed=BINARY
    ),
    "logit_p": lambda: pm.Bernoulli("y", logit_p=pm.Normal("a", 0, 3) + X @ weights(),
                                    observed=BINARY),
    "root of a rate": lambda: pm.Poisson("y", pt.sqrt(pt.exp(X @ weights())), observed=COUNTS),
    "exposure": lambda: pm.Poisson("y", np.arange(1, N_ROWS + 1) * pt.exp(X @ weights()),
                                   observed=COUNTS),
    "NegativeBinomial(n, p)": lambda: pm.NegativeBinomial(
        "y", n=2.0, p=pm.math.sigmoid(X @ weights()), observed=COUNTS
    ),
    "Gamma(alpha, beta)": lambda: pm.Gamma("y", 2.0, 2.0 / pt.exp(X @ weights()),
                                           observed=POSITIVE),
    "quantile": lambda: pm.AsymmetricLaplace("y", mu=X @ weights(), b=1.0, q=0.2, observed=Y),
    "precision": lambda: pm.StudentT("y", nu=4.0, mu=X @ weights(), lam=4.0, observed=Y),
    "twice sigma": with_noise(lambda s: normal(X @ weights(), 2 * s)),
    "sigma by row": with_noise(lambda s: normal(X @ weights(), s / np.linspace(1, 2, N_ROWS))),
    "sigma of a precision": with_noise(
        lambda s: pm.Normal("y", X @ weights(), tau=1 / s**2, observed=Y)
    ),
    "sigma in a vector": lambda: normal(X @ weights(), pm.HalfNormal("s", 1, shape=1)),
    "sigma uniform": lambda: normal(X @ weights(), pm.Uniform("s", 0, 100)),
    "Park and Casella": with_noise(park_casella),
    "root of a variance": with_noise(root_of_variance),
    "Jeffreys": jeffreys(lambda s: -pt.log(s)),
    "Jeffreys of a variance": jeffreys(lambda s: -0.5 * pt.log(s**2)),
    "inverse gamma": jeffreys(lambda s: 4.0 - 5 * pt.log(s) - 3 / s**2),
}  # fmt: skip


def far_points(found):
    """(sigma, intercept, coefficients) from a tenth of the prior's scale to 300 of them."""
    rng = np.random.default_rng(5)
    model = found.model
    on_sigma = getattr(model.likelihood, "noise_prior", None)
    top = min(getattr(on_sigma, "upper", 300.0), 300.0)
    identity = isinstance(model.likelihood, br.Gaussian | br.StudentT | br.AsymmetricLaplace)
    at_one = model if on_sigma is None else model.at_sigma(1.0)
    penalty = at_one.coefficient_penalty(found.data)
    lower, upper = (getattr(penalty, end, np.full(found.data.p, sign * np.inf))
                    for end, sign in (("lower", -1), ("upper", 1)))  # fmt: skip
    width = 1.0 if identity else 1.0 / np.sqrt(np.sum(np.mean(found.data.X**2, axis=0)))
    for step in (1.0, 0.1, 5.0, 30.0, 300.0) if identity else (1.0, 0.1, 0.5, 2.0, 3.0):
        w = step * width * rng.normal(size=found.data.p)
        w = np.where(lower == 0, np.abs(w), w)
        inside = np.isfinite(lower) & np.isfinite(upper)
        w = np.where(inside, np.clip(w, lower + 1e-3, upper - 1e-3), w)
        sigma = top * 10.0 ** -rng.uniform(0.2, 4)
        yield sigma, abs(step * rng.normal()), w


def point_of(pm_model, found, sigma, a, w):
    """The values of PyMC's own, transformed, variables."""
    values, start = {}, 0
    for name, own in found.coefficients.items():
        values[name], start = w[start : start + len(own)], start + len(own)
    scalars = {rv.name for rv in pm_model.free_RVs} - set(values)
    values |= {name: np.asarray(a if name == found.intercept else sigma) for name in scalars}
    point = {}
    for rv in pm_model.free_RVs:
        value = pt.as_tensor(values[rv.name].reshape(rv.shape.eval(mode="FAST_COMPILE")))
        transform = pm_model.rvs_to_transforms[rv]
        moved = value if transform is None else transform.forward(value, *rv.owner.inputs)
        point[pm_model.rvs_to_values[rv].name] = moved.eval(mode="FAST_COMPILE")
    return point


def density_of(pm_model):
    """Compiled as PyMC does where a sum is too long for numpy, fast otherwise."""
    mode = None if len(pm_model.free_RVs) > 30 else "FAST_COMPILE"
    return pm_model.compile_logp(jacobian=False, mode=mode)


@pytest.mark.parametrize("name", READ)
def test_read_with_its_own_density(name):
    pm_model = built(READ[name])
    before = dict(pm_model.rvs_to_initial_values)
    found = br.from_pymc(pm_model)
    assert dict(pm_model.rvs_to_initial_values) == before
    density, gaps, sizes = density_of(pm_model), [], []
    for sigma, a, w in far_points(found):
        theirs = float(density(point_of(pm_model, found, sigma, a, w)))
        on_sigma = getattr(found.model.likelihood, "noise_prior", None)
        model = found.model if on_sigma is None else found.model.at_sigma(sigma)
        ours = model.log_density(found.data, w, a if found.intercept else 0.0)
        ours += 0.0 if on_sigma is None else float(on_sigma.log_density(sigma))
        gaps.append(theirs - ours)
        sizes.append(1.0 + abs(ours))
    off = np.abs(np.array(gaps) - gaps[0]) / (np.array(sizes) + sizes[0])
    assert np.max(off) < 1e-9


# ---- refused ------------------------------------------------------------------------------------


def bounded(build):
    return lambda: build(pm.Normal("w", 0, 1000, shape=3))


def hidden():
    return pm.Normal.dist(0, 1)


def custom(logp, *parameters):
    normal(X @ pm.CustomDist("w", *parameters, logp=logp, shape=3))


def nearly_laplace(v, a, b, c, d):
    return pt.switch(pt.abs(v) < 8, -pt.abs(v) * a, -pt.abs(v) * 100)


def potential_far_away():
    w = weights()
    pm.Potential("far", -100 * pt.maximum(pt.max(pt.abs(w)) - 10, 0))
    normal(X @ w)


def outliers():
    eta = X @ weights()
    parts = [pm.Normal.dist(eta, 1), pm.Normal.dist(eta, 10)]
    pm.Mixture("y", w=[0.9, 0.1], comp_dists=parts, observed=Y)


def interaction():
    one, two = pm.Normal("one"), pm.Normal("two")
    normal(one * Z + two * X[:, 0] + one * two * X[:, 1])


def spike_and_slab():
    normal(X @ (weights() * pm.Bernoulli("z", 0.5, shape=3)))


def horseshoe():
    t, local = pm.HalfCauchy("t", 1), pm.HalfCauchy("l", 1, shape=3)
    normal(X @ pm.Normal("w", 0, t * local))


def hierarchical():
    centre, spread = pm.Normal("mu"), pm.HalfNormal("tau")
    normal(pm.Normal("level", centre, spread, shape=4)[GROUP] + X @ weights())


def imputed_column():
    with pytest.warns(match="missing values"):
        column = pm.Normal("column", 0, 1, observed=np.where(np.arange(N_ROWS) == 3, np.nan, Z))
    normal(weights(1)[0] * column)


def missing_target():
    with pytest.warns(match="missing values"):
        normal(X @ weights(), observed=np.where(np.arange(N_ROWS) == 3, np.nan, Y))


def inside_another():
    with pm.Model(name="inner") as inner:
        normal(X @ weights())
    return inner


def truncated_relative(s):
    normal(X @ pm.Truncated("w", pm.Laplace.dist(0, s), lower=0, shape=3), s)


NARROW = "keeps it to other values"
REFUSED = {
    "clip": (bounded(lambda w: normal(pt.clip(X @ w, -50, 50))), "passes through clip.*without cl"),
    "clip of w": (bounded(lambda w: normal(X @ pt.clip(w, -10, 10))), "passes through clip"),
    "clip of eta": (lambda: pm.Bernoulli("y", logit_p=pt.clip(X @ weights(), -20, 20),
                                         observed=BINARY), "clip.*logit_p=eta"),
    "clip of p": (lambda: pm.Bernoulli("y", pt.clip(pm.math.sigmoid(X @ weights()), 1e-9, 1 - 1e-9),
                                       observed=BINARY), "clip.*logit_p=eta"),
    "switch": (bounded(lambda w: normal(pm.math.switch(w[0] > 100, X @ w + 5, X @ w))),
               "passes through switch"),
    "jump": (lambda: (lambda w: normal(X @ w + (w[0] > 1e3)))(weights()), "not linear in w"),
    "minimum": (lambda: pm.Poisson("y", pt.exp(pt.minimum(X @ weights(), 15)), observed=COUNTS),
                "passes through minimum"),
    "relu": (lambda: normal(pt.maximum(X @ weights(), -1e3)), "passes through maximum"),
    "rate + 1e-12": (lambda: pm.Poisson("y", pt.exp(X @ weights()) + 1e-12, observed=COUNTS),
                     "canonical link"),
    "lapse": (lambda: pm.Bernoulli("y", 1e-9 + (1 - 2e-9) * pm.math.sigmoid(X @ weights()),
                                   observed=BINARY), "canonical link"),
    "guard at 0.5": (guarded_elsewhere, "passes through switch"),
    "round": (lambda: normal(X @ pt.round(weights())), "not linear in w"),
    "softplus": (lambda: pm.Poisson("y", pt.softplus(X @ weights()), observed=COUNTS), "softplus"),
    "sum of rates": (lambda: pm.Poisson("y", pt.exp(X @ weights()) + pt.exp(pm.Normal("a") * Z),
                                        observed=COUNTS), "not linear in w, a"),
    "exp of slopes": (lambda: normal(X @ pt.exp(weights())), "passes through exp"),
    "single precision": (lambda: normal(X @ weights().astype("float32")), "single precision"),
    "interaction": (interaction, r"a product.*given=\{'one': 1\.0\}"),
    "spike and slab": (spike_and_slab, "a product"),
    "max(s, .3)": (with_noise(lambda s: normal(X @ weights(), pt.maximum(s, 0.3))),
                   "function of s"),
    "min(s, 100)": (with_noise(lambda s: normal(X @ weights(), pt.minimum(s, 100))),
                    "function of s"),
    "s + 1e-10": (with_noise(lambda s: normal(X @ weights(), s + 1e-10)), "function of s"),
    "exp(s)": (lambda: normal(X @ weights(), pt.exp(pm.Normal("ls"))), "function of ls"),
    "sigma by group": (lambda: normal(X @ weights(), pm.HalfNormal("s", shape=4)[GROUP]),
                       "function of s"),
    "sigma of X": (lambda: normal(X @ weights(), pt.exp(X @ pm.Normal("v", shape=3))),
                   "function of v"),
    "min(s, 5) w": (with_noise(lambda s: normal(X @ pm.Normal("w", 0, pt.minimum(s, 5.0), shape=3),
                                                s)), "not by a scale proportional"),
    "loc s": (with_noise(lambda s: normal(X @ pm.Laplace("w", s, s, shape=3), s)),
              "not by a scale proportional"),
    "bounds and s": (with_noise(truncated_relative), "not by a scale proportional"),
    "ordered": (lambda: normal(X @ weights(transform=transforms.ordered, initval=[0, 1, 2.0])),
                f"transform of w, Ordered, {NARROW}"),
    "log": (lambda: normal(X @ weights(transform=transforms.log, initval=np.ones(3))), NARROW),
    "interval": (lambda: normal(X @ weights(transform=transforms.Interval(-0.1, 0.1),
                                            initval=np.zeros(3))), f"{NARROW}.*pm.Truncated"),
    "interval of half": (lambda: normal(X @ pm.HalfNormal(
        "w", shape=3, default_transform=transforms.Interval(0, 2))), NARROW),
    "interval of sigma": (lambda: normal(X @ weights(), pm.HalfNormal(
        "s", default_transform=transforms.Interval(0.1, 5))),
        f"transform of s, Interval, {NARROW}"),
    "ordered half": (lambda: normal(X @ pm.HalfNormal(
        "w", shape=3, transform=transforms.ordered, initval=[1, 2.0, 3])), NARROW),
    "sum to zero": (lambda: normal(X @ weights(transform=transforms.ZeroSumTransform([0]))),
                    NARROW),
    "Jeffreys, bounded": (jeffreys(lambda s: -pt.log(s) - pt.maximum(s - 100, 0)), "Potential"),
    "Jeffreys, tilted": (jeffreys(lambda s: -pt.log(s) - 1e-11 * s), "Potential"),
    "Potential": (potential_far_away, "Potential, far"),
    "CustomDist": (lambda: custom(nearly_laplace, 1.0, 0.0, 0.0, 0.0), "CustomDist.*pm.Laplace"),
    "CustomDist of y": (lambda: pm.CustomDist(
        "y", X @ weights(), 1.0, logp=lambda v, m, s: pm.logp(pm.Normal.dist(m, s), v),
        observed=Y), "CustomDist.*named distribution"),
    "hidden in eta": (lambda: normal(X @ weights() + hidden()), "y depends on random numbers"),
    "hidden in a prior": (lambda: normal(X @ pm.Normal("w", 0, pt.exp(hidden()), shape=3)),
                          "w depends on random numbers"),
    "GaussianRandomWalk": (lambda: normal(pm.GaussianRandomWalk(
        "w", sigma=1, init_dist=pm.Normal.dist(), steps=N_ROWS - 1)), "cumulative sum"),
    "Censored prior": (lambda: normal(X @ pm.Censored("w", pm.Normal.dist(), -8, 8, shape=3)),
                       "Censored is no prior"),
    "Mixture prior": (lambda: normal(X @ pm.NormalMixture("w", [0.5, 0.5], [0, 0], [1, 1],
                                                          shape=3)), "Mixture is no prior"),
    "ZeroSumNormal": (lambda: normal(pm.ZeroSumNormal("w", shape=4)[GROUP]), "is no prior"),
    "Truncated y": (lambda: pm.TruncatedNormal("y", X @ weights(), 1.0, lower=-100, observed=Y),
                    "without bounds"),
    "Censored y": (lambda: pm.Censored("y", pm.Normal.dist(X @ weights(), 1.0), None, 50,
                                       observed=Y), "without the censored rows"),
    "Mixture": (outliers, "Mixture is no likelihood.*one of its components"),
    "horseshoe": (horseshoe, "t is a hyperprior"),
    "hierarchy": (hierarchical, r"mu is a hyperprior.*given=\{'mu'"),
    "missing target": (missing_target, "is missing, and PyMC imputes it"),
    "missing X": (imputed_column, "has 2 "),
    "total_size": (lambda: normal(X @ weights(), total_size=10 * N_ROWS), "minibatch"),
    "alpha unknown": (lambda: pm.NegativeBinomial(
        "y", mu=pt.exp(X @ weights()), alpha=pm.Exponential("alpha", 1), observed=COUNTS),
        r"given=\{'alpha': 1\.0\}"),
    "Gamma(mu, sigma)": (lambda: pm.Gamma("y", mu=pt.exp(X @ weights()), sigma=1.0,
                                          observed=POSITIVE), "alpha=shape"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_cause_and_remedy(name):
    build, reason = REFUSED[name]
    with pytest.raises(NoEquivalentError, match=f"(?s){reason}") as caught:
        br.from_pymc(built(build))
    assert "Nearest" in str(caught.value)


def test_a_model_inside_another_is_named():
    with pm.Model():
        inner = inside_another()
    with pytest.raises(NoEquivalentError, match=r"'inner' stands inside another.*Nearest: the out"):
        br.from_pymc(inner)


def test_a_stated_alpha_makes_it_readable():
    build, _ = REFUSED["alpha unknown"]
    found = br.from_pymc(built(build), given={"alpha": 2.0})
    assert found.model == br.Model(br.NegativeBinomial(2.0), br.Normal(1.0), None)


def test_an_elastic_net_of_our_own_comes_back_with_sigma_stated():
    model = br.Model(br.Gaussian(br.HalfNormal(1.0)), br.ElasticNet(0.5, 2.0))
    found = br.from_pymc(br.to_pymc(model, br.Data(X, Y)), given={"sigma": 1.5})
    assert found.model == br.Model(br.Gaussian(1.5), br.ElasticNet(0.5, 2.0))


def test_a_prior_on_the_intercept_stays_absolute_beside_relative_ones():
    prior = br.Laplace(0.3, relative_to_noise=True)
    model = br.Model(br.Gaussian(br.HalfNormal(1.0)), prior, br.Normal(2.0))
    assert br.from_pymc(br.to_pymc(model, br.Data(X, Y))).model == model


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"s": "a"}, r"given\['s'\] must be a number.*got 'a'"),
        ({"s": [1.0, 2.0]}, r"array of shape \(\); got \[1\.0, 2\.0\]"),
        ({"s": np.nan}, r"given\['s'\] must be finite"),
        ([1, 2, 3], r"given=\{'tau': 0\.5\}; got list"),
    ],
)
def test_a_given_that_is_no_number_is_named(given, reason):
    with pytest.raises(br.errors.BayesregError, match=reason):
        br.from_pymc(built(with_noise(lambda s: normal(X @ weights(), s))), given=given)
