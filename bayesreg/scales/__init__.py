"""From prior scale to lambda: scans, choices and evidence along one axis."""

from __future__ import annotations

from bayesreg.scales.choice import Choice, ScaleChoices
from bayesreg.scales.choose import choose_scale
from bayesreg.scales.scan import scan_scales

__all__ = ["Choice", "ScaleChoices", "choose_scale", "scan_scales"]
