"""Effective draws per CPU second: ours beside every installed peer, in one run on one core.

    python -m benchmarks.environments posterior
    python -m benchmarks.posterior [CASE ...] [--json FILE] [--readme]

The smallest rank-normalised bulk ESS over the weights (and the intercept of a logistic model), of
log sigma and of log b, divided by the CPU seconds of warm-up and draws; compilation and the
preparation of the model stand apart. A rate counts where the worst R-hat is at most 1.01 and the
means agree with ours: pooled z of the weights, with both Monte Carlo errors.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.environments import interpreter
from benchmarks.posterior.peers import ENVIRONMENTS, Settings
from benchmarks.posterior.problems import CASES
from benchmarks.workers import last_core

ROOT = Path(__file__).resolve().parents[2]
CONVERGED = 1.01
# A pooled rms of this many standard errors is disagreement: with 10 weights or more, chance
# exceeds it less than once in a thousand runs.
LARGEST_Z = 1.75


def main() -> None:
    parser = report.parser("posterior", __doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help="names, or the start of names")
    parser.add_argument("--list", action="store_true", help="the cases and the aims")
    parser.add_argument(
        "--peers", nargs="*", choices=list(ENVIRONMENTS), default=list(ENVIRONMENTS)
    )
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--tune", type=int, default=1000, help="of the peers; ours has its own")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=600.0, help="wall seconds of one sampler")
    parser.add_argument("--core", default=str(last_core()))
    parser.add_argument("--environments", type=Path)
    parser.add_argument("--json", type=Path, help="keep the results here, merged")
    parser.add_argument("--readme", action="store_true", help="write the table of the README")
    options = parser.parse_args()
    names = [n for n in CASES if not options.cases or n.startswith(tuple(options.cases))]
    if options.list:
        for name in names:
            print(f"{name:22s} {CASES[name].title}; {_aim(CASES[name].aim)}")
        return
    results = report.read(options.json)
    peers = _open(options)
    for name in names:
        results["cases"][name] = _case(name, peers, options)
        report.write(options.json, results)
    if options.readme:
        report.rewrite_readme("posterior", table(results["cases"]))


def _python(peer: str, options: argparse.Namespace) -> str:
    found = interpreter(ENVIRONMENTS[peer], options.environments)
    return str(found) if found.exists() else sys.executable


def _open(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """The peers that can be imported, with version and samplers."""
    opened = {}
    for peer in options.peers:
        command = [_python(peer, options), "-m", "benchmarks.posterior.worker", peer, "--list"]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if run.returncode:
            print(f"{peer}: not run: {(run.stderr.strip().splitlines() or ['?'])[-1]}")
        else:
            opened[peer] = json.loads(run.stdout.splitlines()[-1])
            print(f"{peer.rstrip('_')} {opened[peer]['version']}", flush=True)
    return opened


def _case(name: str, peers: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    case = CASES[name]
    print(f"\n{name}: {case.title}; {_aim(case.aim)}", flush=True)
    settings = Settings(options.chains, options.draws, options.tune, options.seed)
    rows: list[dict[str, Any]] = []
    reference = None
    for peer, about in peers.items():
        for sampler in about["samplers"]:
            if "non-centred" in sampler and case.scale is not None:
                continue
            found = _run(peer, sampler, name, settings, options)
            if "error" in found:
                row = {"sampler": sampler, "peer": peer, "error": found["error"]}
            else:
                row = {"sampler": sampler, "peer": peer, **figures(found, reference)}
                reference = found if reference is None else reference
            rows.append(row)
            print("  " + _line(row), flush=True)
    versions = {peer: about["version"] for peer, about in peers.items()}
    return {
        "title": case.title, "aim": case.aim, "date": time.strftime("%Y-%m-%d"),
        "machine": report.machine(), "settings": asdict(settings), "versions": versions,
        "rows": rows,
    }  # fmt: skip


def _run(
    peer: str, sampler: str, name: str, settings: Settings, options: argparse.Namespace
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "draws.npz"
        command = [
            _python(peer, options), "-m", "benchmarks.posterior.worker", peer, sampler, name,
            str(file), options.core or "any", json.dumps(asdict(settings)),
        ]  # fmt: skip
        # A first run of ours fills the cache of compiled kernels.
        for _ in range(2 if peer == "ours" else 1):
            try:
                run = subprocess.run(
                    command, cwd=ROOT, capture_output=True, text=True, check=False,
                    timeout=options.limit, env=os.environ | {"PYTHONWARNINGS": "ignore"},
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                return {"error": f"over {options.limit:g} s"}
            if run.returncode:
                return {"error": (run.stderr.strip().splitlines() or ["failed"])[-1][:200]}
        with np.load(file) as stored:
            return {key: stored[key] for key in stored.files}


def figures(found: dict[str, Any], reference: dict[str, Any] | None) -> dict[str, Any]:
    """Rates, the worst R-hat, and how far the means are from the reference's."""
    from arviz_stats import rhat

    seconds = float(found["seconds"])
    weights = [found["w"][:, :, j] for j in range(found["w"].shape[2])]
    weights += [found["intercept"]] if "intercept" in found else []
    rates = {"weights": min(_ess(part) for part in weights) / seconds}
    scalars = {key: np.log(found[key]) for key in ("sigma", "b") if key in found}
    rates |= {f"log {key}": _ess(values) / seconds for key, values in scalars.items()}
    worst = {
        "weights": max(float(rhat(part, method="rank")) for part in weights),
        **{f"log {key}": float(rhat(values, method="rank")) for key, values in scalars.items()},
    }
    row = {
        "seconds": seconds, "preparation": float(found["preparation"]), "rates": rates,
        "rhat": max(worst.values()), "rhats": worst,
        "converged": bool(max(worst.values()) <= CONVERGED), "z": None,
    }  # fmt: skip
    if reference is not None:
        z = _pooled_z(found["w"], reference["w"])
        row["z"] = z
    return row


def _ess(values: np.ndarray) -> float:
    from arviz_stats import ess

    found = float(ess(np.ascontiguousarray(values), method="bulk"))
    return found if np.isfinite(found) else 0.0


def _pooled_z(w: np.ndarray, reference: np.ndarray) -> float:
    """Root mean square of the differences of means over their Monte Carlo errors."""
    from arviz_stats import mcse

    z = []
    for j in range(w.shape[2]):
        ours, theirs = (np.ascontiguousarray(part[:, :, j]) for part in (reference, w))
        error = np.hypot(float(mcse(ours, method="mean")), float(mcse(theirs, method="mean")))
        z.append((np.mean(ours) - np.mean(theirs)) / error)
    return float(np.sqrt(np.mean(np.square(z))))


def _aim(aim: float) -> str:
    return f"aim: {aim:g} times the best peer" if aim else "aim: converge (no peer does)"


def _line(row: dict[str, Any]) -> str:
    if "error" in row:
        return f"{row['sampler']:30s} {row['error']}"
    rates = ", ".join(f"{key} {value:,.0f}" for key, value in row["rates"].items())
    z = "" if row["z"] is None else f", rms z {row['z']:.2f}"
    return (
        f"{row['sampler']:30s} {rates} ESS/s; {row['seconds']:.3g} s (+{row['preparation']:.3g} s "
        f"before), worst R-hat {row['rhat']:.3f}{z}"
    )


def counts(row: dict[str, Any]) -> bool:
    """Converged, and in agreement."""
    return "error" not in row and row["converged"] and (row["z"] is None or row["z"] <= LARGEST_Z)


def verdict(case: dict[str, Any]) -> tuple[Any, Any, float | None]:
    """Our row, the best peer's, and the ratio of the smallest rates."""
    ours = next((row for row in case["rows"] if row["sampler"] == "bayesreg"), None)
    peers = [row for row in case["rows"] if row["peer"] != "ours" and counts(row)]
    best = max(peers, key=lambda row: row["rates"]["weights"], default=None)
    if ours is None or not counts(ours) or best is None:
        return ours, best, None
    return ours, best, ours["rates"]["weights"] / best["rates"]["weights"]


def table(cases: dict[str, Any]) -> str:
    """A markdown row per case."""
    lines = [
        "| posterior | bayesreg | best peer that converged | ratio (weights) | aim | |",
        "|---|---|---|---|---|---|",
    ]
    for name, case in cases.items():
        ours, best, ratio = verdict(case)
        cells = [f"`{name}`: {case['title']}"]
        cells += ["not run" if row is None else _cell(row) for row in (ours, best)]
        if best is None:
            cells[-1] = "none converged"
        cells += ["" if ratio is None else f"{ratio:.3g}", _aim(case["aim"]).removeprefix("aim: ")]
        lines.append(f"| {' | '.join(cells)} | {_met(case, ours, ratio)} |")
    return "\n".join(lines) + f"\n\n{_provenance(cases)}"


def _met(case: dict[str, Any], ours: Any, ratio: float | None) -> str:
    if ours is None:
        return ""
    if ratio is None:
        return "met" if counts(ours) else "missed"
    return "met" if ratio >= case["aim"] else "missed"


def _cell(row: dict[str, Any]) -> str:
    if "error" in row:
        return str(row["error"])
    rates = " / ".join(f"{value:,.0f}" for value in row["rates"].values())
    return f"{row['sampler']} {rates}, R-hat {row['rhat']:.3f}"


def _provenance(cases: dict[str, Any]) -> str:
    dates = sorted({case["date"] for case in cases.values()})
    machines = sorted({case["machine"] for case in cases.values()})
    versions: dict[str, str] = {}
    for case in cases.values():
        versions |= {peer.rstrip("_"): version for peer, version in case["versions"].items()}
    versions = {"bayesreg" if key == "ours" else key: value for key, value in versions.items()}
    listed = ", ".join(f"{key} {value}" for key, value in sorted(versions.items()))
    return (
        "Smallest bulk ESS per CPU second: weights / log sigma / log b where unknown. "
        f"{' and '.join(dates)}, {'; '.join(machines)}, one core. {listed}."
    )


if __name__ == "__main__":
    main()
