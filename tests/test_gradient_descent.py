"""The update of each penalty ends at our mode; dropout and Zellner's g are the priors they say."""

import itertools

import numpy as np
import pytest
from helpers import make_class_data, make_data

import bayesreg as br
from bayesreg.errors import DataError, ModelError

GAUSSIAN = br.Gaussian(1.5)
PRIORS = [br.Normal(0.5), br.Laplace(0.3), br.ElasticNet(0.3, 0.6), br.Flat(),
          br.Laplace(np.geomspace(0.1, 0.5, 7))]  # fmt: skip


def standardised(likelihood, weights=False):
    """Columns of one scale: gradient descent on others takes as many steps as they differ."""
    data = make_data(likelihood, weights=weights)
    return br.Data((data.X - data.X.mean(0)) / data.X.std(0), data.y, data.weights)


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("intercept", [br.Flat(), br.Normal(0.7), None])
@pytest.mark.parametrize("prior", PRIORS, ids=repr)
@pytest.mark.parametrize("likelihood", [GAUSSIAN, br.Bernoulli()], ids=repr)
def test_the_fixed_point_is_the_mode(likelihood, prior, intercept, weights):
    data, model = standardised(likelihood, weights), br.Model(likelihood, prior, intercept)
    found = br.descend(model, data, 6000)
    certificate = br.certify(model, data, found.coef, found.intercept)
    assert certificate.relative_gap < 1e-12
    assert found.movement < 1e-6
    exact = br.find_map(model, data)
    assert np.array_equal(found.coef == 0, exact.coef == 0)
    again = br.descend(model, data, 1, coef=exact.coef, intercept=exact.intercept or 0.0)
    np.testing.assert_allclose(again.coef, exact.coef, atol=1e-7)


def test_the_proximal_step_makes_exact_zeros_and_the_sign_step_none():
    data, model = standardised(GAUSSIAN), br.Model(GAUSSIAN, br.Laplace(0.3))
    zeros = br.find_map(model, data).coef == 0
    assert zeros.sum() >= 2
    assert np.array_equal(br.descend(model, data, 6000).coef == 0, zeros)
    lr = 0.05
    signed = br.descend(model, data, 20_000, lr=lr, kink="sign").coef
    assert not np.any(signed == 0)
    # It circles 0 at a distance of the step, lr lam / m, and comes no nearer.
    step = lr / 0.3 / data.y.size
    assert np.all(np.abs(signed[zeros]) < 2.5 * step)
    assert np.max(np.abs(signed[zeros])) > 0.01 * step


def test_the_steps_are_the_textbooks():
    w, g = np.array([1.0, -2.0, 0.001]), np.array([10.0, 0.0, 0.0])
    np.testing.assert_allclose(br.shrink_step(w, g, 0.1, 5.0, 10), 0.95 * w - [0.1, 0, 0])
    np.testing.assert_allclose(br.sign_step(w, g, 0.1, 5.0, 10), [0.85, -1.95, -0.049])
    np.testing.assert_allclose(br.proximal_step(w, g, 0.1, 5.0, 10), [0.85, -1.95, 0.0])
    assert br.soft_threshold(np.array([-3.0, 0.5, 3.0]), 1.0).tolist() == [-2.0, 0.0, 2.0]


@pytest.mark.parametrize(("step", "prior"), [("shrink", br.Normal(0.5)), ("prox", br.Laplace(0.3))])
def test_the_textbook_loop_ends_at_the_mode(step, prior):
    """RSS / (2 m) + lam / (2 m) sum w^2 or lam / m sum|w|, written out, intercept beside it."""
    data, sigma = standardised(GAUSSIAN), 1.5
    target = "textbook.ng_ridge" if step == "shrink" else "textbook.ng_lasso"
    model = br.Model(br.Gaussian(sigma), prior)
    lam = br.to_penalty(model, target, data).parameters["lam"]
    move = br.shrink_step if step == "shrink" else br.proximal_step
    w, a, m = np.zeros(data.p), 0.0, data.y.size
    for _ in range(8000):
        residual = data.X @ w + a - data.y
        w, a = move(w, data.X.T @ residual, 0.2, lam, m), a - 0.2 * residual.sum() / m
    assert br.certify(model, data, w, a).relative_gap < 1e-14


def test_adamw_at_rest_is_in_the_box_of_its_decay():
    data, decay = standardised(GAUSSIAN), 4.0
    model = br.Model(GAUSSIAN, br.Uniform(-1 / decay, 1 / decay))
    fit = br.find_map(model, data, tol=1e-14)
    bound = np.abs(fit.coef) == 1 / decay
    assert 1 <= bound.sum() < data.p
    eta = fit.intercept + data.X @ fit.coef
    gradient = data.X.T @ GAUSSIAN.gradient(data.y, eta) / data.y.size
    moved = br.adamw_step(fit.coef, gradient, 1e-3, decay) - fit.coef
    # Only eps moves them: lr |g| / (|g| + eps) is short of lr weight_decay |w| = lr by this.
    short = 1e-3 * 1e-8 / (np.abs(gradient) + 1e-8)
    np.testing.assert_allclose(np.abs(moved[bound]), short[bound], atol=1e-15)
    assert np.max(short[bound]) < 1e-9
    assert np.max(np.abs(gradient[~bound])) < 1e-10
    ridge = br.find_map(br.Model(GAUSSIAN, br.Normal(0.5)), data)
    gradient = (
        data.X.T @ GAUSSIAN.gradient(data.y, ridge.intercept + data.X @ ridge.coef) / data.y.size
    )
    assert np.max(np.abs(br.adamw_step(ridge.coef, gradient, 1e-3, decay) - ridge.coef)) > 5e-4


@pytest.mark.parametrize(
    ("model", "data", "options", "reason"),
    [
        (br.Model(GAUSSIAN, br.Cauchy(1.0)), make_data(GAUSSIAN), {}, "priors around 0"),
        (br.Model(GAUSSIAN, br.Normal(1.0, loc=1.0)), make_data(GAUSSIAN), {}, "priors around 0"),
        (br.Model(GAUSSIAN, br.Uniform(-1, 1)), make_data(GAUSSIAN), {}, "priors around 0"),
        (br.Model(GAUSSIAN, br.Normal(1.0)), make_data(GAUSSIAN), {"lr": 0.0}, "lr must be"),
        (br.Model(GAUSSIAN, br.Normal(1.0)), make_data(GAUSSIAN), {"kink": "x"}, "kink must be"),
        (br.Model(br.Multinomial(), br.Normal(1.0)), make_class_data(), {}, "one coefficient vec"),
    ],
)
def test_what_has_no_update_is_refused(model, data, options, reason):
    with pytest.raises(ModelError, match=reason):
        br.descend(model, data, 10, **options)


# ---- dropout ----------------------------------------------------------------------------------


def expected_loss(data, likelihood, coef, intercept, rate):
    """The mean over every mask of one row's inputs: 2^p of them, the same law for each row."""
    total = 0.0
    for mask in itertools.product((0.0, 1.0), repeat=data.p):
        mask = np.array(mask)
        probability = np.prod(np.where(mask == 1, 1 - rate, rate))
        eta = data.X @ (mask / (1 - rate) * coef) + intercept
        s = np.ones(data.y.size) if data.weights is None else data.weights
        total += probability * np.sum(s * likelihood.loss(data.y, eta))
    return total


@pytest.mark.parametrize("weights", [False, True])
def test_dropout_is_its_penalty_by_enumeration_of_all_masks(weights):
    data, rate = make_data(GAUSSIAN, n=20, p=4, weights=weights), 0.3
    prior = br.dropout_prior(data, rate, GAUSSIAN)
    s = np.ones(data.y.size) if data.weights is None else data.weights
    rng = np.random.default_rng(0)
    objective = br.to_penalty(br.Model(GAUSSIAN, prior), "dropout.Linear", data).build()
    for _ in range(3):
        coef, a = rng.normal(size=4), rng.normal()
        expected = expected_loss(data, GAUSSIAN, coef, a, rate)
        plain = np.sum(s * GAUSSIAN.loss(data.y, data.X @ coef + a))
        penalty = np.sum(coef**2 / (2 * np.array(prior.scale) ** 2))
        assert expected == pytest.approx(plain + penalty, rel=1e-12)
        twice = 2 * GAUSSIAN.noise**2
        assert objective(coef, a, data.X, data.y, data.weights) == pytest.approx(
            twice * expected, rel=1e-12
        )


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("intercept", [br.Flat(), None])
def test_the_printed_program_of_dropout_ends_at_the_mode(weights, intercept):
    data = make_data(GAUSSIAN, weights=weights)
    model = br.to_prior("dropout.Linear", {"rate": 0.25, "fit_intercept": intercept is not None},
                        data, likelihood=GAUSSIAN)  # fmt: skip
    assert np.allclose(model.prior.scale, br.dropout_prior(data, 0.25, GAUSSIAN).scale, rtol=1e-13)
    twin = br.to_penalty(model, "dropout.Linear", data)
    assert twin.parameters["rate"] == pytest.approx(0.25, rel=1e-12)
    space = {"X": data.X, "y": data.y, "sample_weight": data.weights}
    exec(twin.code, space)
    certificate = br.certify(model, data, space["coef"], space["intercept"])
    assert certificate.relative_gap < 1e-14


def test_dropout_of_logistic_loss_is_its_prior_to_second_order():
    """What the prior misses is of third and fourth order in w: nothing beside it at small w."""
    data, likelihood, rate = make_data(br.Bernoulli(), n=20, p=4), br.Bernoulli(), 0.3
    missed = []
    for size in (1e-2, 1e-3):
        coef, a = size * np.array([0.3, -0.2, 0.1, 0.2]), 0.1
        prior = br.dropout_prior(data, rate, likelihood, coef=coef, intercept=a)
        penalty = np.sum(coef**2 / (2 * np.array(prior.scale) ** 2))
        plain = np.sum(likelihood.loss(data.y, data.X @ coef + a))
        missed.append((expected_loss(data, likelihood, coef, a, rate) - plain) / penalty - 1)
    assert 1e-6 < abs(missed[0]) < 0.02
    assert abs(missed[1]) < 0.2 * abs(missed[0])


def test_dropout_does_not_mind_units_and_minds_means():
    data = make_data(GAUSSIAN)
    factors = np.geomspace(0.01, 100, 7)
    prior = br.dropout_prior(data, 0.5, GAUSSIAN)
    scaled = br.dropout_prior(br.Data(data.X * factors, data.y), 0.5, GAUSSIAN)
    np.testing.assert_allclose(np.array(scaled.scale) * factors, prior.scale, rtol=1e-12)
    centred = br.dropout_prior(br.Data(data.X - data.X.mean(0), data.y), 0.5, GAUSSIAN)
    assert np.all(np.array(centred.scale) > np.array(prior.scale))


def test_what_dropout_cannot_be_is_refused():
    data = make_data(GAUSSIAN)
    for rate in (0.0, 1.0, -0.1):
        with pytest.raises(ModelError, match="rate must be"):
            br.dropout_prior(data, rate, GAUSSIAN)
    with pytest.raises(ModelError, match="Gaussian likelihood, and nearly"):
        br.dropout_prior(data, 0.5, br.Poisson())
    with pytest.raises(DataError, match="'x1' is 0 throughout"):
        br.dropout_prior(br.Data([[0.0], [0.0]], [1.0, 2.0], names=["x1"]), 0.5, GAUSSIAN)
    with pytest.raises(br.errors.NoEquivalentError, match="in proportion to the sum"):
        br.to_penalty(br.Model(GAUSSIAN, br.Normal(1.0)), "dropout.Linear", data)


# ---- Zellner's g ------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("sigma", [0.3, 20.0])
def test_zellners_mode_is_least_squares_shrunk_as_a_whole(sigma, weights):
    data, g = make_data(GAUSSIAN, weights=weights), 9.0
    s = np.ones(data.y.size) if data.weights is None else data.weights
    model = br.Model(br.Gaussian(sigma), br.zellner_prior(data, g))
    centre = s @ data.X / s.sum()
    root = np.sqrt(s)
    X, y = root[:, None] * (data.X - centre), root * (data.y - s @ data.y / s.sum())
    coef = 0.9 * np.linalg.lstsq(X, y, rcond=None)[0]
    intercept = s @ (data.y - data.X @ coef) / s.sum()
    assert br.certify(model, data, coef, intercept).relative_gap < 1e-12
    fit = br.find_map(model, data)
    np.testing.assert_allclose(fit.coef, coef, rtol=1e-6, atol=1e-9)
    uncentred = br.Model(br.Gaussian(sigma), br.zellner_prior(data, g, centred=False), None)
    coef = 0.9 * np.linalg.lstsq(root[:, None] * data.X, root * data.y, rcond=None)[0]
    assert br.certify(uncentred, data, coef).relative_gap < 1e-12


def test_zellner_on_uncorrelated_columns_is_ridge():
    X = np.linalg.qr(np.random.default_rng(0).normal(size=(30, 4)))[0]
    X = X - X.mean(0)
    X = np.linalg.qr(X)[0]
    prior = br.zellner_prior(br.Data(X, np.zeros(30)), 5.0)
    np.testing.assert_allclose(np.array(prior.covariance), 5.0 * np.eye(4), atol=1e-12)


def test_zellner_needs_independent_columns():
    X = np.arange(12.0).reshape(6, 2)
    with pytest.raises(DataError, match="linearly independent"):
        br.zellner_prior(br.Data(X, np.zeros(6)), 5.0)
    data = make_data(GAUSSIAN)
    model = br.Model(GAUSSIAN, br.zellner_prior(data, 5.0))
    with pytest.raises(br.errors.NoEquivalentError, match="several coefficients share"):
        br.to_penalty(model, "sklearn.Ridge", data)
