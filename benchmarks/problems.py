"""The problems of the MAP benchmark: seeded data, and the penalties to solve for.

Every problem is stated on the canonical scale of the package, in nats with sigma = 1:

    minimise over (a, w)   sum_i loss(y_i, a + x_i w)  +  lambda1 ||w||_1  +  lambda2/2 ||w||^2

with loss (y - eta)^2/2 (gaussian), log(1 + e^eta) - y eta (bernoulli) or e^eta - y eta (poisson).
A path is several (lambda1, lambda2); its k points count as one task.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Problem:
    """Data and penalties.

    Attributes
    ----------
    likelihood : {"gaussian", "bernoulli", "poisson"}
    X : (n, p) float64 array in Fortran order, or scipy CSC matrix
    y : (n,) array
    lambda1, lambda2 : (k,) arrays
        From the strongest penalty to the weakest.
    intercept : bool
        Unpenalised where there is one.
    """

    likelihood: str
    X: Any
    y: np.ndarray
    lambda1: np.ndarray
    lambda2: np.ndarray
    intercept: bool = True

    @property
    def n(self) -> int:
        return int(self.X.shape[0])

    @property
    def p(self) -> int:
        return int(self.X.shape[1])

    @property
    def k(self) -> int:
        return int(self.lambda1.size)

    @property
    def sparse(self) -> bool:
        return not isinstance(self.X, np.ndarray)

    @property
    def penalty(self) -> str:
        """``"l1"``, ``"l2"`` or ``"elastic-net"``."""
        if not self.lambda2.any():
            return "l1"
        return "elastic-net" if self.lambda1.any() else "l2"

    def save(self, file: Path) -> None:
        """Write arrays only; read by every environment's own NumPy."""
        if self.sparse:
            parts = {"data": self.X.data, "indices": self.X.indices, "indptr": self.X.indptr}
        else:
            parts = {"X": self.X}
        np.savez(
            file, y=self.y, lambda1=self.lambda1, lambda2=self.lambda2, intercept=self.intercept,
            likelihood=self.likelihood, shape=self.X.shape, **parts,
        )  # fmt: skip


def load(file: Path) -> Problem:
    """What :meth:`Problem.save` wrote."""
    with np.load(file, allow_pickle=False) as stored:
        if "X" in stored:
            X: Any = stored["X"]
        else:
            from scipy.sparse import csc_matrix

            parts = (stored["data"], stored["indices"], stored["indptr"])
            X = csc_matrix(parts, shape=tuple(stored["shape"]))
        return Problem(
            likelihood=str(stored["likelihood"]), X=X, y=stored["y"], lambda1=stored["lambda1"],
            lambda2=stored["lambda2"], intercept=bool(stored["intercept"]),
        )  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A problem by name, and how fast we aim to be.

    Attributes
    ----------
    aim : float
        Least ratio of the best peer's time to ours.
    counts_inexact : bool
        Peers that never reach the accuracy are compared all the same (``pymc.find_MAP``).
    """

    name: str
    title: str
    make: Callable[[], Problem]
    aim: float
    counts_inexact: bool = False


# ---------------------------------------------------------------------------------- data


def correlated_design(n: int, p: int, rho: float, seed: int) -> np.ndarray:
    """Rows of a stationary AR(rho) across columns: corr(x_j, x_k) = rho^|j - k|, variance 1."""
    rng = np.random.default_rng(seed)
    X = np.empty((n, p), order="F")
    X[:, 0] = rng.standard_normal(n)
    for j in range(1, p):
        X[:, j] = rho * X[:, j - 1] + np.sqrt(1.0 - rho**2) * rng.standard_normal(n)
    return X


def sparse_design(n: int, p: int, density: float, seed: int) -> Any:
    """CSC matrix of standard normal entries at uniformly random places."""
    from scipy.sparse import coo_matrix

    rng = np.random.default_rng(seed)
    size = round(n * p * density)
    places = np.unique(rng.integers(0, n * p, size))
    values = rng.standard_normal(places.size)
    return coo_matrix((values, (places % n, places // n)), shape=(n, p)).tocsc()


def linear_signal(X: Any, nonzeros: int, seed: int) -> np.ndarray:
    """X w for ``nonzeros`` standard normal weights, scaled to population sd 1."""
    rng = np.random.default_rng([seed, 1])
    w = np.zeros(X.shape[1])
    w[rng.choice(X.shape[1], nonzeros, replace=False)] = rng.standard_normal(nonzeros)
    signal = X @ w
    return (signal - signal.mean()) / signal.std()


def gaussian_target(X: Any, nonzeros: int, seed: int, snr: float = 3.0) -> np.ndarray:
    """Signal plus noise with var(signal) / var(noise) = ``snr``, and an intercept of 1.

    A ratio of variances: with that of norms nearly every solver finds the support at once.
    """
    noise = np.random.default_rng([seed, 2]).standard_normal(X.shape[0])
    return 1.0 + linear_signal(X, nonzeros, seed) + noise / np.sqrt(snr)


def bernoulli_target(X: Any, nonzeros: int, seed: int) -> np.ndarray:
    """y = 1 with probability 1 / (1 + exp(-2 signal))."""
    uniform = np.random.default_rng([seed, 2]).uniform(size=X.shape[0])
    return (uniform < 1.0 / (1.0 + np.exp(-2.0 * linear_signal(X, nonzeros, seed)))).astype(float)


def poisson_target(X: Any, nonzeros: int, seed: int) -> np.ndarray:
    """Counts with mean exp(0.5 + 0.5 signal)."""
    mean = np.exp(0.5 + 0.5 * linear_signal(X, nonzeros, seed))
    return np.random.default_rng([seed, 2]).poisson(mean).astype(float)


def largest_lambda(likelihood: str, X: Any, y: np.ndarray, intercept: bool) -> float:
    """The smallest lambda1 with w = 0: max_j |x_j'(y - mean at w = 0)|."""
    null = (
        y.mean() if intercept else {"gaussian": 0.0, "bernoulli": 0.5, "poisson": 1.0}[likelihood]
    )
    return float(np.max(np.abs(X.T @ (y - null))))


# ---------------------------------------------------------------------------------- problems


def l1_problem(
    X: Any, y: np.ndarray, ratio: float, points: int = 1, *,
    likelihood: str = "gaussian", intercept: bool = True, l1_ratio: float = 1.0,
) -> Problem:  # fmt: skip
    """One point at lam_max / ratio, or a path from lam_max to there, evenly spaced in the log.

    ``l1_ratio`` r below 1 is the elastic net with lambda1 = lambda r, lambda2 = lambda (1 - r).
    """
    top = largest_lambda(likelihood, X, y, intercept) / l1_ratio
    grid = top / np.geomspace(1.0, ratio, points) if points > 1 else np.array([top / ratio])
    return Problem(likelihood, X, y, grid * l1_ratio, grid * (1.0 - l1_ratio), intercept)


def ridge_path(X: np.ndarray, y: np.ndarray) -> Problem:
    """100 points from 100 to 1e-4 times the mean nonzero eigenvalue of the centred X'X."""
    mean = float(np.sum(X.var(axis=0))) * X.shape[0] / min(X.shape)
    return Problem("gaussian", X, y, np.zeros(100), mean * np.geomspace(100.0, 1e-4, 100))


def diabetes() -> tuple[np.ndarray, np.ndarray]:
    """442 x 10 as scikit-learn ships it: columns centred, of length 1; y in its own units."""
    from sklearn.datasets import load_diabetes

    X, y = load_diabetes(return_X_y=True)
    return np.asfortranarray(X), y


def breast_cancer() -> tuple[np.ndarray, np.ndarray]:
    """569 x 30 as scikit-learn ships it, columns standardised."""
    from sklearn.datasets import load_breast_cancer

    X, y = load_breast_cancer(return_X_y=True)
    return np.asfortranarray((X - X.mean(axis=0)) / X.std(axis=0)), y.astype(float)


def _gaussian(n: int, p: int, nonzeros: int = 50) -> tuple[np.ndarray, np.ndarray]:
    X = correlated_design(n, p, 0.5, seed=n + p)
    return X, gaussian_target(X, nonzeros, seed=n + p)


def _wide() -> tuple[np.ndarray, np.ndarray]:
    return _gaussian(1000, 5000)


def _tall() -> tuple[np.ndarray, np.ndarray]:
    return _gaussian(100_000, 100, nonzeros=20)


def _medium() -> tuple[np.ndarray, np.ndarray]:
    return _gaussian(10_000, 1000)


def _sparse() -> tuple[Any, np.ndarray]:
    X = sparse_design(20_000, 100_000, 1e-3, seed=1)
    return X, gaussian_target(X, 100, seed=1)


def _logistic_dense() -> tuple[np.ndarray, np.ndarray]:
    X = correlated_design(2000, 2000, 0.5, seed=2)
    return X, bernoulli_target(X, 50, seed=2)


def _logistic_sparse() -> tuple[Any, np.ndarray]:
    X = sparse_design(20_000, 50_000, 1e-3, seed=3)
    return X, bernoulli_target(X, 50, seed=3)


def _l1_logistic(X: Any, y: np.ndarray) -> Problem:
    """Without intercept: liblinear would penalise one, celer and snapml have none that is free."""
    return l1_problem(X, y, 20, likelihood="bernoulli", intercept=False)


def _l2_glm(likelihood: str) -> Problem:
    """100,000 x 100 at lambda2 = n / 1000."""
    X = correlated_design(100_000, 100, 0.5, seed=4)
    target = bernoulli_target if likelihood == "bernoulli" else poisson_target
    return Problem(likelihood, X, target(X, 20, seed=4), np.zeros(1), np.array([100.0]))


def _l2_sparse(likelihood: str) -> Problem:
    """The prior's standard deviation is 0.2."""
    X, y = _sparse()
    target = y if likelihood == "gaussian" else bernoulli_target(X, 100, seed=1)
    return Problem(likelihood, X, target, np.zeros(1), np.array([25.0]))


def _laplace_mode() -> Problem:
    """Diabetes, X and y standardised, so that a general optimiser starts on a fair scale."""
    X, y = diabetes()
    return l1_problem(np.asfortranarray(X / X.std(axis=0)), (y - y.mean()) / y.std(), 10)


CASES = {
    case.name: case
    for case in (
        Case("diabetes-path", "lasso, 100 points to lam_max/1000, diabetes 442 x 10",
             lambda: l1_problem(*diabetes(), 1000, 100), 3.0),
        Case("diabetes-single", "lasso, lam_max/10, diabetes 442 x 10",
             lambda: l1_problem(*diabetes(), 10), 1.0),
        Case("wide-single", "lasso, lam_max/100, dense 1000 x 5000",
             lambda: l1_problem(*_wide(), 100), 5.0),
        Case("wide-path", "lasso, 100 points to lam_max/100, dense 1000 x 5000",
             lambda: l1_problem(*_wide(), 100, 100), 4.0),
        Case("tall-path", "lasso, 100 points to lam_max/1000, dense 100000 x 100",
             lambda: l1_problem(*_tall(), 1000, 100), 1.2),
        Case("medium-path", "lasso, 100 points to lam_max/1000, dense 10000 x 1000",
             lambda: l1_problem(*_medium(), 1000, 100), 1.5),
        Case("sparse-single", "lasso, lam_max/100, CSC 20000 x 100000, density 1e-3",
             lambda: l1_problem(*_sparse(), 100), 3.0),
        Case("sparse-path", "lasso, 100 points to lam_max/100, CSC 20000 x 100000, density 1e-3",
             lambda: l1_problem(*_sparse(), 100, 100), 2.0),
        Case("elastic-net-medium", "elastic net (ratio 0.5), lam_max/100, dense 10000 x 1000",
             lambda: l1_problem(*_medium(), 100, l1_ratio=0.5), 1.0),
        Case("elastic-net-wide", "elastic net (ratio 0.5), lam_max/100, dense 1000 x 5000",
             lambda: l1_problem(*_wide(), 100, l1_ratio=0.5), 1.0),
        Case("ridge-diabetes", "ridge, 100 points, diabetes 442 x 10",
             lambda: ridge_path(*diabetes()), 1 / 1.2),
        Case("ridge-tall", "ridge, 100 points, dense 100000 x 100",
             lambda: ridge_path(*_tall()), 1 / 1.2),
        Case("ridge-medium", "ridge, 100 points, dense 10000 x 1000",
             lambda: ridge_path(*_medium()), 1 / 1.2),
        Case("ridge-wide", "ridge, 100 points, dense 1000 x 5000",
             lambda: ridge_path(*_wide()), 1 / 1.2),
        Case("l1-logistic-cancer", "L1 logistic, lam_max/20, breast_cancer 569 x 30",
             lambda: _l1_logistic(*breast_cancer()), 2.0),
        Case("l1-logistic-dense", "L1 logistic, lam_max/20, dense 2000 x 2000",
             lambda: _l1_logistic(*_logistic_dense()), 1.5),
        Case("l1-logistic-sparse", "L1 logistic, lam_max/20, CSC 20000 x 50000, density 1e-3",
             lambda: _l1_logistic(*_logistic_sparse()), 1.5),
        Case("l2-logistic", "L2 logistic, dense 100000 x 100",
             lambda: _l2_glm("bernoulli"), 1.5),
        Case("l2-poisson", "L2 Poisson, dense 100000 x 100",
             lambda: _l2_glm("poisson"), 1.5),
        Case("ridge-sparse", "ridge, CSC 20000 x 100000, density 1e-3",
             lambda: _l2_sparse("gaussian"), 1.0),
        Case("l2-logistic-sparse", "L2 logistic, CSC 20000 x 100000, density 1e-3",
             lambda: _l2_sparse("bernoulli"), 1.0),
        Case("laplace-mode", "Laplace-prior mode, diabetes standardised, against pymc.find_MAP",
             _laplace_mode, 100.0, counts_inexact=True),
    )
}  # fmt: skip
