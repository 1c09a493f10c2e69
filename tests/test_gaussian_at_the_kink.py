"""What a Gaussian approximation at a lasso mode says about spread, beside what is so.

Three approximations, each a normal density around the mode:

* **Hessian**: of minus the log posterior. |w|/b is straight on either side of 0, so this is the
  likelihood's alone, and a zeroed coefficient gets the sd of least squares. 2.5 times too wide
  where that sd is 2.9 times b and the data do not pull; without bound as b shrinks.
* **Normal of the prior's variance**: 1/(2 b^2) added to the Hessian. Near enough where the data do
  not pull, half or a quarter of the sd where they do.
* **Smoothed |w|**: sqrt(w^2 + eps^2) has curvature 1/(b eps) at 0, and the answer is eps.

None is offered by bayesreg. Ours is a sample, and is held to 5% of quadrature and of a long run.
"""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import norm

import bayesreg as br
from bayesreg.demo import load_diabetes

SIGMA = 54.0  # near the residual sd of least squares on diabetes


def exact_sd(z, s, b):
    """Of the density proportional to exp(-(w - z)^2 / (2 s^2) - |w| / b), by quadrature."""
    reach = abs(z) + min(40 * b, 12 * s)

    def moment(k):
        def integrand(w):
            return w**k * np.exp(-((w - z) ** 2 - z**2) / (2 * s**2) - abs(w) / b)

        return sum(quad(integrand, *ends, epsrel=1e-11)[0] for ends in ((-reach, 0), (0, reach)))

    mass, first, second = (moment(k) for k in range(3))
    return np.sqrt(second / mass - (first / mass) ** 2)


def too_wide_without_pull(ratio):
    """Hessian's sd over the exact one at z = 0, ratio = s / b: two halves of a truncated normal.

    E[w^2] = s^2 (1 + r^2 - r h(r)), h the hazard phi(r) / Phi(-r).
    """
    hazard = np.exp(norm.logpdf(ratio) - norm.logsf(ratio))
    return 1 / np.sqrt(1 + ratio**2 - ratio * hazard)


def gaussian_sds(data, prior_curvature):
    """sd of every coefficient where the intercept is flat and sigma is SIGMA."""
    centred = data.X - np.mean(data.X, axis=0)
    hessian = centred.T @ centred / SIGMA**2 + prior_curvature * np.eye(data.p)
    return np.sqrt(np.diag(np.linalg.inv(hessian)))


def posterior_sds(model, data, **options):
    post = br.sample(model, data, progress=False, log_likelihood=False, **options)
    return post["posterior"]["coef"].values.std(axis=(0, 1))


def diabetes_model(scale):
    return br.Model(br.Gaussian(SIGMA), br.Laplace(scale))


# ---- one coefficient ---------------------------------------------------------------------------


def test_where_the_data_do_not_pull_the_factor_has_a_closed_form():
    for s, b in ((1.0, 2.0), (3.0, 1.0), (0.5, 0.05)):
        assert s / exact_sd(0.0, s, b) == pytest.approx(too_wide_without_pull(s / b), rel=1e-8)


def test_two_and_a_half_times_is_a_prior_scale_of_a_third_of_the_standard_error():
    ratio = brentq(lambda r: too_wide_without_pull(r) - 2.5, 1.0, 5.0)
    assert ratio == pytest.approx(2.87, abs=0.01)
    # A tight prior is the posterior, whose sd is then sqrt(2) b: the factor grows with s / b.
    assert too_wide_without_pull(100.0) == pytest.approx(100 / np.sqrt(2), rel=1e-3)


@pytest.mark.parametrize("z", [0.0, 1.5, 2.9])
def test_prior_variance_is_right_without_pull_and_too_narrow_with_it(z):
    """s = 1, b = 1/3: the mode is 0 for every |z| <= 3."""
    s, b = 1.0, 1 / 3
    ours = exact_sd(z, s, b)
    by_variance = 1 / np.sqrt(1 / s**2 + 1 / (2 * b**2))
    expected = {0.0: (2.58, 1.10), 1.5: (2.22, 0.95), 2.9: (1.59, 0.68)}[z]
    assert (s / ours, by_variance / ours) == pytest.approx(expected, abs=0.006)


def test_a_smoothed_prior_gives_whatever_its_smoothing_says():
    s, b = 1.0, 1 / 3
    smoothed = [1 / np.sqrt(1 / s**2 + 1 / (b * eps)) for eps in (1e-2, 1e-4, 1e-6)]
    np.testing.assert_allclose(np.array(smoothed) / exact_sd(0.0, s, b), [0.147, 0.015, 0.0015],
                               rtol=0.02)  # fmt: skip


# ---- a posterior that factorises ----------------------------------------------------------------


def test_sampled_sds_are_the_exact_ones_where_columns_are_orthogonal():
    """Least squares estimates z, standard errors 1, b = 1/3; zeros in the mode up to |z| = 3."""
    z = np.array([0.0, 1.5, 2.9, 4.0, 8.0])
    rng = np.random.default_rng(3)
    basis = np.linalg.qr(np.column_stack([np.ones(40), rng.normal(size=(40, 6))]))[0]
    X = basis[:, 1:6]
    data = br.Data(X, 2.0 + X @ z + basis[:, 6])
    model = br.Model(br.Gaussian(1.0), br.Laplace(1 / 3))
    assert np.array_equal(br.find_map(model, data).coef == 0, np.abs(z) <= 3)
    exact = [exact_sd(value, 1.0, 1 / 3) for value in z]
    np.testing.assert_allclose(posterior_sds(model, data, seed=1), exact, rtol=0.05)


# ---- diabetes -----------------------------------------------------------------------------------


def test_the_hessian_at_the_mode_is_the_likelihood_s_alone():
    data, model = load_diabetes(), diabetes_model(200.0)
    fit = br.find_map(model, data)
    at = np.where(fit.coef == 0, 5.0, fit.coef)  # beside the kink, where there is a Hessian
    centred = data.X - np.mean(data.X, axis=0)
    for j in np.flatnonzero(fit.coef == 0):
        step = 4.0 * np.eye(data.p)[j]
        second = [model.log_density(data, at + k * step, fit.intercept) for k in (-1, 0, 1)]
        curvature = -(second[0] - 2 * second[1] + second[2]) / 16
        assert curvature == pytest.approx(centred[:, j] @ centred[:, j] / SIGMA**2, rel=1e-6)


@pytest.mark.parametrize(
    ("scale", "hessian", "by_variance"),
    [
        # Of the coefficients that are 0 in the mode: least and most of sd / the sampled sd.
        (200.0, (1.13, 2.44), (1.10, 1.14)),
        (60.0, (1.46, 5.36), (0.87, 1.18)),
        (30.0, (1.53, 10.1), (0.75, 1.13)),
    ],
)
def test_factors_on_the_zeros_of_diabetes(scale, hessian, by_variance):
    data, model = load_diabetes(), diabetes_model(scale)
    zero = br.find_map(model, data).coef == 0
    ours = posterior_sds(model, data, seed=1)
    for curvature, expected in ((0.0, hessian), (1 / (2 * scale**2), by_variance)):
        factors = (gaussian_sds(data, curvature) / ours)[zero]
        assert (factors.min(), factors.max()) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("scale", [200.0, 60.0])
def test_an_ordinary_run_is_within_five_percent_of_a_long_one(scale):
    data, model = load_diabetes(), diabetes_model(scale)
    long = posterior_sds(model, data, seed=2, draws=12_000)
    np.testing.assert_allclose(posterior_sds(model, data, seed=1), long, rtol=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("scale", [200.0, 60.0, 30.0])
def test_ten_ordinary_runs_are_within_five_percent_of_another_sampler(scale):
    """The long run by the no-U-turn sampler, which shares no update with Gibbs."""
    data, model = load_diabetes(), diabetes_model(scale)
    long = posterior_sds(model, data, seed=2, draws=10_000, sampler="nuts")
    for seed in range(10):
        np.testing.assert_allclose(posterior_sds(model, data, seed=seed), long, rtol=0.05)
