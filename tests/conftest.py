"""Settings for every test: pictures are drawn without a display; Ctrl-C is heard; BLAS is alone.

A shell that starts a job in the background has it ignore SIGINT, and so has every child of it: the
tests of Ctrl-C would wait for ever in a checkout whose tests run unattended. There is one worker
for each core, and a matrix library that starts threads of its own waits for them most of the time.
"""

import os
import signal

os.environ["MPLBACKEND"] = "Agg"
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
