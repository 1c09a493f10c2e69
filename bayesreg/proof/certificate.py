"""What is known of how far a point is from the mode: the result of a proof, as a value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# X_f' theta = 0 must hold for the unpenalised columns; beyond this, relative to the size of its
# terms, the imbalance is not rounding but a point that is no optimum (separation, say).
_FLAT_TOLERANCE = 1e-9
# An eigenvalue below this, of a Hessian scaled to at most 1, is negative beyond rounding.
_SADDLE = 1e-9


@dataclass(frozen=True)
class Certificate:
    """How far a point can be from the mode.

    Attributes
    ----------
    gap : float
        Upper bound on J(point) - J(mode), in nats. Infinite where there is no mode, even if J is
        as near as one likes to its infimum.
    relative_gap : float
        ``gap`` divided by ``half_null_deviance``, or by 1 nat where that is 0.
    kkt_residual : float
        max_j of the distance from stationarity in coefficient j, divided by the root of the
        curvature there: a local measure, the root of twice the nats that a coordinate could win
        if it were far from any kink. A coefficient 1e-9 off a kink shows a large residual beside
        a tiny gap: J is nearly right, the exact zero is not. For a likelihood with corners, which
        has no curvature: the root of twice the largest bracket of the gap.
    zeros_proved : bool
        Every coefficient that the point puts exactly on the kink of its prior (or on a bound) is
        proved to be there in the mode as well. Says nothing of coefficients off their kink.
    flat_residual : float
        What is left of X_f' theta = 0 for unpenalised columns, relative to the size of its terms
        beyond their rounding. The bound assumes 0.
    half_null_deviance : float
        Loss of the model without coefficients minus the least possible loss, in nats.
    tol : float
        The relative gap that was asked for.
    local : bool
        The problem is not convex: there is no gap (it is NaN), and the point is only shown to be
        stationary, by its KKT residual.
    least_curvature : float
        Of a local point: the least eigenvalue of the scaled Hessian over the coefficients off
        their kinks and bounds; negative at a saddle, NaN where it was not computed.
    """

    gap: float
    relative_gap: float
    kkt_residual: float
    zeros_proved: bool
    flat_residual: float
    half_null_deviance: float
    tol: float
    local: bool = False
    least_curvature: float = float("nan")

    @property
    def holds(self) -> bool:
        """The relative gap is within ``tol`` and unpenalised columns are balanced.

        Of a local point: what one coordinate could still win is at most ``tol`` of the scale,
        and it is no saddle.
        """
        if self.local:
            scale = self.half_null_deviance if self.half_null_deviance > 0 else 1.0
            saddle = self.least_curvature < -_SADDLE
            return 0.5 * self.kkt_residual**2 <= self.tol * scale and not saddle
        return self.relative_gap <= self.tol and self.flat_residual <= _FLAT_TOLERANCE

    def __str__(self) -> str:
        verdict = "holds" if self.holds else "DOES NOT HOLD"
        proved = self.zeros_proved and np.isfinite(self.gap)  # from no bound nothing follows
        zeros = "proved" if proved else "not proved"
        if self.local:
            return (
                f"local mode (not convex: no bound on the distance from the best), certificate "
                f"{verdict}: KKT residual {self.kkt_residual:.2g} root nats"
                f"{', a saddle' if self.least_curvature < -_SADDLE else ''}"
            )
        return (
            f"certificate {verdict}: gap {self.gap:.2g} nats (relative {self.relative_gap:.2g}, "
            f"asked {self.tol:.0e}), KKT residual {self.kkt_residual:.2g}, zeros {zeros}"
        )


def local_certificate(
    kkt_residual: float,
    half_null_deviance: float,
    tol: float,
    least_curvature: float = float("nan"),
) -> Certificate:
    """The certificate of a stationary point of a problem that is not convex."""
    return Certificate(
        gap=float("nan"),
        relative_gap=float("nan"),
        kkt_residual=kkt_residual,
        zeros_proved=False,
        flat_residual=0.0,
        half_null_deviance=half_null_deviance,
        tol=tol,
        local=True,
        least_curvature=least_curvature,
    )
