"""``positive=True``: the penalty as it is, on w >= 0 only.

    Lasso(positive=True)   L + sum w / b on w >= 0              Exponential(b)
    Ridge(positive=True)   L + sum w^2 / (2 tau^2) on w >= 0    HalfNormal(tau)

The formulas do not change: the switch goes to and from the bounds of the penalty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bayesreg.conventions import _parameters
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import Nats, bounded_like, is_nonnegative, without_bounds
from bayesreg.conventions._setting import Setting

Encode = Callable[[Nats, Setting], dict[str, Any]]
Decode = Callable[[Mapping[str, Any], Setting], Nats]


def encoder(encode: Encode) -> Encode:
    """``encode``, with positive=True for bounds at 0."""

    def with_switch(nats: Nats, setting: Setting) -> dict[str, Any]:
        if not is_nonnegative(nats.penalty):
            return encode(nats, setting)
        free = replace(nats, penalty=without_bounds(nats.penalty))
        return {**encode(free, setting), "positive": True}

    return with_switch


def decoder(decode: Decode) -> Decode:
    """``decode``, with bounds at 0 for positive=True."""

    def with_switch(parameters: Mapping[str, Any], setting: Setting) -> Nats:
        nats = decode(parameters, setting)
        if not _parameters.switch(parameters["positive"], "positive", setting.target):
            return nats
        return replace(nats, penalty=bounded_like(nats.penalty, lower=0.0))

    return with_switch


def with_positive(convention: Convention) -> Convention:
    """The same convention, which reads and writes ``positive``."""
    return replace(
        convention,
        encode=encoder(convention.encode),
        decode=decoder(convention.decode),
        takes_positive=True,
    )
