"""The command line: bayesreg demo | fit | convert.

Every command prints for people, or with ``--json`` one JSON document.  Errors go to standard error
as one line with cause and remedy; nothing is written to disk but where an option says so.
"""

from bayesreg.cli.main import main

__all__ = ["main"]
