"""Estimators of scikit-learn that no prior is the twin of: the reason and what is nearest."""

from __future__ import annotations

_HINGE = (
    "the hinge losses are not minus the logarithm of a density of y in {-1, 1}, whatever their "
    "scale. Nearest: sklearn.LogisticRegression(solver='liblinear'), whose loss is, with the same "
    "C and the same penalty on the intercept"
)
_KERNEL = (
    "its coefficients are those of support vectors in the space of a kernel. Nearest: "
    "sklearn.LinearSVR (regression), sklearn.LogisticRegression (classes)"
)
_GREEDY = (
    "it stops a greedy path after some steps and minimises no penalised objective. Nearest: "
    "sklearn.LassoLars, sklearn.Lasso"
)
_PASSIVE = (
    "its updates have no objective on all rows: where it ends depends on their order. Nearest: "
    "sklearn.SGDClassifier(loss='log_loss'), sklearn.SGDRegressor"
)
_ROBUST = (
    "it fits to chosen subsets of the rows, with no penalty. Nearest: sklearn.HuberRegressor, or "
    "find_map under a StudentT likelihood"
)
_MANY = "Nearest: its best parameters in sklearn.{0}, which is read fitted or not"

REFUSED = {
    "sklearn.LinearSVC": _HINGE,
    "sklearn.SVC": _KERNEL,
    "sklearn.NuSVC": _KERNEL,
    "sklearn.SVR": _KERNEL,
    "sklearn.NuSVR": _KERNEL,
    "sklearn.OneClassSVM": "it has no target y. Nearest: none",
    "sklearn.SGDOneClassSVM": "it has no target y. Nearest: none",
    "sklearn.Lars": _GREEDY,
    "sklearn.LarsCV": _GREEDY,
    "sklearn.OrthogonalMatchingPursuit": _GREEDY,
    "sklearn.OrthogonalMatchingPursuitCV": _GREEDY,
    "sklearn.Perceptron": _PASSIVE,
    "sklearn.PassiveAggressiveClassifier": _PASSIVE,
    "sklearn.PassiveAggressiveRegressor": _PASSIVE,
    "sklearn.RANSACRegressor": _ROBUST,
    "sklearn.TheilSenRegressor": _ROBUST,
    "sklearn.LogisticRegressionCV": "C_ and l1_ratio_ have a shape that depends on the classes, "
    "the penalty and use_legacy_attributes. " + _MANY.format("LogisticRegression"),
    "sklearn.MultiTaskLassoCV": "it is not read. " + _MANY.format("MultiTaskLasso"),
    "sklearn.MultiTaskElasticNetCV": "it is not read. " + _MANY.format("MultiTaskElasticNet"),
}
