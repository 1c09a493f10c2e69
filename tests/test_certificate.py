"""The certificate: an upper bound on the true suboptimality, computed from the point alone."""

import ast
from pathlib import Path

import numpy as np
import pytest
from helpers import COMBINATIONS, make_data, make_model

import bayesreg as br
from bayesreg.problem import bind
from bayesreg.proof.gap import gap_and_imbalance
from bayesreg.proof.null import null_deviance
from bayesreg.proof.point import certify_point
from bayesreg.proof.uniqueness import mode_is_unique

INTERCEPTS = [
    pytest.param(br.Flat(), id="flat"),
    pytest.param(br.Normal(2.0, loc=0.3), id="normal"),
    pytest.param(br.Laplace(0.5), id="laplace"),
    pytest.param(None, id="none"),
]


def _problem(likelihood, prior, intercept=br.Flat(), **kwargs):  # noqa: B008
    model = br.Model(likelihood, prior, intercept)
    data = make_data(likelihood, weights=True, offset=True, **kwargs)
    return model, data, bind(model, data)


@pytest.mark.parametrize("intercept", INTERCEPTS)
@pytest.mark.parametrize(("likelihood", "prior"), COMBINATIONS)
def test_gap_bounds_the_true_suboptimality(likelihood, prior, intercept):
    """J(point) - J(mode) <= gap at points from 1e-9 to 10 natural steps from the mode."""
    model, data, problem = _problem(likelihood, prior, intercept)
    fit = br.find_map(model, data)
    mode = problem.extended(fit.coef, fit.intercept)
    least = problem.value(mode)
    rng = np.random.default_rng(7)
    size = 1.0 / np.sqrt(np.append((data.X**2).sum(axis=0), data.n))[: problem.size]
    for distance in (1e-9, 1e-6, 1e-3, 0.1, 1.0, 10.0):
        point = mode + distance * size * rng.normal(size=problem.size)
        above = problem.value(point) - least
        gap = certify_point(problem, point).gap
        assert gap >= above - 1e-12 * abs(least)
        assert gap >= 0


@pytest.mark.parametrize(("likelihood", "prior"), COMBINATIONS)
def test_gap_is_tight_near_the_mode(likelihood, prior):
    """The bound shrinks in proportion to the distance at least: of use, not only valid."""
    model, data, problem = _problem(likelihood, prior)
    fit = br.find_map(model, data)
    mode = problem.extended(fit.coef, fit.intercept)
    moving = mode != problem.penalty.loc
    size = 1.0 / np.sqrt(np.append((data.X**2).sum(axis=0), data.n))
    direction = np.where(moving, size * np.random.default_rng(3).normal(size=problem.size), 0.0)
    near = certify_point(problem, mode + 1e-4 * direction, tol=1e-15).gap
    nearer = certify_point(problem, mode + 1e-6 * direction, tol=1e-15).gap
    assert nearer < 0.02 * near + 1e-12


@pytest.mark.parametrize(("likelihood", "prior"), COMBINATIONS)
def test_a_corrupted_coefficient_is_caught(likelihood, prior):
    """Every single coefficient, and the intercept, moved by a hundredth of a natural step."""
    model, data, problem = _problem(likelihood, prior)
    fit = br.find_map(model, data)
    assert fit.certificate.holds
    mode = problem.extended(fit.coef, fit.intercept)
    h = problem.curvature_rows(problem.linear_predictor(mode))
    size = 1.0 / np.sqrt(np.append(h @ problem.X**2, np.sum(h)))
    for j in range(problem.size):
        corrupted = mode.copy()
        corrupted[j] += 1e-2 * size[j]
        found = certify_point(problem, corrupted)
        assert not found.holds, f"entry {j}"
        assert found.kkt_residual > 1e-4


def test_duality_gap_by_hand():
    """n = 1, p = 1, no intercept: J = (y - w)^2 / 2 + |w| with y = 3 has its mode at 2.

    At w = 2.5 the residual is 0.5, the dual point u = -0.5 is feasible, and its gap is
    (0 rows) + |w| - 0.5 w = 1.25; a Newton step in the dual finds u = -1, where the gap
    (2 - 2.5)^2 / 2 = 0.125 is the true distance.
    """
    data = br.Data([[1.0]], [3.0])
    model = br.Model(br.Gaussian(1.0), br.Laplace(1.0), intercept=None)
    assert br.find_map(model, data).coef[0] == pytest.approx(2.0, abs=1e-15)
    problem, v = bind(model, data), np.array([2.5])
    eta = problem.linear_predictor(v)
    gradient = problem.transposed_product(problem.gradient_rows(eta))
    unpolished = gap_and_imbalance(problem, v, eta, gradient, np.zeros(1, dtype=bool))[0]
    assert unpolished == pytest.approx(1.25, abs=1e-14)
    assert br.certify(model, data, np.array([2.5])).gap == pytest.approx(0.125, abs=1e-14)
    # At w = 1.5 the residual 1.5 is scaled to 1: rows cost 0.5^2/2, the column nothing.
    assert br.certify(model, data, np.array([1.5])).gap == pytest.approx(0.125, abs=1e-14)


def test_null_deviance_in_closed_form():
    data = make_data(br.Gaussian(1.5), weights=True)
    problem = bind(br.Model(br.Gaussian(1.5), br.Laplace(0.3)), data)
    mean = np.average(data.y, weights=data.weights)
    expected = data.weights @ (data.y - mean) ** 2 / 1.5**2
    assert null_deviance(problem) == pytest.approx(expected, rel=1e-12)
    data = make_data(br.Bernoulli())
    problem = bind(br.Model(br.Bernoulli(), br.Laplace(0.3)), data)
    share = data.y.mean()
    entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
    assert null_deviance(problem) == pytest.approx(2 * data.n * entropy, rel=1e-12)


def test_null_deviance_of_a_constant_target_is_zero_and_the_gap_absolute():
    data = br.Data(make_data(br.Gaussian(1.0)).X, np.full(60, 1e6 + 0.1))
    model = br.Model(br.Gaussian(1.0), br.Laplace(0.3))
    assert null_deviance(bind(model, data)) == 0.0
    fit = br.find_map(model, data)
    assert fit.n_zeros == data.p
    assert fit.certificate.relative_gap == fit.certificate.gap
    assert fit.certificate.holds


def test_null_deviance_with_a_penalised_intercept_is_the_least_over_it():
    from scipy.optimize import minimize_scalar

    data = make_data(br.Poisson(), offset=True)
    problem = bind(br.Model(br.Poisson(), br.Laplace(0.3), intercept=br.Normal(0.1, 2.0)), data)
    rest = problem.offset

    def total(a):
        return problem.loss(rest + a) + (a - 2.0) ** 2 / (2 * 0.1**2)

    a = minimize_scalar(total, bracket=(1.0, 2.0), tol=1e-12).x
    saturated = np.sum(problem.likelihood.saturated_loss(problem.y))
    assert null_deviance(problem) == pytest.approx(
        2 * (problem.loss(rest + a) - saturated), rel=1e-6
    )


@pytest.mark.parametrize(("likelihood", "prior"), COMBINATIONS)
def test_zeros_proved_means_that_they_are_zeros(likelihood, prior):
    """zeros_proved at a perturbed point implies zero in the mode: no false proof."""
    model, data, problem = _problem(likelihood, prior)
    fit = br.find_map(model, data)
    mode = problem.extended(fit.coef, fit.intercept)
    kink = problem.penalty.l1 > 0
    rng = np.random.default_rng(11)
    size = 1.0 / np.sqrt(np.append((data.X**2).sum(axis=0), data.n))
    for distance in (0.0, 1e-8, 1e-5, 1e-2, 1.0):
        point = mode + distance * size * rng.normal(size=problem.size)
        claimed = kink & (rng.random(problem.size) < 0.5)
        claimed = ~problem.penalty.whole(~claimed)  # a group rests as a whole
        point = np.where(claimed, problem.penalty.loc, point)
        if certify_point(problem, point).zeros_proved:
            assert np.array_equal(mode[claimed], problem.penalty.loc[claimed])


def test_a_wrong_zero_is_never_proved():
    """Each nonzero of the mode set to 0, the others refitted: not proved, and not certified."""
    likelihood, prior = br.Gaussian(1.5), br.Laplace(0.3)
    data = make_data(likelihood)
    fit = br.find_map(br.Model(likelihood, prior), data)
    active = np.flatnonzero(fit.coef)
    assert active.size >= 3
    for j in active:
        scale = np.where(np.arange(data.p) == j, 1e-12, 0.3)
        without = br.find_map(br.Model(likelihood, br.Laplace(scale)), data)
        assert without.coef[j] == 0
        found = br.certify(br.Model(likelihood, prior), data, without.coef, without.intercept)
        assert not found.zeros_proved
        assert not found.holds


@pytest.mark.parametrize(
    ("likelihood", "strength"),
    [(br.Gaussian(1.0), 0.8), (br.Bernoulli(), 2.0), (br.Poisson(), 0.8)],
    ids=str,
)
def test_a_zero_whose_gradient_is_small_only_at_the_point_is_not_proved(likelihood, strength):
    """Correlated columns absorb an active one that is left out: |x_j' theta| < 1/b there, and yet
    x_j is active in the mode. The radius has to forbid the proof."""
    rng = np.random.default_rng(5)
    X = 0.95 * rng.normal(size=(80, 1)) + 0.3 * rng.normal(size=(80, 5))
    data = br.Data(X, likelihood.draw(strength * X[:, 0], rng))
    model = br.Model(likelihood, br.Laplace(0.5))
    problem = bind(model, data)
    mode = br.find_map(model, data)
    fooled = 0
    for j in np.flatnonzero(mode.coef):
        scale = np.where(np.arange(5) == j, 1e-9, 20.0)
        point = br.find_map(br.Model(likelihood, br.Laplace(scale)), data)
        v = problem.extended(point.coef, point.intercept)
        pull = problem.transposed_product(problem.gradient_rows(problem.linear_predictor(v)))
        fooled += abs(pull[j]) < problem.penalty.l1[j]
        assert not certify_point(problem, v).zeros_proved
    assert fooled > 0


def test_flat_columns_out_of_balance_are_reported():
    """Perfectly separated with a flat prior: the loss can be made tiny, and yet no mode."""
    x = np.array([-2.0, -1.0, 1.0, 2.0])
    data = br.Data(x[:, None], (x > 0).astype(float))
    model = br.Model(br.Bernoulli(), br.Flat())
    found = br.certify(model, data, np.array([40.0]), 0.0)
    assert not found.holds


def test_uniqueness():
    base = make_data(br.Gaussian(1.5))
    twice = br.Data(np.column_stack([base.X, base.X[:, 2]]), base.y)
    for prior, unique in [
        (br.Laplace(0.3), False),
        (br.ElasticNet(0.3, 1.0), True),
        (br.Normal(0.3), True),
        (br.Flat(), False),
    ]:
        problem = bind(br.Model(br.Gaussian(1.5), prior), twice)
        fit = _without_uniqueness_warning(br.Model(br.Gaussian(1.5), prior), twice)
        assert mode_is_unique(problem, problem.extended(fit.coef, fit.intercept)) is unique
        assert fit.unique is unique
        assert fit.certificate.holds
    # A duplicate of a column that is zero in the mode by a margin changes nothing.
    fit = br.find_map(br.Model(br.Gaussian(1.5), br.Laplace(0.3)), base)
    idle = int(np.flatnonzero(fit.coef == 0)[0])
    copied = br.Data(np.column_stack([base.X, base.X[:, idle]]), base.y)
    assert br.find_map(br.Model(br.Gaussian(1.5), br.Laplace(0.3)), copied).unique


def _without_uniqueness_warning(model, data):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", br.errors.NotUniqueWarning)
        return br.find_map(model, data)


def test_certificate_judges_points_from_elsewhere():
    """scikit-learn stopped early is told from scikit-learn run to the end."""
    from sklearn.linear_model import Lasso

    data = make_data(br.Gaussian(1.5))
    model = make_model(br.Gaussian(1.5), br.Laplace(0.3))
    alpha = 1.5**2 / (data.n * 0.3)
    rough = Lasso(alpha=alpha, tol=1e-2).fit(data.X, data.y)
    fine = Lasso(alpha=alpha, tol=1e-14, max_iter=10**6).fit(data.X, data.y)
    assert not br.certify(model, data, rough.coef_, rough.intercept_).holds
    assert br.certify(model, data, fine.coef_, fine.intercept_).holds


def test_shares_no_code_with_the_solvers():
    files = list(Path(br.__file__).parent.joinpath("proof").glob("*.py"))
    assert len(files) > 10
    for path in files:
        imported = [
            node.module
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom) and node.module
        ]
        assert not [name for name in imported if "solvers" in name or "_kernels" in name], path


def test_an_ill_conditioned_flat_model_is_not_certified_where_it_is_wrong():
    """NIST's Filip, raw monomials up to x^10: the gap bounds the excess in exact arithmetic."""
    import json
    from fractions import Fraction

    source = json.loads((Path(__file__).parent / "reference" / "nist" / "Filip.json").read_text())
    x, y = (np.array(source[name], dtype=float).ravel() for name in ("x", "y"))
    X = np.column_stack([x**k for k in range(1, 11)])
    model = br.Model(br.Gaussian(1.0), br.Flat())
    fit = br.find_map(model, br.Data(X, y), on_failure="return")

    def loss(intercept, coef):
        exact = [intercept, *coef]
        rows = ([Fraction(1), *map(Fraction, row)] for row in X.tolist())
        residuals = (
            Fraction(target) - sum(w * entry for w, entry in zip(exact, row, strict=True))
            for target, row in zip(y.tolist(), rows, strict=True)
        )
        return sum(r * r for r in residuals) / 2

    best = [Fraction(text) for text in source["exact_rational_30_digits"]["estimate"]]
    found = [Fraction(w) for w in fit.coef.tolist()]
    excess = float(loss(Fraction(fit.intercept), found) - loss(best[0], best[1:]))
    assert fit.certificate.gap >= 0.99 * excess
    assert fit.certificate.holds == (excess <= 1e-8 * fit.certificate.half_null_deviance)
