"""Unknown sigma beside what came later: other priors, other parameters to be found, one warning."""

import json
import warnings

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal, norm
from test_noise_pymc import compare

import bayesreg as br
from bayesreg.cli import main
from bayesreg.errors import LocalModesWarning, ModelError, NoModeError

COVARIANCE = [[0.5, 0.2, 0.0], [0.2, 0.4, -0.1], [0.0, -0.1, 0.3]]
HEAVY = [br.StudentT(nu=4, scale=0.5), br.Cauchy(0.5)]


def make_data(n=30, p=4, **options):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, p))
    y = 0.7 + X @ np.resize([1.2, -0.6, 0.0], p) + rng.normal(size=n)
    weights = rng.uniform(0.3, 2.0, n)
    weights[3] = 0.0
    return br.Data(X, y, weights=weights, offset=rng.normal(size=n), **options)


def quiet_map(model, data, target="joint"):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LocalModesWarning)
        return br.find_map(model, data, target=target)


# ---- MultivariateNormal ------------------------------------------------------------------------


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("relative", [False, True])
def test_full_covariance_joint_mode_is_what_a_general_optimiser_finds(relative, standardize):
    prior = {
        "x[0-2]": br.MultivariateNormal(COVARIANCE, 0.1, relative_to_noise=relative),
        "x3": br.Normal(0.5, relative_to_noise=relative),
    }
    model = br.Model(br.Gaussian(br.HalfNormal(1.5)), prior, standardize=standardize)
    data = make_data()
    fit = quiet_map(model, data)
    assert fit.certificate.holds
    assert fit.certificate.local == (not relative)

    def objective(z):
        return -model.log_density(data, z[:4], z[4], sigma=float(np.exp(z[5])))

    at = np.array([*fit.coef, fit.intercept, np.log(fit.scalars["sigma"])])
    assert fit.log_density == pytest.approx(-objective(at), rel=1e-13)
    for start in (np.zeros(6), at + 0.5):
        peer = minimize(objective, start, method="BFGS", options={"gtol": 1e-7})
        np.testing.assert_allclose(peer.x, at, atol=1e-5)


def test_full_covariance_marginal_density_is_an_integral_over_sigma():
    """The intercept leaves the n - 1 contrasts: int N(r; a, s^2) da = N(Q'r; 0, s^2) / sqrt(n)."""
    data = br.Data(make_data().X[:9, :3], make_data().y[:9])
    prior = br.MultivariateNormal(COVARIANCE, relative_to_noise=True)
    model = br.Model(br.Gaussian(br.HalfNormal(1.5)), prior)
    fit = quiet_map(model, data, "marginal")
    contrasts = np.linalg.qr(np.column_stack([np.ones(9), np.eye(9)[:, :8]]))[0][:, 1:]
    sigma = np.linspace(0.02, 12.0, 6001)
    on_sigma = model.likelihood.sigma.log_density(sigma)

    def log_density(coef):
        residual = contrasts.T @ (data.y - np.asarray(data.X) @ coef)
        terms = norm(0, sigma[:, None]).logpdf(residual).sum(axis=1) + on_sigma
        in_units_of_sigma = coef / sigma[:, None]
        terms += multivariate_normal(cov=COVARIANCE).logpdf(in_units_of_sigma) - 3 * np.log(sigma)
        return np.logaddexp.reduce(terms) + np.log(sigma[1] - sigma[0]) - 0.5 * np.log(9)

    assert fit.log_density == pytest.approx(log_density(fit.coef), abs=1e-8)
    for step in 0.05 * np.eye(3):
        assert log_density(fit.coef + step) < fit.log_density
        assert log_density(fit.coef - step) < fit.log_density


@pytest.mark.parametrize(
    "prior",
    [
        br.MultivariateNormal(np.diag([0.5, 0.4, 0.3, 0.2]) + 0.1, 0.2, relative_to_noise=True),
        {
            "x[0-2]": br.MultivariateNormal(COVARIANCE, 0.1, relative_to_noise=True),
            "x3": br.Laplace(0.3),
        },
        {
            "x[0-2]": br.MultivariateNormal(COVARIANCE, 0.1),
            "x3": br.Laplace(0.3, relative_to_noise=True),
        },
        br.GroupLaplace(0.4, relative_to_noise=True),
        {"x[0-2]": br.GroupLaplace(0.4, relative_to_noise=True), "x3": br.Normal(0.5)},
        br.StudentT(nu=4, scale=0.5, relative_to_noise=True),
        br.Cauchy(0.5, relative_to_noise=True),
        {"x[0-2]": br.Cauchy(0.5, relative_to_noise=True), "x3": br.Laplace(0.3)},
        {"x[0-2]": br.Cauchy(0.5), "x3": br.Laplace(0.3, relative_to_noise=True)},
    ],
    ids=repr,
)
def test_pymc_has_the_same_density_for_every_prior_relative_to_the_noise(prior):
    compare(br.Model(br.Gaussian(br.HalfNormal(1.0)), prior), make_data(n=12))


# ---- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["joint", "marginal"])
def test_priors_without_a_search_over_sigma_say_so(target):
    data, likelihood = make_data(), br.Gaussian(br.HalfNormal(1.0))
    for prior in HEAVY:
        for stated in (prior, {"x0": prior, "x[123]": br.Laplace(0.3)}):
            with pytest.raises(ModelError, match=r"not log-concave.*State sigma.*at_sigma"):
                br.find_map(br.Model(likelihood, stated), data, target=target)
        with pytest.raises(ModelError, match="not log-concave"):
            br.find_map(br.Model(likelihood, br.Flat(), prior), data, target=target)
    with pytest.raises(ModelError, match=r"GroupLaplace beside an unknown sigma.*State sigma"):
        br.find_map(br.Model(likelihood, br.GroupLaplace(0.3)), data, target=target)
    with pytest.raises(NoModeError, match="no mode: "):
        br.find_map(br.Model(likelihood, br.Horseshoe(0.3)), data, target=target)


@pytest.mark.parametrize("target", ["joint", "marginal"])
def test_no_finder_ignores_a_target_it_cannot_serve(target):
    rng = np.random.default_rng(1)
    X, classes = rng.normal(size=(20, 2)), np.arange(20) % 3
    for likelihood, y in (
        (br.Gaussian(1.0), X[:, 0]),
        (br.StudentT(nu=4, sigma=1.0), X[:, 0]),
        (br.Multinomial(), classes),
    ):
        with pytest.raises(ModelError, match="every parameter beside the coefficients is a number"):
            br.find_map(br.Model(likelihood, br.Normal(1.0)), br.Data(X, y), target=target)


# ---- a dispersion's estimate says as much as that of a sigma -------------------------------------


def bimodal():
    x = np.repeat([-1.0, 1.0], 10)
    return br.Data(x[:, None], np.random.default_rng(0).poisson(np.exp(2.0 + 1.5 * x)))


def test_dispersion_estimate_shows_target_scalars_and_modes():
    model = br.Model(br.NegativeBinomial(br.HalfNormal(20.0)), br.Laplace(0.0562))
    told = r"joint density has several local modes: 2 were found \(log density .* at alpha .*state"
    with pytest.warns(LocalModesWarning, match=told):
        fit = br.find_map(model, bimodal(), target="joint")
    assert fit.target == "joint"
    assert fit.conditional.holds
    assert not fit.conditional.local
    assert "MAP (joint mode) of" in str(fit)
    assert "the best of 2 local modes" in str(fit)
    as_dict = json.loads(json.dumps(fit.to_dict()))
    assert as_dict["scalars"] == dict(fit.scalars)
    assert [mode["scalars"]["alpha"] for mode in as_dict["modes"]] == [
        mode.scalars["alpha"] for mode in fit.modes
    ]


@pytest.mark.parametrize("on_alpha", [br.HalfCauchy(2.0), br.InverseGamma(1.0, 1.0)], ids=repr)
def test_densities_of_a_scale_serve_a_dispersion_too(on_alpha):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(80, 2))
    data = br.Data(X, rng.negative_binomial(2.0, 2.0 / (2.0 + np.exp(1 + X[:, 0]))))
    model = br.Model(br.NegativeBinomial(on_alpha), br.Normal(1.0))
    assert br.from_text(repr(model)) == model
    fit = br.find_map(model, data, target="joint")
    assert fit.certificate.holds
    alpha = fit.scalars["alpha"]
    for other in (0.99 * alpha, 1.01 * alpha):
        near = br.find_map(br.Model(br.NegativeBinomial(other), br.Normal(1.0)), data)
        assert near.log_density + float(on_alpha.log_density(other)) < fit.log_density


@pytest.mark.parametrize(
    ("likelihood", "name"),
    [("StudentT(nu=4, sigma=HalfNormal(scale=1))", "sigma"),
     ("AsymmetricLaplace(q=0.5, s=HalfCauchy(scale=1))", "s")],
)  # fmt: skip
def test_command_line_finds_the_scale_of_noise(tmp_path, capsys, likelihood, name):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(60, 2))
    path = tmp_path / "rows.csv"
    rows = np.column_stack([X, 1 + X[:, 0] + rng.standard_t(3, 60)])
    np.savetxt(path, rows, delimiter=",", header="a,b,y", comments="")
    words = ["fit", str(path), "--target", "y", "--prior", "Normal(scale=1)", "--likelihood"]
    assert main([*words, likelihood, "--mode", "joint", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert 0.3 < result["scalars"][name] < 3.0
    assert main([*words, likelihood]) != 0
    assert f"--mode is missing: with {name} unknown" in capsys.readouterr().err
    sampled = ["sample", *words[1:], likelihood, "--draws", "200", "--seed", "1"]
    assert main([*sampled, "--output", str(tmp_path / "post.nc")]) == 0
    assert f"{name} " in capsys.readouterr().out


def test_command_line_finds_a_dispersion(tmp_path, capsys):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(60, 2))
    rows = np.column_stack([X, rng.negative_binomial(2.0, 2.0 / (2.0 + np.exp(1 + X[:, 0])))])
    path = tmp_path / "counts.csv"
    np.savetxt(path, rows, delimiter=",", header="a,b,y", comments="")
    words = ["fit", str(path), "--target", "y", "--prior", "Normal(scale=1)", "--likelihood"]
    likelihood = "NegativeBinomial(alpha=HalfNormal(scale=5))"
    assert main([*words, likelihood, "--mode", "joint"]) == 0
    said = capsys.readouterr().out
    assert "NegativeBinomial(mean = exp(" in said
    assert "alpha  " in said.split("intercept")[-1]
    assert main([*words, likelihood, "--mode", "joint", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["target"] == "joint"
    assert result["scalars"]["alpha"] > 0
    assert main([*words, likelihood]) != 0
    assert "--mode is missing: with alpha unknown" in capsys.readouterr().err
    assert main([*words, likelihood, "--mode", "marginal"]) != 0
    assert 'target="joint"' in capsys.readouterr().err.replace("'", '"')
    assert main([*words, "Poisson()", "--mode", "joint"]) != 0
    assert "is a number" in capsys.readouterr().err
