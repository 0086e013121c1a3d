"""Our artefacts leave under the names of the GS-VITON demo, and lie in the squares that it would cut itself."""

import numpy as np
import pytest
from PIL import Image
from seed_folder import PAIRS, RENDERED, labels_of, points_of, removed_of, seed_folder, square_of, stem_of
from typer.testing import CliRunner
from workspaces import save

from pipeline.cli.app import app
from pipeline.core import images, layout
from pipeline.core.errors import UsageError
from pipeline.core.keypoints import keypoints_from_json
from pipeline.core.layout import Layout


def run(*words):
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A folder after four steps, imported; the cut-outs that the background step would make; exported again."""
    home = tmp_path_factory.mktemp("out")
    seed_folder(home / "seed", 4)
    project = ("--inputs", home / "in", "--outputs", home / "out")
    run("import", "gs-viton", home / "seed", *project)
    for person, _ in PAIRS:
        matte = images.read_grey(RENDERED / f"{person}-matte.png")
        cutout = np.dstack([removed_of(person), np.where(matte >= 128, 255, 0).astype(np.uint8)])
        save(Layout(home / "in", home / "out").path(layout.CUTOUT.of(person)), cutout)
    assert run("export", "gs-viton", home / "again", *project).exit_code == 0
    return home


def stem(person: str) -> str:
    return f"{person}_cnt_0_background_removed"


def test_the_demos_lists_name_the_exported_files(exported):
    again = exported / "again"
    assert (again / "inputs/test_pairs.txt").read_text() == "".join(
        f"{stem(person)}.jpg {cloth}.jpg\n" for person, cloth in PAIRS
    )
    assert (again / "inputs/val.txt").read_text().splitlines()[0] == f"/image/{stem('w1_white')}.jpg /labels/512x512.png"
    assert (again / "inputs/val_id.txt").read_text() == "512x512\n512x512\n"
    for line in (again / "inputs/val.txt").read_text().splitlines():
        assert all((again / "inputs" / word.lstrip("/")).is_file() for word in line.split())


def test_squares_points_and_labels_are_those_of_the_demos_own_cut(exported):
    for person, _ in PAIRS:
        step1 = images.read_rgb(exported / f"again/output/background_step1/{stem(person)}.jpg")
        cut = square_of(step1)
        square = images.read_rgb(exported / f"again/inputs/image/{stem(person)}.jpg")
        seen = np.abs(cut.picture.astype(int) - 230).max(2) > 12
        seen &= cut.picture.max(2) > 0
        assert square.shape == (512, 512, 3) and np.abs(square.astype(int) - cut.picture)[seen].mean() < 8, (
            "Lanczos against bicubic, on hair"
        )
        labels = images.read_labels(exported / f"again/output/cihp_parsing/{stem(person)}.png")
        assert (labels == labels_of(person, cut)).mean() > 0.97
        text = (exported / f"again/inputs/openpose-json/{stem(person)}_keypoints.json").read_text()
        body, known = keypoints_from_json(text).body, points_of(person, cut).body
        both = (body[:, 2] > 0) & (known[:, 2] > 0)
        assert both.sum() >= 12 and np.abs(body[both, :2] - known[both, :2]).max() < 2


def test_label_maps_have_a_palette_and_garments_lie_in_squares(exported):
    again = exported / "again"
    with Image.open(again / f"output/cihp_parsing/{stem('w2_full')}.png") as map_file:
        assert map_file.mode == "P"
    cloth, mask = images.read_rgb(again / "inputs/cloth/blue.jpg"), images.read_mask(again / "inputs/cloth-mask/blue.jpg")
    known = images.read_mask(exported / "seed/inputs/cloth-mask/blue.jpg")
    assert cloth.shape == (512, 512, 3) and (mask != known).mean() < 0.01


def test_results_come_back_as_they_were(exported):
    for person, cloth in PAIRS:
        given = images.read_rgb(exported / f"seed/output/viton-hd/{stem_of(person)}_{cloth}.jpg")
        back = images.read_rgb(exported / f"again/output/viton-hd/{stem(person)}_{cloth}.jpg")
        blue = [np.abs(each.astype(int) - (30, 60, 200)).max(2) < 40 for each in (given, back)]
        assert (blue[0] != blue[1]).mean() < 0.02 and blue[1].mean() > 0.03


def test_a_placement_file_becomes_the_demos_three_numbers(exported, tmp_path):
    """Foot and height as shares of any background, in rows and columns of 1920 × 1080, within the demo's limits."""
    project = ("--inputs", exported / "in", "--outputs", exported / "out")
    assert (exported / "again/inputs/bg_images/room.txt").read_text() == "300 1000 900\n"
    settings = exported / "in/bg_images/room.toml"
    settings.write_text("foot = [0.25, 1.0]\nheight = 0.5\n")
    try:
        run("export", "gs-viton", tmp_path / "other", *project)
    finally:
        settings.unlink()
    assert (tmp_path / "other/inputs/bg_images/room.txt").read_text() == "540 1074 480\n"
    assert (tmp_path / "other/inputs/backgrounds.txt").read_text() == "bg_images/room.jpg bg_images/room.txt\n"


def test_a_second_export_changes_nothing_and_an_unfinished_project_is_told_what_lacks(exported, tmp_path):
    project = ("--inputs", exported / "in", "--outputs", exported / "out")
    assert "linked or copied: 0, converted: 0" in run("export", "gs-viton", exported / "again", *project).output
    seed_folder(tmp_path / "seed", 0)
    project = ("--inputs", tmp_path / "in", "--outputs", tmp_path / "out")
    run("import", "gs-viton", tmp_path / "seed", *project)
    with pytest.raises(UsageError, match="no pair has all the artefacts"):
        run("export", "gs-viton", tmp_path / "again", *project)
