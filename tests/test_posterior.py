"""sample: the result's schema, its attributes, its warnings and its refusals."""

import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
import xarray as xr
from helpers import make_data, make_design

from bayesreg import (
    Bernoulli,
    Data,
    ElasticNet,
    Flat,
    Gaussian,
    Laplace,
    Model,
    Normal,
    Poisson,
    find_map,
    sample,
)
from bayesreg.errors import (
    ConvergenceWarning,
    DataTypeError,
    ModelError,
    ModelTypeError,
)
from bayesreg.posterior.choice import SAMPLERS, choose_sampler
from bayesreg.posterior.diagnostics import Diagnostics, diagnose, warn_if_short
from bayesreg.posterior.target import pose

LASSO = Model(Gaussian(1.5), Laplace(0.3))
RIDGE = Model(Gaussian(1.5), Normal(0.3))


@pytest.fixture(scope="module")
def data():
    return make_data(Gaussian(1.5), weights=True, offset=True)


@pytest.fixture(scope="module")
def post(data):
    return sample(LASSO, data, seed=1)


# --- schema -------------------------------------------------------------------------------------


def test_groups_and_dimensions(post, data):
    assert set(post.children) == {
        "posterior", "sample_stats", "log_likelihood", "log_prior", "observed_data",
        "constant_data", "map_estimate", "diagnostics",
    }  # fmt: skip
    assert post["posterior"]["coef"].dims == ("chain", "draw", "feature")
    assert post["posterior"]["coef"].shape == (4, 1000, 7)
    assert post["posterior"]["intercept"].dims == ("chain", "draw")
    assert post["posterior"]["feature"].values.tolist() == list(data.names)
    used = np.flatnonzero(data.weights)
    assert post["log_likelihood"]["y"].dims == ("chain", "draw", "obs")
    for group in ("log_likelihood", "observed_data", "constant_data"):
        np.testing.assert_array_equal(post[group]["obs"], used)
    np.testing.assert_array_equal(post["observed_data"]["y"], data.y[used])
    np.testing.assert_array_equal(post["constant_data"]["X"], data.X[used])
    np.testing.assert_array_equal(post["constant_data"]["weights"], data.weights[used])
    np.testing.assert_array_equal(post["constant_data"]["offset"], data.offset[used])


def test_densities_are_the_model_s(post, data):
    rng = np.random.default_rng(0)
    used = np.flatnonzero(data.weights)
    for chain, draw in rng.integers([4, 1000], size=(20, 2)):
        at = {"chain": chain, "draw": draw}
        coef = post["posterior"]["coef"].isel(at).values
        intercept = float(post["posterior"]["intercept"].isel(at))
        expected = LASSO.log_likelihood(data, coef, intercept)
        np.testing.assert_allclose(post["log_likelihood"]["y"].isel(at), expected[used], rtol=1e-11)
        log_density = LASSO.log_density(data, coef, intercept)
        assert float(post["sample_stats"]["lp"].isel(at)) == pytest.approx(log_density, rel=1e-12)
        parts = post["log_prior"].isel(at)
        prior = float(parts["coef"].sum() + parts["intercept"])
        assert prior == pytest.approx(LASSO.log_prior(data, coef, intercept), rel=1e-12)


def test_canonical_lambda_is_sigma_squared_over_b(post):
    constants = post["constant_data"]
    assert float(constants["sigma"]) == 1.5
    np.testing.assert_allclose(constants["l1"], 1 / 0.3)
    np.testing.assert_allclose(constants["lambda1"], 1.5**2 / 0.3)
    np.testing.assert_array_equal(constants["lambda2"], 0.0)


def test_the_mode_is_inside(post, data):
    fit = find_map(LASSO, data)
    np.testing.assert_array_equal(post["map_estimate"]["coef"], fit.coef)
    assert float(post["map_estimate"]["intercept"]) == fit.intercept
    for name in ("gap", "relative_gap", "kkt_residual"):
        assert float(post["map_estimate"][name]) == getattr(fit.certificate, name)


def test_attributes_say_what_was_done(post):
    import pymc

    assert post.attrs["model"] == repr(LASSO)
    assert (post.attrs["seed"], post.attrs["sampler"]) == (1, "gibbs")
    assert "mixing" in post.attrs["sampler_reason"]
    assert post.attrs["pymc_version"] == pymc.__version__
    assert post.attrs["numpy_version"] == np.__version__
    assert all(isinstance(value, str | int | float) for value in post.attrs.values())


def test_without_an_intercept(data):
    tree = sample(Model(Gaussian(1.5), Normal(0.3), intercept=None), data, seed=1)
    assert set(tree["posterior"].data_vars) == {"coef"}
    assert set(tree["log_prior"].data_vars) == {"coef"}
    assert "intercept" not in tree["map_estimate"]


def test_the_result_is_its_own(data):
    """Changing the caller's arrays afterwards changes nothing here."""
    X, y = np.array(data.X), np.array(data.y)
    tree = sample(Model(Gaussian(1.5), Normal(0.3)), Data(X, y), seed=1)
    X[:], y[:] = 0.0, 0.0
    np.testing.assert_array_equal(tree["constant_data"]["X"], data.X)
    np.testing.assert_array_equal(tree["observed_data"]["y"], data.y)


def test_saved_and_read_back(post, tmp_path):
    """The whole tree through netCDF: the same numbers, names and attributes."""
    path = tmp_path / "post.nc"
    post.to_netcdf(path)
    with xr.open_datatree(path) as found:
        assert set(found.children) == set(post.children)
        assert found.attrs["model"] == post.attrs["model"]
        assert found.attrs["seed"] == post.attrs["seed"]
        for name, group in post.children.items():
            for variable, values in group.data_vars.items():
                np.testing.assert_array_equal(found[name][variable].values, values.values)
        np.testing.assert_array_equal(
            found["posterior"]["feature"].values, post["posterior"]["feature"].values
        )


def test_large_log_likelihoods_are_left_out_and_say_so(data, monkeypatch):
    from bayesreg.posterior import densities
    from bayesreg.posterior import tree as schema

    monkeypatch.setattr(schema, "MANY_NUMBERS", 1000)
    small = sample(LASSO, data, seed=1)
    assert "log_likelihood" not in small.children
    assert "log_likelihood=True" in small.attrs["log_likelihood"]
    whole = sample(LASSO, data, seed=1, log_likelihood=True)
    np.testing.assert_array_equal(whole["sample_stats"]["lp"], small["sample_stats"]["lp"])
    assert whole["log_likelihood"]["y"].size == 4000 * data.n
    monkeypatch.setattr(densities, "_NUMBERS_AT_A_TIME", 777)
    pieces = sample(LASSO, data, seed=1, log_likelihood=True)
    np.testing.assert_allclose(
        pieces["log_likelihood"]["y"], whole["log_likelihood"]["y"], rtol=1e-12
    )


# --- ArviZ reads it -----------------------------------------------------------------------------


def test_arviz_stats_reads_it(post):
    import arviz_stats

    summary = arviz_stats.summary(post, var_names=["coef", "intercept"])
    assert list(summary.index) == [f"coef[x{j}]" for j in range(7)] + ["intercept"]
    assert np.isfinite(arviz_stats.loo(post).elpd)
    assert float(arviz_stats.rhat(post)["coef"].max()) == pytest.approx(
        post.attrs["rhat_max"], rel=0.01
    )
    tail = arviz_stats.ess(post, method="tail", prob=(0.05, 0.95))
    worst = min(float(tail["coef"].min()), float(tail["intercept"]))
    assert worst == pytest.approx(post.attrs["ess_tail_min"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert len(arviz_stats.psense_summary(post)) == 8


def test_the_diagnostics_are_kept_for_every_parameter(post):
    """What ArviZ computes from the draws, along one more dimension."""
    import arviz_stats

    kept = post["diagnostics"]
    assert kept["diagnostic"].values.tolist() == ["rhat", "ess_bulk", "ess_tail", "mcse_mean"]
    assert kept["coef"].dims == ("diagnostic", "feature")
    assert kept.attrs["divergences"] == 0
    expected = {
        "rhat": arviz_stats.rhat(post),
        "ess_bulk": arviz_stats.ess(post, method="bulk"),
        "ess_tail": arviz_stats.ess(post, method="tail", prob=(0.05, 0.95)),
        "mcse_mean": arviz_stats.mcse(post, method="mean"),
    }
    for figure, found in expected.items():
        for name in ("coef", "intercept"):
            np.testing.assert_allclose(
                kept[name].sel(diagnostic=figure), found[name], rtol=1e-9, err_msg=figure
            )


def test_arviz_plots_draws_it(post):
    import arviz_plots
    import matplotlib.pyplot as plt

    for plot in (arviz_plots.plot_forest, arviz_plots.plot_trace, arviz_plots.plot_dist):
        plot(post, var_names=["coef"], backend="matplotlib")
        plt.close("all")


# --- seeds --------------------------------------------------------------------------------------

EACH = [
    pytest.param(Model(Gaussian(1.5), Normal(0.3)), id="exact"),
    pytest.param(LASSO, id="gibbs"),
]


@pytest.mark.parametrize("model", EACH)
def test_same_seed_same_bits_whatever_the_chains(model, data):
    one, two, few = (sample(model, data, seed=7, chains=c)["posterior"] for c in (4, 4, 2))
    for name in ("coef", "intercept"):
        np.testing.assert_array_equal(one[name], two[name])
        np.testing.assert_array_equal(one[name].values[:2], few[name].values)
    other = sample(model, data, seed=8)["posterior"]
    assert not np.any(other["coef"].values == one["coef"].values)
    assert not np.any(one["coef"].values[0] == one["coef"].values[1])


# One fresh seed in a hundred falls short of R-hat 1.01 by chance.
@pytest.mark.filterwarnings("ignore::bayesreg.errors.ConvergenceWarning")
def test_a_fresh_seed_is_recorded_and_repeats_the_run(data):
    first, second = (sample(LASSO, data) for _ in range(2))
    assert first.attrs["seed"] != second.attrs["seed"]
    again = sample(LASSO, data, seed=first.attrs["seed"])
    np.testing.assert_array_equal(again["posterior"]["coef"], first["posterior"]["coef"])


def test_a_huge_seed_is_kept_as_text(data):
    assert sample(LASSO, data, seed=2**100).attrs["seed"] == str(2**100)


# --- choosing -----------------------------------------------------------------------------------

CHAINS = ["gibbs", "coordinate", "nuts", "pymc"]


@pytest.mark.parametrize(
    ("likelihood", "prior", "intercept", "expected"),
    [
        (Gaussian(1.0), Normal(1.0), Flat(), ["exact", *CHAINS]),
        (Gaussian(1.0), Flat(), Flat(), ["exact", *CHAINS]),
        (Gaussian(1.0), Normal(1.0), Laplace(1.0), CHAINS),
        (Gaussian(1.0), ElasticNet(1.0, 1.0), None, CHAINS),
        (Gaussian(1.0), {"x0": Laplace(1.0), "x[1-6]": Flat()}, Flat(), CHAINS),
        (Bernoulli(), Normal(1.0), Flat(), ["nuts", "polya-gamma", "pymc"]),
        (Poisson(), Laplace(1.0), Flat(), ["nuts", "pymc"]),
    ],
)
def test_auto_takes_the_first_that_applies(likelihood, prior, intercept, expected):
    posterior = pose(Model(likelihood, prior, intercept), make_data(likelihood))
    assert [row.name for row in SAMPLERS.values() if row.unsuited(posterior) is None] == expected
    assert choose_sampler(posterior, "auto").name == expected[0]
    for name in expected:
        assert choose_sampler(posterior, name).name == name


def test_pinned_kinks_do_not_count():
    """With every Laplace coefficient pinned, what is left is normal."""
    data = Data(np.full((9, 1), 2.0), np.arange(9.0))
    posterior = pose(Model(Gaussian(1.0), Laplace(1.0), standardize=True), data)
    assert choose_sampler(posterior, "auto").name == "exact"


def test_a_sampler_that_does_not_apply_is_refused(data):
    with pytest.raises(ModelError, match=r"kink.*'gibbs', 'coordinate'.*takes 'gibbs'"):
        sample(LASSO, data, sampler="exact")
    with pytest.raises(ModelError, match="Did you mean 'gibbs'"):
        sample(LASSO, data, sampler="gibs")
    counts = make_data(Poisson())
    with pytest.raises(ModelError, match="needs a Gaussian likelihood"):
        sample(Model(Poisson(), Laplace(1.0)), counts, sampler="gibbs")


# --- arguments ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argument", "value", "error"),
    [
        ("draws", 0, ModelError),
        ("draws", 10.0, ModelTypeError),
        ("draws", True, ModelTypeError),
        ("chains", -1, ModelError),
        ("chains", "4", ModelTypeError),
        ("tune", -1, ModelError),
        ("draws", 10**30, ModelError),
        ("chains", 10**30, ModelError),
        ("tune", 10**400, ModelError),
        ("seed", -(10**400), ModelError),
        ("seed", -1, ModelError),
        ("seed", 1.5, ModelTypeError),
        ("seed", True, ModelTypeError),
        ("progress", "no", ModelTypeError),
        ("log_likelihood", 1, ModelTypeError),
        ("sampler", None, ModelTypeError),
    ],
)
def test_bad_arguments_are_named(data, argument, value, error):
    with pytest.raises(error, match=argument):
        sample(LASSO, data, **{argument: value})


def test_more_draws_than_memory_holds_are_refused(data):
    with pytest.raises(ModelError, match=r"draws=100000000 x chains=10 .* at most 12500000, or"):
        sample(LASSO, data, draws=10**8, chains=10)
    numpys = {"draws": np.int64(1500), "chains": np.int32(2), "tune": np.uint8(200)}
    assert sample(LASSO, data, **numpys, seed=1)["posterior"]["coef"].shape == (2, 1500, data.p)


def test_model_and_data_are_checked(data):
    with pytest.raises(ModelTypeError, match="model"):
        sample("lasso", data)
    with pytest.raises(DataTypeError, match="data"):
        sample(LASSO, np.ones((3, 2)))


# --- diagnostics --------------------------------------------------------------------------------


def test_good_draws_pass_silently():
    good = np.random.default_rng(0).normal(size=(4, 1000, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_short(diagnose(good, ("coef[a]", "intercept")))


def test_a_chain_that_is_elsewhere_is_named():
    draws = np.random.default_rng(0).normal(size=(4, 1000, 3))
    draws[2, :, 1] += 1.0
    with pytest.warns(ConvergenceWarning, match=r"coef\[bmi\] \(R-hat 1\.[0-9]+") as caught:
        warn_if_short(diagnose(draws, ("coef[age]", "coef[bmi]", "intercept")))
    assert "coef[age]" not in str(caught[0].message)


@pytest.mark.parametrize(
    ("figures", "short"),
    [
        ((1.009, 401, 401), False),
        ((1.011, 4000, 4000), True),
        ((1.0, 399, 4000), True),
        ((1.0, 4000, 399), True),
        ((np.nan, 4000, 4000), True),
        ((1.0, np.nan, 4000), True),
    ],
)
def test_each_threshold_counts(figures, short):
    rhat, bulk, tail = (np.array([value]) for value in figures)
    mcse = np.array([0.1])
    diagnostics = Diagnostics(("intercept",), rhat, bulk, tail, mcse, 0, chains=4, draws=1000)
    assert diagnostics.short.tolist() == [short]
    many = Diagnostics(("intercept",), rhat, bulk, tail, mcse, 0, chains=40, draws=100)
    assert many.wanted_ess == 4000


def test_a_stuck_chain_and_slow_mixing_are_seen():
    rng = np.random.default_rng(0)
    constant = np.ones((4, 1000, 1))
    assert diagnose(constant, ("intercept",)).short.all()
    slow = np.cumsum(rng.normal(size=(4, 1000, 1)), axis=1) * 0.01
    assert diagnose(slow, ("intercept",)).short.all()
    heavy = rng.normal(size=(4, 1000, 1))
    heavy[:, 300:330] = 30.0
    assert diagnose(heavy, ("intercept",)).short.all()


def test_divergences_warn():
    good = np.random.default_rng(0).normal(size=(4, 1000, 1))
    with pytest.warns(ConvergenceWarning, match="3 of 4000 transitions diverged"):
        warn_if_short(diagnose(good, ("intercept",), divergences=3))


def test_a_warning_points_at_the_line_that_asked(data, tmp_path):
    with pytest.warns(ConvergenceWarning) as caught:
        sample(LASSO, data, draws=50, seed=1)
    assert [warning.filename for warning in caught] == [__file__]
    with pytest.warns(ConvergenceWarning) as caught:
        sample(LASSO, data, draws=50, seed=1, store=tmp_path / "run.zarr")
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize(("rhat", "ess", "said"), [(1.0118, 2855.0, True), (1.0118, 300.0, False),
                                                   (1.2, 2855.0, False)])  # fmt: skip
def test_an_r_hat_barely_above_is_said_to_happen_by_chance(rhat, ess, said):
    figures = [np.array([value]) for value in (rhat, ess, ess, 0.01)]
    with pytest.warns(ConvergenceWarning, match=r"draws=\d+") as caught:
        warn_if_short(Diagnostics(("sigma",), *figures, divergences=0, chains=4, draws=1000))
    assert ("by chance" in str(caught[0].message)) == said


def test_few_draws_warn_honestly(data):
    with pytest.warns(ConvergenceWarning, match=r"ESS >= 400.*draws=[0-9]+"):
        sample(LASSO, data, draws=50, seed=1)
    with pytest.warns(ConvergenceWarning, match="two chains"):
        sample(LASSO, data, chains=1, seed=1)
    with pytest.warns(ConvergenceWarning, match="too short to judge"):
        sample(LASSO, data, draws=2, seed=1)


def test_pinned_coefficients_do_not_warn():
    X = make_design(20, 3)
    X[:, 1] = 4.0
    data = Data(X, X[:, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tree = sample(Model(Gaussian(1.0), Laplace(0.5, loc=0.2), standardize=True), data, seed=1)
    assert np.all(tree["posterior"]["coef"].sel(feature="x1") == 0.2)
    np.testing.assert_array_equal(tree["log_prior"]["coef"].sel(feature="x1"), 0.0)


# --- processes ----------------------------------------------------------------------------------

SILENT = """
import numpy as np, bayesreg as br
rng = np.random.default_rng(0)
X, y = rng.normal(size=(30, 2)), rng.integers(0, 2, 30)
br.sample(br.Model(br.Gaussian(1.0), br.Laplace(1.0)), br.Data(X, y), seed=1)
br.sample(br.Model(br.Bernoulli(), br.Normal(0.5)), br.Data(X, y), seed=1, draws=800, tune=300)
"""


def test_nothing_is_written_in_a_pipe():
    """No bar, no banner, neither ours nor PyMC's."""
    run = subprocess.run([sys.executable, "-c", SILENT], capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == ("", "")


@pytest.mark.parametrize(("terminal", "wanted", "shown"), [(True, True, True), (True, False, False),
                                                           (False, True, False)])  # fmt: skip
def test_the_bar_is_for_terminals(monkeypatch, terminal, wanted, shown):
    import io

    from bayesreg.posterior.progress import progress_bar

    stream = io.StringIO()
    stream.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar("sampling (gibbs)", 10, wanted) as bar:
        for _ in range(10):
            bar.advance(1)
    assert ("sampling (gibbs)" in stream.getvalue()) == shown


def test_the_bar_says_how_fast_and_how_well(monkeypatch, data):
    import io

    from bayesreg.posterior import progress

    stream = io.StringIO()
    stream.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(progress, "_BETWEEN", 0.0)
    post = sample(LASSO, data, draws=4000, seed=1)
    assert re.search(r"draws/s, R-hat 1\.0\d\d, ESS [0-9,]+", stream.getvalue())
    assert "17000/17000" in stream.getvalue()
    monkeypatch.setattr(sys, "stderr", sys.__stderr__)
    silent = sample(LASSO, data, draws=4000, seed=1, progress=False)
    np.testing.assert_array_equal(post["posterior"]["coef"], silent["posterior"]["coef"])


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_the_bar_is_whole_in_any_terminal(monkeypatch, width):
    """The longest name, a fast run: share or counts, R-hat, ESS and time left are never cut."""
    import io

    from bayesreg.posterior import progress

    stream = io.StringIO()
    stream.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(progress, "_BETWEEN", 0.0)
    draws = np.random.default_rng(0).normal(size=(4, 4000, 1))
    with progress.progress_bar("sampling (coordinate)", 100_000, True, progress.COMPILING) as bar:
        bar.advance(18_572)
        bar.observe([{"posterior": {"coef": chain}} for chain in draws])
        bar._progress.refresh()
    text = stream.getvalue()
    assert "…" not in text
    assert progress.COMPILING in text
    last = [line for line in text.splitlines() if "R-hat" in line][-1]
    assert re.search(r"R-hat 1\.0\d\d, ESS [0-9,]+ .*[-0-9]:[-0-9]{2}:[-0-9]{2}", last)
    assert ("18572/100000" if width >= 115 else "19%") in last
    assert ("draws/s" in last) == (width >= 80)


@pytest.mark.parametrize("correlation", [0.0, 0.9, -0.5])
def test_the_figures_of_the_bar_are_about_right(correlation):
    """Of autoregressions, and 30 away from 0; of blocks of any length."""
    from bayesreg.posterior.monitor import Monitor

    rng = np.random.default_rng(0)
    noise = rng.normal(size=(4, 20_000))
    x = np.array(noise)
    for t in range(1, x.shape[1]):
        x[:, t] += correlation * x[:, t - 1]
    monitor, first = Monitor(), 0
    assert monitor.worst() is None
    while first < x.shape[1]:
        count = int(rng.integers(1, 700))
        part = 30.0 + x[:, first : first + count]
        monitor.observe([{"posterior": {"coef": chain[:, None]}} for chain in part])
        first += count
    rhat, ess = monitor.worst()
    assert abs(rhat - 1.0) < 0.01
    assert ess == pytest.approx(x.size * (1 - correlation) / (1 + correlation), rel=0.4)
    moved = Monitor()
    shifts = [0.0, 0.0, 0.0, 3.0]
    moved.observe([{"posterior": {"coef": c[:, None] + s}} for c, s in zip(x, shifts, strict=True)])
    assert moved.worst()[0] > 1.1


def test_the_bar_counts_every_iteration(data):
    from bayesreg.posterior import execution
    from bayesreg.posterior.memory import Memory
    from bayesreg.posterior.order import Order
    from bayesreg.posterior.progress import Nobody
    from bayesreg.posterior.protocol import Setup
    from bayesreg.posterior.run import Plan, run

    class Counting(Nobody):
        total = 0

        def advance(self, count):
            self.total += count

    posterior = pose(RIDGE, data)
    for name, tune in (("exact", 0), ("gibbs", 20)):
        order = Order(RIDGE, data, 30, 2, 1, name, "", tune, True, False)
        engine = execution.prepared(SAMPLERS[name], Setup(posterior, posterior.problem.start, tune))
        watch = Counting()
        run(engine, execution.new_chains(engine, order),
            execution.describer(engine, order, posterior), Memory(30), watch,
            Plan(tune, 30, 7), 2)  # fmt: skip
        assert watch.total == 2 * (30 + tune)
