"""Effective draws per CPU second, ours beside every installed peer's."""
