"""rstanarm: the scales that prior_summary says it used are those of our prior."""

import numpy as np
import pytest
from helpers import make_data

import bayesreg as br

from .crossing import Case, answers

pytestmark = pytest.mark.interop

SCALES = np.geomspace(0.1, 0.5, 7)
LIKELIHOODS = [br.Gaussian(1.5), br.Bernoulli(), br.Poisson()]
CASES = [
    (target, likelihood, scale, autoscale)
    for target in ("rstanarm.normal", "rstanarm.laplace")
    for likelihood in LIKELIHOODS
    for scale in (0.3, SCALES)
    for autoscale in (True, False)
]
_USED = (
    "as.numeric({s <- prior_summary(fit)$prior; "
    "if (is.null(s$adjusted_scale)) s$scale else s$adjusted_scale})"
)


def model_of(target, likelihood, scale):
    prior = br.Normal(scale) if target.endswith("normal") else br.Laplace(scale)
    return br.Model(likelihood, prior)


def name_of(target, likelihood, scale, autoscale):
    return f"{target}-{type(likelihood).__name__}-{np.ndim(scale)}-{autoscale}"


def case_of(target, likelihood, scale, autoscale):
    data = make_data(likelihood)
    twin = br.to_penalty(model_of(target, likelihood, scale), target, data, autoscale=autoscale)
    # What it says of its priors does not depend on how long it samples.
    short = "stan_glm(chains = 1, iter = 20, refresh = 0, seed = 1, "
    code = twin.code.replace("stan_glm(", short)
    return Case(name_of(target, likelihood, scale, autoscale), code, data, {"used": _USED})


@pytest.fixture(scope="module")
def found():
    return answers("rstanarm", [case_of(*case) for case in CASES])


@pytest.mark.parametrize("case", [pytest.param(case, id=name_of(*case)) for case in CASES])
def test_the_scale_it_used_is_our_scale(case, found):
    answer = found.by_name[name_of(*case)]
    assert not answer.error, answer.error
    scale = np.broadcast_to(case[2], 7)
    np.testing.assert_allclose(np.broadcast_to(answer.values["used"], 7), scale, rtol=1e-12)
