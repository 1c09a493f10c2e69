"""Multinomial likelihood with softmax link: one class out of K, the twin of cross entropy.

loss(y, eta) = log sum_k e^{eta_k} - eta_y,        y in {0, ..., K - 1}, eta of length K
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesreg._checks import shown
from bayesreg._text import dataclass_text
from bayesreg._types import FloatArray, IntArray
from bayesreg.errors import DataError, ModelError, ModelTypeError
from bayesreg.likelihoods._relative_entropy import relative_entropy

# Below this a quotient by a probability may overflow; logarithms take over.
_TINY = 1e-280


@dataclass(frozen=True, repr=False)
class Multinomial:
    """One of K classes, coded 0, ..., K - 1, with P(y = k) proportional to exp(eta_k).

    Every class has a vector of coefficients and an intercept of its own (the symmetric form, as
    in scikit-learn and glmnet), each under the model's prior. Adding one number to all K linear
    predictors of a row changes no probability, so flat intercepts, and the coefficients of a
    column with a flat prior, are determined up to a constant: the one that makes them sum to 0
    over the classes is reported.

    Parameters
    ----------
    classes : int, optional
        K; by default the largest code in y plus 1. State it where y may lack a class.

    Raises
    ------
    ModelError, ModelTypeError
        For ``classes`` that are no whole number of at least 2.

    Notes
    -----
    With K = 2 and w = w_1 - w_0 this is :class:`Bernoulli`: ``Normal(tau)`` here is
    ``Normal(tau sqrt(2))`` there (w_1 = -w_0 = w / 2), ``Laplace(b)`` is ``Laplace(b)`` (where
    every split of w with w_1 w_0 <= 0 has the same density, and the even one is reported), and
    ``ElasticNet(b, tau)`` is ``ElasticNet(b, tau sqrt(2))``.
    """

    classes: int | None = None

    def __post_init__(self) -> None:
        if self.classes is None:
            return
        value = self.classes
        if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.number):
            raise ModelTypeError(f"Multinomial classes must be a whole number; got {shown(value)}")
        if not 2 <= value <= 100_000 or value != int(value):
            raise ModelError(
                "Multinomial classes must be a whole number from 2 to 100000, or left out; got "
                f"{shown(value)}"
            )
        object.__setattr__(self, "classes", int(value))

    __repr__ = dataclass_text

    @property
    def noise(self) -> float:
        return 1.0

    def check_target(self, y: FloatArray) -> None:
        wrong = np.flatnonzero((y < 0) | (y != np.floor(y)))
        if wrong.size:
            raise DataError(
                f"y must be class codes 0, 1, ..., K - 1 for {self!r}; found "
                f"{float(y[wrong[0]])!r} in row {wrong[0]} ({wrong.size} such rows). Number the "
                "classes from 0, as numpy.unique(labels, return_inverse=True) does"
            )
        if self.classes is None:
            return
        beyond = np.flatnonzero(y >= self.classes)
        if beyond.size:
            raise DataError(
                f"y must be below {self.classes} for {self!r}; found {float(y[beyond[0]])!r} in "
                f"row {beyond[0]} ({beyond.size} such rows). Number the classes from 0, or state "
                "how many there are"
            )

    def number_of_classes(self, y: FloatArray) -> int:
        """K: as stated, or the largest code plus 1.

        Raises
        ------
        DataError
            One class only, or codes so far apart that they are hardly meant as such.
        """
        if self.classes is not None:
            return self.classes
        found, first = np.unique(y, return_index=True)
        if found.size == 1 and found[0] == 0:
            raise DataError(
                "y is 0 in every row: there is one class only and nothing to tell apart. State "
                "Multinomial(classes=K) if there are others that these rows lack"
            )
        if found[-1] >= 10 * found.size + 10:
            raise DataError(
                f"y reaches {float(found[-1])!r} (row {first[-1]}) but holds {found.size} distinct "
                "codes only. Number the classes from 0, as numpy.unique(labels, "
                "return_inverse=True) does, or state Multinomial(classes=K)"
            )
        return int(found[-1]) + 1

    def loss(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        """(n,) from eta (n, K), to full relative precision also where the class is certain."""
        # With the largest difference m taken out: m + log(1 + the other terms).
        difference = eta - _picked(eta, y)[:, None]
        top = np.argmax(difference, axis=1)
        largest = _picked(difference, top)
        terms = np.exp(difference - largest[:, None])
        terms[np.arange(terms.shape[0]), top] = 0.0
        return largest + np.log1p(np.sum(terms, axis=1))

    def constant(self, y: FloatArray, weights: FloatArray) -> FloatArray:
        return np.zeros(y.shape)

    def gradient(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        """(n, K): the probabilities, minus 1 at the class of the row."""
        chance, complement = self.probabilities(eta)
        rows, codes = np.arange(eta.shape[0]), _codes(y)
        # 1 - p is formed directly where p is near 1.
        chance[rows, codes] = -complement[rows, codes]
        return chance

    def probabilities(self, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """p and 1 - p, both (n, K), each to full relative precision."""
        terms = np.exp(eta - np.max(eta, axis=1)[:, None])
        top = np.argmax(terms, axis=1)
        rows = np.arange(eta.shape[0])
        others = terms.copy()
        others[rows, top] = 0.0
        beside_top = np.sum(others, axis=1)
        total = 1.0 + beside_top
        chance = terms / total[:, None]
        complement = 1.0 - chance
        complement[rows, top] = beside_top / total
        return chance, complement

    def mean(self, eta: FloatArray) -> FloatArray:
        """(n, K): the probability of each class."""
        return self.probabilities(eta)[0]

    def draw(self, eta: FloatArray, rng: Any) -> FloatArray:
        """(n,) codes at the linear predictors (n, K)."""
        below = np.cumsum(self.mean(eta), axis=1)[:, :-1] <= rng.random((eta.shape[0], 1))
        return np.sum(below, axis=1).astype(np.float64)

    def saturated_loss(self, y: FloatArray) -> FloatArray:
        return np.zeros(y.shape)

    def fenchel_young(self, y: FloatArray, eta: FloatArray, shift: FloatArray) -> FloatArray:
        """loss(eta) + loss*(u) - u . eta at u = gradient(eta) + shift, (n,).

        It is the relative entropy of q = p + shift from p, sum_k p_k [(1 + x) log(1 + x) - x]
        with x = shift_k / p_k; infinite where q is no distribution.
        """
        chance, _ = self.probabilities(eta)
        tiny = chance < _TINY
        safe = np.where(tiny, 1.0, chance)
        terms = chance * relative_entropy(np.maximum(np.where(tiny, 0.0, shift / safe), -1.0))
        if tiny.any():
            terms[tiny] = _by_logarithms(eta, chance, shift)[tiny]
        slack = 4 * np.finfo(float).eps
        inside = np.all(chance + shift >= -slack * np.maximum(chance, _TINY), axis=1)
        return np.where(inside, np.sum(terms, axis=1), np.inf)


def _by_logarithms(eta: FloatArray, chance: FloatArray, shift: FloatArray) -> FloatArray:
    """q log(q / p) - q + p for probabilities that may have vanished, log p being known."""
    top = np.max(eta, axis=1)[:, None]
    log_chance = eta - top - np.log(np.sum(np.exp(eta - top), axis=1))[:, None]
    q = np.maximum(chance + shift, 0.0)
    positive = np.where(q > 0, q, 1.0)
    return np.where(q > 0, q * (np.log(positive) - log_chance), 0.0) - q + chance


def _codes(y: FloatArray) -> IntArray:
    return y.astype(np.intp)


def _picked(table: FloatArray, y: FloatArray | IntArray) -> FloatArray:
    """The entry of each row at the row's own class."""
    picked: FloatArray = table[np.arange(table.shape[0]), y.astype(np.intp)]
    return picked
