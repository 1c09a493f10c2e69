"""GroupLaplace: optimality, exact groups at loc, the proof, the path, refusals."""

import numpy as np
import pytest
from helpers import LIKELIHOODS, make_data
from scipy import sparse
from scipy.optimize import minimize

import bayesreg as br
from bayesreg._kernels.group_descent import minimise_block
from bayesreg.errors import ModelError, ModelTypeError, NoEquivalentError, NotCertifiedError
from bayesreg.group_penalty import GroupedPenalty
from bayesreg.likelihoods import likelihood_of_rows
from bayesreg.problem import bind
from bayesreg.proof.point import certify_point
from bayesreg.solvers import smallest_scale
from bayesreg.testing import check_prior
from bayesreg.wording import describe

LABELS = [0, 1, 0, 2, 1, 1, 0]
BY_NAME = {"x[0-2]": br.GroupLaplace(0.15), "x[3-5]": br.GroupLaplace(0.4), "x6": br.Flat()}
MIXED = {
    "x[01]": br.GroupLaplace(0.1, loc=[0.2, -0.1]),
    "x[23]": br.GroupLaplace(0.02),
    "x4": br.Laplace(0.1),
    "x5": br.Truncated(br.Normal(0.5), lower=0.0),
    "x6": br.Flat(),
}
PRIORS = [
    pytest.param(br.GroupLaplace(0.3), id="one-group"),
    pytest.param(br.GroupLaplace([0.05, 0.3, 1.0], groups=LABELS), id="labels"),
    pytest.param(br.GroupLaplace(0.1, 0.25, groups=LABELS), id="labels-loc"),
    pytest.param(BY_NAME, id="by-name"),
    pytest.param(MIXED, id="mixed"),
]


def groups_of(data, prior):
    """(columns, scale) of every group, written out here."""
    from bayesreg.columns import prior_columns

    found = []
    for part, columns in prior_columns(prior, data.names):
        if isinstance(part, br.GroupLaplace):
            labels = np.zeros(columns.size) if part.groups is None else np.array(part.groups)
            for label, b in np.broadcast(np.unique(labels), part.scale):
                found.append((columns[labels == label], float(b)))
    return found


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_optimality_conditions(likelihood, prior, standardize):
    """Of a group with standardised coefficients u = d w:  at loc ||X_G' theta / d|| <= 1 / b, else
    X_G' theta = -d (u - m) / (b ||u - m||)."""
    data = make_data(likelihood, weights=True, offset=True)
    fit = br.find_map(br.Model(likelihood, prior, standardize=standardize), data)
    by_row = data.weights * likelihood_of_rows(likelihood, data.trials).gradient(
        data.y, fit.model.linear_predictor(data, fit.coef, fit.intercept)
    )
    pull = data.X.T @ by_row
    terms = np.abs(data.X).T @ np.abs(by_row)
    mean = np.average(data.X, axis=0, weights=data.weights)
    sd = np.sqrt(np.average((data.X - mean) ** 2, axis=0, weights=data.weights))
    d = sd if standardize else np.ones(data.p)
    for columns, b in groups_of(data, prior):
        z = d[columns] * (fit.coef[columns] - fit.loc[columns])
        in_units = pull[columns] / d[columns]
        if np.all(fit.coef[columns] == fit.loc[columns]):
            assert np.linalg.norm(in_units) <= 1 / b * (1 + 1e-12)
        else:
            assert np.all(fit.coef[columns] != fit.loc[columns])
            left = in_units + z / (b * np.linalg.norm(z))
            assert np.all(np.abs(left) <= 1e-12 * terms[columns] / d[columns])
    assert abs(by_row.sum()) <= 1e-12 * np.abs(by_row).sum()
    assert fit.certificate.holds
    assert fit.certificate.relative_gap <= 1e-12
    assert fit.certificate.zeros_proved
    assert fit.unique
    density = fit.model.log_density(data, fit.coef, fit.intercept)
    assert fit.log_density == pytest.approx(density, rel=1e-12)


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_a_group_of_one_is_laplace(likelihood, standardize):
    data = make_data(likelihood, weights=True)
    single = br.GroupLaplace(0.1, 0.05, groups=range(data.p))
    one = br.find_map(br.Model(likelihood, single, standardize=standardize), data)
    other = br.find_map(br.Model(likelihood, br.Laplace(0.1, 0.05), standardize=standardize), data)
    assert np.array_equal(one.coef, other.coef)
    assert one.log_density == other.log_density
    w = np.array([-0.3, 0.0, 2.0])
    for k, x in enumerate(w):
        expected = br.Laplace(0.7, 0.1).log_density(x)
        assert br.GroupLaplace(0.7, 0.1).log_density(w[k : k + 1])[0] == pytest.approx(expected)


def orthonormal(n=40, p=6, seed=2):
    """Columns with X'X = I that are orthogonal to the intercept."""
    rng = np.random.default_rng(seed)
    block = rng.normal(size=(n, p))
    return np.linalg.qr(block - block.mean(axis=0))[0]


def test_orthonormal_design_in_closed_form():
    """w_G = (1 - sigma^2 / (b ||X_G'y||))_+ X_G'y, the group soft threshold."""
    X, sigma = orthonormal(), 1.3
    y = X @ np.array([3.0, -2.0, 0.1, 0.2, 4.0, 1.0]) + 5.0
    groups, scales = [0, 0, 1, 1, 2, 2], (0.9, 1.0, 0.5)
    model = br.Model(br.Gaussian(sigma), br.GroupLaplace(scales, groups=groups))
    fit = br.find_map(model, br.Data(X, y))
    expected = np.empty(6)
    for k, b in enumerate(scales):
        z = X[:, 2 * k : 2 * k + 2].T @ y
        share = max(0.0, 1 - sigma**2 / (b * np.linalg.norm(z)))
        expected[2 * k : 2 * k + 2] = share * z
    assert np.array_equal(fit.coef == 0, expected == 0)
    assert fit.n_zeros == 2
    np.testing.assert_allclose(fit.coef, expected, rtol=1e-13)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_brute_force_in_two_dimensions(likelihood):
    data = make_data(likelihood, p=2)
    model = br.Model(likelihood, br.GroupLaplace(0.2, loc=[0.1, 0.0]), intercept=None)
    fit = br.find_map(model, data)
    found = minimize(
        lambda w: -model.log_density(data, w),
        [0.3, 0.2],
        method="Nelder-Mead",
        options={"xatol": 1e-10, "fatol": 1e-13, "maxiter": 4000},
    )
    assert -found.fun <= fit.log_density + 1e-9
    np.testing.assert_allclose(fit.coef, found.x, atol=1e-5)


def test_rotation_within_a_group_rotates_the_mode():
    data = make_data(br.Bernoulli())
    rng = np.random.default_rng(4)
    turn = np.eye(7)
    turn[:3, :3] = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    prior = {"x[0-2]": br.GroupLaplace(0.5), "x[3-6]": br.GroupLaplace(0.05)}
    model = br.Model(br.Bernoulli(), prior)
    plain = br.find_map(model, data)
    turned = br.find_map(model, br.Data(data.X @ turn, data.y))
    assert plain.n_zeros in (0, 4)
    np.testing.assert_allclose(turn @ turned.coef, plain.coef, rtol=1e-10, atol=1e-13)
    assert turned.log_density == pytest.approx(plain.log_density, rel=1e-13)


@pytest.mark.parametrize("form", [sparse.csc_array, sparse.coo_array])
def test_sparse_is_dense(form):
    rng = np.random.default_rng(1)
    X = np.where(rng.random((80, 12)) < 0.3, rng.normal(size=(80, 12)), 0.0)
    y = X[:, :3] @ [1.0, 2.0, -1.0] + rng.normal(size=80)
    model = br.Model(
        br.Gaussian(1.0), br.GroupLaplace(0.2, groups=np.repeat(range(4), 3)), standardize=True
    )
    one, other = br.find_map(model, br.Data(form(X), y)), br.find_map(model, br.Data(X, y))
    np.testing.assert_allclose(one.coef, other.coef, rtol=1e-10, atol=1e-14)
    assert np.array_equal(one.coef == 0, other.coef == 0)


@pytest.mark.parametrize("intercept", [None, br.Normal(0.5), br.Laplace(0.2, loc=1.0)], ids=str)
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_intercepts(likelihood, intercept):
    data = make_data(likelihood, offset=True)
    fit = br.find_map(br.Model(likelihood, br.GroupLaplace(0.1, groups=LABELS), intercept), data)
    assert fit.certificate.relative_gap <= 1e-12
    assert fit.certificate.zeros_proved


@pytest.mark.parametrize("b", [0.02, 0.3, 30.0])
@pytest.mark.parametrize("likelihood", LIKELIHOODS[:2])
def test_more_columns_than_rows(likelihood, b):
    rng = np.random.default_rng(8)
    X = rng.normal(size=(30, 150)) + 0.6 * rng.normal(size=(30, 1))
    y = likelihood.draw(X[:, :5] @ np.full(5, 0.6), rng)
    fit = br.find_map(br.Model(likelihood, br.GroupLaplace(b, groups=np.arange(150) // 5)),
                      br.Data(X, y))  # fmt: skip
    assert fit.certificate.relative_gap <= 1e-10
    at_loc = fit.coef.reshape(30, 5) == 0
    assert np.array_equal(at_loc.any(axis=1), at_loc.all(axis=1))
    assert fit.unique


def test_duplicate_groups_are_not_unique_and_duplicates_within_one_are():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(40, 4))
    y = X @ [1.0, -1.0, 0.5, 1.0] + rng.normal(size=40)
    twice = br.Data(np.column_stack([X, X]), y)
    apart = br.Model(br.Gaussian(1.0), br.GroupLaplace(0.2, groups=[0] * 4 + [1] * 4))
    with pytest.warns(br.errors.NotUniqueWarning):
        fit = br.find_map(apart, twice)
    assert not fit.unique
    assert fit.certificate.holds
    together = br.find_map(br.Model(br.Gaussian(1.0), br.GroupLaplace(0.2)), twice)
    assert together.unique
    np.testing.assert_allclose(together.coef[:4], together.coef[4:], rtol=1e-10)


@pytest.mark.parametrize("b", [1e-150, 1e-20, 1e-6, 1e3, 1e12, 1e100])
def test_extreme_scales(b):
    data = make_data(br.Gaussian(1.5))
    model = br.Model(br.Gaussian(1.5), br.GroupLaplace(b, groups=LABELS))
    fit = br.find_map(model, data, tol=1e-12)
    assert fit.certificate.holds
    if b <= 1e-6:
        assert fit.n_zeros == data.p
    else:
        flat = br.find_map(br.Model(br.Gaussian(1.5), br.Flat()), data)
        np.testing.assert_allclose(fit.coef, flat.coef, rtol=10 / b + 1e-9)


@pytest.mark.parametrize("unit", [1e150, 1e-150, 2.0**40])
def test_units(unit):
    data = make_data(br.Gaussian(1.5))
    plain = br.find_map(br.Model(br.Gaussian(1.5), br.GroupLaplace(0.1, groups=LABELS)), data)
    model = br.Model(br.Gaussian(1.5), br.GroupLaplace(0.1 / unit, groups=LABELS))
    scaled = br.find_map(model, br.Data(data.X * unit, data.y))
    np.testing.assert_allclose(scaled.coef * unit, plain.coef, rtol=1e-10, atol=1e-16)


def test_zero_columns_and_constant_columns_stay_at_loc():
    data = make_data(br.Gaussian(1.5))
    X = data.X.copy()
    X[:, 2] = 0.0
    fit = br.find_map(br.Model(br.Gaussian(1.5), br.GroupLaplace(0.5)), br.Data(X, data.y))
    assert fit.coef[2] == 0.0
    assert np.all(np.delete(fit.coef, 2) != 0)
    X[:, 2] = 4.0
    model = br.Model(br.Gaussian(1.5), br.GroupLaplace(0.5, loc=0.3), standardize=True)
    held = br.find_map(model, br.Data(X, data.y))
    assert held.coef[2] == 0.3
    others = br.find_map(model, br.Data(np.delete(X, 2, axis=1), data.y))
    np.testing.assert_allclose(np.delete(held.coef, 2), others.coef, rtol=1e-10)
    assert held.log_density == pytest.approx(others.log_density, rel=1e-12)


# ---- the proof --------------------------------------------------------------------------------


def wide_problem(seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(40, 24))
    y = br.Bernoulli().draw(X[:, :3] @ [1.0, -1.0, 1.0], rng)
    data = br.Data(X, y)
    model = br.Model(br.Bernoulli(), br.GroupLaplace(0.3, groups=np.arange(24) // 3))
    return model, data, bind(model, data)


@pytest.mark.parametrize("seed", range(4))
def test_gap_bounds_the_true_excess_at_random_points(seed):
    model, data, problem = wide_problem(seed)
    fit = br.find_map(model, data)
    mode = problem.extended(fit.coef, fit.intercept)
    least, rng = problem.value(mode), np.random.default_rng(seed)
    for distance in np.geomspace(1e-10, 3.0, 12):
        moved = mode + distance * rng.normal(size=problem.size)
        whole = np.append(rng.random(8) < 0.5, False)  # groups put to 0
        for point in (moved, np.where(np.append(np.repeat(whole[:8], 3), False), 0.0, moved)):
            found = certify_point(problem, point)
            assert found.gap >= problem.value(point) - least - 1e-13 * abs(least)


def test_wrong_zeros_are_found():
    """A group that is off loc in the mode, put to its loc."""
    model, data, _ = wide_problem()
    fit = br.find_map(model, data)
    active = np.unique(np.flatnonzero(fit.coef) // 3)
    assert 1 < active.size < 8
    for group in active:
        coef = fit.coef.copy()
        coef[3 * group : 3 * group + 3] = 0.0
        found = br.certify(model, data, coef, fit.intercept)
        assert not found.holds
        assert not found.zeros_proved


def test_a_group_near_loc_is_no_zero():
    """The mode with a group at 1e-9 in place of 0: nearly right, and its KKT residual says so."""
    model, data, _ = wide_problem()
    fit = br.find_map(model, data)
    group = np.flatnonzero(fit.coef == 0)[:3]
    coef = fit.coef.copy()
    coef[group] = 1e-9
    found = br.certify(model, data, coef, fit.intercept)
    assert found.kkt_residual > 1e6 * fit.certificate.kkt_residual > 0
    assert 0 < found.gap < 1e-6


def test_values_and_fenchel_young_of_a_huge_and_a_tiny_group():
    penalty = br.GroupLaplace(1.0).penalty(3)
    assert isinstance(penalty, GroupedPenalty)
    for size in (1e-200, 1e150):
        w = size * np.array([2.0, -1.0, 2.0])
        assert penalty.value(w) == pytest.approx(3 * size, rel=1e-15)
        assert np.sum(penalty.fenchel_young(w, penalty.slope(w))) <= 1e-15 * size
        half = 0.5 * penalty.slope(w)
        found = np.sum(penalty.fenchel_young(w, half))
        assert found == pytest.approx(1.5 * size, rel=1e-14)
    # Near the best dual point no digits are lost: ||w|| (1 - cos) = ||w|| angle^2 / 2.
    angle = 1e-6
    c = np.array([np.cos(angle), np.sin(angle), 0.0])
    found = np.sum(penalty.fenchel_young(np.array([1.0, 0.0, 0.0]), c))
    assert found == pytest.approx(angle**2 / 2, rel=1e-9)


def test_secular_equation_against_its_definition():
    rng = np.random.default_rng(0)
    for trial in range(50):
        k = 1 + trial % 5
        root = rng.normal(size=(k, k)) * np.exp(3 * rng.normal(size=k))
        B, b = root @ root.T, rng.normal(size=k)
        rate = np.linalg.norm(b) * (0.05 + 0.9 * rng.random())
        values, vectors = np.linalg.eigh(B)
        x = np.empty(k)
        assert minimise_block(b, rate, np.maximum(values, 0), vectors, x)
        size = np.abs(b) + np.abs(B) @ np.abs(x)
        assert np.all(np.abs(b + B @ x + rate * x / np.linalg.norm(x)) <= 1e-11 * size.max())
        assert minimise_block(b, np.linalg.norm(b) * 1.001, values, vectors, x)
        assert np.all(x == 0)


@pytest.mark.parametrize("max_iterations", [1, 2])
@pytest.mark.parametrize("likelihood", LIKELIHOODS[1:])
def test_too_few_iterations_are_told(likelihood, max_iterations):
    data = make_data(likelihood)
    model = br.Model(likelihood, br.GroupLaplace(1.0, groups=LABELS))
    with pytest.raises(NotCertifiedError, match="raise max_iterations") as caught:
        br.find_map(model, data, max_iterations=max_iterations)
    assert not caught.value.estimate.certificate.holds


def test_separation_under_a_flat_column_beside_a_group_is_named():
    data = make_data(br.Bernoulli())
    y = (data.X[:, 0] > np.median(data.X[:, 0])).astype(float)
    model = br.Model(br.Bernoulli(), {"x0": br.Flat(), "x[1-6]": br.GroupLaplace(0.3)})
    with pytest.raises(br.errors.NoModeError, match="separate"):
        br.find_map(model, br.Data(data.X, y))


# ---- the path, other verbs, refusals ------------------------------------------------------------


@pytest.mark.parametrize("relative", [False, True])
def test_path_starts_where_the_first_group_leaves(relative):
    data = make_data(br.Gaussian(1.5))
    prior = br.GroupLaplace([0.2, 0.1, 0.4], groups=LABELS, relative_to_noise=relative)
    model = br.Model(br.Gaussian(1.5), prior)
    centred = data.X - data.X.mean(axis=0)
    pull = centred.T @ (data.y - data.y.mean()) / 1.5**2 * (1.5 if relative else 1.0)
    steepest = max(
        b * np.linalg.norm(pull[np.array(LABELS) == k]) for k, b in enumerate(prior.scale)
    )
    first = smallest_scale(model, data)
    assert first == pytest.approx(prior.scale[0] / steepest, rel=1e-12)
    path = br.find_map_path(model, data, n_scales=8)
    assert path.scales[0] == pytest.approx(first)
    assert path.n_nonzero[0] == 0
    assert path.n_nonzero[1] > 0
    assert all(c.holds for c in path.certificates)
    for scale, coef in zip(path.scales[1::3], path.coef[1::3], strict=True):
        alone = br.find_map(model.rescaled(scale / prior.scale[0]), data)
        np.testing.assert_allclose(coef, alone.coef, rtol=1e-9, atol=1e-12)


def test_text_and_dict_round_trip():
    model = br.Model(br.Gaussian(1.5), MIXED)
    assert br.from_text(repr(model)) == model
    assert br.from_dict(br.to_dict(model)) == model
    prior = br.GroupLaplace([1.0, 2.0], groups=[0, 1, 1])
    assert repr(prior) == "GroupLaplace(scale=[1.0, 2.0], groups=[0.0, 1.0, 1.0])"


def test_verbs_that_know_it_and_verbs_that_refuse():
    data = make_data(br.Gaussian(1.5))
    model = br.Model(br.Gaussian(1.5), br.GroupLaplace(0.1, groups=LABELS))
    assert "lambda1 sum_G ||w_G||_2, lambda1 = sigma^2 / b = 22.5" in describe(model, data)
    assert br.sample(model, data, progress=False, seed=1).attrs["sampler"] == "gibbs"
    with pytest.raises(NoEquivalentError, match=r"several coefficients share.*find_map"):
        br.to_penalty(model, "sklearn.Lasso", data)
    report = br.verify(model, data)
    assert report.passed, report
    outcome = {check.name: check.passed for check in report.checks}
    assert outcome["certificate"]
    assert outcome["PyMC log density"]
    assert outcome["no draw beats the mode"]


def test_check_prior_sees_a_wrong_constant():
    class Wrong(br.GroupLaplace):
        def log_density(self, w):
            return super().log_density(w) + 0.01

    with pytest.raises(AssertionError, match="log_density"):
        check_prior(Wrong(0.5), size=2)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: br.GroupLaplace(0.0), ModelError, "GroupLaplace scale must be positive"),
        (lambda: br.GroupLaplace("1"), ModelTypeError, "GroupLaplace scale"),
        (lambda: br.GroupLaplace([1.0, 2.0]), ModelError, r"2 entries for 1 group\(s\)"),
        (lambda: br.GroupLaplace([1, 2], groups=[0, 1, 2]), ModelError, r"2 entries for 3 group"),
        (lambda: br.GroupLaplace(1, groups=3), ModelError, "a label for each coefficient"),
        (lambda: br.GroupLaplace(1, groups=[0, "a"]), ModelTypeError, r"groups\[1\]"),
        (lambda: br.GroupLaplace(1, loc=np.inf), ModelError, "GroupLaplace loc"),
        (lambda: br.Truncated(br.GroupLaplace(1.0), lower=0), ModelError, "one by one"),
        (lambda: br.Model(br.Bernoulli(), br.GroupLaplace(1.0, relative_to_noise=True)),
         ModelError, "no noise"),
    ],
)  # fmt: skip
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_labels_of_the_wrong_length_name_the_columns():
    data = make_data(br.Gaussian(1.5))
    with pytest.raises(ModelError, match="groups has 2 entries but applies to 7"):
        br.find_map(br.Model(br.Gaussian(1.5), br.GroupLaplace(1, groups=[0, 1])), data)
