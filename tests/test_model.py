"""Model: built from the right parts, resolved by name, equal when its text is."""

import numpy as np
import pytest
from helpers import make_data, make_model

from bayesreg import Bernoulli, Data, ElasticNet, Flat, Gaussian, Laplace, Model, Normal, Poisson
from bayesreg.columns import prior_columns
from bayesreg.errors import BayesregError, DataError, DataTypeError, ModelError, ModelTypeError

# ---- names and globs -------------------------------------------------------------------------

NAMES = ("age", "gene_1", "gene_2", "[odd]")


def resolved(prior):
    return {j: part for part, columns in prior_columns(prior, NAMES) for j in columns}


def test_columns_are_reached_by_name_or_glob():
    a, b, c = Laplace(1.0), Laplace(2.0), Laplace(3.0)
    assert resolved({"gene_*": a, "age": b, "[[]odd]": c}) == {0: b, 1: a, 2: a, 3: c}
    assert resolved({"[odd]": c, "gene_[12]": a, "a?e": b}) == {0: b, 1: a, 2: a, 3: c}
    assert resolved({"*": a}) == dict.fromkeys(range(4), a)
    assert resolved({"*": a, "age": b}) == resolved({"age": b, "*": a}) == {0: b, 1: a, 2: a, 3: a}
    assert resolved({"gene_*": a, "gene_2": c, "age": b, "[odd]": c}) == {0: b, 1: a, 2: c, 3: c}
    assert resolved({"a*": b, "[!a]*": a}) == {0: b, 1: a, 2: a, 3: a}
    assert resolved(a) == dict.fromkeys(range(4), a)


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        ({"agee": Flat(), "*": Flat()}, "unknown column 'agee'.*Did you mean 'age'"),
        ({"Gene_*": Flat(), "*": Flat()}, r"unknown column 'Gene_\*'"),
        ({"age": Flat()}, r"no prior for column 'gene_1' \(3 such columns\); add it"),
        ({"a*": Flat(), "*": Flat()}, r"column 'age' is reached by both 'a\*' and '\*'.*'\[!s\]"),
        ({"age": Flat(), "a*": Flat(), "g*": Flat(), "[[]*": Flat()}, r"'a\*' reaches has a prior"),
        ({"gene_*": Flat(), "*_1": Flat()}, r"'gene_1' is reached by both 'gene_\*' and '\*_1'"),
    ],
)
def test_column_reached_never_or_twice_is_refused(prior, message):
    data = Data(np.eye(4), np.zeros(4), names=NAMES)
    model = Model(Gaussian(1.0), prior)
    for call in (model.coefficient_penalty, model.axis_scale):
        with pytest.raises(ModelError, match=message):
            call(data)


def test_per_coefficient_scales_follow_the_column_order_of_their_glob():
    data = Data(np.eye(4), np.zeros(4), names=NAMES)
    prior = {"[odd]": Laplace(9.0), "gene_*": Laplace([1.0, 2.0]), "age": Laplace(5.0)}
    penalty = Model(Gaussian(1.0), prior).coefficient_penalty(data)
    np.testing.assert_array_equal(1 / penalty.l1, [5.0, 1.0, 2.0, 9.0])
    with pytest.raises(ModelError, match="Laplace scale has 3 entries but applies to 2 coeff"):
        Model(Gaussian(1.0), {**prior, "gene_*": Laplace([1, 2, 3])}).coefficient_penalty(data)


# ---- construction ----------------------------------------------------------------------------

G, L = Gaussian(1.0), Laplace(1.0)

WRONG_MODELS = [
    (
        lambda: Model("gaussian", L),
        ModelTypeError,
        "likelihood must be .*got 'gaussian' of type str",
    ),
    (
        lambda: Model(Gaussian, L),
        ModelTypeError,
        r"likelihood must be .*call it: Gaussian\(\.\.\.\)",
    ),
    (lambda: Model(L, L), ModelTypeError, r"likelihood must be .*got Laplace"),
    (lambda: Model(G, "laplace"), ModelTypeError, "prior must be a prior .*got 'laplace'"),
    (lambda: Model(G, Laplace), ModelTypeError, r"prior must be .*call it: Laplace\(\.\.\.\)"),
    (lambda: Model(G, G), ModelTypeError, "prior must be .*got Gaussian"),
    (lambda: Model(G, 20.0), ModelTypeError, "prior must be .*got 20.0 of type float"),
    (lambda: Model(G, None), ModelTypeError, "prior must be .*got None"),
    (lambda: Model(G, {}), ModelError, "prior is an empty mapping"),
    (lambda: Model(G, {"a": 3}), ModelTypeError, r"prior\['a'\] must be .*got 3"),
    (lambda: Model(G, {"a": Flat}), ModelTypeError, r"prior\['a'\] must be .*call it: Flat"),
    (lambda: Model(G, {1: L}), ModelTypeError, "keyed by column name or glob; got 1"),
    (lambda: Model(G, L, True), ModelTypeError, "intercept must be a prior .*got True"),
    (lambda: Model(G, L, False), ModelTypeError, "intercept must be a prior .*got False"),
    (lambda: Model(G, L, 0.0), ModelTypeError, "intercept must be a prior .*got 0.0"),
    (
        lambda: Model(G, L, standardize=1),
        ModelTypeError,
        "standardize must be True or False; got 1",
    ),
    (lambda: Model(G, L, standardize="no"), ModelTypeError, "standardize must be True or False"),
    (lambda: Model(G, L, Flat(), True), TypeError, "positional"),
    (lambda: Model(G, piror=L), TypeError, "piror"),
    (
        lambda: Model(Poisson(), Laplace(1.0, relative_to_noise=True)),
        ModelError,
        r"prior has relative_to_noise=True, but Poisson\(\) has no noise",
    ),
    (
        lambda: Model(Bernoulli(), L, Normal(1.0, relative_to_noise=True)),
        ModelError,
        "intercept has relative_to_noise=True",
    ),
    (
        lambda: Model(Bernoulli(), {"a": Normal(1.0, relative_to_noise=True), "*": Flat()}),
        ModelError,
        r"prior\['a'\] has relative_to_noise=True",
    ),
]


@pytest.mark.parametrize(
    ("build", "error", "message"), WRONG_MODELS, ids=[w[2] for w in WRONG_MODELS]
)
def test_wrong_model_is_refused(build, error, message):
    with pytest.raises(error, match=message):
        build()


def test_errors_are_value_or_type_errors():
    assert issubclass(ModelError, ValueError)
    assert issubclass(ModelTypeError, TypeError)
    assert issubclass(ModelTypeError, BayesregError)


def test_models_are_equal_when_their_texts_are():
    model = Model(Gaussian(1), Laplace(np.array([1, 2]), loc=0))
    same = Model(Gaussian(1.0), Laplace((1.0, 2.0)), Flat(), standardize=np.False_)
    assert model == same
    assert hash(model) == hash(same)
    assert repr(model) == "Model(likelihood=Gaussian(sigma=1.0), prior=Laplace(scale=[1.0, 2.0]))"
    different = [
        Model(Gaussian(2), model.prior),
        Model(Gaussian(1), Laplace([1, 2.5])),
        Model(Gaussian(1), Normal([1, 2])),
        Model(Gaussian(1), model.prior, None),
        Model(Gaussian(1), model.prior, Normal(1)),
        Model(Gaussian(1), model.prior, standardize=True),
        Model(Gaussian(1), {"*": model.prior}),
    ]
    assert len({model, same, *different}) == 1 + len(different)
    assert not any(model == other for other in different)
    assert model != repr(model)


def test_repr_shows_what_is_not_default():
    text = repr(Model(Poisson(), {"a": Flat(), "*": Normal(2, loc=-1)}, None, standardize=True))
    assert text == (
        "Model(likelihood=Poisson(), prior={'a': Flat(), '*': Normal(scale=2.0, loc=-1.0)}, "
        "intercept=None, standardize=True)"
    )


def test_model_keeps_its_own_copy_of_the_mapping():
    prior = {"*": Laplace(1.0)}
    model = Model(Gaussian(1.0), prior)
    prior["*"] = Flat()
    assert model == Model(Gaussian(1.0), {"*": Laplace(1.0)})


# ---- the scale axis --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prior", "expected"),
    [
        (Laplace(2.0), Laplace(6.0)),
        (Laplace([1.0, np.inf], loc=3.0), Laplace([3.0, np.inf], loc=3.0)),
        (Normal(2.0), Normal(6.0)),
        (Flat(), Flat()),
        (ElasticNet(2.0, 1.0), ElasticNet(6.0, np.sqrt(3.0))),
        (ElasticNet(np.inf, 1.0), ElasticNet(np.inf, 3.0)),
        ({"a": Laplace(1.0), "b": Normal(2.0)}, {"a": Laplace(3.0), "b": Normal(2 * np.sqrt(3.0))}),
        ({"a": Flat(), "b": Normal(2.0)}, {"a": Flat(), "b": Normal(6.0)}),
    ],
    ids=repr,
)
def test_rescaled_keeps_the_ratio_of_the_penalties(prior, expected):
    model = Model(G, prior, Normal(5.0), standardize=True)
    found = model.rescaled(3.0)
    assert found.intercept == Normal(5.0)
    assert found.standardize
    columns = Data(np.eye(2), np.zeros(2), names=["a", "b"])
    wanted = Model(G, expected, Normal(5.0), standardize=True).coefficient_penalty(columns)
    for name in ("l1", "l2", "loc"):
        np.testing.assert_allclose(
            getattr(found.coefficient_penalty(columns), name), getattr(wanted, name), rtol=1e-14
        )


@pytest.mark.parametrize("factor", [0, -1, np.inf, np.nan, True, "2", None])
def test_wrong_factor_is_refused(factor):
    with pytest.raises((ModelError, ModelTypeError), match="factor must be a positive"):
        Model(G, L).rescaled(factor)


@pytest.mark.parametrize(
    ("prior", "expected"),
    [
        (Laplace(2.0), 2.0),
        (Laplace([np.inf, 3.0]), 3.0),
        (Normal([4.0, 3.0]), 4.0),
        (ElasticNet(2.0, 1.0), 2.0),
        (ElasticNet(np.inf, 1.5), 1.5),
        (ElasticNet(np.inf, [1.5, 2.0]), 1.5),
        ({"a": Flat(), "b": Normal(7.0)}, 7.0),
    ],
    ids=repr,
)
def test_axis_scale_is_the_first_finite_one(prior, expected):
    data = Data(np.eye(2), np.zeros(2), names=["a", "b"])
    assert Model(G, prior).axis_scale(data) == expected


def test_axis_scale_needs_a_scale():
    data = Data(np.eye(2), np.zeros(2))
    for prior in (Flat(), Laplace(np.inf), ElasticNet(np.inf, np.inf)):
        with pytest.raises(ModelError, match="every coefficient has a flat prior"):
            Model(G, prior).axis_scale(data)
    with pytest.raises(ModelError, match="has 3 entries but applies to 2"):
        Model(G, Laplace([1.0, 2.0, 3.0])).axis_scale(data)


# ---- arguments of the methods ----------------------------------------------------------------

METHODS = ["linear_predictor", "log_likelihood", "log_prior", "log_density", "gradient"]


@pytest.mark.parametrize("method", METHODS)
def test_wrong_coef_is_refused(method):
    data = make_data(Gaussian(1.5))
    call = getattr(make_model(), method)
    for coef, shape in ((np.zeros(3), r"\(3,\)"), (np.zeros((7, 1)), r"\(7, 1\)"), (0.0, r"\(\)")):
        with pytest.raises(DataError, match=rf"coef must have shape \(7,\).*got {shape}"):
            call(data, coef)
    with pytest.raises(DataTypeError, match="coef must be real numbers"):
        call(data, ["a"] * 7)


@pytest.mark.parametrize("method", METHODS)
def test_what_is_not_data_is_refused(method):
    with pytest.raises(
        DataTypeError, match=r"data must be a bayesreg.Data; got ndarray.*Data\(X, y"
    ):
        getattr(make_model(), method)(np.eye(7), np.zeros(7))


@pytest.mark.parametrize(
    ("likelihood", "y", "message"),
    [
        (Bernoulli(), [0, 1, 2, 1], r"y must be 0 or 1 .*found 2.0 in row 2 \(1 such rows\)"),
        (Bernoulli(), [0, -1, 1, -1], r"y must be 0 or 1 .*found -1.0 in row 1 \(2 such rows\)"),
        (Bernoulli(), [0, 0.5, 1, 1], "y must be 0 or 1 .*found 0.5 in row 1"),
        (Poisson(), [0, 1, 2.5, 1], r"y must be counts .*found 2.5 in row 2 .*offset = log"),
        (Poisson(), [0, -3, 2, 1], "y must be counts .*found -3.0 in row 1"),
    ],
)
def test_impossible_target_is_located(likelihood, y, message):
    data = Data(np.eye(4), y)
    with pytest.raises(DataError, match=message):
        make_model(likelihood).log_density(data, np.zeros(4))
