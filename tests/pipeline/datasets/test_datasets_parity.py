"""A tree taken in reaches StableVITON's network exactly as its official data loader hands it over (recorded items)."""

import numpy as np
import pytest
from typer.testing import CliRunner

from pipeline.cli.app import app
from pipeline.core.engine import GarmentInputs, PersonInputs
from pipeline.core.inputs.collection import discover
from pipeline.core.labels import Category
from pipeline.core.layout import Layout

pytest.importorskip("torch")
from tryon.engines.stableviton.encoding import fit_picture, prepare_person

SIZE = (256, 192)


@pytest.fixture(scope="module")
def taken(fixtures_root, tmp_path_factory):
    """The recorded tree, written to disk and imported."""
    data = np.load(fixtures_root / "stableviton" / "public" / "data.npz")
    home = tmp_path_factory.mktemp("official")
    for key in data.files:
        if key.startswith("files/"):
            path = home / "tree" / key.removeprefix("files/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data[key].tobytes())
    words = ["import", "viton-hd", str(home / "tree"), "--inputs", str(home / "in"), "--outputs", str(home / "out")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    return data, Layout(home / "in", home / "out")


@pytest.mark.parametrize("row", [0, 1])
def test_a_pair_taken_in_equals_the_official_item(taken, row):
    data, layout = taken
    pair = sorted(discover(layout, lambda _: "stableviton").pairs, key=lambda each: each.id)[row]  # the official items are sorted
    person = PersonInputs(pair.person, Category.UPPER, layout)
    got = prepare_person(person.image(), person.agnostic(), person.agnostic_mask(), person.densepose(), SIZE)
    item = {name: data[f"out/unpaired/{row}/{name}_u8"] for name in ("image", "agn", "agn_mask", "image_densepose", "cloth")}
    np.testing.assert_array_equal(got.image, item["image"])
    np.testing.assert_array_equal(got.agnostic, item["agn"])
    np.testing.assert_array_equal(got.densepose, item["image_densepose"])
    np.testing.assert_array_equal(got.keep, item["agn_mask"][..., 0])
    cloth = GarmentInputs(pair.garment, layout).cloth()
    np.testing.assert_array_equal(fit_picture(cloth, SIZE), item["cloth"])
