"""Settings for every test: pictures are drawn without a display."""

import os

os.environ["MPLBACKEND"] = "Agg"
