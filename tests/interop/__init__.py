"""Other libraries fitted for real: their optimum is our mode.  See environments.py and proof.py."""
