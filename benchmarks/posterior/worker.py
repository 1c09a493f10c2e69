"""The process that samples: one peer, one case, one core; writes draws and times to a file.

python -m benchmarks.posterior.worker PEER --list
python -m benchmarks.posterior.worker PEER SAMPLER CASE FILE CORE SETTINGS
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import warnings
from pathlib import Path

from benchmarks.worker import ONE_THREAD

os.environ |= ONE_THREAD | {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"}


def main(arguments: list[str]) -> int:
    import numpy as np

    from benchmarks.posterior.peers import Settings
    from benchmarks.posterior.problems import problem

    warnings.simplefilter("ignore")
    module = importlib.import_module(f"benchmarks.posterior.peers.{arguments[0]}")
    if arguments[1] == "--list":
        print(json.dumps({"version": module.VERSION, "samplers": list(module.SAMPLERS)}))
        return 0
    sampler, case, file, core, settings = arguments[1:]
    if core != "any" and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core)})
    run = module.SAMPLERS[sampler](problem(case), Settings(**json.loads(settings)))
    np.savez(Path(file), seconds=run.seconds, preparation=run.preparation, **run.draws)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
