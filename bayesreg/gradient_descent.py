"""Full-batch gradient descent on a penalised regression: what each penalty does to the update.

With the mean loss of m rows, a learning rate lr, g the gradient of the loss summed over the rows
and the strength lam = c / tau^2 or c / b (c what one nat is in the summed loss: sigma^2 for half
the squared error, 1 for logistic and Poisson loss),

    Normal    w <- (1 - lr lam / m) w - lr g / m                     shrinks by a factor
    Laplace   w <- w - lr g / m - lr lam / m sign(w)                 a sign step: no exact zeros
    Laplace   w <- S(w - lr g / m, lr lam / m)                       the proximal step: exact zeros
              S(z, t) = sign(z) max(|z| - t, 0)

The first and the third stand still at the posterior mode and nowhere else; the sign step circles
every zero at a distance of about lr lam / m.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bayesreg import _checks
from bayesreg._types import FloatArray
from bayesreg.covariance import AnyPenalty
from bayesreg.data import Data
from bayesreg.errors import ModelError
from bayesreg.likelihoods import Likelihood, has_classes, is_smooth, require_numbers
from bayesreg.model import Model
from bayesreg.penalty import Penalty

Kink = Literal["proximal", "sign"]


def soft_threshold(z: FloatArray, threshold: float | FloatArray) -> FloatArray:
    """S(z, t) = sign(z) max(|z| - t, 0): the proximal step of t |w|."""
    z = np.asarray(z, dtype=np.float64)
    return np.sign(z) * np.maximum(np.abs(z) - threshold, 0.0)


def shrink_step(
    w: FloatArray, gradient: FloatArray, lr: float, strength: float | FloatArray, m: float
) -> FloatArray:
    """(1 - lr strength / m) w - lr gradient / m: a squared penalty, strength / (2 m) sum w^2.

    Parameters
    ----------
    w : (p,) array
    gradient : (p,) array
        Of the loss, summed over the rows.
    lr : float
        The learning rate.
    strength : float or (p,) array
        lam of lam / (2 m) sum w^2; sigma^2 / tau^2 beside RSS / (2 m), 1 / tau^2 beside a mean
        log loss.
    m : float
        The number of rows.
    """
    return (1.0 - lr * strength / m) * w - lr * gradient / m


def sign_step(
    w: FloatArray, gradient: FloatArray, lr: float, strength: float | FloatArray, m: float
) -> FloatArray:
    """w - lr gradient / m - lr strength / m sign(w): what automatic differentiation makes of |w|.

    Parameters as of :func:`shrink_step`, for strength / m sum |w|.
    """
    return w - lr * gradient / m - lr * strength / m * np.sign(w)


def proximal_step(
    w: FloatArray, gradient: FloatArray, lr: float, strength: float | FloatArray, m: float
) -> FloatArray:
    """S(w - lr gradient / m, lr strength / m): exact zeros, and the mode as its fixed point.

    Parameters as of :func:`shrink_step`, for strength / m sum |w|.
    """
    return soft_threshold(w - lr * gradient / m, lr * np.asarray(strength) / m)


def adamw_step(
    w: FloatArray,
    gradient: FloatArray,
    lr: float,
    weight_decay: float,
    eps: float = 1e-8,
) -> FloatArray:
    """(1 - lr weight_decay) w - lr g / (|g| + eps): AdamW at rest, where m = g and v = g^2.

    Its fixed point is no penalised optimum: it is the maximum-likelihood estimate within the box
    |w| <= 1 / weight_decay, the mode under ``Uniform(-1/weight_decay, 1/weight_decay)``.
    """
    return (1.0 - lr * weight_decay) * w - lr * gradient / (np.abs(gradient) + eps)


@dataclass(frozen=True)
class Descent:
    """Where gradient descent came to.

    Attributes
    ----------
    coef : (p,) array
    intercept : float
    steps : int
    movement : float
        The largest change in the last step, divided by the learning rate: 0 at the mode.
    """

    coef: FloatArray
    intercept: float
    steps: int
    movement: float


def descend(
    model: Model,
    data: Data,
    steps: int,
    *,
    lr: float | None = None,
    kink: Kink = "proximal",
    coef: FloatArray | None = None,
    intercept: float = 0.0,
) -> Descent:
    """Full-batch gradient descent on a model: the update of its penalty, step by step.

    Parameters
    ----------
    model : Model
        A likelihood with a gradient; Laplace, Normal, elastic-net or flat priors around 0.
    data : Data
    steps : int
    lr : float, optional
        Step length on the objective in nats divided by m, the sum of the weights (beside
        RSS / (2 m) the same step has learning rate lr / sigma^2). By default the inverse of the
        largest curvature where eta is 0: safe for least squares and logistic regression, a guess
        for other likelihoods (``movement`` tells).
    kink : "proximal" or "sign"
        What an L1 penalty does: soft-thresholding, or a step along its sign.
    coef, intercept : array and float, optional
        The start; 0 by default.

    Returns
    -------
    Descent
        ``certify(model, data, descent.coef, descent.intercept)`` says how near the mode it is.

    Raises
    ------
    ModelError
        For a model without such an update, or a step length that is not positive.

    Examples
    --------
    >>> import numpy as np, bayesreg as br
    >>> data = br.Data(np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 2.0]))
    >>> model = br.Model(br.Gaussian(sigma=1.0), br.Laplace(scale=1.0))
    >>> found = br.descend(model, data, 500)
    >>> br.certify(model, data, found.coef, found.intercept).holds
    True
    """
    if kink not in ("proximal", "sign"):
        raise ModelError(f"kink must be 'proximal' or 'sign'; got {kink!r}")
    problem = Extended.of(model, data)
    start = np.zeros(data.p) if coef is None else np.array(coef, dtype=np.float64)
    v = before = np.append(start, intercept) if model.intercept is not None else start
    step = problem.longest_step() if lr is None else _checks.positive_number(lr, "lr")
    for _ in range(steps):
        before, v = v, problem.step(v, step, kink)
    movement = float(np.max(np.abs(v - before), initial=0.0)) / step
    present = model.intercept is not None
    return Descent(v[: data.p], float(v[-1]) if present else 0.0, steps, movement)


@dataclass(frozen=True)
class Extended:
    """Design with a column of ones where there is an intercept, and the penalty of each column."""

    X: FloatArray
    data: Data
    likelihood: Likelihood
    l1: FloatArray
    l2: FloatArray

    @classmethod
    def of(cls, model: Model, data: Data) -> Extended:
        likelihood = model.likelihood
        if (
            not isinstance(likelihood, Likelihood)
            or has_classes(likelihood)
            or not is_smooth(likelihood)
        ):
            raise ModelError(
                f"gradient descent needs one coefficient vector and a loss with a gradient, and "
                f"{likelihood!r} has not. Nearest: find_map, which takes the model as it is"
            )
        require_numbers(likelihood)
        X = data.to_dense().X
        parts = [_plain(model.coefficient_penalty(data))]
        on_intercept = model.intercept_penalty()
        if on_intercept is not None:
            X = np.column_stack([X, np.ones(data.y.size)])
            parts.append(_plain(on_intercept))
        l1, l2 = (np.concatenate([getattr(part, name) for part in parts]) for name in ("l1", "l2"))
        return cls(X, data, likelihood, l1, l2)

    @property
    def weights(self) -> FloatArray:
        return np.ones(self.data.y.size) if self.data.weights is None else self.data.weights

    def eta(self, v: FloatArray) -> FloatArray:
        return self.X @ v + (0.0 if self.data.offset is None else self.data.offset)

    def step(self, v: FloatArray, lr: float, kink: Kink) -> FloatArray:
        """The squared penalty shrinks; then soft-thresholding, or the sign at the start."""
        gradient = self.X.T @ (self.weights * self.likelihood.gradient(self.data.y, self.eta(v)))
        m = self.data.total_weight
        if kink == "sign":
            gradient = gradient + self.l1 * np.sign(v)
        moved = shrink_step(v, gradient, lr, self.l2, m)
        return moved if kink == "sign" else soft_threshold(moved, lr * self.l1 / m)

    def standardised(self) -> tuple[Extended, FloatArray]:
        """The same model in coefficients times the spread of their columns, and those spreads.

        Spread is the root of each column's curvature where eta is 0; steps of one length then do
        not wait for the column of the smallest spread.
        """
        spread = np.sqrt(self._curvature() @ self.X**2 / self.data.total_weight)
        spread = np.where(spread > 0, spread, 1.0)
        scaled = replace(self, X=self.X / spread, l1=self.l1 / spread, l2=self.l2 / spread**2)
        return scaled, spread

    def _curvature(self) -> FloatArray:
        """Of each row's loss, at eta = 0."""
        by_row = self.likelihood.curvature(self.data.y, np.zeros(self.data.y.size))
        return self.weights * np.abs(by_row)

    def longest_step(self) -> float:
        """1 / the largest curvature of the objective over m; 1/4 bounds that of logistic loss."""
        root = np.sqrt(self._curvature())[:, None]
        largest = float(np.linalg.norm(root * self.X, 2)) ** 2 + float(np.max(self.l2, initial=0.0))
        return self.data.total_weight / largest


def _plain(penalty: AnyPenalty) -> Penalty:
    if not isinstance(penalty, Penalty) or not penalty.is_separable or penalty.tails is not None:
        raise ModelError(_PLAIN)
    if np.any(np.isfinite(penalty.lower) | np.isfinite(penalty.upper)) or np.any(penalty.loc != 0):
        raise ModelError(_PLAIN)
    return penalty


_PLAIN = (
    "these updates are for Laplace, Normal, elastic-net and flat priors around 0. Nearest: "
    "find_map, which takes the model as it is"
)
