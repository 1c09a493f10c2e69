"""What can be proved of a mode from data and point alone: nothing here is shared with solvers."""
