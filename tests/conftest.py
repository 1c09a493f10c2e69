"""Settings for every test: pictures are drawn without a display; Ctrl-C is heard.

A shell that starts a job in the background has it ignore SIGINT, and so has every child of it: the
tests of Ctrl-C would wait for ever in a checkout whose tests run unattended.
"""

import os
import signal

os.environ["MPLBACKEND"] = "Agg"
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
