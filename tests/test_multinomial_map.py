"""Modes of K classes: optimality, proof, identities, other software, degenerate data."""

import json
import warnings

import numpy as np
import pytest
from helpers import BOUNDED_PRIORS, CLASS_LIKELIHOODS, MIXED_PRIOR, PRIORS, P, make_class_data
from scipy import sparse
from scipy.optimize import minimize

import bayesreg as br
from bayesreg.class_problem import bind_classes
from bayesreg.errors import DataError, NoModeError, NotCertifiedError, NotUniqueWarning
from bayesreg.proof.point import certify_class_point
from bayesreg.solvers import smallest_scale
from bayesreg.solvers.class_newton import minimise_classes

ABSOLUTE = [row for row in PRIORS if not row.values[0].relative_to_noise]
EVERY_PRIOR = [*ABSOLUTE, *BOUNDED_PRIORS, pytest.param(MIXED_PRIOR, id="mixed")]
INTERCEPTS = [br.Flat(), None, br.Normal(1.0, loc=0.5), br.Laplace(0.3)]


def fitted(model, data, **options):
    """The mode; under a pure L1 and an even number of classes it need not be unique."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotUniqueWarning)
        return br.find_map(model, data, **options)


# ---- optimality ---------------------------------------------------------------------------------


@pytest.mark.parametrize("prior", EVERY_PRIOR)
@pytest.mark.parametrize("intercept", INTERCEPTS, ids=str)
@pytest.mark.parametrize("classes", [3, 4])
def test_optimality_conditions(prior, intercept, classes):
    """Minus the gradient of the loss is a slope of the penalty, in every entry."""
    data = make_class_data(classes, weights=True)
    model = br.Model(br.Multinomial(), prior, intercept)
    fit = fitted(model, data)
    assert fit.certificate.holds
    assert fit.certificate.zeros_proved or not fit.unique
    eta = data.X @ fit.coef.T + fit.intercept
    p = np.exp(eta - eta.max(axis=1)[:, None])
    p /= p.sum(axis=1)[:, None]
    theta = data.weights[:, None] * (p - np.eye(classes)[data.y.astype(int)])
    gradient = theta.T @ data.X
    size = np.abs(theta).T @ np.abs(data.X)
    distance = model.coefficient_penalty(data).subgradient_distance(fit.coef, gradient)
    assert np.max(distance / size) < 1e-10
    if intercept is not None:
        slope = model.intercept_penalty().subgradient_distance(fit.intercept, theta.sum(axis=0))
        assert np.max(slope) < 1e-9
    if intercept == br.Flat():
        assert abs(fit.intercept.sum()) < 1e-12
    flat = model.coefficient_penalty(data).is_flat
    np.testing.assert_allclose(fit.coef[:, flat].sum(axis=0), 0.0, atol=1e-12)


@pytest.mark.parametrize("prior", EVERY_PRIOR)
def test_the_gap_bounds_what_is_still_to_win(prior):
    data, rng = make_class_data(weights=True), np.random.default_rng(6)
    model = br.Model(br.Multinomial(), prior)
    fit = fitted(model, data)
    penalty = model.coefficient_penalty(data)
    for size in np.geomspace(1e-6, 1.0, 12):
        V = fit.coef + size * rng.normal(size=fit.coef.shape) * (rng.random(fit.coef.shape) < 0.6)
        V = np.clip(V, penalty.lower, penalty.upper)
        a = fit.intercept + size * rng.normal(size=3)
        excess = fit.log_density - model.log_density(data, V, a)
        found = br.certify(model, data, V, a)
        assert found.gap >= excess - 1e-11
        assert excess >= -1e-11
        assert found.relative_gap == found.gap / found.half_null_deviance


def test_gap_at_no_coefficients_is_small_beside_the_null_deviance():
    # A dual point that was no better than useless would give a gap of order J itself.
    data = make_class_data()
    model = br.Model(br.Multinomial(), br.Laplace(0.02))
    shares = np.bincount(data.y.astype(int)) / data.n
    null = -data.n * shares @ np.log(shares)
    found = br.certify(model, data, np.zeros((3, P)), 0.0)
    assert found.half_null_deviance == pytest.approx(null, rel=1e-12)
    best = fitted(model, data)
    excess = best.log_density - model.log_density(data, np.zeros((3, P)), 0.0)
    assert excess <= found.gap <= null


def test_the_mode_by_general_minimisation():
    """Smooth priors: BFGS on Model.log_density, which shares nothing with the solver."""
    data = make_class_data(4, n=50)
    model = br.Model(br.Multinomial(), br.Normal(0.3, loc=0.2), br.Normal(1.0))

    def objective(v):
        W, a = v[:-4].reshape(4, P), v[-4:]
        in_coef, in_intercept = model.gradient(data, W, a)
        return -model.log_density(data, W, a), -np.append(in_coef, in_intercept)

    found = minimize(objective, np.zeros(4 * P + 4), jac=True, method="BFGS",
                     options={"gtol": 1e-10, "maxiter": 5000})  # fmt: skip
    fit = br.find_map(model, data)
    np.testing.assert_allclose(fit.coef.ravel(), found.x[:-4], atol=1e-7)
    np.testing.assert_allclose(fit.intercept, found.x[-4:], atol=1e-7)


def test_exact_zeros_and_tighter_tolerance():
    data = make_class_data(5, n=200)
    fit = br.find_map(br.Model(br.Multinomial(), br.Laplace(0.05)), data, tol=1e-13)
    assert fit.certificate.holds
    assert fit.certificate.zeros_proved
    assert 5 < fit.n_zeros < 35
    assert fit.n_zeros == np.count_nonzero(fit.coef == 0.0)
    at_loc = br.find_map(br.Model(br.Multinomial(), br.Laplace(0.05, loc=0.25)), data)
    np.testing.assert_array_equal(at_loc.at_loc, fit.coef == 0.0)
    # A loc is the same for all classes, so that it cancels: the whole mode moves with it.
    np.testing.assert_allclose(at_loc.coef - 0.25, fit.coef, atol=1e-10)


def test_a_zero_that_is_none_is_never_proved():
    """Points with a single zero, a wrong one, moved until the gradient alone would let it pass."""
    data, rng = make_class_data(), np.random.default_rng(12)
    model = br.Model(br.Multinomial(), br.Laplace(0.3), None)
    fit = br.find_map(model, data)
    size = np.where(fit.coef == 0, np.inf, np.abs(fit.coef))
    k, j = np.unravel_index(np.argmin(size), size.shape)
    tempting = 0
    for share in np.tile([1e-3, 1e-2, 0.1, 0.5], 50):
        noise = rng.normal(size=fit.coef.shape)
        W = np.where(fit.coef == 0, 1e-9, fit.coef) * (1 + share * noise)
        W[k, j] = 0.0
        gradient, _ = model.gradient(data, W)
        tempting += abs(gradient[k, j]) < 1 / 0.3
        assert not br.certify(model, data, W).zeros_proved
    assert tempting >= 5


# ---- identities ---------------------------------------------------------------------------------


@pytest.mark.parametrize("prior", EVERY_PRIOR)
def test_permuting_the_classes_permutes_the_rows(prior):
    data, order = make_class_data(4), np.array([2, 0, 3, 1])
    model = br.Model(br.Multinomial(), prior)
    fit = fitted(model, data)
    renamed = fitted(model, br.Data(data.X, order[data.y.astype(int)]))
    np.testing.assert_allclose(renamed.coef[order], fit.coef, atol=1e-8)
    np.testing.assert_allclose(renamed.intercept[order], fit.intercept, atol=1e-7)


@pytest.mark.parametrize(
    ("prior", "twin"),
    [
        (br.Normal(0.4), br.Normal(0.4 * np.sqrt(2))),
        (br.Laplace(0.4), br.Laplace(0.4)),
        (br.ElasticNet(0.4, 0.7), br.ElasticNet(0.4, 0.7 * np.sqrt(2))),
        (br.Flat(), br.Flat()),
    ],
    ids=str,
)
@pytest.mark.parametrize("standardize", [False, True])
def test_two_classes_are_bernoulli(prior, twin, standardize):
    """w_1 = -w_0 = w / 2, and 2 (w/2)^2 / (2 tau^2) = w^2 / (2 (tau sqrt 2)^2)."""
    data = make_class_data(2, weights=True)
    two = fitted(br.Model(br.Multinomial(), prior, standardize=standardize), data)
    one = br.find_map(br.Model(br.Bernoulli(), twin, standardize=standardize), data)
    np.testing.assert_allclose(two.coef[1] - two.coef[0], one.coef, atol=1e-10)
    np.testing.assert_allclose(two.coef[1], one.coef / 2, atol=1e-10)
    np.testing.assert_array_equal(two.coef[1] == 0, one.coef == 0)
    assert two.intercept[1] - two.intercept[0] == pytest.approx(one.intercept, abs=1e-9)
    np.testing.assert_allclose(two.predict(data.X)[:, 1], one.predict(data.X), atol=1e-10)
    assert two.certificate.half_null_deviance == pytest.approx(one.certificate.half_null_deviance)


def test_uniqueness_under_a_pure_laplace_prior():
    """An even number of classes leaves room between its two middle values; an odd one does not."""
    data = make_class_data(2)
    model = br.Model(br.Multinomial(), br.Laplace(0.4))
    with pytest.warns(NotUniqueWarning):
        even = br.find_map(model, data)
    assert not even.unique
    j = int(np.argmax(np.abs(even.coef[1])))
    moved = even.coef.copy()
    moved[:, j] += 0.5 * even.coef[1, j]  # all on one class
    assert model.log_density(data, moved, even.intercept) == pytest.approx(
        even.log_density, rel=1e-13
    )
    odd = make_class_data(3)
    assert br.find_map(model, odd).unique
    assert br.find_map(br.Model(br.Multinomial(), br.ElasticNet(0.4, 9.0)), data).unique
    assert br.find_map(br.Model(br.Multinomial(), br.Laplace(1e-4)), data).unique
    twice = br.Data(np.column_stack([odd.X, odd.X[:, 0]]), odd.y)
    with pytest.warns(NotUniqueWarning):
        assert not br.find_map(br.Model(br.Multinomial(), br.Flat()), twice).unique
    assert br.find_map(br.Model(br.Multinomial(), br.Normal(1.0)), twice).unique


def test_the_reported_split_is_the_limit_of_an_elastic_net():
    data = make_class_data(4)
    fit = fitted(br.Model(br.Multinomial(), br.Laplace(0.2)), data)
    assert not fit.unique
    near = br.find_map(br.Model(br.Multinomial(), br.ElasticNet(0.2, 1e4)), data)
    np.testing.assert_allclose(fit.coef, near.coef, atol=1e-5)


@pytest.mark.parametrize("prior", [br.Laplace(0.3), br.Normal(0.5), MIXED_PRIOR], ids=str)
def test_weights_are_repeated_rows(prior):
    data, rng = make_class_data(), np.random.default_rng(7)
    counts = rng.integers(0, 4, data.n)
    counts[:3] = 1
    model = br.Model(br.Multinomial(), prior, standardize=True)
    weighted = br.find_map(model, br.Data(data.X, data.y, weights=counts))
    repeated = br.find_map(model, br.Data(data.X.repeat(counts, axis=0), data.y.repeat(counts)))
    np.testing.assert_allclose(weighted.coef, repeated.coef, atol=1e-9)
    np.testing.assert_allclose(weighted.intercept, repeated.intercept, atol=1e-8)
    assert weighted.log_density == pytest.approx(repeated.log_density, rel=1e-12)


@pytest.mark.parametrize("prior", [br.Laplace(0.3), br.Normal(0.5), MIXED_PRIOR], ids=str)
@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_array, sparse.coo_array])
def test_sparse_is_dense_and_never_densified(prior, kind, monkeypatch):
    data = make_class_data(n=90)
    X = np.where(np.abs(data.X) > np.median(np.abs(data.X), axis=0), data.X, 0.0)
    model = br.Model(br.Multinomial(), prior, standardize=True)
    dense = br.find_map(model, br.Data(X, data.y))
    thin = br.find_map(model, br.Data(kind(X), data.y))
    np.testing.assert_allclose(thin.coef, dense.coef, atol=1e-9)
    np.testing.assert_allclose(thin.intercept, dense.intercept, atol=1e-8)
    np.testing.assert_allclose(thin.predict(kind(X)), dense.predict(X), atol=1e-10)


def test_a_large_sparse_problem_stays_sparse():
    rng = np.random.default_rng(8)
    X = sparse.random_array((400, 30_000), density=2e-3, rng=rng, format="csc")
    y = np.argmax(X[:, :300] @ rng.normal(size=(300, 3)) + rng.gumbel(size=(400, 3)), axis=1)
    data = br.Data(X, y)
    fit = br.find_map(br.Model(br.Multinomial(), br.Laplace(0.9)), data)
    assert fit.certificate.holds
    assert 0 < fit.coef.size - fit.n_zeros < 2000
    ridge = br.find_map(br.Model(br.Multinomial(), br.Normal(1.0)), data)
    assert ridge.certificate.holds
    np.testing.assert_allclose(ridge.coef.sum(axis=0), 0.0, atol=1e-12)


def test_standardize_states_the_prior_for_standardised_columns():
    data = make_class_data(weights=True)
    s, X = data.weights, data.X
    mean = s @ X / s.sum()
    deviation = np.sqrt(s @ (X - mean) ** 2 / s.sum())
    model = br.Model(br.Multinomial(), br.Laplace(0.2), standardize=True)
    fit = br.find_map(model, data)
    other = br.find_map(
        br.Model(br.Multinomial(), br.Laplace(0.2)), br.Data((X - mean) / deviation, data.y, s)
    )
    np.testing.assert_allclose(fit.coef * deviation, other.coef, atol=1e-9)


def test_columns_far_from_zero_or_of_extreme_size():
    data = make_class_data()
    scale = np.array([2.0**300, 1.0, 2.0**-300, 1.0, 1.0, 1.0, 1.0])
    vector = np.full(P, 0.3)
    model = br.Model(br.Multinomial(), br.Laplace(tuple(vector)))
    plain = br.find_map(model, data)
    scaled = br.find_map(
        br.Model(br.Multinomial(), br.Laplace(tuple(vector / scale))),
        br.Data(data.X * scale, data.y),
    )
    np.testing.assert_allclose(scaled.coef * scale, plain.coef, atol=1e-10)
    far = np.array(data.X)
    far[:, 1] += 2.0**20
    moved = br.find_map(model, br.Data(far, data.y))
    np.testing.assert_allclose(moved.coef, plain.coef, atol=1e-7)
    assert moved.certificate.holds


# ---- other software -----------------------------------------------------------------------------


def datasets():
    from sklearn.datasets import load_iris, load_wine

    for load in (load_iris, load_wine):
        X, y = load(return_X_y=True)
        yield (X - X.mean(axis=0)) / X.std(axis=0), y


@pytest.mark.parametrize("tau", [0.3, 3.0])
def test_scikit_learn_under_a_normal_prior(tau):
    """C = tau^2: C sum_i nll_i + ||w||^2 / 2 is tau^2 J."""
    from sklearn.linear_model import LogisticRegression

    for X, y in datasets():
        fit = br.find_map(br.Model(br.Multinomial(), br.Normal(tau)), br.Data(X, y))
        peer = LogisticRegression(C=tau**2, tol=1e-10, max_iter=10_000).fit(X, y)
        np.testing.assert_allclose(fit.coef, peer.coef_, atol=2e-4 * tau)
        found = br.certify(fit.model, br.Data(X, y), peer.coef_, peer.intercept_, tol=1e-6)
        assert found.holds
        np.testing.assert_allclose(fit.predict(X), peer.predict_proba(X), atol=1e-4)


def test_scikit_learn_under_a_laplace_prior():
    """C = b: C sum_i nll_i + ||w||_1 is b J. The excess of its objective, not the coefficients."""
    from sklearn.linear_model import LogisticRegression

    for X, y in datasets():
        data = br.Data(X, y)
        model = br.Model(br.Multinomial(), br.Laplace(0.2))
        fit = br.find_map(model, data)
        peer = LogisticRegression(C=0.2, l1_ratio=1, solver="saga", tol=1e-9, max_iter=100_000)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            if "penalty" in peer.get_params() and peer.get_params()["penalty"] == "l2":
                peer.set_params(penalty="l1", l1_ratio=None)
            peer.fit(X, y)
        excess = fit.log_density - model.log_density(data, peer.coef_, peer.intercept_)
        assert -1e-9 <= excess <= 1e-5
        np.testing.assert_allclose(fit.coef, peer.coef_, atol=2e-3)


# ---- degenerate data ----------------------------------------------------------------------------


def test_no_mode_is_said_with_its_reason():
    rng = np.random.default_rng(9)
    X = rng.normal(size=(60, 2))
    separated = br.Data(X, np.digitize(X[:, 0], [-0.5, 0.5]), names=["a", "b"])
    with pytest.raises(NoModeError, match=r"'a'.*separate the classes"):
        br.find_map(br.Model(br.Multinomial(), br.Flat()), separated)
    half = br.Model(br.Multinomial(), {"a": br.Truncated(br.Flat(), lower=0.0), "b": br.Normal(1)})
    with pytest.raises(NoModeError, match="'a'"):
        br.find_map(half, separated)
    assert fitted(br.Model(br.Multinomial(), {"a": br.Normal(1), "b": br.Flat()}), separated)
    overlapping = br.Data(X, rng.integers(0, 3, 60))
    assert br.find_map(br.Model(br.Multinomial(), br.Flat()), overlapping).certificate.holds


@pytest.mark.parametrize(("classes", "codes"), [(4, [0, 1, 2]), (None, [0, 1, 3]), (2, [0, 0])])
def test_an_absent_class(classes, codes):
    y = np.resize(codes, 30)
    data = br.Data(np.random.default_rng(10).normal(size=(30, 2)), y)
    flat = br.Model(br.Multinomial(classes), br.Normal(1.0))
    for call in (br.find_map, br.find_map_path):
        with pytest.raises(NoModeError, match=r"no row of y is of class \d.*Normal"):
            call(flat, data)
    proper = br.find_map(br.Model(br.Multinomial(classes), br.Normal(1.0), br.Normal(1.0)), data)
    absent = sorted(set(range(len(proper.classes))) - set(codes))
    assert np.all(proper.intercept[absent] < np.min(np.delete(proper.intercept, absent)))
    assert fitted(br.Model(br.Multinomial(classes), br.Laplace(1.0), None), data).certificate.holds


def test_one_row():
    data = br.Data([[1.0, -2.0]], [1])
    with pytest.raises(NoModeError, match="class 0"):
        br.find_map(br.Model(br.Multinomial(3), br.Normal(1.0)), data)
    fit = br.find_map(br.Model(br.Multinomial(3), br.Normal(1.0), br.Normal(1.0)), data)
    # (p - e_1) x + w = 0 and the classes 0 and 2 are alike.
    p = fit.predict([[1.0, -2.0]])[0]
    np.testing.assert_allclose(fit.coef, np.outer(np.eye(3)[1] - p, [1.0, -2.0]), atol=1e-12)
    np.testing.assert_allclose(fit.intercept, np.eye(3)[1] - p, atol=1e-12)


@pytest.mark.parametrize("prior", [br.Laplace(0.3), br.Normal(0.3), br.Flat()], ids=str)
def test_constant_columns(prior):
    data = make_class_data()
    X = np.array(data.X)
    X[:, 1], X[:, 4] = 0.0, 3.0
    constant = br.Data(X, data.y)
    standard = br.Model(br.Multinomial(), prior, standardize=True)
    fit = br.find_map(standard, constant)
    np.testing.assert_array_equal(fit.coef[:, [1, 4]], 0.0)
    assert fit.certificate.holds
    model = br.Model(br.Multinomial(), prior)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", NotUniqueWarning)
        plain = br.find_map(model, constant)
    assert plain.unique == (prior != br.Flat())
    assert len(caught) == (prior == br.Flat())
    np.testing.assert_allclose(plain.coef[:, 1], 0.0, atol=1e-12)


def test_perfect_separation_under_proper_priors():
    X = np.linspace(-3, 3, 30)[:, None]
    data = br.Data(X, np.digitize(X[:, 0], [-1.0, 1.0]))
    for scale in (1.0, 30.0, 1000.0):
        for prior in (br.Laplace(scale), br.Normal(scale)):
            assert br.find_map(br.Model(br.Multinomial(), prior), data).certificate.holds


def test_an_uncertified_point_is_not_returned_silently():
    data, model = make_class_data(), br.Model(br.Multinomial(), br.Laplace(0.3))
    with pytest.raises(NotCertifiedError, match="raise max_iterations"):
        br.find_map(model, data, max_iterations=1)
    with pytest.warns(br.errors.NotCertifiedWarning):
        br.find_map(model, data, max_iterations=1, on_failure="warn")
    returned = br.find_map(model, data, max_iterations=1, on_failure="return")
    assert not returned.certificate.holds
    with pytest.raises(br.errors.ModelError, match="target"):
        br.find_map(model, data, target="joint")


# ---- many entries -------------------------------------------------------------------------------


def test_more_columns_than_rows():
    rng = np.random.default_rng(11)
    X = rng.normal(size=(60, 400))
    y = np.argmax(X[:, :4] @ rng.normal(0, 2, (4, 4)) + rng.gumbel(size=(60, 4)), axis=1)
    data = br.Data(X, y)
    for prior in (br.Laplace(0.1), br.Laplace(1.0), br.ElasticNet(0.3, 0.5), br.Normal(0.3)):
        fit = fitted(br.Model(br.Multinomial(), prior), data, tol=1e-10)
        assert fit.certificate.holds
        assert fit.certificate.zeros_proved or not fit.unique


def test_conjugate_gradients_reach_the_newton_mode(monkeypatch):
    from bayesreg.solvers import class_newton

    data = make_class_data(weights=True)
    prior = {"x0": br.Flat(), "x[1-6]": br.Normal([0.1, 0.5, 9.0, 1.0, 2.0, 0.3], loc=0.3)}
    for intercept in (br.Flat(), br.Normal(1.0), None):
        problem = bind_classes(br.Model(br.Multinomial(), prior, intercept), data)
        direct = minimise_classes(problem, problem.start)
        with monkeypatch.context() as change:
            change.setattr(class_newton, "_MANY_ENTRIES", 0)
            iterated = minimise_classes(problem, problem.start)
        assert iterated.settled
        np.testing.assert_allclose(iterated.V, direct.V, atol=1e-9)
        assert certify_class_point(problem, iterated.V, 1e-12).holds


# ---- the estimate and its path ------------------------------------------------------------------


@pytest.mark.parametrize("likelihood", CLASS_LIKELIHOODS)
def test_the_estimate_in_every_form(likelihood):
    data = make_class_data()
    fit = br.find_map(br.Model(likelihood, br.Laplace(0.1)), data)
    assert fit.coef.shape == (3, P)
    assert fit.intercept.shape == (3,)
    assert fit.classes == (0, 1, 2)
    assert fit.lambda1.shape == (P,)
    assert fit.at_loc.shape == (3, P)
    table = fit.to_table()
    assert table.header == ("coefficient", "class 0", "class 1", "class 2")
    assert [row[0] for row in table.rows] == [*data.names, "intercept"]
    shown = sum(cell == "0" for row in table.rows[:-1] for cell in row[1:])
    assert shown == fit.n_zeros
    assert "class 2" in str(fit)
    assert f"{3 * P - fit.n_zeros} of {3 * P} nonzero" in repr(fit)
    as_dict = json.loads(json.dumps(fit.to_dict()))
    assert as_dict["coef"]["2"]["x3"] == fit.coef[2, 3]
    assert as_dict["intercept"] == fit.intercept.tolist()
    chance = fit.predict(data.X[:5])
    assert chance.shape == (5, 3)
    np.testing.assert_allclose(chance.sum(axis=1), 1.0, rtol=1e-14)
    with pytest.raises(DataError, match="X has 2 columns, but the fit is on 7"):
        fit.predict(data.X[:, :2])
    with pytest.raises(ValueError, match="read-only"):
        fit.coef[0, 0] = 1.0
    without = br.find_map(br.Model(likelihood, br.Laplace(0.1), None), data)
    np.testing.assert_array_equal(without.intercept, 0.0)
    assert len(without.to_table().rows) == P


def test_many_classes_stand_below_each_other():
    data = make_class_data(10, n=300)
    table = br.find_map(br.Model(br.Multinomial(), br.Normal(0.1)), data).to_table()
    assert table.header == ("coefficient", "class", "MAP")
    assert len(table.rows) == 10 * (P + 1)


@pytest.mark.parametrize(
    "prior", [br.Laplace(0.3), br.Normal(0.5), br.ElasticNet(0.3, 0.6), MIXED_PRIOR], ids=str
)
def test_every_point_of_a_path_is_the_mode_at_its_scale(prior):
    data = make_class_data(weights=True)
    model = br.Model(br.Multinomial(), prior)
    path = br.find_map_path(model, data, n_scales=6)
    assert path.coef.shape == (6, 3, P)
    assert path.intercept.shape == (6, 3)
    for scale, estimate in zip(path.scales, path.estimates, strict=True):
        assert estimate.certificate.holds
        single = br.find_map(model.rescaled(scale / model.axis_scale(data)), data)
        assert estimate.model == single.model
        np.testing.assert_allclose(estimate.coef, single.coef, rtol=1e-8, atol=1e-10)
    frame = path.to_dataset()
    assert frame["coef"].dims == ("scale", "class", "feature")
    assert frame["intercept"].dims == ("scale", "class")
    np.testing.assert_array_equal(frame["n_nonzero"], path.n_nonzero)
    assert "6 scales" in repr(path)


def test_a_path_starts_where_the_first_coefficient_leaves():
    """t_min = 1 / max |X'(p - e_y)| with p the shares of the classes."""
    data = make_class_data(4, weights=True)
    model = br.Model(br.Multinomial(), br.Laplace(7.0))
    share = np.bincount(data.y.astype(int), data.weights) / data.weights.sum()
    theta = data.weights[:, None] * (share - np.eye(4)[data.y.astype(int)])
    first = smallest_scale(model, data)
    assert first == pytest.approx(1.0 / np.abs(data.X.T @ theta).max(), rel=1e-12)
    path = br.find_map_path(model, data)
    assert path.scales[0] == pytest.approx(first, rel=1e-12)
    assert path.n_nonzero[0] == 0
    assert fitted(model.rescaled(first * (1 - 1e-9) / 7.0), data).n_zeros == 4 * P
    assert fitted(model.rescaled(first * (1 + 1e-3) / 7.0), data).n_zeros < 4 * P
    given = br.find_map_path(model, data, [0.5, 0.01, 0.1])
    np.testing.assert_array_equal(given.scales, [0.5, 0.01, 0.1])


def test_a_normal_path_is_even_in_degrees_of_freedom():
    data = make_class_data()
    path = br.find_map_path(br.Model(br.Multinomial(), br.Normal(1.0)), data, n_scales=9)
    centred = data.X - data.X.mean(axis=0)
    share = np.bincount(data.y.astype(int)) / data.n
    values = np.outer(
        np.linalg.eigvalsh(centred.T @ centred),
        np.linalg.eigvalsh(np.diag(share) - np.outer(share, share))[1:],
    ).ravel()
    t = path.scales[:, None]
    degrees = (values * t**2 / (1 + values * t**2)).sum(axis=1)
    np.testing.assert_allclose(degrees, np.linspace(0.01, 0.99, 9) * values.size, rtol=1e-6)


@pytest.mark.parametrize("prior", [br.Laplace(0.3), br.Normal(0.5, loc=0.1), br.HalfNormal(0.5)])
def test_verify_passes_and_sees_a_wrong_point(prior):
    from dataclasses import replace

    data = make_class_data(weights=True)
    model = br.Model(br.Multinomial(), prior, standardize=True)
    report = br.verify(model, data)
    assert report.passed
    assert json.loads(report.to_json())["passed"] is True
    fit = br.find_map(model, data)
    wrong = replace(fit, coef=fit.coef * 1.05)
    broken = {check.name: check.passed for check in br.verify(model, data, fit=wrong).checks}
    assert broken["certificate"] is False


def test_command_line(tmp_path, capsys):
    from bayesreg.cli import main

    data = make_class_data()
    file = tmp_path / "classes.csv"
    rows = np.column_stack([data.X, data.y])
    np.savetxt(file, rows, delimiter=",", header=",".join([*data.names, "kind"]), comments="")
    command = ["fit", str(file), "--target", "kind", "--prior", "Laplace(scale=0.1)",
               "--likelihood", "Multinomial()"]  # fmt: skip
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "class 2" in printed
    assert "certificate holds" in printed
    assert main([*command, "--json"]) == 0
    fit = json.loads(capsys.readouterr().out)
    assert set(fit["coef"]) == {"0", "1", "2"}
    assert fit["certificate"]["holds"] is True
