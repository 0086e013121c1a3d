"""What every engine's conversion refuses before it reads its source: one place, the same words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.core.errors import WeightsError
from tryon.engines.dci_vton import folder as dci_vton
from tryon.engines.ootdiffusion import folder as ootdiffusion
from tryon.engines.stableviton import folder as stableviton

CONVERSIONS = {
    "StableVITON": (stableviton.convert, "fp32, bf16, fp16, int8"),
    "DCI-VTON": (dci_vton.convert_second, "fp32, bf16, fp16"),
    "OOTDiffusion": (ootdiffusion.convert_dc, "fp32, bf16, fp16"),
}


@pytest.mark.parametrize(("model", "convert", "known"), [(name, *each) for name, each in CONVERSIONS.items()])
def test_an_unknown_number_format_and_a_folder_that_is_there_are_refused_without_a_look_at_the_source(
    model: str, convert: Callable[..., None], known: str, tmp_path: Path
):
    with pytest.raises(WeightsError, match=f"dtype 'fp15' is not known to {model}") as unknown:
        convert(tmp_path / "none", tmp_path / "made", dtype="fp15")
    assert unknown.value.remedy == f"one of {known}"
    with pytest.raises(WeightsError, match="exists already") as there:
        convert(tmp_path / "none", tmp_path)
    assert there.value.remedy == "remove it or give another folder"
