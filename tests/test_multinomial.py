"""The softmax likelihood and models of K classes: formulas, derivatives, densities, refusals."""

import numpy as np
import pytest
from helpers import BOUNDED_PRIORS, CLASS_LIKELIHOODS, MIXED_PRIOR, PRIORS, P, make_class_data
from scipy import sparse
from scipy.optimize import approx_fprime, minimize
from scipy.special import log_softmax, rel_entr, softmax

import bayesreg as br
from bayesreg.class_problem import bind_classes
from bayesreg.errors import DataError, DataTypeError, ModelError, ModelTypeError
from bayesreg.pymc import log_density_function
from bayesreg.wording import describe

LIKELIHOOD = br.Multinomial()


def eta_and_y(n=40, K=4, size=2.0, seed=0):
    rng = np.random.default_rng(seed)
    return size * rng.normal(size=(n, K)), rng.integers(0, K, n).astype(float)


# ---- formulas -----------------------------------------------------------------------------------


def test_loss_is_minus_the_log_probability():
    eta, y = eta_and_y()
    expected = -log_softmax(eta, axis=1)[np.arange(40), y.astype(int)]
    np.testing.assert_allclose(LIKELIHOOD.loss(y, eta), expected, rtol=1e-14)
    np.testing.assert_allclose(LIKELIHOOD.mean(eta), softmax(eta, axis=1), rtol=1e-14)


def test_loss_and_gradient_keep_their_digits_in_the_tails():
    eta = np.array([[0.0, -40.0, -45.0], [900.0, 0.0, -900.0], [0.0, 800.0, 3.0]])
    y = np.array([0.0, 0.0, 0.0])
    others = np.exp(-40.0) + np.exp(-45.0)
    np.testing.assert_allclose(LIKELIHOOD.loss(y, eta), [others, 0.0, 800.0], rtol=1e-15)
    gradient = LIKELIHOOD.gradient(y, eta)
    np.testing.assert_allclose(gradient[0], [-others, np.exp(-40.0), np.exp(-45.0)], rtol=1e-15)
    np.testing.assert_array_equal(gradient[2], [-1.0, 1.0, 0.0])
    chance, complement = LIKELIHOOD.probabilities(eta)
    np.testing.assert_allclose(complement[0, 0], others, rtol=1e-15)
    np.testing.assert_allclose(chance.sum(axis=1), 1.0, rtol=1e-15)


def test_gradient_is_the_derivative_of_the_loss():
    eta, y = eta_and_y(n=10)
    for i in range(10):
        numeric = approx_fprime(
            eta[i], lambda e, i=i: LIKELIHOOD.loss(y[i : i + 1], e[None])[0], 1e-7
        )
        np.testing.assert_allclose(LIKELIHOOD.gradient(y, eta)[i], numeric, atol=1e-6)


def test_fenchel_young_is_the_relative_entropy():
    rng = np.random.default_rng(1)
    eta, y = eta_and_y()
    p, q = softmax(eta, axis=1), rng.dirichlet(np.ones(4), 40)
    expected = rel_entr(q, p).sum(axis=1)
    np.testing.assert_allclose(LIKELIHOOD.fenchel_young(y, eta, q - p), expected, rtol=1e-12)
    corner = np.eye(4)[y.astype(int)]
    np.testing.assert_allclose(
        LIKELIHOOD.fenchel_young(y, eta, corner - p), LIKELIHOOD.loss(y, eta), rtol=1e-12
    )
    # Off the simplex the conjugate is infinite; at the point itself the excess is exactly 0.
    assert np.all(np.isinf(LIKELIHOOD.fenchel_young(y, eta, -1.1 * p)))
    assert np.all(LIKELIHOOD.fenchel_young(y, eta, 0 * p) == 0)


def test_fenchel_young_is_the_conjugate_by_search():
    eta, y = eta_and_y(n=5)
    q = np.random.default_rng(2).dirichlet(np.ones(4), 5)
    for i in range(5):
        u = q[i] - np.eye(4)[int(y[i])]

        def slack(t, i=i, u=u):
            return LIKELIHOOD.loss(y[i : i + 1], t[None])[0] - u @ t

        found = minimize(slack, eta[i], method="BFGS", options={"gtol": 1e-10})
        shift = (u - LIKELIHOOD.gradient(y, eta)[i])[None]
        excess = LIKELIHOOD.fenchel_young(y[i : i + 1], eta[i : i + 1], shift)[0]
        assert excess == pytest.approx(slack(eta[i]) - found.fun, rel=1e-7)


def test_fenchel_young_for_small_shifts_and_vanished_probabilities():
    eta, y = eta_and_y()
    p = softmax(eta, axis=1)
    direction = p * (np.arange(4) - (p @ np.arange(4))[:, None])
    expected = 0.5 * np.sum((1e-8 * direction) ** 2 / p, axis=1)
    found = LIKELIHOOD.fenchel_young(y, eta, 1e-8 * direction)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    far = np.array([[0.0, -800.0]])
    moved = LIKELIHOOD.fenchel_young(np.zeros(1), far, np.array([[-0.5, 0.5]]))
    np.testing.assert_allclose(moved, np.log(0.5) + 0.5 * 800.0, rtol=1e-14)


def test_draws_follow_the_probabilities():
    eta = np.log([[0.5, 0.3, 0.15, 0.05]])
    drawn = LIKELIHOOD.draw(np.repeat(eta, 40_000, axis=0), np.random.default_rng(0))
    share = np.bincount(drawn.astype(int), minlength=4) / 40_000
    np.testing.assert_allclose(share, [0.5, 0.3, 0.15, 0.05], atol=5 * np.sqrt(0.25 / 40_000))


# ---- the model ----------------------------------------------------------------------------------


@pytest.mark.parametrize("likelihood", CLASS_LIKELIHOODS)
@pytest.mark.parametrize("prior", [*PRIORS, pytest.param(MIXED_PRIOR, id="mixed")])
@pytest.mark.parametrize("intercept", [br.Flat(), None, br.Normal(2.0, loc=0.3)], ids=str)
def test_density_is_the_sum_of_its_parts(likelihood, prior, intercept):
    if getattr(prior, "relative_to_noise", False):
        with pytest.raises(ModelError, match="relative_to_noise"):
            br.Model(likelihood, prior)
        return
    data, rng = make_class_data(weights=True), np.random.default_rng(3)
    model = br.Model(likelihood, prior, intercept)
    W, a = rng.normal(size=(3, P)), rng.normal(size=3) if intercept is not None else np.zeros(3)
    eta = data.X @ W.T + a
    by_row = data.weights * log_softmax(eta, axis=1)[np.arange(data.y.size), data.y.astype(int)]
    penalty = model.coefficient_penalty(data)
    total = by_row.sum() + sum(penalty.log_density(w).sum() for w in W)
    if intercept is not None:
        total += np.sum(intercept.log_density(a))
    assert model.log_density(data, W, a) == pytest.approx(total, rel=1e-13)
    np.testing.assert_allclose(model.log_likelihood(data, W, a), by_row, rtol=1e-12, atol=1e-14)
    in_coef, in_intercept = model.gradient(data, W, a)
    numeric = approx_fprime(
        np.append(W, a), lambda v: model.log_density(data, v[:-3].reshape(3, P), v[-3:]), 1e-7
    )
    size = 1 + np.abs(in_coef).max()
    np.testing.assert_allclose(in_coef / size, numeric[:-3].reshape(3, P) / size, atol=1e-5)
    if intercept is not None:
        np.testing.assert_allclose(in_intercept / size, numeric[-3:] / size, atol=1e-5)


@pytest.mark.parametrize(
    ("intercept", "weights"),
    [(br.Flat(), True), (None, False), (br.Normal(2.0), False)],
    ids=["flat-weighted", "none", "normal"],
)
@pytest.mark.parametrize(
    "prior",
    [br.Laplace(0.3), br.Normal(0.5, loc=0.2), br.ElasticNet(0.3, 0.6), br.Flat(), MIXED_PRIOR],
    ids=str,
)
def test_density_is_that_of_pymc(prior, intercept, weights):
    data, rng = make_class_data(weights=weights), np.random.default_rng(4)
    X = data.X.copy()
    X[:, 3] = 2.0
    data = br.Data(X, data.y, data.weights)
    model = br.Model(br.Multinomial(), prior, intercept, standardize=True)
    density = log_density_function(model, data)
    pinned = model.coefficient_penalty(data).is_pinned
    for _ in range(3):
        W = np.where(pinned, 0.0, 0.3 * rng.normal(size=(3, P)))
        W[:, pinned] = model.coefficient_penalty(data).loc[pinned]
        a = rng.normal(size=3) if intercept is not None else np.zeros(3)
        ours = model.log_density(data, W, a)
        assert density(W, a) == pytest.approx(ours, rel=1e-12)


def test_pymc_variables_and_dimensions():
    data = make_class_data()
    flat = br.to_pymc(br.Model(br.Multinomial(), br.Laplace(0.3)), data)
    assert {v.name for v in flat.free_RVs} == {"coef", "intercept_free"}
    assert flat.named_vars_to_dims["coef"] == ("class", "feature")
    assert flat.named_vars_to_dims["intercept"] == ("class",)
    intercept = flat["intercept"].eval({flat["intercept_free"]: np.array([1.0, 2.0])})
    np.testing.assert_array_equal(intercept, [1.0, 2.0, -3.0])
    mixed = br.to_pymc(br.Model(br.Multinomial(), MIXED_PRIOR, br.Normal(1.0)), data)
    assert {v.name for v in mixed.free_RVs} == {"coef_free", "intercept"}
    bounded = br.Model(br.Multinomial(), br.HalfNormal(1.0))
    with pytest.raises(ModelError, match="bounds"):
        br.to_pymc(bounded, data)


@pytest.mark.parametrize("prior", [PRIORS[0], PRIORS[11], BOUNDED_PRIORS[3]])
@pytest.mark.parametrize("standardize", [False, True])
def test_class_problem_is_the_density(prior, standardize):
    data, rng = make_class_data(weights=True), np.random.default_rng(5)
    X = np.array(data.X)
    X[:, 2] = X[:, 2] * 1e-80 + 1.0  # far from 0 beside its spread: shifted
    X[:, 4] *= 1e100  # beyond the square root of the largest float: in other units
    for design in (X, sparse.csr_array(X)):
        wide = br.Data(design, data.y, data.weights)
        model = br.Model(br.Multinomial(), prior, standardize=standardize)
        problem = bind_classes(model, wide)
        V = problem.start + 1e-3 * rng.normal(size=(3, P + 1))
        V = np.clip(V, problem.penalty.lower, problem.penalty.upper)
        coef, intercept = problem.coefficients(V)
        ours = model.log_density(wide, coef, intercept)
        assert -(problem.value(V) + problem.constants) == pytest.approx(ours, rel=1e-9)
        back = problem.extended(coef, intercept)
        np.testing.assert_allclose(back[:, :P], V[:, :P], rtol=1e-12)


def test_bind_classes_is_for_classes_and_bind_for_the_rest():
    data = make_class_data()
    with pytest.raises(ModelError, match="find_map"):
        br.bind(br.Model(br.Multinomial(), br.Normal(1.0)), data)
    with pytest.raises(ModelError, match=r"bayesreg\.bind"):
        bind_classes(br.Model(br.Gaussian(1.0), br.Normal(1.0)), data)


# ---- arguments and text -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "match"),
    [
        ([0.0, 1.0, 1.5, 2.0], r"1\.5 in row 2"),
        ([0.0, -1.0, 1.0, 2.0], r"-1\.0 in row 1"),
        ([0.0, 1.0, 2.0, 7e8], r"7e\+?0?8|700000000"),
        ([0.0, 0.0, 0.0, 0.0], "one class only"),
    ],
)
def test_targets_that_are_no_codes(y, match):
    data = br.Data(np.ones((4, 1)), y)
    for call in (br.find_map, br.find_map_path, bind_classes, br.to_pymc):
        with pytest.raises(DataError, match=match):
            call(br.Model(br.Multinomial(), br.Normal(1.0)), data)


def test_targets_beyond_the_stated_classes_and_labels():
    model = br.Model(br.Multinomial(classes=3), br.Normal(1.0))
    with pytest.raises(DataError, match=r"below 3 .* 3\.0 in row 2"):
        br.find_map(model, br.Data(np.ones((4, 1)), [0, 1, 3, 2]))
    with pytest.raises(DataTypeError, match="y must be real numbers"):
        br.Data(np.ones((3, 1)), ["a", "b", "c"])


def test_classes_come_from_the_rows_that_count():
    X, y = np.arange(5.0)[:, None], [0, 1, 0, 1, 2]
    model = br.Model(br.Multinomial(), br.Normal(1.0))
    assert br.find_map(model, br.Data(X, y)).coef.shape == (3, 1)
    dropped = br.find_map(model, br.Data(X, y, weights=[1, 1, 1, 1, 0]))
    assert dropped.coef.shape == (2, 1)


@pytest.mark.parametrize(
    ("classes", "error"),
    [(1, ModelError), (2.5, ModelError), (-3, ModelError), (np.nan, ModelError),
     (10**9, ModelError), (True, ModelTypeError), ("3", ModelTypeError), ([3], ModelTypeError)],
)  # fmt: skip
def test_classes_must_be_a_whole_number(classes, error):
    with pytest.raises(error, match="classes must be a whole number"):
        br.Multinomial(classes=classes)


def test_an_offset_cancels_and_is_refused():
    data = make_class_data()
    with_offset = br.Data(data.X, data.y, offset=np.ones(data.n))
    model = br.Model(br.Multinomial(), br.Normal(1.0))
    for call in (br.find_map, br.find_map_path, br.to_pymc):
        with pytest.raises(ModelError, match="cancels in the softmax"):
            call(model, with_offset)
    with pytest.raises(ModelError, match="cancels"):
        model.log_density(with_offset, np.zeros((3, P)))
    fit = br.find_map(model, data)
    with pytest.raises(DataError, match="cancels"):
        fit.predict(data.X, offset=1.0)


def test_coefficients_must_have_a_row_per_class():
    data, model = make_class_data(), br.Model(br.Multinomial(), br.Normal(1.0))
    for call in (model.log_density, model.gradient, lambda d, W: br.certify(model, d, W)):
        with pytest.raises(DataError, match=r"shape \(3, 7\)"):
            call(data, np.zeros(P))
        with pytest.raises(DataTypeError, match="real numbers"):
            call(data, np.full((3, P), "a"))
    with pytest.raises(DataError, match=r"one entry per class"):
        model.log_density(data, np.zeros((3, P)), [1.0, 2.0])
    W = np.zeros((3, P))
    W[1, 2] = np.nan
    with pytest.raises(DataError, match="class 1, column 'x2'"):
        br.certify(model, data, W)
    with pytest.raises(DataError, match="intercept must be finite"):
        br.certify(model, data, np.zeros((3, P)), np.inf)


@pytest.mark.parametrize("likelihood", CLASS_LIKELIHOODS)
def test_text_and_dict_round_trips(likelihood):
    model = br.Model(likelihood, MIXED_PRIOR, br.Normal(2.0))
    assert br.from_text(repr(model)) == model
    assert br.from_dict(br.to_dict(model)) == model
    assert br.from_text(repr(likelihood), kind="likelihood") == likelihood
    with pytest.raises(ModelError, match="is a likelihood"):
        br.from_text(repr(likelihood), kind="prior")


def test_wording():
    words = describe(br.Model(br.Multinomial(), br.Laplace(0.5)), make_class_data())
    assert "P(y_i = k) = exp(eta_ik) / sum_l exp(eta_il), eta_ik = a_k + x_i . w_k" in words
    assert "w_kj ~ Laplace(scale=0.5)" in words
    assert "a_k flat, not penalised, summing to 0 over the classes" in words
    assert "lambda1 = 1 / b = 2" in words
    assert "flat columns" not in words
    mixed = describe(br.Model(br.Multinomial(), MIXED_PRIOR, None), make_class_data())
    assert "flat columns are determined up to a constant and sum to 0 over the classes" in mixed


def test_what_needs_one_vector_says_so():
    data, model = make_class_data(), br.Model(br.Multinomial(), br.Normal(1.0))
    with pytest.raises(ModelError, match=r"one vector.*sample, predict"):
        br.bind(model, data)
    with pytest.raises(ModelError, match=r"one for each class.*find_map_path"):
        br.scan_scales(model, data)
    with pytest.raises(ModelError, match="one per class"):
        br.plot_path(br.find_map_path(model, data, n_scales=2))
    with pytest.raises(br.errors.NoEquivalentError, match="Multinomial"):
        br.to_penalty(model, "sklearn.Ridge", data)
