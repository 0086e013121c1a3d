"""The drawn formula of GS-VITON's correction is what its script draws."""

from __future__ import annotations

import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "docs/make_edges.py"


def test_the_drawn_formula_names_the_codes_own_numbers():
    spec = importlib.util.spec_from_file_location("make_edges", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    drawn = (SCRIPT.parent / "pictures/gs_viton_correction.svg").read_text("utf-8")
    assert drawn == module.formula() and "E(p) &gt; 70" in drawn.replace("E(p) > 70", "E(p) &gt; 70")
