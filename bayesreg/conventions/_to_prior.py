"""to_prior: the model whose mode is a penalised regression's optimum."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bayesreg.conventions import _nats
from bayesreg.conventions._circumstances import (
    circumstances,
    data_in_second_place,
    refuse_unknown,
    told_apart,
)
from bayesreg.conventions._composite import standardizes
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._estimator import Source, source_of
from bayesreg.conventions._nats import Nats
from bayesreg.conventions._registry import CONVENTIONS, find
from bayesreg.conventions._setting import Setting
from bayesreg.conventions._stated import stated_noise
from bayesreg.conventions._steps import decoded, representable
from bayesreg.data import Data
from bayesreg.errors import NoEquivalentError
from bayesreg.likelihoods import LIKELIHOODS, ClassLikelihood, Likelihood
from bayesreg.model import Model
from bayesreg.priors import Prior


def to_prior(
    target: Any,
    parameters: Any = None,
    data: Data | None = None,
    *,
    sigma: float | str | None = None,
    n: float | None = None,
    total_weight: float | None = None,
    likelihood: Likelihood | ClassLikelihood | str | None = None,
    **quantities: Any,
) -> Model | Prior:
    """The model whose posterior mode is a penalised regression's optimum.

    ``to_prior("sklearn.Lasso", {"alpha": 0.1}, data, sigma=54.0)``, or with an estimator, fitted
    or not: ``to_prior(estimator, data, sigma=54.0)``.

    Parameters
    ----------
    target : str or estimator
        A scikit-learn Pipeline of StandardScaler and estimator gives ``standardize=True``; of a
        search (GridSearchCV) the best estimator is read.
    parameters : mapping or estimator
        Under the library's own names; what is left out is at the library's default. What only a
        fitted estimator says (``alpha_`` of LassoCV) may be given by name too.
    data : Data, optional
        For the sum of the weights; or ``n``, or ``total_weight``.
    sigma : float or "estimate", optional
        Noise standard deviation of a Gaussian likelihood. A penalty does not fix it.
        ``"estimate"`` takes the residuals of least squares on all columns; the model's sigma then
        carries its standard error (``model.likelihood.sigma.standard_error``) and says in
        ``describe`` how it was found.
    likelihood : Likelihood or str, optional
        For targets that leave it open; ``Gaussian(sigma=...)`` says sigma too.
    **quantities
        What the formula needs and data would say: ``sd_y``, ``sd_x``, ``rms_y``, ...; and ``phi``
        of a Gamma, ``s`` of an AsymmetricLaplace likelihood.

    Returns
    -------
    Model or Prior
        The prior of the coefficients alone where bayesreg has no likelihood for the loss (Huber,
        several targets at once, an insensitive zone); its intercept is not penalised unless the
        notes of the target say so.

    Raises
    ------
    ConversionError
        Naming the quantity or parameter that is missing, unknown or out of its domain.
    NoEquivalentError
        When no model here is the equivalent: why, and what is nearest.
    """
    parameters, data = data_in_second_place(parameters, data)
    source = source_of(target, parameters, CONVENTIONS, data)
    origin = find(source.name, "target")
    known, unknown = told_apart(quantities)
    refuse_unknown(unknown, "to_prior")
    setting = circumstances(
        origin, source.parameters, (), likelihood, sigma, data, n, total_weight,
        known,
    )  # fmt: skip
    return model_of(origin, source, decoded(origin, source.parameters, setting), setting)


def model_of(origin: Convention, source: Source, nats: Nats, setting: Setting) -> Model | Prior:
    """The model; the prior alone where no likelihood here has this loss."""
    standardize = standardizes(source.scaler, nats, setting.data, origin.name)
    with representable(origin, setting):
        if nats.likelihood not in LIKELIHOODS:
            if standardize:
                raise NoEquivalentError(
                    f"{origin.name} has a prior here but no model, and after a StandardScaler "
                    "that prior is on the standardised columns. Nearest: pass the last step alone, "
                    "and read its prior as one on them"
                )
            return (
                _nats.to_prior(nats.penalty, None) if origin.prior is None else origin.prior(nats)
            )
        model = _nats.to_model(nats, stated_noise(origin, setting), origin.relative_to_noise)
        if not _nats.agree(nats, _nats.from_model(model, None)):
            raise OverflowError("the scale of the prior vanishes or is infinite")
        return replace(model, standardize=standardize)
