"""The command line as a user runs it: in a process, through a pipe."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from helpers import make_data

import bayesreg as br
from bayesreg._json import json_text
from bayesreg.cli import main


def run(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "bayesreg", *map(str, arguments)],
        capture_output=True, text=True, cwd=cwd, check=False,
    )  # fmt: skip


@pytest.fixture
def table(tmp_path):
    data = make_data(br.Gaussian(1.5))
    path = tmp_path / "table.csv"
    frame = pd.DataFrame(data.X, columns=data.names)
    frame.assign(y=data.y, one=1.0, zero=0.0).to_csv(path, index=False)
    return path


FIT = ("--target", "y", "--prior", "Laplace(scale=0.3)", "--sigma", "1.5")


def test_fit_gives_the_certified_mode(table, capsys):
    columns = ",".join(f"x{j}" for j in range(7))
    assert main(["fit", str(table), *FIT, "--columns", columns, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    data = make_data(br.Gaussian(1.5))
    fit = br.find_map(br.Model(br.Gaussian(1.5), br.Laplace(0.3)), data)
    np.testing.assert_allclose(list(found["coef"].values()), fit.coef, rtol=1e-9)
    assert found["certificate"]["holds"] is True


def test_fit_takes_weights_offset_and_intercept(table, capsys):
    options = ("--columns", "x0,x1", "--weights", "one", "--offset", "zero", "--json")
    assert main(["fit", str(table), *FIT, *options]) == 0
    with_roles = json.loads(capsys.readouterr().out)["coef"]
    assert main(["fit", str(table), *FIT, "--columns", "x0,x1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["coef"] == pytest.approx(with_roles)
    assert main(["fit", str(table), *FIT, "--columns", "x0", "--intercept", "none", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["intercept"] == 0.0


def test_fit_in_a_pipe_prints_plain_text(table):
    done = run("fit", table, *FIT, "--columns", "x0,x1,x2")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "certificate holds" in done.stdout
    assert "lambda1 = sigma^2 / b = 7.5" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"--sigma": None}, "--sigma is missing"),
        ({"--sigma": "-1"}, "sigma must be a positive"),
        ({"--target": "z"}, "no column 'z'"),
        ({"--prior": "Lapace(scale=1)"}, "Laplace"),
        ({"--prior": "Laplace(scale=0)"}, "must be positive"),
        ({"--prior": "__import__('os').system('true')"}, "is not allowed here"),
        ({"--prior": "Gaussian(sigma=1)"}, "prior"),
        ({"--columns": "x0,x9"}, "no column 'x9'"),
        ({"--likelihood": "Bernoulli()"}, "not both"),
        ({"--likelihood": "Bernoulli()", "--sigma": None}, "y must be 0 or 1"),
    ],
    ids=str,
)
def test_fit_refuses_with_cause_and_remedy(table, capsys, change, match):
    options = {"--target": "y", "--prior": "Laplace(scale=0.3)", "--sigma": "1.5", **change}
    words = [part for key, value in options.items() if value is not None for part in (key, value)]
    before = sorted(table.parent.iterdir())
    assert main(["fit", str(table), *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("bayesreg fit: ")
    assert "Traceback" not in captured.err
    assert match in captured.err
    assert sorted(table.parent.iterdir()) == before


def test_files_that_cannot_be_read(tmp_path, capsys):
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)) * 10)
    (tmp_path / "text.csv").write_text("a,y\nred,1\nblue,2\n")
    for name, match in [
        ("missing.csv", "no file"),
        ("empty.csv", "cannot be read as CSV"),
        ("binary.csv", "cannot be read as CSV"),
        (".", "is a directory"),
        ("text.csv", "column 'a' has dtype"),
    ]:
        assert main(["fit", str(tmp_path / name), *FIT]) == 2
        assert match in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "words", "match"),
    [
        ("a,b\n1,2,3\n4,5,7\n", (), "line 2: 3 fields, but the header names 2 columns"),
        ("a,y\n\n1,2\n3\n", (), "line 4: 1 fields"),
        ("a,a,y\n1,2,3\n", (), "2 columns called 'a'; rename"),
        ("a;y\n1,5;2\n", (), "separated by semicolons; save it with commas"),
        ("a\ty\n1\t2\n", (), "separated by tabs"),
        ('a,y\n"1,2\n', (), "cannot be read as CSV: line 2"),
        ("a,y\n1,2\n2,3\n", ("--columns", "a,y"), "'y', which is the target column"),
        ("a,y\n1,2\n2,3\n", ("--columns", "a", "--weights", "a"), "is the weights column"),
        ("a,y\n1,2\n2,3\n", ("--weights", "y"), "--target and --weights both name"),
        ("a,y\n1,2\n2,3\n", ("--weights", "a", "--offset", "a"), "--weights and --offset both"),
    ],
)
def test_tables_that_would_be_misread(tmp_path, capsys, text, words, match):
    (tmp_path / "table.csv").write_text(text)
    assert main(["fit", str(tmp_path / "table.csv"), *FIT, *words]) == 2
    assert match in capsys.readouterr().err


def test_a_byte_order_mark_blank_lines_and_other_line_ends_are_read(table, tmp_path, capsys):
    columns = ("--columns", "x0,x1", "--json")
    assert main(["fit", str(table), *FIT, *columns]) == 0
    expected = json.loads(capsys.readouterr().out)
    lines = table.read_text().split()
    (tmp_path / "other.csv").write_bytes(b"\xef\xbb\xbf" + "\r\n\r\n".join(lines).encode())
    assert main(["fit", str(tmp_path / "other.csv"), *FIT, *columns]) == 0
    assert json.loads(capsys.readouterr().out) == expected


def test_nothing_is_unpacked_or_fetched(table, tmp_path, capsys):
    import gzip

    packed = tmp_path / "table.csv.gz"
    packed.write_bytes(gzip.compress(table.read_bytes()))
    for name, match in [
        (str(packed), "not compressed"),
        (f"file://{table}", "no file"),
        ("http://localhost:9/table.csv", "no file"),
        (str(table / "sub"), "cannot be read: Not a directory"),
        ("a\0b", "cannot be read as CSV"),
    ]:
        assert main(["fit", name, *FIT]) == 2
        assert match in capsys.readouterr().err


def test_not_certified_is_status_1(table, capsys):
    assert main(["fit", str(table), *FIT, "--tol", "1e-300"]) == 1
    assert "not certified" in capsys.readouterr().err


@pytest.mark.parametrize("redirect", [">&-", "> /dev/full", ">&- 2>&-"])
@pytest.mark.parametrize("words", ["convert --list", "convert --list --json"])
def test_output_that_cannot_be_written_is_one_line_and_status_2(words, redirect):
    program = f"{sys.executable} -m bayesreg {words} {redirect}"
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == ("2>&-" not in redirect)
    assert "Traceback" not in done.stderr


def test_pictures_below_a_file_are_one_line_and_status_2(table, capsys):
    assert main(["demo", "--pictures", str(table / "sub"), "--json"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_numbers_that_are_not_finite_are_json(capsys):
    words = ("convert", "Flat()", "--likelihood", "Bernoulli", "--to", "sklearn.LogisticRegression")
    assert main([*words, "--json"]) == 0

    def refuse(token):
        raise AssertionError(token)

    found = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert found["parameters"]["C"] == "inf"
    assert json_text({"a": (float("nan"), [-np.inf])}).split() == ['{', '"a":', '[', '"nan",', '[',
        '"-inf"', ']', ']', '}']  # fmt: skip


def test_no_mode_is_told(tmp_path, capsys):
    pd.DataFrame({"x": [0.0, 1.0, 2.0], "y": [1, 1, 1]}).to_csv(tmp_path / "ones.csv", index=False)
    words = ("--target", "y", "--prior", "Laplace(1)", "--likelihood", "Bernoulli()")
    assert main(["fit", str(tmp_path / "ones.csv"), *words]) == 2
    assert "no mode" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["sklearn.Lasso", "alpha=0.1", "--to", "model", "--n", "442", "--sigma", "54"],
         "Laplace(scale=65.97"),
        (["Laplace(scale=20)", "--sigma", "54", "--n", "442", "--to", "sklearn.Lasso"],
         "alpha = 0.32986"),
        (["sklearn.Ridge", "alpha=2", "--to", "textbook.mse_ridge", "--n", "100"], "lam = 0.02"),
        (["Normal(scale=2)", "--likelihood", "Bernoulli", "--to", "sklearn.LogisticRegression"],
         "C = 4.0"),
        (["sklearn.Ridge", "alpha=2", "sd_y=77", "--to", "glmnet.glmnet", "--n", "442"],
         "lambda = 0.34841"),
        (["sklearn.Lasso", "alpha=2", "p=3", "--to", "statsmodels.OLS"],
         "alpha = [0.0, 2.0, 2.0, 2.0]"),
        (["glmnet.glmnet", "lambda=0.1", "sd_x=0.5,2", "--to", "celer.Lasso", "--n", "44"],
         "weights = [0.4, 1.6]"),
        (["--list"], "sklearn.ElasticNet"),
    ],
    ids=str,
)  # fmt: skip
def test_convert(capsys, words, expected):
    assert main(["convert", *words]) == 0
    assert expected in capsys.readouterr().out
    assert main(["convert", *words, "--json"]) == 0
    json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["sklearn.Lasso", "alpha=0.1", "--to", "model", "--n", "442"], "sigma"),
        (["sklearn.Laso", "alpha=0.1", "--to", "model"], "sklearn.Lasso"),
        (["sklearn.Ridge", "alpha=2", "--to", "glmnet.glmnet", "--n", "9"], "sd_y=..."),
        (["keras.L2", "l2=0.01", "--to", "torch.SGD", "--n", "9"], "its 'loss' among"),
        (["sklearn.Lasso", "alpha", "--to", "model"], "name=value"),
        (["Laplace(scale=20)", "--to", "sklearn.Lasso", "--n", "10"], "--sigma is missing"),
        (["Laplace(scale=20)", "--likelihood", "Bernouli", "--to", "sklearn.Lasso"], "Bernoulli"),
        ([], "--list shows"),
        (["Laplace(scale=20)", "alpha=1", "--sigma", "1", "--to", "model"], "'alpha=1' belongs"),
        (["Model(Gaussian(1), Flat())", "--sigma", "2", "--to", "model"], "--sigma was given"),
        (["Model(Gaussian(1), Flat())", "--likelihood", "Bernoulli", "--to", "model"],
         "Leave --likelihood out"),
        (["Laplace(1)", "--likelihood", "Bernoulli", "--sigma", "2", "--to", "model"],
         "which has no sigma"),
        (["sklearn.Ridge", "alpha=1", "--likelihood", "Gaussian(2)", "--sigma", "3", "--to",
          "model"], "contradicts likelihood"),
        (["sklearn.Ridge", "alpha=1", "alpha=2", "--to", "model"], "'alpha' was given twice"),
        (["sklearn.Ridge", "alpha=1", "--sigma", "1e300", "--to", "model"], "not representable"),
    ],
    ids=str,
)  # fmt: skip
def test_convert_refuses(capsys, words, match):
    assert main(["convert", *words]) == 2
    assert match in capsys.readouterr().err


def test_help_and_version():
    assert run("--version").stdout.strip() == f"bayesreg {br.__version__}"
    assert "demo" in run("--help").stdout
    assert run("nonsense").returncode == 2


def test_a_closed_pipe_is_not_an_error():
    program = f"{sys.executable} -m bayesreg convert --list | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stderr == ""


def test_choose_puts_methods_side_by_side(table, capsys):
    options = ("--columns", "x0,x1,x2,x3", "--methods", "evidence,cv,loo")
    model = ("--target", "y", "--prior", "Normal(scale=0.3)", "--sigma", "1.5")
    assert main(["choose", str(table), *model, *options, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    frame = pd.read_csv(table)
    data = br.Data(frame[["x0", "x1", "x2", "x3"]], frame["y"])
    ours = br.choose_scale(
        br.Model(br.Gaussian(1.5), br.Normal(0.3)), data, ["evidence", "cv", "loo"], seed=1
    )
    for method, choice in ours.items():
        assert found["choices"][method]["scale"] == pytest.approx(choice.scale)
    assert found["agreement"] == ours.agreement
    assert len(found["scores"]["cv_deviance"]) == 30
    assert main(["choose", str(table), *model, *options]) == 0
    printed = capsys.readouterr().out
    assert ours.agreement in printed
    assert "cv, 1 se" in printed


def test_choose_ends_with_1_where_no_method_found_a_scale(table, capsys):
    model = ("--target", "y", "--prior", "Normal(scale=0.3)", "--sigma", "1.5")
    impossible = ("--methods", "cv", "--folds", "9999")
    for more in ((), ("--json",)):
        assert main(["choose", str(table), *model, *impossible, *more]) == 1
        assert "9999" in capsys.readouterr().out


def test_choose_says_what_it_cannot_do(table, capsys):
    model = ("--target", "y", "--prior", "Normal(scale=0.3)", "--sigma", "1.5")
    assert main(["choose", str(table), *model, "--methods", "evidense"]) == 2
    assert "no method 'evidense'" in capsys.readouterr().err
    assert main(["choose", str(table), *model, "--hyperprior", "HalfCauchy(scale=-1)"]) == 2
    assert "HalfCauchy" in capsys.readouterr().err
