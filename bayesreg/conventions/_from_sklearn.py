"""from_sklearn: the model behind a scikit-learn estimator."""

from __future__ import annotations

from typing import Any

from bayesreg.conventions._composite import is_sklearn
from bayesreg.conventions._refused import refuse_bayesian_models
from bayesreg.conventions._to_prior import to_prior
from bayesreg.data import Data
from bayesreg.errors import ConversionError
from bayesreg.likelihoods import ClassLikelihood, Likelihood
from bayesreg.model import Model
from bayesreg.priors import Prior


def from_sklearn(
    estimator: Any,
    data: Data | None = None,
    *,
    sigma: float | str | None = None,
    n: float | None = None,
    total_weight: float | None = None,
    likelihood: Likelihood | ClassLikelihood | str | None = None,
    **quantities: Any,
) -> Model | Prior:
    """The model whose posterior mode is a scikit-learn estimator's ``coef_``.

    An estimator does not keep what it was fitted to, so that no Data come back: they are
    ``Data(X, y, weights=sample_weight)`` of the call to ``fit``, with y in {0, 1} for
    LogisticRegression, 0 ... K - 1 for several classes, {-1, 1} for RidgeClassifier.

    Parameters
    ----------
    estimator : object
        Fitted or not; also a Pipeline of StandardScaler and estimator (``standardize=True``: the
        Data are the columns before the scaler) and the best estimator of a search.
    data, sigma, n, total_weight, likelihood, **quantities
        As in :func:`to_prior`.

    Returns
    -------
    Model or Prior
        The prior alone where bayesreg has no likelihood for the loss.

    Raises
    ------
    ConversionError
        For what is no scikit-learn object, and as :func:`to_prior`.
    NoEquivalentError
        When no model here is the equivalent: why, and what is nearest.

    Examples
    --------
    >>> import bayesreg as br
    >>> from sklearn.linear_model import Ridge
    >>> br.from_sklearn(Ridge(alpha=4.0), sigma=2.0)
    Model(likelihood=Gaussian(sigma=2.0), prior=Normal(scale=1.0))
    """
    if isinstance(estimator, type) or not is_sklearn(estimator):
        refuse_bayesian_models(estimator)
        raise ConversionError(
            f"from_sklearn reads an object of scikit-learn; got {estimator!r}. For a class of your "
            "own with the same objective: to_prior('sklearn.Lasso', parameters, data)"
        )
    return to_prior(
        estimator, None, data, sigma=sigma, n=n, total_weight=total_weight, likelihood=likelihood,
        **quantities,
    )  # fmt: skip
