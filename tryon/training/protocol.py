"""What an engine gives the training room: trainable groups, one loss call, one sample. The room never imports an engine."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

Groups = Mapping[str, Mapping[str, nn.Parameter]]
"""Group → parameter name → parameter; each parameter once."""
