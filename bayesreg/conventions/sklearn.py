"""scikit-learn 1.9.1: its estimators by kind, a file each; ``build`` imports the library.

N = sum(s) of the sample weights s, RSS = sum s r^2, c what the loss makes of one nat:

    Ridge, RidgeCV, RidgeClassifier, KernelRidge          alpha = sigma^2 / tau^2
    Lasso, LassoCV, LassoLars, ElasticNet, ElasticNetCV   alpha r = sigma^2 / (N b)
    Poisson-, Gamma-, TweedieRegressor                    alpha = phi / (N tau^2)
    SGDRegressor, SGDClassifier                           alpha r = c / (n b), n rows
    LogisticRegression                                    C = tau^2 or b
    QuantileRegressor                                     alpha = s / (N b)
    LinearSVR                                             C = tau^2 / (2 sigma^2) or tau^2 / (2 s)
    BayesianRidge, ARDRegression                          tau = lambda_^(-1/2)
    HuberRegressor, MultiTaskLasso, MultiTaskElasticNet   the prior alone
"""

from __future__ import annotations

from bayesreg.conventions import (
    _sklearn_cv,
    _sklearn_evidence,
    _sklearn_glm,
    _sklearn_least_squares,
    _sklearn_logistic,
    _sklearn_robust,
    _sklearn_sgd,
    _sklearn_tasks,
)
from bayesreg.conventions._convention import Convention

CONVENTIONS: dict[str, Convention] = {
    convention.name: convention
    for convention in sorted(
        (
            *_sklearn_cv.CONVENTIONS,
            *_sklearn_evidence.CONVENTIONS,
            *_sklearn_glm.CONVENTIONS,
            *_sklearn_least_squares.CONVENTIONS,
            *_sklearn_logistic.CONVENTIONS,
            *_sklearn_robust.CONVENTIONS,
            *_sklearn_sgd.CONVENTIONS,
            *_sklearn_tasks.CONVENTIONS,
        ),
        key=lambda convention: convention.name,
    )
}
