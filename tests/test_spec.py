"""Texts and dicts become models, models become texts and dicts, and nothing else happens."""

import contextlib
import json
import math

import pytest
from helpers import (
    COMBINATIONS,
    JOINT_PRIORS,
    KINKED_LIKELIHOODS,
    LIKELIHOODS,
    LOCAL_LIKELIHOODS,
    LOCAL_PRIORS,
    PRIORS,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from bayesreg import (
    ElasticNet,
    Flat,
    Gaussian,
    Laplace,
    Model,
    Normal,
    from_dict,
    from_text,
    to_dict,
)
from bayesreg.errors import BayesregError, ModelError, ModelTypeError
from bayesreg.likelihoods import Bernoulli, Poisson

# ---- reading ---------------------------------------------------------------------------------

READ = {
    "Laplace(scale=0.5)": Laplace(0.5),
    "Laplace(20)": Laplace(20.0),
    "  Laplace( 20 )\n": Laplace(20.0),
    "Laplace(scale=.1)": Laplace(0.1),
    "Laplace(2., -3)": Laplace(2.0, loc=-3.0),
    "Laplace(+1e-3, loc=-1.5E+2)": Laplace(1e-3, loc=-150.0),
    "Laplace(inf)": Laplace(math.inf),
    "Normal([1, 2.5, inf], loc=(0, -1, 2))": Normal([1, 2.5, math.inf], loc=[0, -1, 2]),
    "Normal(1, 0, True)": Normal(1.0, relative_to_noise=True),
    "Normal(1, relative_to_noise=False)": Normal(1.0),
    "ElasticNet(1, normal_scale=2)": ElasticNet(1.0, 2.0),
    "Flat()": Flat(),
    "(Flat())": Flat(),
    "Poisson()": Poisson(),
    "Gaussian(sigma=54.0)": Gaussian(54.0),
    "{'gene_*': Laplace(scale=.1), 'age': Flat()}": {"gene_*": Laplace(0.1), "age": Flat()},
    '{"größe\\n": Flat(),}': {"größe\n": Flat()},
    "Model(likelihood=Gaussian(sigma=54.0), prior=Laplace(scale=20.0))": Model(
        Gaussian(54.0), Laplace(20.0)
    ),
    "Model(Bernoulli(), {'a': Flat(), '*': Normal(1)}, None, standardize=True)": Model(
        Bernoulli(), {"a": Flat(), "*": Normal(1.0)}, None, standardize=True
    ),
    "Model(Poisson(),\n\tFlat(),\n\tintercept=Normal(3))": Model(Poisson(), Flat(), Normal(3.0)),
}


@pytest.mark.parametrize("text", READ)
def test_text_is_read(text):
    assert from_text(text) == READ[text]


@pytest.mark.parametrize(
    ("text", "kind"),
    [("Flat()", "prior"), ("{'a': Flat()}", "prior"), ("Poisson()", "likelihood")],
)
def test_kind_is_accepted_or_refused(text, kind):
    assert from_text(text, kind=kind) == READ.get(text, {"a": Flat()})
    other = {"prior": "likelihood", "likelihood": "model"}[kind]
    with pytest.raises(ModelError, match=f"a {other} is needed, but the text .* is a {kind}"):
        from_text(text, kind=other)
    with pytest.raises(ModelError, match=f"a {other} is needed, but the dict is a {kind}"):
        from_dict(to_dict(from_text(text)), kind=other)


def test_model_kind():
    model = Model(Poisson(), Flat())
    assert from_text(repr(model), kind="model") == model
    assert from_dict(to_dict(model), kind="model") == model
    with pytest.raises(ModelError, match=r"a prior is needed.* is a model"):
        from_text(repr(model), kind="prior")


@pytest.mark.parametrize("reader", [from_text, from_dict])
def test_unknown_kind_names_the_nearest(reader):
    with pytest.raises(ModelError, match=r"unknown kind 'priors'.*Did you mean 'prior'"):
        reader("Flat()", kind="priors")


# ---- round trips -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "part",
    [
        *PRIORS,
        *LIKELIHOODS,
        *KINKED_LIKELIHOODS,
        *JOINT_PRIORS,
        *LOCAL_PRIORS,
        *LOCAL_LIKELIHOODS,
    ],
)
def test_every_part_survives_text_and_json(part):
    assert from_text(repr(part)) == part
    assert type(from_text(repr(part))) is type(part)
    assert from_dict(json.loads(json.dumps(to_dict(part), allow_nan=False))) == part


@pytest.mark.parametrize(("likelihood", "prior"), COMBINATIONS)
@pytest.mark.parametrize("intercept", [Flat(), None, Normal(2.0, loc=-1.0)], ids=repr)
def test_every_model_survives_text_and_json(likelihood, prior, intercept):
    for standardize in (False, True):
        model = Model(likelihood, prior, intercept, standardize=standardize)
        assert from_text(repr(model)) == model
        assert from_dict(json.loads(json.dumps(to_dict(model), allow_nan=False))) == model


finite = st.floats(min_value=-1e150, max_value=1e150)
positive = st.floats(min_value=0, exclude_min=True, allow_nan=False)
squared = st.one_of(st.floats(min_value=1e-150, max_value=1e150), st.just(math.inf))
scales = st.one_of(positive, st.lists(positive, min_size=1, max_size=4))
deviations = st.one_of(squared, st.lists(squared, min_size=1, max_size=4))
locs = st.one_of(finite, st.lists(finite, min_size=1, max_size=4))
priors = st.one_of(
    st.just(Flat()),
    st.builds(Laplace, scales, locs),
    st.builds(Normal, deviations, locs),
    st.builds(ElasticNet, scales, deviations, locs),
)
likelihoods = st.one_of(
    st.sampled_from([Bernoulli(), Poisson()]),
    st.builds(Gaussian, st.floats(min_value=1e-100, max_value=1e100)),
)
models = st.builds(
    Model,
    likelihoods,
    st.one_of(priors, st.dictionaries(st.text(), priors, min_size=1, max_size=3)),
    st.one_of(st.none(), priors),
    standardize=st.booleans(),
)


@given(models)
@settings(max_examples=150, deadline=None)
def test_any_model_survives_text(model):
    assert from_text(repr(model)) == model


@given(models)
@settings(max_examples=150, deadline=None)
def test_any_model_survives_json(model):
    assert from_dict(json.loads(json.dumps(to_dict(model), allow_nan=False))) == model


@given(st.text(alphabet=st.sampled_from("LaplceFt()[]{}=,:'\"\\ .0123456789einfTru*-+\n#@µ")))
@settings(max_examples=400, deadline=None)
def test_any_text_is_read_or_refused_as_ours(text):
    with contextlib.suppress(BayesregError):
        from_text(text)


def test_dict_form_is_plain_and_complete():
    model = Model(Gaussian(2.0), {"a": Laplace([1.0, math.inf]), "*": Flat()})
    assert to_dict(model) == {
        "name": "Model",
        "likelihood": {"name": "Gaussian", "sigma": 2.0},
        "prior": {
            "a": {"name": "Laplace", "scale": [1.0, "inf"], "loc": 0.0, "relative_to_noise": False},
            "*": {"name": "Flat"},
        },
        "intercept": {"name": "Flat"},
        "standardize": False,
    }


def test_a_column_called_name_is_a_column():
    prior = {"name": Laplace(1.0), "scale": Flat()}
    assert from_dict(to_dict(prior)) == prior


@pytest.mark.parametrize("thing", [3, "Flat()", Flat, None, [Flat()], json])
def test_only_parts_become_dicts(thing):
    with pytest.raises(ModelTypeError, match="only a model, a prior or a likelihood"):
        to_dict(thing)


def test_a_stranger_of_the_same_name_is_not_written():
    # Written down as "Laplace" it would come back as ours.
    class Laplace:
        pass

    with pytest.raises(ModelTypeError, match="only a model, a prior or a likelihood"):
        to_dict(Laplace())


# ---- refusals --------------------------------------------------------------------------------

FAULTS = [
    # text, what the message says, the character it points at
    ("", "it is empty", 1),
    (" \n ", "it is empty", 1),
    ("Laplace", r"only a name; write Laplace\(\.\.\.\)", 1),
    ("5", "names no model, prior or likelihood", 1),
    ("None", "names no model, prior or likelihood", 1),
    ("'Flat()'", "names no model, prior or likelihood", 1),
    ("[Flat()]", "names no model, prior or likelihood", 1),
    ("Flat(), Flat()", "names no model, prior or likelihood", 1),
    ("Laplce(1)", "unknown name 'Laplce'. Did you mean 'Laplace'", 1),
    ("Laplace(scal=1)", "no argument 'scal'. Did you mean 'scale'", 9),
    ("Model(Gaussian(1), piror=Flat())", "no argument 'piror'. Did you mean 'prior'", 20),
    ("Flat(scale=1)", "Flat takes no arguments; got 'scale'", 6),
    ("Flat(1)", "too many arguments for Flat: none", 6),
    ("Laplace(1, 0, True, 4)", "at most 3 without a name", 21),
    ("Laplace(scale=1, scale=2)", "'scale' of Laplace is given twice", 18),
    ("Laplace(1, scale=2)", "'scale' of Laplace is given twice", 12),
    ("Laplace()", "Laplace needs the argument 'scale'", 1),
    ("Model(Gaussian(1))", "Model needs the argument 'prior'", 1),
    ("Laplace(scale=-1)", "Laplace scale must be positive.*got -1.0", 1),
    ("Laplace(0)", "Laplace scale must be positive.*got 0.0", 1),
    ("Laplace(nan)", "Laplace scale must be positive.*got nan", 1),
    ("Laplace(-inf)", "Laplace scale must be positive.*got -inf", 1),
    ("Normal(1, inf)", "Normal loc must be finite and at most 1e.150 in size; got inf", 1),
    ("{'a': Flat(), 'b': Laplace([1, 0])}", r"scale\[1\] must be positive.*got 0.0", 20),
    ("Gaussian(inf)", "Gaussian sigma must be a positive, finite number", 1),
    ("Laplace(1e999)", "too large; infinity is written inf", 9),
    ("Laplace(ture)", "unknown value 'ture'. Did you mean 'True'", 9),
    ("Laplace([1, [2]])", "a number is needed here", 13),
    ("Laplace([True])", "a number is needed here", 10),
    ("Laplace('1')", "a number is needed here", 9),
    ("Laplace(-True)", "a number is needed here", 10),
    ("Laplace(1", "not complete or not well formed", 1),
    ("Laplace(1))", "not complete or not well formed", 11),
    ("Laplace(1,,2)", "not complete or not well formed", 11),
    ("Laplace(08)", "not complete or not well formed", 9),
    ("{}", "it is empty; name a prior", 1),
    ("{'a': Flat(), 'a': Flat()}", "column 'a' is named twice", 15),
    ("{'a': {'b': Flat()}}", "column 'a' needs a prior", 7),
    ("{'a': Poisson()}", "column 'a' needs a prior", 7),
    ("{'a': None}", "column 'a' needs a prior", 7),
    ("{'größe': Flat(), a: Flat()}", "a column name in quotes is needed", 19),
    ("{3: Flat()}", "a column name in quotes is needed", 2),
    ("(" * 11 + "Flat()" + ")" * 11, "nested more than 10 deep", 11),
    ("Laplace(1) Flat()", "cannot follow here; is a comma missing", 12),
    ("{'a' 'b': Flat()}", "cannot follow here", 6),
    ("Laplace('''1''')", "cannot follow here", 11),
    # code
    ("Laplace(1).scale", r"'\.' is not allowed here", 11),
    ("__import__('os').system('true')", r"'\.' is not allowed here", 17),
    ("__import__('os')", "unknown name '__import__'", 1),
    ("open('x')", "unknown name 'open'", 1),
    ("Laplace(abs(1))", "unknown name 'abs'", 9),
    ("Laplace(1)(2)", "cannot follow here", 11),
    ("(Laplace)(1)", "cannot follow here", 10),
    ("Laplace(x[0])", "cannot follow here", 10),
    ("Laplace(lambda: 1)", "keyword 'lambda' is not allowed", 9),
    ("Laplace([x for x in y])", "keyword 'for' is not allowed", 12),
    ("Laplace(1 if True else 2)", "keyword 'if' is not allowed", 11),
    ("Laplace(not 1)", "keyword 'not' is not allowed", 9),
    ("(yield)", "keyword 'yield' is not allowed", 2),
    ("import os", "keyword 'import' is not allowed", 1),
    ("Laplace(f'{1}')", "cannot follow here", 10),
    ("Laplace(scale:=1)", "a number is needed here", 9),
    ("Laplace(scale==1)", "a number is needed here", 9),
    ("Laplace(1 + 1)", "arithmetic is not allowed", 11),
    ("Laplace(--1)", "arithmetic is not allowed", 10),
    ("Laplace(-(-1) - 2)", "arithmetic is not allowed", 15),
    ("Laplace(2**3)", r"'\*' is not allowed here", 10),
    ("Laplace(*[1])", r"'\*' is not allowed here", 9),
    ("Laplace(**{'scale': 1})", r"'\*' is not allowed here", 9),
    ("{**{}}", r"'\*' is not allowed here", 2),
    ("Laplace(1)  # comment", "'#' is not allowed here", 13),
    ("Laplace(1); Flat()", "';' is not allowed here", 11),
    ("Laplace(\\\n1)", "is not allowed here", 9),
    ("Laplace(...)", r"'\.' is not allowed here", 9),
    ("Laplace(1j)", "cannot follow here", 10),
    ("Laplace(0x10)", "cannot follow here", 10),
    ("Laplace(1)\0", r"'\\x00' is not allowed here", 11),
    ("Laplace(\ud800)", "is not allowed here", 9),
    ("{'\ud800': Flat()}", "not well formed", 1),
    ("{'\\d': Flat()}", "is not allowed here", 2),
    ("{'a\nb': Flat()}", "is not allowed here", 2),
    ("\uff2c\uff41place(1)", "is not allowed here", 1),
]


@pytest.mark.parametrize(("text", "reason", "character"), FAULTS, ids=[f[0][:24] for f in FAULTS])
def test_fault_is_named_and_located(text, reason, character):
    with pytest.raises((ModelError, ModelTypeError), match=reason) as caught:
        from_text(text)
    message = str(caught.value)
    assert f"character {character}" in message.splitlines()[2]
    shown, caret = message.splitlines()[1:3]
    assert all(c.isprintable() for c in shown)
    if text.strip() and text.isprintable():
        assert shown.strip() in text
        assert shown[caret.index("^")] == text[character - 1]


def test_refusal_lists_what_is_allowed():
    with pytest.raises(
        ModelError,
        match=r"Allowed: .* ElasticNet, .*Flat, .*Gaussian, .*HalfCauchy, HalfNormal, .*Laplace, ",
    ):
        from_text("Student(1)")


HOSTILE = {
    "parentheses": "(" * 5000 + "1" + ")" * 5000,
    "nested lists": "Laplace(" + "[" * 5000,
    "nested dicts": "{'a':" * 5000,
    "nested calls": "Laplace(" * 5000,
    "chained calls": "Laplace" + "()" * 100_000,
    "signs": "Laplace(" + "-" * 100_000 + "1)",
    "separated signs": "Laplace(" + "-\n" * 100_000 + "1)",
    "nots": "not " * 50_000 + "1",
    "lambdas": "lambda:" * 30_000 + "1",
    "conditionals": "1 if 1 else " * 20_000 + "1",
    "sum": "1" + "+1" * 100_000,
    "comparison": "Laplace(1" + "==1" * 60_000 + ")",
    "long list": "Laplace([" + "1," * 120_000 + "-1])",
    "long list of names": "Laplace([" + "a," * 120_000 + "])",
    "long list of assignments": "Laplace([" + "a=1," * 60_000 + "])",
    "many priors": "{" + "'a':Flat()," * 22_000 + "}",
    "huge integer": "Laplace(" + "9" * 10**6 + ")",
    "large integer": "Laplace(" + "9" * 240_000 + ")",
    "integer past float": "Laplace(1" + "0" * 400 + ")",
    "megabytes": "Laplace(1) " + " " * (5 * 10**6),
    "megabytes of code": "__import__('os');" * 300_000,
    "unclosed string": "{'" + "a" * 240_000,
    "backslashes": "{'" + "\\\\" * 120_000,
    "long name": "a" * 240_000 + "(1)",
    "long column": "{'" + "a" * 240_000 + "': Poisson()}",
    "power tower": "Laplace(9**9**9**9)",
    "string repetition": "{'a'*10**9: Flat()}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_refused_at_once(name):
    with pytest.raises((ModelError, ModelTypeError)) as caught:
        from_text(HOSTILE[name])
    assert len(str(caught.value)) < 1000


def test_code_has_no_effect(tmp_path):
    target = tmp_path / "written"
    for text in (f"open({str(target)!r}, 'w')", f"Laplace(open({str(target)!r}, 'w'))"):
        with pytest.raises(ModelError, match="unknown name 'open'"):
            from_text(text)
    assert not target.exists()


@pytest.mark.parametrize("thing", [None, 3, b"Flat()", ["Flat()"], Flat(), Flat], ids=repr)
def test_text_must_be_text(thing):
    with pytest.raises(ModelTypeError, match=f"must be a str; got {type(thing).__name__}"):
        from_text(thing)


def nested(depth):
    inner = {"name": "Flat"}
    for _ in range(depth):
        inner = {"a": inner}
    return inner


def cyclic():
    inner = {"name": "Laplace"}
    inner["scale"] = inner
    return inner


DICT_FAULTS = [
    ("Flat()", "the dict must be a dict with a 'name'; got 'Flat\\(\\)'"),
    (None, "must be a dict with a 'name'; got None"),
    ({}, "the dict has no 'name'"),
    ({"scale": 1}, "the dict has no 'name'"),
    ({"name": 3}, "the dict has no 'name'"),
    ({"name": "Laplce", "scale": 1}, "unknown name 'Laplce'. Did you mean 'Laplace'"),
    ({"name": "x" * 10**6}, "unknown name"),
    ({"name": "os.system", "command": "true"}, "unknown name 'os.system'"),
    ({"name": "__class__"}, "unknown name '__class__'"),
    ({"name": "Laplace", "scal": 1}, "no argument 'scal'. Did you mean 'scale'"),
    ({"name": "Laplace", "__init__": 1}, "no argument '__init__'"),
    ({"name": "Laplace"}, "Laplace needs the argument 'scale'"),
    ({"name": "Laplace", "scale": -1}, "Laplace scale must be positive"),
    ({"name": "Laplace", "scale": 10**400}, "Laplace scale is too large"),
    ({"name": "Laplace", "scale": math.nan}, "Laplace scale must be positive.*got nan"),
    ({"name": "Laplace", "scale": True}, "Laplace scale must be .*got the bool True"),
    ({"name": "Laplace", "scale": None}, "Laplace scale must be .*got None"),
    ({"name": "Laplace", "scale": "1"}, "scale must be a number or 'inf'; got '1'"),
    ({"name": "Laplace", "scale": [1, "1e9"]}, r"scale\[1\] must be a number or 'inf'"),
    ({"name": "Laplace", "scale": [1, [1]]}, r"scale\[1\] must be a number or 'inf'; got \[1\]"),
    ({"name": "Laplace", "scale": [[[1]]]}, r"scale\[0\]\[0\] must be a number or 'inf'"),
    ({"name": "Laplace", "scale": [[1]]}, "Laplace scale must be .* got shape"),
    ({"name": "Laplace", "scale": {"name": "Poisson"}}, "Laplace scale must be .*got Poisson"),
    ({"name": "Laplace", "scale": 1, 3: 4}, "the key 3; keys must be strings"),
    ({"a": {"name": "Poisson"}}, "column 'a' needs a prior"),
    ({"a": {"b": {"name": "Flat"}}}, "column 'a' needs a prior"),
    ({"name": "Model", "likelihood": {"name": "Poisson"}, "prior": 3}, "prior must be .*got 3"),
    (
        {
            "name": "Model",
            "likelihood": {"name": "Poisson"},
            "prior": {"name": "Laplace", "scale": "x"},
        },
        r"prior.scale must be a number",
    ),
    (nested(5000), "is nested more than 10 deep"),
    (cyclic(), "is nested more than 10 deep"),
]


@pytest.mark.parametrize(("spec", "reason"), DICT_FAULTS, ids=[str(f[1])[:40] for f in DICT_FAULTS])
def test_wrong_dict_is_refused(spec, reason):
    with pytest.raises((ModelError, ModelTypeError), match=reason) as caught:
        from_dict(spec)
    assert len(str(caught.value)) < 1000
