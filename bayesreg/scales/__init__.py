"""From prior scale to lambda: scans, choices and evidence along one axis."""

from __future__ import annotations

from bayesreg.scales.choice import Choice, ScaleChoices
from bayesreg.scales.choose import choose_scale
from bayesreg.scales.elicitation import Elicited, elicit
from bayesreg.scales.scan import scan_scales

__all__ = ["Choice", "Elicited", "ScaleChoices", "choose_scale", "elicit", "scan_scales"]
