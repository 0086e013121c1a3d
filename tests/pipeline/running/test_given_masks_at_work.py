"""A mask that the user edited or gave is judged before a run as ours are: converted where it is clear, else flagged."""

import numpy as np
import pytest
from drawn_person import draw
from PIL import Image, ImageFilter, ImageOps
from published_trees import viton_hd
from typer.testing import CliRunner

from pipeline.cli.app import app
from pipeline.core import images
from pipeline.core.flags import Flag
from pipeline.core.labels import Category, Parse
from pipeline.core.layout import AGNOSTIC, AGNOSTIC_MASK, CLOTH_MASK, GIVEN_ORIGINALS, Layout
from pipeline.core.records.transaction import open_records

MASK, CLOTH = AGNOSTIC_MASK.of("00000_00", Category.UPPER), CLOTH_MASK.of("00000_00")
PICTURE = AGNOSTIC.of("00000_00", Category.UPPER)


def cli(*words):
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


@pytest.fixture
def whole_tree(tmp_path) -> Layout:
    viton_hd(tmp_path / "tree", 1)
    folders = ("--inputs", tmp_path / "in", "--outputs", tmp_path / "out")
    assert cli("import", "viton-hd", tmp_path / "tree", "--copy", *folders).exit_code == 0
    return Layout(tmp_path / "in", tmp_path / "out", tmp_path / "weights")


@pytest.fixture
def project(whole_tree) -> Layout:
    """Without the tree's grey picture, so that it is made of the mask."""
    whole_tree.path(PICTURE).unlink()
    return whole_tree


def run(layout: Layout, *words: str):
    """The steps between a given tree and its masks, which all find their files given."""
    folders = ("--inputs", layout.inputs, "--outputs", layout.outputs, "--weights", layout.weights)
    return cli("--from", "parsing", "--until", "cloth", *folders, *words)


def flags(layout: Layout, step: str) -> set[Flag]:
    with open_records(layout, writable=False) as records:
        return {notice.flag for outcome in records.ledger.outcomes() if outcome.step == step for notice in outcome.notices}


def inverted(image):
    return ImageOps.invert(image)


def zero_one(image):
    return image.point(lambda level: level // 128)


def soft(image):
    return image.filter(ImageFilter.GaussianBlur(8))


def in_alpha(image):
    return Image.merge("LA", [Image.new("L", image.size, 0), image])


def change(layout: Layout, ref: str, edit) -> bytes:
    path = layout.path(ref)
    edited = edit(Image.open(path).convert("L"))
    edited.save(path, "JPEG" if path.suffix == ".jpg" and edited.mode == "L" else "PNG", quality=95)
    return path.read_bytes()


@pytest.mark.parametrize("ref", [MASK, CLOTH])
@pytest.mark.parametrize(("edit", "note"), [
    (inverted, "black = yes, so it is inverted"), (zero_one, "its values are 0 and 1"), (soft, "its soft edges are cut"),
    (in_alpha, "alpha channel"), (lambda image: image.resize((384, 512)), "resized to its picture's size"),
])  # fmt: skip
def test_a_mask_of_clear_meaning_is_converted_said_and_its_original_kept(project, ref, edit, note):
    right = images.read_mask(project.path(ref))
    mine = change(project, ref, edit)
    done = run(project)
    assert done.exit_code == 0 and str(project.path(ref)) in done.output and note in done.output
    assert (images.read_mask(project.path(ref)) == right).mean() > 0.99
    kept = project.path(GIVEN_ORIGINALS) / "/".join(ref.split("/")[-2:])
    assert kept.read_bytes() == mine
    after = project.path(ref).read_bytes()
    assert note not in run(project).output and project.path(ref).read_bytes() == after


@pytest.mark.parametrize("tree", ["project", "whole_tree"])
def test_a_right_mask_is_left_as_it_is_and_carries_no_flag(tree, request):
    project = request.getfixturevalue(tree)
    before = {ref: project.path(ref).read_bytes() for ref in (MASK, CLOTH)}
    assert run(project, "--invert-masks").exit_code == 0
    assert {ref: project.path(ref).read_bytes() for ref in before} == before
    assert not flags(project, "agnostic") and not flags(project, "cloth")


def large(mask):
    mask[30:, 20:-20] = True
    return mask


def small(mask):
    mask[:, :] = False
    mask[500:560, 300:400] = True
    return mask


def beside(mask):
    """As large as a mask is, but not where the garment is."""
    mask[:, :] = False
    mask[-200:, 100:-100] = True
    return mask


def silhouette(mask):
    """The whole person, as matting networks give it."""
    return draw(upper=(200, 40, 40)).labels > 0


def box(mask):
    mask[280:720, 140:630] = True
    mask[:280] = mask[720:] = mask[:, :140] = mask[:, 630:] = False
    return mask


def garment_alone(mask):
    return draw(upper=(200, 40, 40)).labels == Parse.UPPER_CLOTHES


def upside_down(mask):
    return mask[::-1]


def moved(mask):
    """By a quarter of the width: the mask of another picture."""
    return np.roll(mask, 200, axis=1)


@pytest.mark.parametrize(("edit", "flag"), [
    (large, Flag.MASK_TOO_LARGE), (silhouette, Flag.MASK_TOO_LARGE), (small, Flag.MASK_TOO_SMALL),
    (box, Flag.MASK_TOO_LARGE), (garment_alone, Flag.MASK_TOO_SMALL),
    (beside, Flag.MASK_TOO_SMALL), (moved, Flag.MASK_TOO_SMALL),
])  # fmt: skip
def test_a_given_agnostic_mask_gets_the_flags_of_a_made_one(project, edit, flag):
    project.path(MASK).write_bytes(images.mask_png(edit(images.read_mask(project.path(MASK)))))
    assert run(project).exit_code == 0
    assert flags(project, "agnostic") == {flag}


@pytest.mark.parametrize("edit", [upside_down, moved, silhouette, large, beside])
def test_a_mask_that_its_given_grey_picture_does_not_show_is_named(whole_tree, edit):
    whole_tree.path(MASK).write_bytes(images.mask_png(edit(images.read_mask(whole_tree.path(MASK)))))
    assert run(whole_tree).exit_code == 0
    assert Flag.AGNOSTIC_MISMATCH in flags(whole_tree, "agnostic")
    whole_tree.path(PICTURE).unlink()
    run(whole_tree)
    assert whole_tree.path(PICTURE).is_file()
    assert Flag.AGNOSTIC_MISMATCH not in flags(whole_tree, "agnostic")


def half(mask):
    mask[:, :384] = False
    return mask


def speckled(mask):
    return mask & (np.random.default_rng(1).random(mask.shape) < 0.8)


def without_sleeves(mask):
    box = np.flatnonzero(mask.any(0))
    wide = (box[-1] - box[0]) // 3
    mask[:, : box[0] + wide] = mask[:, box[-1] - wide :] = False
    return mask


@pytest.mark.parametrize("edit", [half, speckled, upside_down, moved, without_sleeves])
def test_a_given_cloth_mask_gets_the_flags_of_a_made_one(project, edit):
    mask = edit(images.read_mask(project.path(CLOTH)))
    project.path(CLOTH).write_bytes(images.jpeg(np.where(mask, 255, 0).astype(np.uint8)))
    assert run(project).exit_code == 0
    assert Flag.CLOTH_MASK_SUSPECT in flags(project, "cloth")


def test_the_flag_goes_with_the_edit_and_comes_with_the_next(project):
    right = project.path(MASK).read_bytes()
    project.path(MASK).write_bytes(images.mask_png(large(images.read_mask(project.path(MASK)))))
    run(project)
    project.path(MASK).write_bytes(right)
    run(project)
    assert not flags(project, "agnostic")
    project.path(MASK).write_bytes(images.mask_png(small(images.read_mask(project.path(MASK)))))
    run(project)
    assert flags(project, "agnostic") == {Flag.MASK_TOO_SMALL}


def test_a_run_of_other_steps_does_not_swallow_the_flag(project):
    project.path(MASK).write_bytes(images.mask_png(large(images.read_mask(project.path(MASK)))))
    folders = ("--inputs", project.inputs, "--outputs", project.outputs, "--weights", project.weights)
    assert cli("--step", "cloth", *folders).exit_code == 0
    assert not flags(project, "agnostic")
    run(project)
    assert flags(project, "agnostic") == {Flag.MASK_TOO_LARGE}


def test_the_flags_of_a_mask_that_is_kept_beside_files_made_again_are_its_own(project):
    """The reduced parse map is made again with another setting; the mask beside it is the user's."""
    project.path(MASK).write_bytes(images.mask_png(large(images.read_mask(project.path(MASK)))))
    project.path("vitonhd/test/image-parse-agnostic-v3.2/00000_00.png").unlink()
    run(project)
    assert flags(project, "agnostic") == {Flag.MASK_TOO_LARGE}
    run(project, "--set", "agnostic.margin=0.06")
    assert flags(project, "agnostic") == {Flag.MASK_TOO_LARGE}
