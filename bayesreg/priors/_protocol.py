"""What a prior is: one density on the real line, the same for each coefficient or one per each.

Or a joint density of all the coefficients that it governs (GroupLaplace, MultivariateNormal).
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from bayesreg._types import FloatArray, ScalarOrVector
from bayesreg.covariance import AnyPenalty


@runtime_checkable
class Prior(Protocol):
    """The interface of :mod:`bayesreg.priors`; see ``CONTRIBUTING.md`` for adding one.

    A prior with an attribute ``log_concave`` that is False is not: its penalty has ``tails``, and
    modes under it are local. Without the attribute it is log-concave.
    """

    @property
    def relative_to_noise(self) -> bool:
        """True when the scale is a multiple of sigma (Park and Casella, 2008)."""
        ...

    def log_density(self, w: ScalarOrVector) -> FloatArray:
        """Normalised log density at each entry of ``w``, by the textbook formula.

        Of a prior that is not separable: shares whose sum is the log density of the vector.
        """
        ...

    def penalty(self, size: int, noise: float = 1.0) -> AnyPenalty:
        """The same density as penalty arrays for ``size`` coefficients.

        ``noise`` is sigma, used when the prior is relative to it.
        """
        ...

    @property
    def has_kink(self) -> bool:
        """True when the density has a corner at ``loc`` (some l1 > 0): exact zeros are possible."""
        ...

    def rescaled(self, l1_factor: float, l2_factor: float) -> Prior:
        """The prior with every l1 divided by one factor and every l2 by the other."""
        ...

    @property
    def axis_scale(self) -> Any:
        """The number (or tuple) shown on a scale axis; ``inf`` for a flat prior."""
        ...
