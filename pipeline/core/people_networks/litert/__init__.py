"""The runtime for today's Pythons: the same network files in LiteRT, with the steps around them written out here.

The steps are those of mediapipe 0.10.21's graphs (docs/facts/people_networks.md): `session` runs one file, `regions` cuts out and
projects back, `detection` finds boxes, and one file per question puts them together.
"""

from pipeline.core.people_networks.litert.networks import LiteRTNetworks

__all__ = ["LiteRTNetworks"]
