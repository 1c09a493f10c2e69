"""Everything bayesreg raises or warns with.

Each message says what was found, where, and what to do about it.  The errors that concern
arguments are also ``ValueError`` or ``TypeError``, so that callers need not know this module.
"""

from __future__ import annotations


class BayesregError(Exception):
    """Base of every error raised on purpose by bayesreg."""


class DataError(BayesregError, ValueError):
    """The data cannot be used as given: shape, NaN, infinite values, impossible targets."""


class DataTypeError(BayesregError, TypeError):
    """An argument is of a kind that cannot be read as numbers without guessing."""


class ModelError(BayesregError, ValueError):
    """The model is not well defined: a scale of 0, a prior for an unknown column, ..."""


class ModelTypeError(BayesregError, TypeError):
    """A part of the model is of the wrong kind: a string where a prior is needed, ..."""


class NoModeError(BayesregError, ValueError):
    """The posterior density has no maximum, for the reason stated."""


class ImproperPosteriorError(BayesregError, ValueError):
    """The posterior does not integrate to a finite number, for the reason stated."""


class NotCertifiedError(BayesregError, RuntimeError):
    """The solver's point did not pass its certificate; the estimate is in ``.estimate``."""

    def __init__(self, message: str, estimate: object = None) -> None:
        super().__init__(message)
        self.estimate = estimate


class StoreError(BayesregError, ValueError):
    """A stored run cannot be read, continued or begun, for the reason stated."""


class MissingExtraError(BayesregError, ImportError):
    """An optional dependency is not installed; the message says how to get it."""


class ConversionError(BayesregError, ValueError):
    """A conversion lacks a quantity (sigma, n, ...) or was given one it cannot use."""


class NoEquivalentError(ConversionError):
    """The target library cannot express this model; the message says why and what is nearest."""


class BayesregWarning(UserWarning):
    """Base of every warning issued by bayesreg."""


class NotCertifiedWarning(BayesregWarning):
    """An estimate is returned although its certificate does not hold."""


class NotUniqueWarning(BayesregWarning):
    """The posterior density attains its maximum at more than one point."""


class LocalModesWarning(BayesregWarning):
    """Several local modes were found and the best is returned, or the mode is the null model."""


class ConvergenceWarning(BayesregWarning):
    """A sampler's diagnostics fall short; the message names the parameter."""


class PriorTailWarning(BayesregWarning):
    """The data say nothing about how large a scale is: its tail is that of its prior."""


class PartialRunWarning(BayesregWarning):
    """A run was interrupted; the message says how many draws it has."""


class VersionWarning(BayesregWarning):
    """A run goes on with other versions than it began with: the bits may differ from here on."""
