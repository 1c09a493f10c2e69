"""Conventions: what holds for every target, and every textbook form is our objective."""

import dataclasses
import itertools
import subprocess
import sys

import numpy as np
import pytest
from claims import (
    CLAIMS,
    GAUSSIAN,
    LIKELIHOODS,
    NEEDS_INTERCEPT,
    SIGMA,
    STANDARDISING,
    STRANGERS,
    TARGETS,
    WRITABLE,
    assert_same_model,
    assert_same_up_to_affine,
    data_for,
    intercept_of,
    model_for,
    penalties_of,
    points,
    takes,
)
from helpers import make_data
from sklearn.linear_model import Lasso, LogisticRegression

from bayesreg import (
    Bernoulli,
    Data,
    ElasticNet,
    Flat,
    Gaussian,
    HalfNormal,
    Laplace,
    Model,
    Normal,
    Poisson,
    Uniform,
    convert,
    targets,
    to_penalty,
    to_prior,
)
from bayesreg.errors import (
    ConversionError,
    DataTypeError,
    ModelError,
    ModelTypeError,
    NoEquivalentError,
)

NAMES = [target.name for target in targets()]
TEXTBOOK = [claim for claim in CLAIMS if claim.values[0].startswith("textbook.")]
WEIGHTS = pytest.mark.parametrize("weights", [False, True], ids=["unweighted", "weighted"])


# ---- the objectives, as identities ------------------------------------------------------------


@WEIGHTS
@pytest.mark.parametrize(("target", "likelihood", "prior"), TEXTBOOK)
def test_the_objective_is_our_density(target, likelihood, prior, weights):
    data = data_for(likelihood, weights=weights)
    model = Model(likelihood, prior)
    objective = to_penalty(model, target, data).build()
    places = points(data, likelihood)
    values = [objective(*at, data.X, data.y, data.weights) for at in places]
    assert_same_up_to_affine(values, [-model.log_density(data, *at) for at in places])


@WEIGHTS
@pytest.mark.parametrize(("target", "likelihood", "prior"), TEXTBOOK)
def test_the_printed_objective_is_the_built_one(target, likelihood, prior, weights):
    data = data_for(likelihood, weights=weights)
    twin = to_penalty(Model(likelihood, prior), target, data)
    space = {"X": data.X, "y": data.y, "sample_weight": data.weights}
    exec(twin.code, space)
    extra = () if data.weights is None else (data.weights,)
    places = points(data, likelihood)
    printed = [space["objective"](*at, data.X, data.y, *extra) for at in places]
    built = [twin.build()(*at, data.X, data.y, *extra) for at in places]
    np.testing.assert_allclose(printed, built, rtol=1e-12)
    assert np.isfinite(space["value"])


def test_an_objective_that_is_not_ours_is_told_apart():
    data = make_data(GAUSSIAN)
    twin = to_penalty(Model(GAUSSIAN, Laplace(0.3)), "textbook.rss_lasso", data).build()
    other = Model(GAUSSIAN, Laplace(0.301))
    values = [twin(*at, data.X, data.y) for at in points(data, GAUSSIAN)]
    with pytest.raises(AssertionError):
        assert_same_up_to_affine(
            values, [-other.log_density(data, *at) for at in points(data, GAUSSIAN)]
        )


# ---- there and back ---------------------------------------------------------------------------


@WEIGHTS
@pytest.mark.parametrize("intercept", [Flat(), None], ids=["flat", "none"])
@pytest.mark.parametrize(("target", "likelihood", "prior"), CLAIMS)
def test_round_trip(target, likelihood, prior, intercept, weights):
    data = data_for(likelihood, target, weights=weights)
    model = model_for(target, likelihood, prior, data, intercept)
    possible = takes(target, data) and (intercept is None or TARGETS[target].fits_intercept)
    if not possible or (intercept is None and target in NEEDS_INTERCEPT):
        reason = "takes no weights|fits no intercept|always fits an intercept"
        with pytest.raises(NoEquivalentError, match=reason):
            to_penalty(model, target, data)
        return
    twin = to_penalty(model, target, data)
    back = to_prior(twin.target, twin.parameters, data, likelihood=likelihood)
    if target in ("textbook.park_casella", "textbook.conjugate_ridge") and prior != Flat():
        model = Model(likelihood, type(prior)(prior.scale / SIGMA, relative_to_noise=True))
        model = Model(likelihood, model.prior, intercept)
    assert_same_model(back, model)


@pytest.mark.parametrize(
    ("target", "scale"), [("textbook.park_casella", Laplace), ("textbook.conjugate_ridge", Normal)]
)
def test_priors_relative_to_the_noise_come_back_as_such(target, scale):
    model = Model(GAUSSIAN, scale(0.4, relative_to_noise=True))
    twin = to_penalty(model, target)
    assert_same_model(to_prior(target, twin.parameters, sigma=SIGMA), model)


def test_the_relative_forms_have_the_papers_parameter():
    relative = Model(GAUSSIAN, Laplace(0.4, relative_to_noise=True))
    assert to_penalty(relative, "textbook.park_casella").parameters["lam"] == pytest.approx(1 / 0.4)
    conjugate = Model(GAUSSIAN, Normal(0.4, relative_to_noise=True))
    for sigma in (0.1, SIGMA, 80.0):
        model = Model(Gaussian(sigma), conjugate.prior)
        for target, name in [("textbook.conjugate_ridge", "lam"), ("sklearn.Ridge", "alpha")]:
            assert to_penalty(model, target).parameters[name] == pytest.approx(1 / 0.4**2)


KNOWN = [
    ("textbook.nll_l1", {"lam": 4.0}, Laplace(0.25)),
    ("textbook.nll_l2", {"lam": 8.0}, Normal(0.25)),
    ("textbook.rss_ridge", {"lam": 4.0}, Normal(1.0)),
    ("textbook.rss_lasso", {"lam": 4.0}, Laplace(2.0)),
    ("textbook.rss_elastic_net", {"lam1": 4.0, "lam2": 4.0}, ElasticNet(2.0, 1.0)),
    ("textbook.half_rss_lasso", {"lam": 4.0}, Laplace(1.0)),
    ("textbook.bishop_ridge", {"lam": 4.0}, Normal(1.0)),
    ("textbook.bishop_lasso", {"lam": 4.0}, Laplace(2.0)),
    ("textbook.ng_ridge", {"lam": 4.0}, Normal(1.0)),
    ("textbook.ng_lasso", {"lam": 4.0}, Laplace(1.0)),
    ("textbook.mse_ridge", {"lam": 4.0}, Normal(0.1)),
    ("textbook.mse_lasso", {"lam": 4.0}, Laplace(0.02)),
    ("textbook.park_casella", {"lam": 4.0}, Laplace(0.25, relative_to_noise=True)),
    ("textbook.conjugate_ridge", {"lam": 4.0}, Normal(0.5, relative_to_noise=True)),
    ("sklearn.Lasso", {"alpha": 0.02}, Laplace(2.0)),
    ("sklearn.Ridge", {"alpha": 4.0}, Normal(1.0)),
    ("sklearn.ElasticNet", {"alpha": 0.08, "l1_ratio": 0.5}, ElasticNet(1.0, 1.0)),
]


@pytest.mark.parametrize(("target", "parameters", "prior"), KNOWN)
def test_numbers_worked_by_hand(target, parameters, prior):
    """sigma = 2 and n = 100 rows."""
    back = to_prior(target, parameters, n=100, sigma=2.0, likelihood="Gaussian")
    assert_same_model(back, Model(Gaussian(2.0), prior))


def test_numbers_worked_by_hand_without_noise():
    def prior_of(target, **parameters):
        return to_prior(target, parameters, n=100).prior

    assert prior_of("textbook.ng_logistic_l2", lam=4.0) == Normal(0.5)
    assert prior_of("textbook.ng_logistic_l1", lam=4.0) == Laplace(0.25)
    assert prior_of("sklearn.LogisticRegression", C=4.0) == Normal(2.0)
    assert prior_of("sklearn.PoissonRegressor", alpha=0.04) == Normal(0.5)


def test_defaults_are_the_librarys():
    assert_same_model(
        to_prior("sklearn.Lasso", {}, n=10, sigma=1), Model(Gaussian(1), Laplace(0.1))
    )
    assert to_prior("sklearn.LogisticRegression", {}).prior == Normal(1.0)


def test_no_penalty_is_flat():
    for name in ("Lasso", "Ridge", "ElasticNet"):
        model = to_prior(f"sklearn.{name}", {"alpha": 0}, n=10, sigma=1.0)
        assert model == Model(Gaussian(1.0), Flat())
    assert to_prior(LogisticRegression(C=np.inf)) == Model(Bernoulli(), Flat())
    assert "LinearRegression" in str(to_penalty(Model(GAUSSIAN, Flat()), "sklearn.Lasso", n=10))


# ---- n, N and weights -------------------------------------------------------------------------


def test_n_total_weight_and_data_say_the_same():
    data = make_data(GAUSSIAN, weights=True)
    model = Model(GAUSSIAN, Laplace(0.3))

    def alpha(*args, **kwargs):
        return to_penalty(model, "sklearn.Lasso", *args, **kwargs).parameters["alpha"]

    assert alpha(data) == alpha(total_weight=data.weights.sum())
    assert alpha(Data(data.X, data.y)) == alpha(n=60) == pytest.approx(SIGMA**2 / (60 * 0.3))


def test_rows_of_weight_zero_do_not_count():
    data = make_data(GAUSSIAN, weights=True)
    used = data.weights > 0
    rest = Data(data.X[used], data.y[used], weights=data.weights[used])
    model = Model(GAUSSIAN, Laplace(0.3))
    for target in ("sklearn.Lasso", "textbook.mse_lasso"):
        twin = to_penalty(model, target, data)
        assert twin.parameters == pytest.approx(to_penalty(model, target, rest).parameters)


# ---- library to library -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "parameters", "to", "expected"),
    [
        ("sklearn.Lasso", {"alpha": 0.1}, "sklearn.ElasticNet", {"alpha": 0.1, "l1_ratio": 1.0}),
        ("sklearn.Lasso", {"alpha": 0.1}, "textbook.mse_lasso", {"lam": 0.2}),
        ("sklearn.Ridge", {"alpha": 3.0}, "textbook.bishop_ridge", {"lam": 3.0}),
        ("sklearn.Ridge", {"alpha": 3.0}, "textbook.ng_ridge", {"lam": 3.0}),
        ("textbook.conjugate_ridge", {"lam": 3.0}, "sklearn.Ridge", {"alpha": 3.0}),
        ("textbook.ng_logistic_l2", {"lam": 4.0}, "sklearn.LogisticRegression", {"C": 0.25}),
        ("textbook.nll_l2", {"lam": 2.0}, "textbook.ng_logistic_l2", {"lam": 4.0}),
    ],
)
def test_convert_asks_for_nothing_that_cancels(source, parameters, to, expected):
    found = convert(source, parameters, to=to).parameters
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_convert_needs_n_but_no_sigma_between_sums_and_means():
    twin = convert("sklearn.Lasso", {"alpha": 0.1}, to="textbook.rss_lasso", n=60)
    assert twin.parameters == {"lam": pytest.approx(2 * 60 * 0.1)}
    with pytest.raises(ConversionError, match=r"needs n, which was not given.*Pass data, or n="):
        convert("sklearn.Lasso", {"alpha": 0.1}, to="textbook.rss_lasso")
    with pytest.raises(ConversionError, match="needs n, which was not given"):
        convert("sklearn.Lasso", {"alpha": 0.1}, to="textbook.rss_lasso", sigma=2.0)


def test_convert_asks_for_sigma_where_it_matters():
    for to in ("textbook.nll_l1", "textbook.park_casella"):
        with pytest.raises(ConversionError, match=r"needs sigma.*fix only sigma\^2 / b"):
            convert("sklearn.Lasso", {"alpha": 0.1}, to=to, n=60)
    twin = convert("sklearn.Lasso", {"alpha": 0.1}, to="textbook.nll_l1", n=60, sigma=2.0)
    assert twin.parameters == {"lam": pytest.approx(60 * 0.1 / 4)}
    twin = convert("sklearn.Lasso", {"alpha": 0.1}, to="textbook.park_casella", n=60, sigma=2.0)
    assert twin.parameters == {"lam": pytest.approx(60 * 0.1 / 2)}


@pytest.mark.parametrize("target", WRITABLE)
@pytest.mark.parametrize("intercept", [Uniform(5.0, 6.0), HalfNormal(1.0)])
def test_bounds_of_an_intercept_are_refused(target, intercept):
    likelihood = LIKELIHOODS[TARGETS[target].likelihoods[0]]
    data = data_for(likelihood, target)
    prior = next(iter(penalties_of(target).values()))
    model = dataclasses.replace(model_for(target, likelihood, prior, data), intercept=intercept)
    with pytest.raises(NoEquivalentError):
        to_penalty(model, target, data)


@pytest.mark.parametrize("target", WRITABLE)
@pytest.mark.parametrize("kind", [Normal, Laplace])
def test_another_centre_of_an_intercept_is_refused(target, kind):
    likelihood = LIKELIHOODS[TARGETS[target].likelihoods[0]]
    data = data_for(likelihood, target)
    prior = next(iter(penalties_of(target).values()))
    model = dataclasses.replace(
        model_for(target, likelihood, prior, data), intercept=kind(0.1, loc=10.0)
    )
    with pytest.raises(NoEquivalentError, match="Nearest"):
        to_penalty(model, target, data)


@pytest.mark.parametrize("source", WRITABLE)
def test_convert_is_to_prior_then_to_penalty(source):
    """2N formulas: every pair that both can express goes by way of the same prior."""
    for to in WRITABLE:
        common = [k for k in TARGETS[source].likelihoods if k in TARGETS[to].likelihoods]
        shared = [k for k in penalties_of(source) if k in penalties_of(to)]
        if source == to:
            continue
        if not (common and shared) or intercept_of(source, to) is ...:
            _assert_refused_by_name(source, to)
        else:
            for kind, penalty in itertools.product(common, shared):
                if {source, to} in STRANGERS and penalty != "flat":
                    continue
                _assert_by_way_of_the_prior(source, to, LIKELIHOODS[kind], penalty)


def _assert_by_way_of_the_prior(source, to, likelihood, penalty):
    data = data_for(likelihood, source, to)
    strict = to if to in STANDARDISING else source
    prior, intercept = penalties_of(source)[penalty], intercept_of(source, to)
    model = model_for(strict, likelihood, prior, data, intercept)
    twin = to_penalty(model, source, data)
    given = twin.parameters
    if twin.column_factors is not None:  # the parameters are those of these columns
        data = dataclasses.replace(data, X=data.X * twin.column_factors)
    direct = convert(source, given, to=to, data=data, likelihood=likelihood).parameters
    back = to_prior(source, given, data, likelihood=likelihood)
    assert_same_parameters(direct, to_penalty(back, to, data).parameters)


def _assert_refused_by_name(source, to):
    """Nothing that ``source`` can say is in the vocabulary of ``to``."""
    likelihood = LIKELIHOODS[TARGETS[source].likelihoods[0]]
    *_, prior = sorted(penalties_of(source).values(), key=lambda prior: prior != Flat())
    data = data_for(likelihood, source, to)
    given = to_penalty(model_for(source, likelihood, prior, data), source, data)
    with pytest.raises(NoEquivalentError, match=to):
        convert(source, given.parameters, to=to, data=data, likelihood=likelihood)


def assert_same_parameters(one, other):
    """Words the same, numbers to twelve digits."""
    assert list(one) == list(other)
    for name, value in one.items():
        if isinstance(value, str | bool | dict | None):
            assert value == other[name]
        else:
            np.testing.assert_allclose(value, other[name], rtol=1e-12)


def test_convert_takes_an_estimator():
    data = make_data(GAUSSIAN)
    twin = convert(Lasso(alpha=0.1), data, to="textbook.rss_lasso")
    assert twin.parameters == {"lam": pytest.approx(12.0)}
    assert twin == convert(Lasso(alpha=0.1), to="textbook.rss_lasso", data=data)


def test_convert_carries_the_missing_intercept():
    assert convert(Lasso(fit_intercept=False), to="sklearn.ElasticNet").parameters == {
        "alpha": 1.0, "l1_ratio": 1.0, "fit_intercept": False,
    }  # fmt: skip


# ---- no equivalent ----------------------------------------------------------------------------

_LOGIT = "sklearn.LogisticRegression"
REFUSED = [
    ("sklearn.Ridge", Model(GAUSSIAN, Laplace(1)), {}, "no room for a Laplace.*sklearn.Lasso"),
    ("sklearn.Lasso", Model(GAUSSIAN, Normal(1)), {}, "no room for a Normal.*sklearn.Ridge"),
    ("sklearn.Lasso", Model(GAUSSIAN, ElasticNet(1, 1)), {}, "Nearest: .*sklearn.ElasticNet"),
    ("sklearn.PoissonRegressor", Model(Poisson(), Laplace(1)), {}, "Nearest: .*glmnet.glmnet"),
    ("sklearn.Lasso", Model(Poisson(), Normal(1)), {}, "Gaussian.*sklearn.PoissonRegressor"),
    ("sklearn.Lasso", Model(GAUSSIAN, Laplace(1, loc=0.5)), {}, "loc m = 0.5.*y - X m"),
    (_LOGIT, Model(Bernoulli(), Normal(1, loc=0.5)), {}, "loc m = 0.5.*offset"),
    ("sklearn.ElasticNet", Model(GAUSSIAN, ElasticNet([1.0, 2.0], 1.0)), {}, "one strength"),
    ("sklearn.Lasso", Model(GAUSSIAN, Laplace([1.0, np.inf])), {}, "one strength"),
    ("sklearn.Ridge", Model(GAUSSIAN, Normal(1), Normal(2)), {}, "intercept unpenalised"),
    ("textbook.nll_l2", Model(Bernoulli(), Normal(1), Normal(2)), {}, "intercept unpenalised"),
    (_LOGIT, Model(Bernoulli(), Normal(1), Laplace(2)), {}, "coefficients are L2.*intercept is L1"),
    (_LOGIT, Model(Bernoulli(), ElasticNet(1, 1), ElasticNet(1, 1)), {}, "only liblinear"),
    (_LOGIT, Model(Bernoulli(), Flat(), Normal(1)), {}, "only liblinear penalises"),
    (_LOGIT, Model(Bernoulli(), Normal(1), Normal(2, loc=1)), {}, "the intercept towards 0.*loc=1"),
    (_LOGIT, Model(Bernoulli(), Normal(1)), {"solver": "liblinear"}, r"flat.*Normal\(scale=s"),
    (_LOGIT, Model(Bernoulli(), Normal(1), Normal(1)), {"solver": "lbfgs"}, "only liblinear"),
    (_LOGIT, Model(Bernoulli(), Laplace(1)), {"solver": "lbfgs"}, "penalty L1.*solver='saga'"),
    (_LOGIT, Model(Bernoulli(), ElasticNet(1, 1)), {"solver": "liblinear"}, "solver='saga'"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "model", "options", "reason"), REFUSED)
def test_refused_with_the_reason_and_what_is_nearest(target, model, options, reason):
    with pytest.raises(NoEquivalentError, match=f"(?s){reason}") as caught:
        to_penalty(model, target, n=60, **options)
    assert "Nearest" in str(caught.value)


def test_standardize_needs_the_columns():
    with pytest.raises(ConversionError, match=r"standardize=True.*pass data"):
        to_penalty(Model(GAUSSIAN, Laplace(1), standardize=True), "sklearn.Lasso", n=60)


def test_constant_columns_under_standardize_are_refused():
    data = make_data(GAUSSIAN)
    constant = dataclasses.replace(data, X=np.column_stack([data.X[:, :6], np.ones(data.n)]))
    with pytest.raises(NoEquivalentError, match=r"column 6 is constant.*leave the column out"):
        to_penalty(Model(GAUSSIAN, Laplace(1), standardize=True), "sklearn.Lasso", constant)


@pytest.mark.parametrize("likelihood", [GAUSSIAN, Poisson()])
def test_an_offset_is_refused(likelihood):
    data = make_data(likelihood, offset=True)
    nearest = "y - offset" if likelihood is GAUSSIAN else "find_map"
    for target in ("textbook.nll_l2", *(("sklearn.Ridge",) if likelihood is GAUSSIAN else ())):
        given = to_penalty(Model(likelihood, Normal(1)), target, n=60).parameters
        with pytest.raises(NoEquivalentError, match=nearest):
            to_penalty(Model(likelihood, Normal(1)), target, data)
        with pytest.raises(NoEquivalentError, match=nearest):
            to_prior(target, given, data, likelihood=likelihood)


def test_priors_by_column_name():
    data = make_data(GAUSSIAN)
    uniform = Model(GAUSSIAN, {"x[0-3]": Laplace(0.3), "x[4-6]": Laplace(0.3)})
    plain = to_penalty(Model(GAUSSIAN, Laplace(0.3)), "sklearn.Lasso", data)
    assert to_penalty(uniform, "sklearn.Lasso", data) == plain
    with pytest.raises(ConversionError, match=r"names columns.*pass data"):
        to_penalty(uniform, "sklearn.Lasso", n=60)
    mixed = Model(GAUSSIAN, {"x0": Laplace(0.1), "*[1-6]": Flat()})
    with pytest.raises(NoEquivalentError, match="one strength"):
        to_penalty(mixed, "sklearn.Lasso", data)


class HalfLaplace(Laplace):
    """A user's own prior, cut off at 0."""

    def penalty(self, size, noise=1.0):
        return dataclasses.replace(super().penalty(size, noise), lower=np.zeros(size))


def test_bounds_are_refused():
    with pytest.raises(NoEquivalentError, match=r"has no bounds.*find_map"):
        to_penalty(Model(GAUSSIAN, HalfLaplace(1.0)), "sklearn.LassoLars", n=60)


def test_equal_scales_are_one_scale():
    model = Model(GAUSSIAN, Laplace([0.3] * 7))
    assert to_penalty(model, "sklearn.Lasso", n=60) == to_penalty(
        Model(GAUSSIAN, Laplace(0.3)), "sklearn.Lasso", n=60
    )


# ---- missing, unknown and impossible ----------------------------------------------------------


def test_sigma_is_asked_for_with_the_reason():
    data = make_data(GAUSSIAN)
    for source, parameters, fixes in [
        ("sklearn.Lasso", {"alpha": 0.1}, r"sigma\^2 / b"),
        ("sklearn.Ridge", {"alpha": 0.1}, "sigma / tau"),
        ("textbook.park_casella", {"lam": 0.1}, "b / sigma"),
    ]:
        with pytest.raises(ConversionError, match=f"needs sigma.*fix only {fixes}.*sigma=") as e:
            to_prior(source, parameters, data)
        assert not isinstance(e.value, NoEquivalentError)
    with pytest.raises(ConversionError, match="needs sigma"):
        to_prior("textbook.nll_l1", {"lam": 0.1}, likelihood="Gaussian")


@pytest.mark.parametrize("target", ["sklearn.Lasso", "sklearn.ElasticNet", "textbook.mse_lasso"])
def test_n_is_asked_for_with_the_reason(target):
    model = Model(GAUSSIAN, Laplace(0.3))
    with pytest.raises(ConversionError, match=r"needs n, .*formula is .*\bN\b.*Pass data, or n="):
        to_penalty(model, target)
    twin = to_penalty(model, target, n=60)
    with pytest.raises(ConversionError, match="needs n, which was not given"):
        to_prior(target, twin.parameters, sigma=SIGMA)


def test_n_is_not_asked_for_where_it_plays_no_part():
    assert to_penalty(Model(GAUSSIAN, Normal(0.5)), "sklearn.Ridge").parameters == {
        "alpha": pytest.approx(SIGMA**2 / 0.25)
    }
    assert to_penalty(Model(Bernoulli(), Normal(0.5)), _LOGIT).parameters["C"] == 0.25


MODEL = Model(GAUSSIAN, Laplace(0.3))
WRONG = [
    (lambda: to_penalty(MODEL, "sklearn.lasso", n=6), "Did you mean 'sklearn.Lasso'"),
    (lambda: to_penalty(MODEL, "Lasso", n=6), "unknown.*sklearn.Lasso"),
    (lambda: to_penalty(MODEL, Lasso, n=6), "must be the name of a convention"),
    (lambda: to_penalty(MODEL, "sklearn.Lasso", n=6, solver="saga"), "no option 'solver'.*none"),
    (lambda: to_penalty(Model(Bernoulli(), Normal(1)), _LOGIT, solvr="saga"), "'solver'"),
    (lambda: to_penalty(Model(Bernoulli(), Normal(1)), _LOGIT, solver="lbfg"), "'lbfgs'"),
    (lambda: to_penalty(MODEL, "sklearn.Lasso", make_data(GAUSSIAN), n=6), "the data say both"),
    (lambda: to_prior("sklearn.Lasso", {"alhpa": 1}, n=6, sigma=1), "Did you mean 'alpha'"),
    (lambda: to_prior("textbook.nll_l1", {"lambda": 1}, sigma=1), "'lam'"),
    (lambda: to_prior("textbook.nll_l1", {}, sigma=1), "needs 'lam'.*no default"),
    (lambda: to_prior("textbook.nll_l1", {"lam": 1}), "leaves the likelihood open.*likelihood="),
    (lambda: to_prior("textbook.nll_l1", {"lam": 1}, likelihood="Poison"), "'Poisson'"),
    (lambda: to_prior("sklearn.Lasso", n=6, sigma=1), r"parameters.*missing \(alpha"),
    (lambda: to_prior("sklearn.Lasso", {}, n=6, likelihood=Poisson()), "Gaussian data, not"),
    (lambda: to_prior(_LOGIT, {}, sigma=1.0), "has no sigma"),
    (lambda: to_prior("sklearn.Lasso", {}, n=6, sigma=1, likelihood=Gaussian(2)), "contradicts"),
    (lambda: to_prior("sklearn.Lasso", {"alpha": -1}, n=6, sigma=1), "not negative.*-1"),
    (lambda: to_prior("sklearn.Lasso", {"alpha": np.nan}, n=6, sigma=1), "nan"),
    (lambda: to_prior("sklearn.Lasso", {"alpha": True}, n=6, sigma=1), "number; got True"),
    (lambda: to_prior("sklearn.Lasso", {"alpha": "1"}, n=6, sigma=1), "number; got '1'"),
    (lambda: to_prior("sklearn.Ridge", {"alpha": [1, 2]}, sigma=1), "never one per feature"),
    (lambda: to_prior("sklearn.Ridge", {"fit_intercept": 0}, sigma=1), "True or False; got 0"),
    (lambda: to_prior("sklearn.ElasticNet", {"l1_ratio": 2}, n=6, sigma=1), "between 0 and 1"),
    (lambda: to_prior(_LOGIT, {"C": 0}), "C must be positive"),
    (lambda: to_prior(_LOGIT, {"penalty": "L1"}), "'elasticnet' or None; got 'L1'"),
    (lambda: to_prior(_LOGIT, {"penalty": "elasticnet", "l1_ratio": None}), "needs l1_ratio"),
    (lambda: to_prior(_LOGIT, {"l1_ratio": 1}), "'lbfgs' cannot do the penalty L1"),
    (lambda: to_prior(object(), n=6, sigma=1), "no convention.*builtins.object"),
    (lambda: to_prior(Lasso(), {"alpha": 1}, n=6, sigma=1), "given beside the estimator"),
    (lambda: to_prior("sklearn.Ridge", Lasso(), n=6, sigma=1), "sklearn.Lasso, not a sklearn.Rid"),
    (lambda: convert("sklearn.Lasso", {}, to="sklearn.Rigde"), "Did you mean 'sklearn.Ridge'"),
    (lambda: convert("sklearn.Laso", {}, to="sklearn.Ridge"), "Did you mean 'sklearn.Lasso'"),
    (lambda: convert("textbook.nll_l1", {"lam": 1}, to="textbook.nll_l2"), "likelihood open"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "reason"), WRONG)
def test_wrong_calls_are_named(call, reason):
    with pytest.raises(ConversionError, match=f"(?s){reason}"):
        call()


def test_wrong_kinds_are_named():
    with pytest.raises(ModelTypeError, match=r"model must be a bayesreg\.Model"):
        to_penalty(Laplace(1), "sklearn.Lasso", n=6)
    with pytest.raises(DataTypeError, match=r"Wrap it: Data\(X, y\)"):
        to_penalty(MODEL, "sklearn.Lasso", np.ones((3, 2)))
    with pytest.raises(DataTypeError, match=r"Wrap it: Data\(X, y\)"):
        to_prior(Lasso(), np.ones((3, 2)), sigma=1)
    with pytest.raises(ModelTypeError, match="likelihood must be"):
        to_prior("sklearn.Lasso", {}, n=6, likelihood=Gaussian)
    for bad in ({"sigma": 0.0, "n": 6}, {"sigma": 1.0, "n": -6}):
        with pytest.raises(ModelError, match="positive"):
            to_prior("sklearn.Lasso", {}, **bad)


# ---- as read by people ------------------------------------------------------------------------


@pytest.mark.parametrize(("target", "likelihood", "prior"), CLAIMS)
def test_a_twin_prints_what_it_is(target, likelihood, prior):
    data = data_for(likelihood, target)
    twin = to_penalty(model_for(target, likelihood, prior, data), target, data)
    text = str(twin)
    for part in (target, twin.objective, *twin.notes, *map(repr, twin.parameters.values())):
        assert part in text
    assert all(isinstance(note, str) and note for note in twin.notes)
    assert target in repr(twin)


def test_notes_on_relative_priors():
    relative = Model(GAUSSIAN, Laplace(0.2, relative_to_noise=True))
    assert "twin at sigma=1.5" in str(to_penalty(relative, "sklearn.Lasso", n=60))
    assert "twin at" not in str(to_penalty(relative, "textbook.park_casella"))


def test_the_table_of_targets():
    done = subprocess.run(
        [sys.executable, "-m", "bayesreg.conventions"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{targets()}\n"
    for target in targets():
        assert f"\n{target.name} " in done.stdout
        assert target.formula in done.stdout
    assert "sklearn.Lasso" in NAMES
    assert len(NAMES) == len(set(NAMES))


def test_converting_imports_no_library():
    program = (
        "import sys, bayesreg as br\n"
        "m = br.Model(br.Gaussian(2.0), br.Laplace(1.0))\n"
        "br.to_penalty(m, 'sklearn.Lasso', n=10).code\n"
        "br.convert('sklearn.Lasso', {}, to='textbook.mse_lasso')\n"
        "assert 'sklearn' not in sys.modules and 'scipy' not in sys.modules, sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


# --- the range of floats --------------------------------------------------------------------------

_LIBLINEAR = {"solver": "liblinear"}


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: to_prior("sklearn.Lasso", {"alpha": 10**400}, n=3, sigma=1.0), "too large for a"),
        (lambda: to_prior("sklearn.LogisticRegression", {"C": 10**400}), "C is too large"),
        (lambda: to_prior("sklearn.Ridge", {"alpha": 1.0}, sigma=1e300), "not representable"),
        (lambda: to_prior("sklearn.Ridge", {"alpha": 1.0}, sigma=1e-300), "not representable"),
        (
            lambda: to_prior(
                "sklearn.LogisticRegression", {"intercept_scaling": 1e-200, **_LIBLINEAR}
            ),
            "not representable",
        ),
        (lambda: to_prior("sklearn.LogisticRegression", {"C": 5e-324}), "not representable"),
        (lambda: to_prior("sklearn.Lasso", {"alpha": 5e-324}, n=3, sigma=1.0), "too small"),
        (lambda: to_prior("sklearn.Lasso", {"alpha": 1e-300}, n=3, sigma=1e100), "vanishes"),
        (
            lambda: to_penalty(Model(Gaussian(1e-90), Laplace(1e90)), "sklearn.Lasso", n=1e100),
            "lose the penalty",
        ),
        (
            lambda: to_penalty(Model(Gaussian(1e90), Laplace(1e-90)), "sklearn.Lasso", n=1e-100),
            "not representable .* got inf",
        ),
        (
            lambda: to_penalty(
                Model(Gaussian(1e90), Normal(1e90, relative_to_noise=True)), "sklearn.Ridge"
            ),
            "its penalty vanishes",
        ),
        (
            lambda: convert("sklearn.Lasso", {"alpha": 1e300}, to="textbook.rss_lasso", n=1e30),
            "not representable",
        ),
    ],
)
def test_what_floats_cannot_hold_is_refused(call, reason):
    with pytest.raises(ConversionError, match=reason):
        call()


@pytest.mark.parametrize("far", [1e-60, 1e60])
def test_far_from_1_is_still_converted(far):
    model = Model(Gaussian(far), Laplace(far))
    twin = to_penalty(model, "sklearn.Lasso", n=30)
    assert twin.parameters["alpha"] == pytest.approx(far / 30, rel=1e-12)
    back = to_prior("sklearn.Lasso", twin.parameters, n=30, sigma=far)
    assert back.prior.scale == pytest.approx(far, rel=1e-12)


def test_a_fitted_estimator_is_not_read_with_other_data():
    data = make_data(GAUSSIAN)
    fewer = Data(data.X[:, :3], data.y)
    estimator = Lasso(alpha=0.1).fit(data.X, data.y)
    assert to_prior(estimator, data, sigma=SIGMA) == to_prior(
        "sklearn.Lasso", {"alpha": 0.1}, data, sigma=SIGMA
    )
    for call in (
        lambda: to_prior(estimator, fewer, sigma=SIGMA),
        lambda: to_prior("sklearn.Lasso", estimator, fewer, sigma=SIGMA),
        lambda: convert(estimator, to="textbook.rss_lasso", data=fewer),
    ):
        with pytest.raises(ConversionError, match="was fitted to 7 columns and data have 3"):
            call()
