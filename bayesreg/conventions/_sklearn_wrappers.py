"""Estimators of scikit-learn that hold others: which of those to pass instead."""

from __future__ import annotations

_PER_CLASS = (
    "it fits one estimator per class. Nearest: .estimators_[k] of the fitted one, with "
    "Data(X, y == classes_[k])"
)
_PER_TARGET = (
    "it fits one estimator per target. Nearest: .estimators_[k] of the fitted one, with "
    "Data(X, Y[:, k])"
)
_CHAIN = (
    "it fits one estimator per target, whose columns are X and the targets before it. Nearest: "
    ".estimators_[k] of the fitted one, with Data of those columns"
)
_AVERAGE = (
    "it combines several fits. Nearest: one of its .estimators_, with Data of the rows and columns "
    "that one was fitted to"
)
_THRESHOLD = (
    "its threshold is no part of the fit. Nearest: .estimator_ of the fitted one, with the same "
    "Data"
)
_SELECTION = (
    "it chooses columns for another estimator. Nearest: .estimator_ of the fitted one, with Data "
    "of the columns that one was fitted to (of RFE and RFECV those of .support_)"
)

REFUSED = {
    "sklearn.TransformedTargetRegressor": "it fits another estimator to a transformed target. "
    "Nearest: .regressor_ of the fitted one, with Data(X, transformed y) "
    "(.transformer_.transform(y[:, None])[:, 0])",
    "sklearn.OneVsRestClassifier": _PER_CLASS,
    "sklearn.OneVsOneClassifier": "it fits one estimator per pair of classes. Nearest: "
    ".estimators_[k] of the fitted one, with Data of the rows of those two classes",
    "sklearn.OutputCodeClassifier": "it fits one estimator per bit of a code. Nearest: "
    ".estimators_[k] of the fitted one, with Data(X, that bit)",
    "sklearn.MultiOutputRegressor": _PER_TARGET,
    "sklearn.MultiOutputClassifier": _PER_TARGET,
    "sklearn.RegressorChain": _CHAIN,
    "sklearn.ClassifierChain": _CHAIN,
    "sklearn.BaggingRegressor": _AVERAGE,
    "sklearn.BaggingClassifier": _AVERAGE,
    "sklearn.VotingRegressor": _AVERAGE,
    "sklearn.VotingClassifier": _AVERAGE,
    "sklearn.StackingRegressor": _AVERAGE,
    "sklearn.StackingClassifier": _AVERAGE,
    "sklearn.CalibratedClassifierCV": "it calibrates the classifiers of several folds. Nearest: "
    ".calibrated_classifiers_[k].estimator of the fitted one, with Data of the rows of that fold",
    "sklearn.FixedThresholdClassifier": _THRESHOLD,
    "sklearn.TunedThresholdClassifierCV": _THRESHOLD,
    "sklearn.FrozenEstimator": "it only keeps another from being fitted again. Nearest: .estimator",
    "sklearn.RFE": _SELECTION,
    "sklearn.RFECV": _SELECTION,
    "sklearn.SelectFromModel": _SELECTION,
}
