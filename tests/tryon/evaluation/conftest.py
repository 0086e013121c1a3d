"""Recorded results of definitions and of the published packages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="session")
def recorded(fixtures_root: Path) -> Any:
    """`public.npz` of the evaluation fixtures."""
    return np.load(fixtures_root / "evaluation" / "public.npz")
