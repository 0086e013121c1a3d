"""Training needs gradients, which the suite around switches off."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def _gradients():
    with torch.enable_grad():
        yield
