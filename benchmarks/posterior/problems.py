"""The posteriors that are sampled: fixed data, seeds and priors.

X and y are standardised (mean 0, population sd 1). A flat intercept of a Gaussian model is
integrated out: n - 1 contrasts, which is the factor sigma^(1 - n) that every peer is given.
Priors of w: Laplace or Normal of scale b, times sigma where "relative"; p(b) half-Cauchy of scale
1 where b is unknown; p(sigma) half-normal of scale 1 ("absolute") or 1 / sigma ("relative").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """One posterior.

    Attributes
    ----------
    data : str
        Key of ``DATA``.
    likelihood : {"gaussian", "logistic"}
    prior : {"laplace", "normal"}
    scale : float or None
        b, or None where it has a half-Cauchy prior.
    relative : bool
        The prior's scale is a multiple of sigma, and p(sigma) = 1 / sigma.
    aim : float
        Our rate over the best peer's; 0 where the aim is to converge.
    """

    data: str
    likelihood: str
    prior: str
    scale: float | None
    relative: bool
    aim: float

    @property
    def title(self) -> str:
        if self.likelihood == "logistic":
            return f"logistic, {self.prior} b = {self.scale}, {self.data}"
        noise = "relative to sigma" if self.relative else "sigma ~ half-normal"
        size = "b ~ half-Cauchy" if self.scale is None else f"b = {self.scale}"
        return f"{self.prior}, {size}, {noise}, {self.data}"


def _standard(columns: np.ndarray) -> np.ndarray:
    centred = columns - columns.mean(axis=0)
    return centred / centred.std(axis=0)


def _diabetes() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_diabetes

    X, y = load_diabetes(return_X_y=True)
    return _standard(X), _standard(y)


def _quadratic_diabetes() -> tuple[np.ndarray, np.ndarray]:
    """The 64 columns of Efron et al. (2004): main effects, products, squares but of sex."""
    X, y = _diabetes()
    products = [X[:, j] * X[:, k] for j in range(10) for k in range(j + 1, 10)]
    squares = [X[:, j] ** 2 for j in range(10) if j != 1]
    return _standard(np.column_stack([X, *products, *squares])), y


def autoregressive(n: int, p: int, rho: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns correlated rho^|j - k|, a tenth of them with an effect, half the variance noise."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    for j in range(1, p):
        X[:, j] = rho * X[:, j - 1] + np.sqrt(1 - rho**2) * X[:, j]
    w = np.where(np.arange(p) % 10 == 0, rng.standard_normal(p), 0.0)
    signal = X @ w
    return _standard(X), _standard(signal + signal.std() * rng.standard_normal(n))


def _breast_cancer() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_breast_cancer

    X, y = load_breast_cancer(return_X_y=True)
    return _standard(X), y.astype(float)


def logistic(n: int, p: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X, _ = autoregressive(n, p, 0.5, seed)
    w = np.where(np.arange(p) % 10 == 0, rng.standard_normal(p), 0.0)
    return X, (rng.random(n) < 1 / (1 + np.exp(-X @ w))).astype(float)


DATA: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {
    "diabetes 442 x 10": _diabetes,
    "diabetes 442 x 64": _quadratic_diabetes,
    "AR(.9) 200 x 50": lambda: autoregressive(200, 50, 0.9, 11),
    "AR(.5) 10000 x 50": lambda: autoregressive(10_000, 50, 0.5, 12),
    "AR(.5) 100 x 300": lambda: autoregressive(100, 300, 0.5, 13),
    "breast_cancer 569 x 30": _breast_cancer,
    "AR(.5) 2000 x 100": lambda: logistic(2000, 100, 14),
}

_SMALL, _MANY, _SHORT, _LONG, _WIDE = list(DATA)[:5]

CASES: dict[str, Case] = {
    "laplace-diabetes": Case(_SMALL, "gaussian", "laplace", 0.15, False, 10),
    "laplace-200x50": Case(_SHORT, "gaussian", "laplace", 0.15, False, 10),
    "laplace-10000x50": Case(_LONG, "gaussian", "laplace", 0.10, False, 10),
    "laplace-100x300": Case(_WIDE, "gaussian", "laplace", 0.05, False, 1),
    "relative-diabetes": Case(_SMALL, "gaussian", "laplace", 0.15, True, 10),
    "relative-64": Case(_MANY, "gaussian", "laplace", 0.05, True, 10),
    "relative-200x50": Case(_SHORT, "gaussian", "laplace", 0.15, True, 10),
    "relative-10000x50": Case(_LONG, "gaussian", "laplace", 0.10, True, 10),
    "relative-100x300": Case(_WIDE, "gaussian", "laplace", 0.05, True, 1),
    "hyper-diabetes": Case(_SMALL, "gaussian", "laplace", None, True, 10),
    "hyper-64": Case(_MANY, "gaussian", "laplace", None, True, 10),
    "hyper-10000x50": Case(_LONG, "gaussian", "laplace", None, True, 10),
    "hyper-100x300": Case(_WIDE, "gaussian", "laplace", None, True, 0),
    "normal-diabetes": Case(_SMALL, "gaussian", "normal", 0.15, False, 10),
    "normal-200x50": Case(_SHORT, "gaussian", "normal", 0.15, False, 10),
    "normal-hyper-64": Case(_MANY, "gaussian", "normal", None, True, 10),
    "normal-hyper-100x300": Case(_WIDE, "gaussian", "normal", None, True, 0),
    "logistic-laplace": Case("breast_cancer 569 x 30", "logistic", "laplace", 0.5, False, 3),
    "logistic-normal": Case("breast_cancer 569 x 30", "logistic", "normal", 1.0, False, 3),
    "logistic-2000x100": Case("AR(.5) 2000 x 100", "logistic", "laplace", 0.3, False, 1),
}


def problem(name: str) -> dict[str, Any]:
    """The case, X and y."""
    case = CASES[name]
    X, y = DATA[case.data]()
    return {"case": case, "X": np.ascontiguousarray(X), "y": np.ascontiguousarray(y)}
