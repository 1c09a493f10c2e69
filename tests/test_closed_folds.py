"""Second moments in place of rows: what a scan of many rows decomposes once and uses everywhere."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.model_selection import KFold, ShuffleSplit, TimeSeriesSplit

import bayesreg as br
from bayesreg.moments import moments, moments_without
from bayesreg.posterior.components import reduce_rows
from bayesreg.posterior.target import pose
from bayesreg.problem import bind
from bayesreg.scales.closed_modes import closed_modes
from bayesreg.scales.normal_law import NormalLaw

N, P = 700, 200
RNG = np.random.default_rng(3)
X = RNG.standard_normal((N, P)) @ (np.eye(P) + 0.5 * np.eye(P, k=1)) + RNG.uniform(-1, 1, P)
Y = X[:, :5] @ [1.0, -1.0, 0.5, 0.5, 2.0] + 3.0 + RNG.standard_normal(N)
WEIGHTS, OFFSET = RNG.uniform(0.5, 2.0, N), RNG.standard_normal(N)
WEIGHTS[::29] = 0.0
SCALES = [0.05, 0.3, 2.0]
PLAIN = br.Model(br.Gaussian(0.9), br.Normal(1.0))
MODELS = [
    PLAIN,
    br.Model(br.Gaussian(0.9), br.Normal(1.0, loc=0.3), intercept=None),
    br.Model(br.Gaussian(0.9), br.Normal(np.linspace(0.5, 2.0, P), loc=0.2)),
]


def data(weighted=True):
    return br.Data(X, Y, WEIGHTS, OFFSET) if weighted else br.Data(X, Y)


def rows_of(problem, rows):
    return replace(
        problem, X=problem.X[rows], y=problem.y[rows], weights=problem.weights[rows],
        offset=problem.offset[rows],
    )  # fmt: skip


# --- moments ---


@pytest.mark.parametrize("model", MODELS, ids=["plain", "no intercept", "loc"])
def test_moments_without_some_rows_are_those_of_the_others(model):
    problem = bind(model, data())
    out = np.arange(5, problem.n, 6)
    direct = moments(rows_of(problem, np.delete(np.arange(problem.n), out)))
    found = moments_without(problem, moments(problem), out)
    size = np.outer(direct.size, direct.size)
    off = np.abs(found.gram - direct.gram) / size
    assert np.max(off) <= found.rounding
    np.testing.assert_allclose(found.cross, direct.cross, rtol=1e-11, atol=1e-10)
    np.testing.assert_allclose(found.size, direct.size, rtol=1e-12)
    assert found.total == pytest.approx(direct.total, rel=1e-12)
    assert found.target_mean == pytest.approx(direct.target_mean, rel=1e-11)
    if direct.mean is None:
        assert found.mean is None
    else:
        np.testing.assert_allclose(found.mean, direct.mean, rtol=1e-10, atol=1e-12)


def test_little_that_is_left_of_the_whole_is_summed_by_itself():
    problem = bind(PLAIN, data(False))
    whole = moments(problem)
    assert moments_without(problem, whole, np.arange(N // 2)) is not None
    assert moments_without(problem, whole, np.arange(N - 40)) is None
    assert moments_without(problem, whole, np.arange(N)) is None


def test_a_column_that_only_the_left_out_rows_have_is_summed_by_itself():
    design = X.copy()
    design[100:, 7] = 0.0
    problem = bind(PLAIN, br.Data(design, Y))
    assert moments_without(problem, moments(problem), np.arange(100)) is None


# --- the law ---


@pytest.mark.parametrize("model", MODELS, ids=["plain", "no intercept", "loc"])
def test_moments_and_rows_give_the_same_law(model):
    law = NormalLaw.of(pose(model, data()))
    assert law.moments is not None
    rows = replace(law, components=reduce_rows(law.posterior, law.kind), moments=None)
    t = np.array(SCALES)
    assert law.components.contrasts == rows.components.contrasts
    assert law.components.constant == pytest.approx(rows.components.constant, rel=1e-13)
    for part in ("coefficients", "extended"):
        one, other = getattr(law, part), getattr(rows, part)
        np.testing.assert_allclose(law.mean(one, t), rows.mean(other, t), rtol=1e-8, atol=1e-11)
        np.testing.assert_allclose(law.variance(one, t), rows.variance(other, t), rtol=1e-10)


@pytest.mark.parametrize("scale", SCALES)
def test_the_evidence_from_moments_has_twelve_digits_of_a_direct_one(scale):
    model = br.Model(br.Gaussian(0.9), br.Normal(1.0), intercept=None)
    few = br.Data(X[: 2 * P], Y[: 2 * P])
    assert NormalLaw.of(pose(model, few)).moments is not None
    study = br.scan_scales(model, few, [scale], progress=False)
    wide = few.X.astype(np.longdouble)
    C = np.longdouble(scale) ** 2 * (wide @ wide.T) + np.longdouble(0.9) ** 2 * np.eye(2 * P)
    direct = extended_log_normal(few.y.astype(np.longdouble), C)
    assert float(study["log_evidence"][0]) == pytest.approx(direct, rel=1e-12)


def extended_log_normal(r, C):
    """log Normal(r; 0, C) by elimination in extended precision."""
    twice = len(r) * np.log(2 * np.longdouble("3.14159265358979323846"))
    for k in range(len(r)):
        twice += np.log(C[k, k]) + r[k] ** 2 / C[k, k]
        share = C[k + 1 :, k] / C[k, k]
        r[k + 1 :] -= share * r[k]
        C[k + 1 :, k + 1 :] -= np.outer(share, C[k, k + 1 :])
    return float(-twice / 2)


# --- modes ---


@pytest.mark.parametrize("model", MODELS, ids=["plain", "no intercept", "loc"])
def test_the_modes_of_a_scan_are_certified_modes(model):
    study = br.scan_scales(model, data(), SCALES, progress=False)
    for k, scale in enumerate(study["scale"].values):
        factor = scale / model.axis(data())[1]
        fit = br.find_map(model.rescaled(float(factor)), data(), tol=1e-12)
        np.testing.assert_allclose(study["map"][k], fit.coef, rtol=1e-8, atol=1e-10)
        assert float(study["map_intercept"][k]) == pytest.approx(fit.intercept, rel=1e-9)
        proof = br.certify(
            model.rescaled(float(factor)), data(), study["map"][k].values,
            float(study["map_intercept"][k]) if model.intercept is not None else None,
        )  # fmt: skip
        assert proof.holds


def test_a_law_whose_mean_is_no_mode_proves_nothing():
    law = NormalLaw.of(pose(PLAIN, data()))
    t = np.array(SCALES)
    assert np.all(closed_modes(law, t).gap >= 0)
    wrong = replace(law, components=replace(law.components, c=1.001 * law.components.c))
    assert closed_modes(wrong, t) is None
    assert closed_modes(replace(law, moments=None), t) is None


# --- the default grid ---


@pytest.mark.parametrize("twice", [False, True], ids=["of full rank", "a column twice"])
def test_the_default_grid_is_even_in_degrees_of_freedom(twice):
    design = X.copy()
    if twice:
        design[:, 1] = design[:, 0]
    study = br.scan_scales(PLAIN, br.Data(design, Y), n_scales=9, posterior=False, progress=False)
    values = np.linalg.svd(design - design.mean(axis=0), compute_uv=False) ** 2 / 0.81
    each = study["scale"].values[:, None] ** 2 * values
    rank = P - twice
    wanted = np.linspace(0.01, 0.99, 9) * rank
    np.testing.assert_allclose(np.sum(each / (1 + each), axis=1), wanted, rtol=1e-9)


# --- folds ---

SPLITS = {
    "blocks": 4,
    "shuffled": KFold(3, shuffle=True, random_state=1),
    "some rows in no fold": ShuffleSplit(2, test_size=0.1, train_size=0.8, random_state=0),
    "growing": TimeSeriesSplit(3, max_train_size=500),
    "rows twice": [(np.r_[0:600, 0:50], np.arange(600, 700))],
}


@pytest.mark.parametrize("splits", SPLITS.values(), ids=SPLITS)
@pytest.mark.parametrize("standardize", [False, True])
def test_folds_from_moments_score_as_folds_fitted_by_themselves(splits, standardize):
    from bayesreg.scales.axis import make_axis
    from bayesreg.scales.closed_form import law_of
    from bayesreg.scales.cross_validation import mode_scores
    from bayesreg.scales.folds import make_folds

    model = replace(PLAIN, standardize=standardize)
    study = br.scan_scales(model, data(), SCALES, folds=splits, progress=False)
    axis = make_axis(model, data(), SCALES, 0)
    np.testing.assert_allclose(
        study["cv_mode"], mode_scores(model, data(), axis, splits).mean, rtol=1e-9
    )
    stated, parts = make_folds(model, data(), splits)
    for k, t in enumerate(axis.factors):
        score = [predictive(law_of(stated, fold.train), fold.test, t) for fold in parts]
        assert float(study["cv_posterior"][k]) == pytest.approx(np.mean(score), rel=1e-9)


def test_folds_under_an_unknown_sigma_are_those_fitted_by_themselves():
    from bayesreg.scales.closed_folds import _fold_scores
    from bayesreg.scales.folds import make_folds

    model = br.Model(br.Gaussian(br.Jeffreys()), br.Normal(1.0, relative_to_noise=True))
    study = br.scan_scales(model, data(), SCALES, folds=3, progress=False)
    scores = []
    for fold in make_folds(model, data(), 3)[1]:
        law = NormalLaw.of(pose(model, fold.train))
        law = replace(law, components=reduce_rows(law.posterior, law.kind), moments=None)
        scores.append(_fold_scores(law, fold, np.array(SCALES)))
    np.testing.assert_allclose(study["cv_posterior"], np.mean(scores, axis=0), rtol=1e-9)


@pytest.mark.parametrize("hold", ["prior", "alpha"])
def test_a_choice_uses_the_folds_of_the_scan(hold):
    """With alpha held, the scan's scales times sqrt(N / N_fold): the same number for all folds."""
    wider = 1.0 if hold == "prior" else np.sqrt(5 / 4)
    even = br.Data(X, Y)
    study = br.scan_scales(PLAIN, even, np.array(SCALES) * wider, folds=5, progress=False)
    found = br.choose_scale(
        PLAIN, even, ["cv", "cv-posterior"], scales=SCALES, folds=5, hold=hold, progress=False
    )
    np.testing.assert_allclose(found.scores["cv_deviance"], study["cv_mode"], rtol=1e-12)
    np.testing.assert_allclose(found.scores["cv_log_density"], study["cv_posterior"], rtol=1e-12)
    np.testing.assert_allclose(found.scores["cv_error"], study["cv_mode_error"], rtol=1e-9)


def predictive(law, test, t):
    """Mean log predictive density by dense algebra on the law's coefficients."""
    from scipy import stats

    rows = replace(law, components=reduce_rows(law.posterior, law.kind), moments=None)
    used = test.weights > 0
    part = rows.predictors(test.X[used], test.offset[used])
    ratio = np.array([t])
    sd = np.sqrt(rows.variance(part, ratio)[0] + 0.81 / test.weights[used])
    return np.mean(stats.norm.logpdf(test.y[used], rows.mean(part, ratio)[0], sd))
