"""The benchmarks' own machinery: the neutral gap, the peers' mappings, generators, search, report.

Nothing here is timed against an aim; the runner is run on a tiny problem to see that it measures
what it says.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import environments, map, report
from benchmarks.gap import half_null_deviance, relative_gaps
from benchmarks.peers import ENVIRONMENTS, eigendecomposition, ours, scikit_learn
from benchmarks.posterior import peers as posterior_peers
from benchmarks.problems import (
    CASES,
    Case,
    Problem,
    bernoulli_target,
    breast_cancer,
    correlated_design,
    diabetes,
    gaussian_target,
    l1_problem,
    largest_lambda,
    load,
    poisson_target,
    ridge_path,
    sparse_design,
)
from benchmarks.scaling import slope
from benchmarks.search import Entry, tighten
from benchmarks.worker import Session
from benchmarks.workers import TimeoutExceededError, fleet

HERE = Path(__file__).parent / "reference"
OPTIMA = json.loads((HERE / "penalised_optima.json").read_text())["optima"]
DATA = json.loads((HERE / "penalised_optima_data.json").read_text())
LIKELIHOODS = {"gaussian": "gaussian", "binomial": "bernoulli", "poisson": "poisson"}


def _numbers(values):
    return np.array([float(value) for value in values])


def _is_canonical(record):
    """One lambda1 and one lambda2 for all columns, no weights, offset or bounds."""
    rates = (set(record["objective"][name]) for name in ("l1_rate", "l2_prec"))
    plain = all(record[name] is None for name in ("weights", "offset", "lower_limit"))
    return plain and all(len(values) == 1 for values in rates)


CANONICAL = [record for record in OPTIMA if _is_canonical(record)]


def _reference(record):
    """The problem and its optimum to 25 digits, computed elsewhere."""
    source = DATA[record["dataset"]]
    lambda1, lambda2 = (_numbers(record["objective"][n][:1]) for n in ("l1_rate", "l2_prec"))
    X = np.asfortranarray(np.array(source["X"], dtype=float))
    likelihood = LIKELIHOODS[record["family"]]
    problem = Problem(likelihood, X, _numbers(source["y"]), lambda1, lambda2, record["intercept"])
    exact = _numbers(record["exact"]["coef"])
    intercept = float(record["exact"]["intercept"]) if record["intercept"] else 0.0
    return problem, exact, intercept


def _objective(problem, w, a):
    """P(a, w) in plain NumPy."""
    eta = problem.X @ w + (a if problem.intercept else 0.0)
    y = problem.y
    loss = {
        "gaussian": lambda: 0.5 * np.sum((y - eta) ** 2),
        "bernoulli": lambda: np.sum(np.logaddexp(0.0, eta) - y * eta),
        "poisson": lambda: np.sum(np.exp(eta) - y * eta),
    }[problem.likelihood]()
    penalty = problem.lambda1[0] * np.abs(w).sum() + problem.lambda2[0] / 2 * np.sum(w**2)
    return float(loss + penalty)


# ---------------------------------------------------------------------------------- the gap


def test_references_reach_every_likelihood_and_penalty():
    kinds = {(r["family"], 0 < r["alpha"] < 1, r["alpha"] == 1) for r in CANONICAL}
    assert len(CANONICAL) >= 30
    assert {family for family, _, _ in kinds} == set(LIKELIHOODS)
    assert {(mixed, lasso) for _, mixed, lasso in kinds} == {
        (False, False),
        (True, False),
        (False, True),
    }
    assert {r["intercept"] for r in CANONICAL} == {True, False}


@pytest.mark.parametrize("record", CANONICAL, ids=lambda record: record["id"])
def test_gap_vanishes_at_a_known_optimum(record):
    problem, exact, intercept = _reference(record)
    # Rounding of X w, beside an objective of the size of the null deviance.
    assert abs(relative_gaps(problem, exact[None], [intercept])[0]) < 1e-12


@pytest.mark.parametrize("size", [1e-1, 1e-3])
@pytest.mark.parametrize("record", CANONICAL, ids=lambda record: record["id"])
def test_gap_bounds_the_distance_from_a_known_optimum(record, size):
    problem, exact, intercept = _reference(record)
    rng = np.random.default_rng(0)
    w = exact + size * rng.standard_normal(exact.size) / np.linalg.norm(problem.X, axis=0)
    a = intercept + size * 0.1 * rng.standard_normal() * problem.intercept
    short = (
        _objective(problem, w, a) - _objective(problem, exact, intercept)
    ) / half_null_deviance(problem)
    gap = relative_gaps(problem, w[None], [a])[0]
    assert gap >= short * (1 - 1e-6) - 1e-13
    assert gap > 0


def _dual(problem, w):
    """The largest lower bound -sum f*(u) - sum g*(-X'u) on a ray of dual points, by definition."""
    from scipy.optimize import brentq
    from scipy.special import expit, xlogy

    mean = {"gaussian": lambda eta: eta, "bernoulli": expit, "poisson": np.exp}[problem.likelihood]
    y, fitted = problem.y, problem.X @ w
    a = brentq(lambda a: np.sum(mean(fitted + a) - y), -50, 50) if problem.intercept else 0.0
    u = mean(fitted + a) - y
    if not problem.lambda2[0]:
        u = u * min(1.0, problem.lambda1[0] / np.max(np.abs(problem.X.T @ u)))
    q, v = y + u, np.abs(problem.X.T @ u)
    conjugate = {
        "gaussian": lambda: np.sum(0.5 * u**2 + u * y),
        "bernoulli": lambda: np.sum(xlogy(q, q) + xlogy(1 - q, 1 - q)),
        "poisson": lambda: np.sum(xlogy(q, q) - q),
    }[problem.likelihood]()
    excess = np.maximum(v - problem.lambda1[0], 0.0)
    return -conjugate - (np.sum(excess**2) / (2 * problem.lambda2[0]) if problem.lambda2[0] else 0)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("penalty", [(3.0, 0.0), (3.0, 2.0), (0.0, 2.0)])
@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli", "poisson"])
def test_gap_is_primal_minus_dual(likelihood, penalty, intercept):
    rng = np.random.default_rng(3)
    X = correlated_design(80, 6, 0.5, 3)
    y = {"gaussian": gaussian_target, "bernoulli": bernoulli_target, "poisson": poisson_target}[
        likelihood
    ](X, 3, 3)
    problem = Problem(likelihood, X, y, *(np.array([x]) for x in penalty), intercept)
    w, a = 0.3 * rng.standard_normal(6), 0.2 * intercept
    expected = _objective(problem, w, a) - _dual(problem, w)
    found = relative_gaps(problem, w[None], [a])[0] * half_null_deviance(problem)
    assert found == pytest.approx(expected, rel=1e-9)


def test_half_null_deviance_is_the_gain_from_nothing_to_everything():
    X, y = diabetes()
    problem = l1_problem(X, y, 10)
    assert half_null_deviance(problem) == pytest.approx(0.5 * np.sum((y - y.mean()) ** 2))
    no_intercept = replace(problem, intercept=False)
    assert half_null_deviance(no_intercept) == pytest.approx(0.5 * np.sum(y**2))
    X, y = breast_cancer()
    logistic = l1_problem(X, y, 20, likelihood="bernoulli", intercept=False)
    assert half_null_deviance(logistic) == pytest.approx(y.size * np.log(2.0))
    counts = Problem("poisson", X, np.array([0.0, 3.0]), np.ones(1), np.zeros(1))
    assert half_null_deviance(counts) == pytest.approx(3.0 * np.log(2.0))


def test_gap_counts_an_intercept_off_its_optimum():
    X, y = diabetes()
    problem = l1_problem(X, y, 10)
    coef, intercept = scikit_learn.SOLVERS[0].solve(problem, 1e-12)
    moved = relative_gaps(problem, coef, intercept + 1.0)[0]
    assert moved == pytest.approx(0.5 * y.size / half_null_deviance(problem), rel=1e-6)


def test_gap_of_what_is_not_finite_passes_nothing():
    problem = l1_problem(*diabetes(), 10)
    gap = relative_gaps(problem, np.full((1, 10), np.nan), [0.0])[0]
    assert not gap <= 1.0
    with pytest.raises(ValueError, match="expected"):
        relative_gaps(problem, np.zeros((2, 10)), [0.0])


# ---------------------------------------------------------------------------------- the peers


def _tiny():
    X = correlated_design(120, 12, 0.5, 0)
    S = sparse_design(120, 40, 0.1, 0)
    wide = correlated_design(30, 60, 0.5, 0)
    linear, logistic, counts = (
        target(X, 4, 0) for target in (gaussian_target, bernoulli_target, poisson_target)
    )
    one, none = np.array([0.7]), np.zeros(1)
    return {
        "lasso": l1_problem(X, linear, 20),
        "lasso-no-intercept": l1_problem(X, linear, 20, intercept=False),
        "lasso-path": l1_problem(X, linear, 100, 8),
        "lasso-wide": l1_problem(wide, gaussian_target(wide, 4, 0), 10),
        "lasso-wide-path": l1_problem(wide, gaussian_target(wide, 4, 0), 10, 5),
        "lasso-sparse": l1_problem(S, gaussian_target(S, 4, 0), 20),
        "lasso-sparse-path": l1_problem(S, gaussian_target(S, 4, 0), 20, 5),
        "elastic-net": l1_problem(X, linear, 20, l1_ratio=0.5),
        "ridge-path": ridge_path(X, linear),
        "ridge-path-wide": ridge_path(wide, gaussian_target(wide, 4, 0)),
        "l1-logistic": l1_problem(X, logistic, 20, likelihood="bernoulli", intercept=False),
        "l1-logistic-intercept": l1_problem(X, logistic, 20, likelihood="bernoulli"),
        "l2-logistic": Problem("bernoulli", X, logistic, none, one),
        "ridge-sparse": Problem("gaussian", S, gaussian_target(S, 4, 0), none, one),
        "l2-logistic-sparse": Problem("bernoulli", S, bernoulli_target(S, 4, 0), none, one),
        "l2-poisson": Problem("poisson", X, counts, none, one),
    }


TINY = _tiny()
MAPPED = [
    pytest.param(solver, problem, id=f"{solver.name}-{name}")
    for module in (ours, eigendecomposition, scikit_learn)
    for solver in module.SOLVERS
    for name, problem in TINY.items()
    if solver.applies(problem)
]


def test_every_tiny_problem_has_a_peer():
    for problem in TINY.values():
        if problem.intercept or problem.penalty == "l1":
            assert any(
                s.applies(problem) for s in scikit_learn.SOLVERS + eigendecomposition.SOLVERS
            )


@pytest.mark.parametrize(("solver", "problem"), MAPPED)
@pytest.mark.filterwarnings("ignore")
def test_the_mapping_reaches_the_same_optimum(solver, problem):
    """A wrong factor in alpha or C leaves a gap of order 1e-2, whatever the tolerance."""
    tolerance = next((t for t in solver.tolerances if t <= 1e-10), solver.tolerances[-1])
    coef, intercept = solver.solve(problem, tolerance)
    assert np.max(relative_gaps(problem, coef, intercept)) < 1e-8


def test_a_wrong_mapping_would_be_seen():
    problem = TINY["lasso"]
    wrong = replace(problem, lambda1=problem.lambda1 * 1.01)
    coef, intercept = scikit_learn.SOLVERS[0].solve(wrong, 1e-12)
    assert relative_gaps(problem, coef, intercept)[0] > 1e-6


def test_lambda_max_is_where_the_first_coefficient_leaves_zero():
    for name in ("lasso", "l1-logistic", "l1-logistic-intercept"):
        problem = TINY[name]
        top = largest_lambda(problem.likelihood, problem.X, problem.y, problem.intercept)
        for factor, nonzero in ((1.0001, 0), (0.99, 1)):
            at = replace(problem, lambda1=np.array([factor * top]))
            coef, _ = ours.SOLVERS[0].solve(at, 1e-10)
            assert np.count_nonzero(coef) == nonzero, name


def test_each_peer_file_has_the_one_signature():
    files = {f.stem for f in Path(ours.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == set(ENVIRONMENTS)
    samplers = {f.stem for f in Path(posterior_peers.__file__).parent.glob("*.py")} - {"__init__"}
    assert samplers == set(posterior_peers.ENVIRONMENTS)
    used = {*ENVIRONMENTS.values(), *posterior_peers.ENVIRONMENTS.values()}
    assert used == set(environments.names())
    for module in (ours, eigendecomposition, scikit_learn):
        names = [solver.name for solver in module.SOLVERS]
        assert len(set(names)) == len(names)
        assert module.DISTRIBUTION
        for solver in module.SOLVERS:
            assert list(solver.tolerances) == sorted(solver.tolerances, reverse=True)


# ---------------------------------------------------------------------------------- problems


def test_generators_are_deterministic_and_survive_the_file(tmp_path):
    for name, problem in _tiny().items():
        problem.save(tmp_path / "problem.npz")
        for again in (TINY[name], load(tmp_path / "problem.npz")):
            assert again.likelihood == problem.likelihood
            assert again.intercept == problem.intercept
            assert np.array_equal(again.y, problem.y)
            assert np.array_equal(again.lambda1, problem.lambda1)
            assert np.array_equal(again.lambda2, problem.lambda2)
            if problem.sparse:
                assert (again.X != problem.X).nnz == 0
            else:
                assert again.X.flags.f_contiguous
                assert np.array_equal(again.X, problem.X)


def test_designs_are_what_they_say():
    X = correlated_design(20_000, 4, 0.5, 0)
    expected = 0.5 ** np.abs(np.subtract.outer(np.arange(4), np.arange(4)))
    np.testing.assert_allclose(np.cov(X.T), expected, atol=0.04)
    S = sparse_design(1000, 500, 0.01, 0)
    assert abs(S.nnz / (1000 * 500) - 0.01) < 2e-4
    y = gaussian_target(X, 3, 0)
    assert y.mean() == pytest.approx(1.0, abs=0.02)
    assert y.var() == pytest.approx(1.0 + 1.0 / 3.0, rel=0.03)


def test_the_cases_are_those_of_the_issue():
    assert len(CASES) == 22  # the twenty of the issue, and two of sparse Normal priors
    small = {name: CASES[name].make() for name in CASES if name.startswith(("diabetes", "laplace"))}
    path = small["diabetes-path"]
    assert (path.n, path.p, path.k) == (442, 10, 100)
    assert path.lambda1[0] / path.lambda1[-1] == pytest.approx(1000.0)
    cancer = CASES["l1-logistic-cancer"].make()
    assert (cancer.n, cancer.p, cancer.intercept) == (569, 30, False)


# ---------------------------------------------------------------------------------- the runner


class InProcess:
    """A worker's session without a process of its own."""

    def __init__(self, peer):
        self.generation = 1
        self._session = Session()
        self.opened = self._session.answer({"do": "open", "peer": peer})

    def load(self, file):
        return self._session.answer({"do": "load", "file": file})

    def ask(self, request, limit):
        return self._session.answer(request)


def _options(*arguments):
    return map.parser().parse_args(list(arguments))


TINY_CASE = Case("tiny", "lasso, 120 x 12", lambda: TINY["lasso"], 1.0)


def _tiny_result():
    workers = {peer: InProcess(peer) for peer in ("ours", "scikit_learn")}
    options = _options("--repeats", "3", "--accuracy", "1e-6", "1e-10")
    result = map.run_case(TINY_CASE, TINY["lasso"], workers, options)
    return result | {"versions": {peer: w.opened["version"] for peer, w in workers.items()}}


def test_the_runner_measures_every_solver_at_the_loosest_tolerance_that_passes(capsys):
    result = _tiny_result()
    assert set(result["rows"]) == {"1e-06", "1e-10"}
    for accuracy, rows in result["rows"].items():
        assert {row["role"] for row in rows} == {"ours", "variant", "peer"}
        assert len(rows) == 5
        for row in rows:
            assert row["passed"], row
            assert row["gap"] <= float(accuracy)
            assert 0 < row["least"] <= row["median"] <= row["most"]
            assert row["repeats"] == 3
    loose, tight = (
        {row["solver"]: row["tolerance"] for row in result["rows"][a]} for a in ("1e-06", "1e-10")
    )
    assert all(tight[name] <= loose[name] for name in loose)
    assert any(tight[name] < loose[name] for name in loose)
    text = report.case_text("tiny", result)
    assert "bayesreg" in text
    assert "best peer" in text
    json.dumps(result)


def test_the_verdict_compares_with_the_best_peer_that_passed():
    def row(solver, role, median, passed, peer="celer_"):
        return {"solver": solver, "role": role, "median": median, "passed": passed, "peer": peer}

    rows = [
        row("bayesreg", "ours", 2.0, True),
        row("bayesreg, Data made before", "variant", 0.5, True),
        row("fast but wrong", "peer", 1.0, False),
        row("slow", "peer", 9.0, True),
        row("best", "peer", 6.0, True),
        row("find_MAP", "peer", 8.0, False, peer="pymc_"),
        row("limit", "limit", 0.1, False),
    ]
    found = report.verdict(TINY_CASE, rows)
    assert (found["best"]["solver"], found["ratio"]) == ("best", 3.0)
    inexact = report.verdict(replace(TINY_CASE, counts_inexact=True), rows)
    assert (inexact["best"]["solver"], inexact["ratio"]) == ("find_MAP", 4.0)
    assert report.verdict(TINY_CASE, rows[1:])["ratio"] is None
    rows[0]["passed"] = False
    assert report.verdict(TINY_CASE, rows)["ratio"] is None


class Scripted:
    """Answers as a solver whose gap is ten times its tolerance, down to a floor."""

    generation = 1

    def __init__(self, floor=0.0, slow_below=0.0):
        self.floor, self.slow_below, self.asked = floor, slow_below, []

    def ask(self, request, limit):
        tolerance = request["tolerance"]
        self.asked.append(tolerance)
        if tolerance < self.slow_below:
            raise TimeoutExceededError
        return {"cpu": 1.0, "wall": 1.0, "gap": max(10.0 * tolerance, self.floor), "zeros": 0}


def _entry(worker):
    tolerances = tuple(10.0**-k for k in range(4, 13))
    return Entry("peer", "solver", "peer", tolerances, worker)


def test_the_search_finds_the_loosest_tolerance_that_passes():
    for accuracy, expected in ((1e-2, 1e-4), (2e-6, 1e-7), (2e-7, 1e-8), (2e-11, 1e-12)):
        entry = _entry(Scripted())
        tighten(entry, accuracy, 1.0)
        assert entry.passing[accuracy] == pytest.approx(expected)


def test_the_search_says_never():
    stuck = _entry(Scripted(floor=1e-5))
    tighten(stuck, 1e-6, 1.0)
    assert stuck.passing == {}
    assert stuck.tried[stuck.best()]["gap"] == 1e-5
    slow = _entry(Scripted(slow_below=1e-6))
    tighten(slow, 1e-8, 1.0)
    assert slow.passing == {}
    assert "over 1 s" in slow.note
    asked = len(slow.worker.asked)
    tighten(slow, 1e-10, 1.0)
    assert len(slow.worker.asked) == asked


def test_a_worker_process_answers_and_a_missing_environment_is_named(tmp_path):
    TINY["lasso"].save(tmp_path / "problem.npz")
    with fleet(("ours", "adelie_"), tmp_path, None) as opened:
        assert list(opened.workers) == ["ours"]
        assert "python -m benchmarks.environments" in opened.absent["adelie_"]
        worker = opened.workers["ours"]
        solvers = worker.load(str(tmp_path / "problem.npz"))["solvers"]
        assert [s["role"] for s in solvers] == ["ours", "variant"]
        request = {"do": "solve", "solver": "bayesreg", "tolerance": 1e-8}
        reply = worker.ask(request, 60.0)
        assert reply["gap"] <= 1e-8
        assert reply["cpu"] > 0
        assert "KeyError" in worker.ask(request | {"solver": "none"}, 60.0)["error"]
        with pytest.raises(TimeoutExceededError):
            worker.ask(request | {"calls": 10_000_000}, 0.2)
        assert worker.ask(request, 60.0)["gap"] <= 1e-8
        assert worker.generation == 2


def test_names_of_problems_may_be_shortened():
    assert [case.name for case in map.chosen(["wide"])] == ["wide-single", "wide-path"]
    assert len(map.chosen([])) == len(CASES)
    with pytest.raises(SystemExit, match="no problem called nonsense"):
        map.chosen(["nonsense"])


def test_results_merge_into_one_file_and_one_table(tmp_path, monkeypatch):
    file = tmp_path / "results" / "map.json"
    results = report.read(file)
    results["cases"]["diabetes-single"] = _tiny_result()
    report.write(file, results)
    table = report.summary(report.read(file))
    assert table.count("\n| `diabetes-single`") == 2
    assert "scikit-learn 1." in table
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- map: begin -->\nold\n<!-- map: end -->\nafter\n")
    monkeypatch.setattr(report, "README", readme)
    report.rewrite_readme("map", table)
    assert readme.read_text() == (
        f"before\n<!-- map: begin -->\n{table}\n<!-- map: end -->\nafter\n"
    )
    with pytest.raises(SystemExit, match="no block"):
        report.rewrite_readme("other", table)


def test_the_readme_has_every_block():
    for block in ("map", "memory", "scaling", "first-call", "scales"):
        for mark in ("begin", "end"):
            assert report.README.read_text().count(f"<!-- {block}: {mark} -->") == 1


def test_durations_and_slopes():
    assert [report.duration(t) for t in (12.345, 0.0123, 4.5e-6)] == ["12.3 s", "12.3 ms", "4.5 us"]
    assert slope([10, 100, 1000], [3.0, 300.0, 30000.0]) == pytest.approx(2.0)
