"""Wall time from a fresh process to the first 1000 effective draws on diabetes.

    python -m benchmarks.posterior.first_draws [--readme]

Everything counts: starting Python, imports, kernels from a warm cache, the certified mode, draws
and their diagnostics. Each model is run twice and the second run is printed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import report
from benchmarks.worker import ONE_THREAD

ROOT = Path(__file__).resolve().parents[2]
AIM = 5.0
_HALF_NORMAL = "br.Gaussian(br.HalfNormal(1.0))"
_HYPER = "br.Laplace(br.HalfCauchy(1.0), relative_to_noise=True)"
MODELS = {
    "Laplace(0.15), sigma ~ HalfNormal(1)": f"br.Model({_HALF_NORMAL}, br.Laplace(0.15))",
    "Laplace(HalfCauchy(1)) relative to sigma": f"br.Model(br.Gaussian(br.Jeffreys()), {_HYPER})",
    "Normal(0.15), sigma ~ HalfNormal(1)": f"br.Model({_HALF_NORMAL}, br.Normal(0.15))",
}
_SCRIPT = """
import bayesreg as br
from sklearn.datasets import load_diabetes
X, y = load_diabetes(return_X_y=True)
X, y = (X - X.mean(0)) / X.std(0), (y - y.mean()) / y.std()
post = br.sample({model}, br.Data(X, y), seed=1, progress=False)
print(post.attrs["ess_bulk_min"], post.attrs["rhat_max"], post.attrs["sampler"])
"""


def measure(model: str) -> tuple[float, float, float, str]:
    """Seconds, smallest bulk ESS, worst R-hat, sampler."""
    command = [sys.executable, "-c", _SCRIPT.format(model=model)]
    for _ in range(2):
        begin = time.perf_counter()
        run = subprocess.run(command, cwd=ROOT, env=os.environ | ONE_THREAD, text=True,
                             stdout=subprocess.PIPE, check=True)  # fmt: skip
        seconds = time.perf_counter() - begin
    ess, rhat, sampler = run.stdout.split()
    return seconds, float(ess), float(rhat), sampler


def main() -> None:
    parser = report.parser("posterior.first_draws", __doc__)
    parser.add_argument("--readme", action="store_true")
    options = parser.parse_args()
    lines = ["| posterior | sampler | wall time | smallest ESS | worst R-hat | aim 5 s |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for title, model in MODELS.items():
        seconds, ess, rhat, sampler = measure(model)
        met = "met" if seconds <= AIM and ess >= 1000 and rhat <= 1.01 else "missed"
        lines.append(f"| {title} | {sampler} | {seconds:.2f} s | {ess:.0f} | {rhat:.3f} | {met} |")
        print(lines[-1], flush=True)
    text = "\n".join(lines) + f"\n\n{report.stamp()}"
    if options.readme:
        report.rewrite_readme("posterior-first", text)


if __name__ == "__main__":
    main()
