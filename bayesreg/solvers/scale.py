"""A prior whose scale has a prior of its own: why there is no mode to find."""

from __future__ import annotations

from typing import NoReturn

from bayesreg.data import Data
from bayesreg.errors import ModelError, NoModeError
from bayesreg.model import Model, unknown_scales
from bayesreg.priors.on_noise import noise_density
from bayesreg.solvers.choice import Options


def refuse_unknown_scale(model: Model, data: Data, options: Options) -> NoReturn:
    """The joint density of coefficients and scale b is p(b) b^-p at w = loc, times a constant.

    Raises
    ------
    NoModeError
        It is unbounded as b goes to 0.
    ModelError
        p(b) vanishes at 0 fast enough for a mode, which is not searched for.
    """
    where, scale = next(iter(unknown_scales(model).items()))
    remedy = (
        "State the scale as a number for the conditional mode; choose it by evidence or "
        "cross-validation rather than by a joint mode"
    )
    if noise_density(scale).at_zero < 1:
        raise NoModeError(
            f"no mode: the scale b of {where} has the prior {scale!r}, and p(b) b^-p, the density "
            "at w = loc, is unbounded as b goes to 0: the joint mode is w = loc, b = 0 whatever "
            f"the data say. {remedy}"
        )
    raise ModelError(
        f"the scale of {where} has the prior {scale!r}; joint modes over a scale are not searched "
        f"for. {remedy}"
    )
