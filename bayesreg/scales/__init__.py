"""From prior scale to lambda: scans, choices and evidence along one axis."""

from __future__ import annotations

from bayesreg.scales.scan import scan_scales

__all__ = ["scan_scales"]
