"""Names for sets of parameters."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

Groups = Mapping[str, Mapping[str, nn.Parameter]]
"""Group → parameter name → parameter; each parameter once."""

Weights = Mapping[str, Tensor]
"""Parameter name → tensor."""
