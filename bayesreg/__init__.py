"""bayesreg: state the prior or the penalty, get both.

The exact posterior mode with a proof of optimality, the posterior with its diagnostics, and the
same model in every library.  Public names are resolved on first use, so that importing the
package costs numpy and nothing heavier.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from bayesreg._version import __version__

if TYPE_CHECKING:
    from bayesreg.comparison import Comparison, compare
    from bayesreg.conventions import (
        Penalised,
        convert,
        explain,
        from_sklearn,
        targets,
        to_penalty,
        to_prior,
    )
    from bayesreg.data import Data
    from bayesreg.design_priors import dropout_prior, zellner_prior
    from bayesreg.gradient_descent import (
        Descent,
        adamw_step,
        descend,
        proximal_step,
        shrink_step,
        sign_step,
        soft_threshold,
    )
    from bayesreg.likelihoods import (
        AsymmetricLaplace,
        Bernoulli,
        Binomial,
        Gamma,
        Gaussian,
        Multinomial,
        NegativeBinomial,
        Poisson,
        StudentT,
    )
    from bayesreg.model import Model
    from bayesreg.plots import (
        plot_evidence,
        plot_geometry,
        plot_lambda_posterior,
        plot_map_vs_posterior,
        plot_path,
        plot_prior_and_penalty,
        plot_shrinkage,
        plot_trajectory,
    )
    from bayesreg.posterior import open_run, predict, resume, sample
    from bayesreg.power_scaling import Sensitivity, sensitivity
    from bayesreg.priors import (
        Cauchy,
        ElasticNet,
        Exponential,
        Flat,
        GroupLaplace,
        HalfCauchy,
        HalfNormal,
        Horseshoe,
        InverseGamma,
        Jeffreys,
        Laplace,
        MultivariateNormal,
        Normal,
        Truncated,
        Uniform,
    )
    from bayesreg.problem import Problem, bind
    from bayesreg.proof.certificate import Certificate
    from bayesreg.proof.certify import certify
    from bayesreg.pymc import FromPyMC, from_bambi, from_pymc, to_pymc
    from bayesreg.scales import Choice, Elicited, ScaleChoices, choose_scale, elicit, scan_scales
    from bayesreg.solvers import MapEstimate, MapPath, find_map, find_map_path
    from bayesreg.spec import from_dict, from_text, to_dict
    from bayesreg.verification import Report, verify

_HOME = {
    "AsymmetricLaplace": "likelihoods",
    "Bernoulli": "likelihoods",
    "Binomial": "likelihoods",
    "Cauchy": "priors",
    "Certificate": "proof.certificate",
    "Comparison": "comparison",
    "Data": "data",
    "Descent": "gradient_descent",
    "ElasticNet": "priors",
    "Exponential": "priors",
    "Flat": "priors",
    "FromPyMC": "pymc",
    "Gamma": "likelihoods",
    "Gaussian": "likelihoods",
    "GroupLaplace": "priors",
    "HalfCauchy": "priors",
    "HalfNormal": "priors",
    "Horseshoe": "priors",
    "InverseGamma": "priors",
    "Jeffreys": "priors",
    "Laplace": "priors",
    "MapEstimate": "solvers",
    "MapPath": "solvers",
    "Model": "model",
    "MultivariateNormal": "priors",
    "NegativeBinomial": "likelihoods",
    "Multinomial": "likelihoods",
    "Normal": "priors",
    "Penalised": "conventions",
    "Poisson": "likelihoods",
    "Problem": "problem",
    "Report": "verification",
    "StudentT": "likelihoods",
    "Truncated": "priors",
    "Uniform": "priors",
    "adamw_step": "gradient_descent",
    "bind": "problem",
    "certify": "proof.certify",
    "compare": "comparison",
    "convert": "conventions",
    "descend": "gradient_descent",
    "dropout_prior": "design_priors",
    "explain": "conventions",
    "find_map": "solvers",
    "find_map_path": "solvers",
    "from_bambi": "pymc",
    "from_dict": "spec",
    "from_sklearn": "conventions",
    "from_pymc": "pymc",
    "from_text": "spec",
    "plot_evidence": "plots",
    "plot_geometry": "plots",
    "plot_lambda_posterior": "plots",
    "plot_map_vs_posterior": "plots",
    "plot_path": "plots",
    "plot_prior_and_penalty": "plots",
    "plot_shrinkage": "plots",
    "plot_trajectory": "plots",
    "open_run": "posterior",
    "predict": "posterior",
    "proximal_step": "gradient_descent",
    "resume": "posterior",
    "sample": "posterior",
    "Sensitivity": "power_scaling",
    "scan_scales": "scales",
    "choose_scale": "scales",
    "elicit": "scales",
    "Choice": "scales",
    "Elicited": "scales",
    "ScaleChoices": "scales",
    "sensitivity": "power_scaling",
    "shrink_step": "gradient_descent",
    "sign_step": "gradient_descent",
    "soft_threshold": "gradient_descent",
    "targets": "conventions",
    "to_dict": "spec",
    "to_penalty": "conventions",
    "to_prior": "conventions",
    "to_pymc": "pymc",
    "verify": "verification",
    "zellner_prior": "design_priors",
}

__all__ = ["__version__", *_HOME]


_MODULES = ("errors", "pymc", "testing")


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"bayesreg.{name}")
    if name not in _HOME:
        from bayesreg._text import nearest

        raise AttributeError(f"module 'bayesreg' has no attribute {name!r}.{nearest(name, _HOME)}")
    value = getattr(importlib.import_module(f"bayesreg.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES])
