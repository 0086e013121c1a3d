"""What a run says at its end."""

from __future__ import annotations

import pytest

from pipeline.core.console import Console
from pipeline.progress import say_troubles
from pipeline.reasons import output_missing
from pipeline.summary import Trouble


def test_a_broken_background_is_one_row_however_many_pairs_it_fails(capsys: pytest.CaptureFixture[str]):
    same = [Trouble("compose", f"p{number}__tee__sea", "sea.png: too small", "use a larger picture") for number in range(200)]
    say_troubles(Console(), [Trouble("cloth", "wide", "no garment found"), *same])
    said = "".join(capsys.readouterr())
    assert "201 failed" in said and said.count("sea.png: too small") == 1
    assert "p0__tee__sea and 199 more" in said and "no garment found" in said


def test_a_missing_output_is_called_by_its_kind_and_not_by_its_engine():
    assert output_missing("final/preview/ann__tee__sea.png").text == "output missing: final"
    assert output_missing("vitonhd/test/image-densepose/ann.jpg").text == "output missing: image-densepose"
