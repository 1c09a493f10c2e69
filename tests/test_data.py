"""Data: the exact numbers, or an error that says what was found and where."""

import datetime
import decimal
import fractions

import numpy as np
import pandas as pd
import pytest

from bayesreg import Data
from bayesreg.errors import BayesregError, DataError, DataTypeError

X = np.array([[1.0, 2.0], [0.0, -1.0], [3.0, 5.0]])
Y = np.array([1.0, 0.0, 2.0])


def column(values, **kwargs):
    return pd.DataFrame({"a": values, "b": [1.0, 2.0, 3.0]}, **kwargs)


# ---- accepted, exactly ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        X,
        X.tolist(),
        tuple(map(tuple, X)),
        X.astype(np.float32),
        X.astype(np.float16),
        X.astype(np.longdouble),
        X.astype(np.int8),
        X.astype(">f8"),
        X.astype(">i2"),
        np.asfortranarray(X),
        np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
        X[::-1][::-1],
        X.astype(object),
        [[fractions.Fraction(1), decimal.Decimal(2)], [0, -1], [np.float32(3), 5]],
        np.matrix(X),
        pd.DataFrame(X),
        pd.DataFrame(X).astype("Float64"),
        pd.DataFrame(X).astype("Int64"),
        pd.DataFrame(X).astype(object),
        pd.DataFrame(X).astype({0: "int8", 1: "Float32"}),
        pd.DataFrame(X).astype(pd.SparseDtype(float, 0.0)),
    ],
    ids=lambda given: f"{type(given).__name__}-{getattr(given, 'dtype', '')}",
)
def test_matrix_is_taken_exactly(given):
    data = Data(given, Y)
    np.testing.assert_array_equal(data.X, X)
    assert type(data.X) is np.ndarray
    assert data.X.dtype == np.float64
    assert data.X.dtype.isnative


@pytest.mark.parametrize(
    "given",
    [
        Y,
        [1, 0, 2],
        (1.0, 0.0, 2.0),
        Y.astype(np.float32),
        Y.astype(np.uint8),
        Y.astype(">f4"),
        np.repeat(Y, 2)[::2],
        Y.astype(object),
        pd.Series(Y),
        pd.Series(Y, index=[9, 5, 7]),
        pd.Series(Y).astype("Int8"),
        pd.Series(Y).astype(object),
        pd.DataFrame({"y": Y}),
        pd.Index(Y),
    ],
    ids=lambda given: f"{type(given).__name__}-{getattr(given, 'dtype', '')}",
)
@pytest.mark.parametrize("argument", ["y", "weights", "offset"])
def test_vector_is_taken_exactly(argument, given):
    data = Data(X, **{"y": Y, argument: given})
    np.testing.assert_array_equal(getattr(data, argument), Y)
    assert getattr(data, argument).dtype == np.float64


@pytest.mark.parametrize(
    "given",
    [
        np.array([True, False, True]),
        [True, False, True],
        pd.Series([True, False, True]),
        pd.Series([True, False, True], dtype="boolean"),
        np.array([True, False, True], dtype=object),
    ],
    ids=lambda given: f"{type(given).__name__}-{getattr(given, 'dtype', '')}",
)
def test_bools_are_zeros_and_ones(given):
    np.testing.assert_array_equal(Data(X, given).y, [1.0, 0.0, 1.0])
    np.testing.assert_array_equal(Data(column(given), Y).X[:, 0], [1.0, 0.0, 1.0])


def test_float64_is_not_copied_and_not_written_to():
    given = X.copy()
    data = Data(given, Y)
    assert np.shares_memory(data.X, given)
    assert not data.X.flags.writeable
    assert given.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        data.X[0, 0] = 3.0


def test_read_only_input_is_accepted():
    given, y = X.copy(), Y.copy()
    given.flags.writeable = y.flags.writeable = False
    np.testing.assert_array_equal(Data(given, y).X, X)


def test_largest_numbers_whose_sum_overflows_are_finite():
    given = np.full((3, 2), 1.7e308)
    np.testing.assert_array_equal(Data(given, Y).X, given)


def test_rows_and_weights_are_counted():
    data = Data(X, Y, weights=[0.5, 0.0, 2.0], offset=[1, 2, 3])
    assert (data.n, data.p, data.total_weight) == (2, 2, 2.5)
    assert repr(data) == "Data(n=2, p=2, weights, offset)"
    assert repr(Data(X, Y)) == "Data(n=3, p=2)"
    assert Data(X, Y).total_weight == 3.0


def test_names():
    assert Data(X, Y).names == ("x0", "x1")
    assert Data(X, Y, names=["a", "b"]).names == ("a", "b")
    assert Data(X, Y, names=np.array(["a", "b"])).names == ("a", "b")
    assert all(type(name) is str for name in Data(X, Y, names=np.array(["a", "b"])).names)
    assert Data(pd.DataFrame(X, columns=["age", "größe"]), Y).names == ("age", "größe")
    assert Data(pd.DataFrame(X, columns=["age", "bmi"]), Y, names=["a", "b"]).names == ("a", "b")
    assert Data(pd.DataFrame(X), Y).names == ("0", "1")
    assert Data(X, pd.Series(Y, name="target")).names == ("x0", "x1")


# ---- refused -------------------------------------------------------------------------------


def replaced(array, index, value):
    array = np.array(array, dtype=float)
    array[index] = value
    return array


@pytest.mark.parametrize(
    ("value", "shown"), [(np.nan, r"NaN \(missing\)"), (np.inf, "inf"), (-np.inf, "-inf")]
)
def test_what_is_not_finite_is_located(value, shown):
    with pytest.raises(DataError, match=rf"^X .*found {shown} at row 1, column 0 \(1 entries"):
        Data(replaced(X, (1, 0), value), Y)
    for argument in ("y", "weights", "offset"):
        with pytest.raises(DataError, match=rf"^{argument} .*found {shown} at row 2 \(1 entries"):
            Data(X, **{"y": Y, argument: replaced(Y, 2, value)})


def test_all_missing_entries_are_counted_and_the_first_is_shown():
    given = replaced(X, (slice(1, 3), 1), np.nan)
    with pytest.raises(DataError, match=r"row 1, column 1 \(2 entries .* Drop those rows or imp"):
        Data(given, Y)


def test_opposite_infinities_do_not_cancel():
    given = X.copy()
    given[0, 0], given[1, 1] = np.inf, -np.inf
    with pytest.raises(DataError, match=r"found inf at row 0, column 0 \(2 entries"):
        Data(given, Y)


@pytest.mark.parametrize(
    "values",
    [
        pd.array([1, None, 2], dtype="Int64"),
        pd.array([1, None, 2], dtype="Float32"),
        pd.array([True, None, False], dtype="boolean"),
        np.array([1, None, 2], dtype=object),
        np.array([1, pd.NA, 2], dtype=object),
        np.array([1, np.nan, 2], dtype=object),
    ],
    ids=lambda v: str(v.dtype),
)
def test_missing_values_of_pandas_are_located(values):
    with pytest.raises(DataError, match=r"^X .*NaN \(missing\) at row 1, column 0 \(1 entries"):
        Data(column(values), Y)
    with pytest.raises(DataError, match=r"^y .*NaN \(missing\) at row 1 \(1 entries"):
        Data(X, pd.Series(values))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (Y, r"X must be two-dimensional.*\(3,\); use X.reshape\(-1, 1\)"),
        (np.zeros((3, 2, 1)), r"X must be two-dimensional.*\(3, 2, 1\)"),
        (3.0, r"X must be two-dimensional.*\(\)"),
        (np.zeros((0, 2)), r"at least one row and one column; got shape \(0, 2\)"),
        (np.zeros((3, 0)), r"at least one row and one column; got shape \(3, 0\)"),
        ([], r"X must be two-dimensional"),
        ([[]], r"at least one row and one column; got shape \(1, 0\)"),
        (pd.DataFrame({"a": []}), r"at least one row and one column; got shape \(0, 1\)"),
    ],
    ids=str,
)
def test_matrix_of_wrong_shape_is_refused(given, message):
    with pytest.raises(DataError, match=message):
        Data(given, Y)


@pytest.mark.parametrize("argument", ["y", "weights", "offset"])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1.0, 2.0], "has 2 entries but X has 3 rows"),
        ([1.0, 2.0, 3.0, 4.0], "has 4 entries but X has 3 rows"),
        ([], "has 0 entries but X has 3 rows"),
        (2.0, r"must be one-dimensional; got shape \(\)"),
        (np.ones((3, 1)), r"must be one-dimensional; got shape \(3, 1\); use .ravel\(\)"),
        (np.ones((1, 3)), r"must be one-dimensional; got shape \(1, 3\); use .ravel\(\)"),
        (np.ones((3, 2)), r"must be one-dimensional; got shape \(3, 2\)$"),
        (pd.DataFrame(X), r"must be one-dimensional; got shape \(3, 2\)"),
    ],
    ids=str,
)
def test_vector_of_wrong_shape_is_refused(argument, given, message):
    with pytest.raises(DataError, match=rf"^{argument} {message}"):
        Data(X, **{"y": Y, argument: given})


class Unreadable:
    def __float__(self):
        raise ValueError("no number today")


KINDS = {
    "complex": (np.array([1j, 2, 3]), "complex"),
    "text": (["1", "2", "3"], "text"),
    "bytes": ([b"1", b"2", b"3"], "bytes"),
    "dates": (np.array(["2020", "2021", "2022"], dtype="datetime64[D]"), "dates"),
    "durations": (np.array([1, 2, 3], dtype="timedelta64[s]"), "durations"),
    "structured": (np.zeros(3, dtype=[("a", float)]), "must be real numbers"),
    "text among numbers": (np.array([1, "2", 3], dtype=object), "found '2' at row 1"),
    "complex among numbers": (np.array([1, 2j, 3], dtype=object), "found 2j at row 1"),
    "complex64 among numbers": (np.array([1, np.complex64(2j), 3], dtype=object), "at row 1"),
    "date among numbers": (np.array([1, datetime.date(2020, 1, 1), 3], dtype=object), "at row 1"),
    "numpy date among numbers": (
        np.array([1, np.datetime64("2020-01-01"), 3], dtype=object),
        "at row 1",
    ),
    "duration among numbers": (np.array([1, np.timedelta64(5, "s"), 3], dtype=object), "at row 1"),
    "list among numbers": (np.array([1, [2], 3], dtype=object), r"found \[2\] at row 1"),
    "failing number": (np.array([1, Unreadable(), 3], dtype=object), "at row 1: no number today"),
    "integer past float": ([1, 10**400, 3], "at row 1: int too large"),
    "integer past digits": ([1, 10**5000, 3], "found a huge int at row 1"),
    "pandas dates": (pd.Series(pd.date_range("2020", periods=3)), r"dtype datetime64"),
    "pandas zoned dates": (
        pd.Series(pd.date_range("2020", periods=3, tz="UTC")),
        "dtype datetime64",
    ),
    "pandas durations": (pd.Series(pd.to_timedelta([1, 2, 3])), r"dtype timedelta64"),
    "pandas periods": (pd.Series(pd.period_range("2020", periods=3)), "dtype period"),
    "pandas digits": (pd.Series(["1", "2", "3"]), "dtype str|found '1' at row 0"),
    "pandas string": (pd.Series(["1", "2", "3"], dtype="string"), "dtype string"),
    "pandas object digits": (pd.Series(["1", "2", "3"], dtype=object), "found '1' at row 0"),
    "pandas category": (pd.Series([1, 0, 1], dtype="category"), "dtype category; code it"),
    "pandas complex": (pd.Series([1j, 2, 3]), "dtype complex128"),
    "categorical": (pd.Categorical([1, 0, 1]), "dtype category"),
    "date index": (pd.date_range("2020", periods=3), "dtype datetime64"),
    "masked": (np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0]), "masked array and its mask"),
    "masked nothing": (np.ma.array([1.0, 2.0, 3.0]), "masked array and its mask"),
    "none": (None, "is None; pass an array"),
    "set": ({1.0, 2.0, 3.0}, "must be real numbers"),
    "generator": ((v for v in (1.0, 2.0)), "must be real numbers; found <generator"),
    "mapping": ({"a": [1, 2, 3]}, "must be real numbers"),
    "ragged": ([[1], [1, 2], [1]], "rows of equal length"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_vector_of_wrong_kind_is_refused(kind):
    given, message = KINDS[kind]
    with pytest.raises(DataTypeError, match=rf"^y .*({message})"):
        Data(X, given)


FRAMED = {k: v for k, v in KINDS.items() if isinstance(v[0], pd.Series | pd.Categorical)}


@pytest.mark.parametrize("kind", FRAMED)
def test_column_of_wrong_kind_is_named_or_located(kind):
    given, message = FRAMED[kind]
    with pytest.raises(DataTypeError, match=rf"^X (column 'a' has ({message})|.*row 0, column 0)"):
        Data(column(given), Y)


@pytest.mark.parametrize("kind", ["complex", "text", "dates", "masked", "text among numbers"])
def test_matrix_of_wrong_kind_is_refused(kind):
    given, _ = KINDS[kind]
    given = given if isinstance(given, np.ndarray) else np.array(given)
    with pytest.raises(DataTypeError, match=r"^X "):
        Data(given.reshape(3, 1), Y)


def test_masked_rows_keep_their_mask():
    rows = [np.ma.array(row, mask=[False, True]) for row in X]
    with pytest.raises(DataTypeError, match="X is a masked array and its mask would be lost"):
        Data(rows, Y)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, -2.5, -1.0], r"must not be negative; found -2.5 in row 1 \(2 such rows\)"),
        ([0.0, 0.0, 0.0], "are all 0"),
        ([1.0, 1.0], "has 2 entries but X has 3 rows"),
        ([1.0, np.nan, 1.0], r"must be finite; found NaN \(missing\) at row 1"),
    ],
)
def test_wrong_weights_are_refused(weights, message):
    with pytest.raises(DataError, match=f"^weights {message}"):
        Data(X, Y, weights=weights)


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        (["a"], DataError, "names has 1 entries but X has 2 columns"),
        (["a", "a"], DataError, "names must be distinct; 'a' occurs 2 times"),
        ("ab", DataTypeError, "names must be a sequence of 2 strings; got 'ab'"),
        (5, DataTypeError, "names must be a sequence of 2 strings; got 5"),
        (["a", 1], DataTypeError, r"names must be strings; names\[1\] is 1"),
        ([b"a", "b"], DataTypeError, r"names must be strings; names\[0\] is b'a'"),
        (["a", None], DataTypeError, r"names must be strings; names\[1\] is None"),
    ],
)
def test_wrong_names_are_refused(names, error, message):
    with pytest.raises(error, match=message):
        Data(X, Y, names=names)


def test_a_frame_with_one_name_twice_is_refused():
    with pytest.raises(DataError, match="names must be distinct; 'a' occurs 2 times"):
        Data(pd.DataFrame(X, columns=["a", "a"]), Y)
    assert Data(pd.DataFrame(X, columns=["a", "a"]), Y, names=["a", "b"]).names == ("a", "b")


def test_errors_are_value_or_type_errors():
    assert issubclass(DataError, ValueError)
    assert issubclass(DataTypeError, TypeError)
    assert issubclass(DataError, BayesregError)


def test_misspelt_argument_is_refused():
    with pytest.raises(TypeError, match="weigths"):
        Data(X, Y, weigths=[1, 1, 1])


def test_data_cannot_be_changed():
    data = Data(X, Y)
    with pytest.raises(AttributeError, match="cannot assign"):
        data.y = Y + 1
