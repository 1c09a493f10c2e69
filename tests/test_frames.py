"""Tables of other libraries: read by their interface, and rows that carry labels.

pyarrow and polars are no dependencies; the fakes have the part of their interface that is used.
"""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from bayesreg import Data, Gaussian, Laplace, Model, certify, find_map
from bayesreg.errors import DataError, DataTypeError


class ArrowArray:
    """pyarrow.Array and ChunkedArray: a type, no dtype, and to_numpy without na_value."""

    def __init__(self, values, kind="double"):
        self._values, self.type = values, kind

    def __len__(self):
        return len(self._values)

    def to_numpy(self, zero_copy_only=True):
        if zero_copy_only:
            raise ValueError("Needed to copy 1 chunks with 0 nulls, but zero_copy_only was True")
        return np.array(self._values)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.to_numpy(zero_copy_only=False), dtype=dtype)


class ArrowSchema:
    def __init__(self, types):
        self.types = types


class ArrowTable:
    """pyarrow.Table and RecordBatch: columns are arrays, column_names their names."""

    def __init__(self, columns):
        self._columns = columns
        self.column_names = list(columns)
        self.columns = list(columns.values())
        self.schema = ArrowSchema([column.type for column in self.columns])
        self.shape = (len(self.columns[0]) if self.columns else 0, len(self.columns))

    def column(self, j):
        return self.columns[j]

    def __array__(self, dtype=None, copy=None):
        return np.column_stack([np.asarray(column) for column in self.columns])


class LazyFrame:
    """polars.LazyFrame: asking for its columns costs a warning, and it holds no values."""

    @property
    def columns(self):
        raise AssertionError("resolving the schema of a LazyFrame is potentially expensive")

    def collect(self):
        raise AssertionError("not for us to run")


VALUES = {"a": [1.0, 2.0, 3.0, 4.0], "b": [0.0, 1.0, 0.0, 2.0]}
TABLE = ArrowTable({name: ArrowArray(column) for name, column in VALUES.items()})
Y = [1.0, 2.0, 2.5, 5.0]


def test_an_arrow_table_gives_names_and_numbers():
    data = Data(TABLE, Y)
    assert data.names == ("a", "b")
    np.testing.assert_array_equal(data.X, np.column_stack(list(VALUES.values())))


def test_arrow_arrays_as_vectors():
    data = Data(TABLE, ArrowArray(Y), weights=ArrowArray([1, 2, 1, 1], "int64"),
                offset=ArrowArray([0.5, 0.0, 0.0, 0.0]))  # fmt: skip
    np.testing.assert_array_equal(data.y, Y)
    np.testing.assert_array_equal(data.weights, [1, 2, 1, 1])
    np.testing.assert_array_equal(data.offset, [0.5, 0, 0, 0])


def test_arrow_decimals_and_nulls():
    exact = ArrowArray([Decimal("1.5"), Decimal("2"), Decimal("3"), Decimal("0")], "decimal128")
    np.testing.assert_array_equal(Data(ArrowTable({"d": exact}), Y).X[:, 0], [1.5, 2, 3, 0])
    missing = ArrowTable({"m": ArrowArray([True, None, False, True], "bool")})
    with pytest.raises(DataError, match=r"NaN \(missing\) at row 1, column 0"):
        Data(missing, Y)


@pytest.mark.parametrize("kind", ["string", "timestamp[s]", "dictionary<values=int64>"])
def test_arrow_types_that_are_no_numbers_are_refused_by_column(kind):
    table = ArrowTable({"a": ArrowArray(Y), "odd": ArrowArray([1, 2, 3, 4], kind)})
    with pytest.raises(DataTypeError, match=r"X column 'odd' has dtype .*code it as real numbers"):
        Data(table, Y)
    with pytest.raises(DataTypeError, match="y has dtype"):
        Data(TABLE, ArrowArray(Y, kind))


def test_an_arrow_table_without_columns():
    with pytest.raises(DataTypeError, match=r"X cannot be read .*no columns"):
        Data(ArrowTable({}), Y)


def test_predict_knows_the_columns_of_an_arrow_table():
    fit = find_map(Model(Gaussian(1.0), Laplace(1.0)), Data(TABLE, Y))
    np.testing.assert_allclose(fit.predict(TABLE), fit.predict(np.asarray(TABLE)))
    swapped = ArrowTable({name: ArrowArray(VALUES[name]) for name in ("b", "a")})
    with pytest.raises(DataError, match=r"in another order.*X\.select\(list"):
        fit.predict(swapped)


@pytest.mark.parametrize("argument", ["X", "y", "weights", "offset"])
def test_a_lazy_frame_must_be_collected_first(argument):
    parts = {"X": TABLE, "y": Y} | {argument: LazyFrame()}
    with pytest.raises(DataTypeError, match=rf"{argument} is a LazyFrame.*call \.collect\(\)"):
        Data(**parts)


def test_predict_refuses_a_lazy_frame():
    fit = find_map(Model(Gaussian(1.0), Laplace(1.0)), Data(TABLE, Y))
    with pytest.raises(DataTypeError, match=r"call \.collect\(\)"):
        fit.predict(LazyFrame())


def test_a_dict_is_told_the_remedy():
    with pytest.raises(DataTypeError, match=r"X must be .*got a dict; .*pandas\.DataFrame\(X\)"):
        Data(VALUES, Y)
    with pytest.raises(DataTypeError, match=r"y must be .*got a dict; pass list\(y\.values\(\)\)"):
        Data(TABLE, dict(enumerate(Y)))


def test_a_structured_array_is_told_the_remedy_and_its_dtype_once():
    X = np.zeros(4, dtype=[("a", float), ("b", float)])
    with pytest.raises(DataTypeError, match="structured array with the fields a, b") as caught:
        Data(X, Y)
    assert "structured_to_unstructured(X)" in str(caught.value)
    assert "dtype" not in str(caught.value)


# -- rows that carry labels --------------------------------------------------------------------

FRAME = pd.DataFrame(VALUES, index=["k", "l", "m", "n"])
SERIES = pd.Series(Y, index=FRAME.index)


@pytest.mark.parametrize("argument", ["y", "weights", "offset"])
@pytest.mark.parametrize(
    ("index", "words"),
    [
        (["l", "k", "m", "n"], "the same labels in another order: 'k' and 'l' in row 0"),
        (["k", "l", "m", "z"], "different labels: 'n' and 'z' in row 3"),
        ([3, 1, 2, 7], "different labels"),
    ],
)
def test_rows_under_other_labels_are_refused(argument, index, words):
    parts = {"X": FRAME, "y": SERIES} | {argument: pd.Series(Y, index=index)}
    with pytest.raises(DataError, match=f"X and {argument} hold {words}") as caught:
        Data(**parts)
    assert f"{argument}.to_numpy()" in str(caught.value)
    assert ("reindex(X.index)" in str(caught.value)) == ("the same labels" in words)


def test_a_shuffled_count_is_not_a_count():
    shuffled = pd.DataFrame(VALUES).iloc[[2, 0, 3, 1]]
    with pytest.raises(DataError, match="same labels in another order"):
        Data(shuffled, pd.Series(Y))
    with pytest.raises(DataError, match="same labels in another order"):
        Data(pd.DataFrame(VALUES), pd.Series(Y, index=[2, 0, 3, 1]))


@pytest.mark.parametrize("y", [SERIES, SERIES.copy(), pd.Series(Y), np.array(Y), Y, ArrowArray(Y)])
@pytest.mark.parametrize("X", [FRAME, pd.DataFrame(VALUES), FRAME.to_numpy(), TABLE])
def test_equal_or_default_or_no_labels_are_fine(X, y):
    np.testing.assert_array_equal(Data(X, y).y, Y)


def test_rows_of_a_larger_table_may_meet_a_default_index():
    """A training set keeps its labels; a target made from an array only counts."""
    X = pd.DataFrame(VALUES, index=[17, 4, 8, 21])
    assert Data(X, pd.Series(Y)).p == 2


def test_labels_are_compared_even_where_the_columns_have_none():
    with pytest.raises(DataError, match="y and weights hold"):
        Data(FRAME.to_numpy(), SERIES, weights=SERIES[::-1])


def test_a_wrong_length_is_named_as_that():
    with pytest.raises(DataError, match="y has 3 entries but X has 4 rows"):
        Data(FRAME, SERIES[:3])


def test_an_index_of_several_levels():
    index = pd.MultiIndex.from_product([["u", "v"], [0, 1]])
    X = FRAME.set_axis(index)
    assert Data(X, SERIES.set_axis(index)).p == 2
    with pytest.raises(DataError, match="same labels in another order"):
        Data(X, SERIES.set_axis(index[::-1]))


def test_predict_compares_the_labels_of_an_offset():
    fit = find_map(Model(Gaussian(1.0), Laplace(1.0)), Data(FRAME, SERIES))
    with pytest.raises(DataError, match="X and offset hold the same labels in another order"):
        fit.predict(FRAME, offset=SERIES[::-1])


# -- coefficients that carry labels ------------------------------------------------------------


def test_labelled_coefficients_must_be_in_the_order_of_the_columns():
    model, data = Model(Gaussian(1.0), Laplace(1.0)), Data(FRAME, SERIES)
    fit = find_map(model, data)
    coef = pd.Series(fit.coef, index=data.names)
    assert certify(model, data, coef, fit.intercept).holds
    assert certify(model, data, pd.Series(fit.coef), fit.intercept).holds
    for wrong in (coef[["b", "a"]], coef.set_axis(["a", "z"])):
        with pytest.raises(DataError, match=r"coef is labelled .*coef\[list\(data.names\)\]"):
            certify(model, data, wrong, fit.intercept)
        with pytest.raises(DataError, match="coef is labelled"):
            model.log_density(data, wrong, fit.intercept)
    with pytest.raises(DataError, match=r"must have shape \(2,\)"):
        certify(model, data, pd.Series([0.0, 1.0, 2.0], index=["const", "a", "b"]), 0.0)


def test_labelled_coefficients_of_classes():
    from bayesreg import Multinomial, Normal

    model, data = Model(Multinomial(), Normal(1.0)), Data(FRAME, [0, 1, 2, 1])
    fit = find_map(model, data)
    coef = pd.DataFrame(fit.coef, columns=data.names)
    assert certify(model, data, coef, fit.intercept).holds
    with pytest.raises(DataError, match="coef is labelled 'b' where the data have column 'a'"):
        certify(model, data, coef[["b", "a"]], fit.intercept)
