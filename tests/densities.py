"""scipy's log density of a target, row by row, for the likelihoods with one."""

import numpy as np
from scipy import stats

from bayesreg import Bernoulli, Binomial, Gamma, Gaussian, NegativeBinomial, Poisson


def scipy_log_likelihood(likelihood, data, eta):
    """s_i log p(y_i | eta_i), 0 for rows of weight 0."""
    weights = np.ones(data.y.size) if data.weights is None else data.weights
    used = weights > 0
    y, eta, s = data.y[used], eta[used], weights[used]
    terms = np.zeros(data.y.size)
    probability = 1.0 / (1.0 + np.exp(-eta))
    if isinstance(likelihood, Gaussian):
        terms[used] = stats.norm.logpdf(y, eta, likelihood.sigma / np.sqrt(s))
    elif isinstance(likelihood, Bernoulli):
        terms[used] = s * stats.bernoulli.logpmf(y, probability)
    elif isinstance(likelihood, Binomial):
        terms[used] = s * stats.binom.logpmf(y, data.trials[used], probability)
    elif isinstance(likelihood, Gamma):
        phi = likelihood.phi
        terms[used] = s * stats.gamma.logpdf(y, 1 / phi, scale=phi * np.exp(eta))
    elif isinstance(likelihood, NegativeBinomial):
        alpha = likelihood.alpha
        terms[used] = s * stats.nbinom.logpmf(y, alpha, alpha / (alpha + np.exp(eta)))
    else:
        assert isinstance(likelihood, Poisson), "write its scipy density here"
        terms[used] = s * stats.poisson.logpmf(y, np.exp(eta))
    return terms
