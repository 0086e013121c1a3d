"""Warped garments of other people's trees are taken as given, for the pair they were made for, or refused by name."""

from __future__ import annotations

import shutil

import cv2
import numpy as np
import pytest
from published_trees import viton_hd, write
from typer.testing import CliRunner

from pipeline.cli.app import app
from pipeline.core import images
from pipeline.core.errors import UsageError

CANVAS = (1024, 768)


def run(*words):
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def take_in(home, *words, warped="dci_vton_v2"):
    own = ("--warped", warped) if warped else ()
    return run("import", "viton-hd", home / "tree", "--inputs", home / "in", "--outputs", home / "out", *own, *words)


def outline(size=CANVAS) -> np.ndarray:
    """A soft disc."""
    disc = cv2.circle(np.zeros(size, np.uint8), (size[1] // 2, size[0] // 2), size[1] // 4, 255, -1)
    return cv2.GaussianBlur(disc, (0, 0), 3)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return viton_hd(tmp_path_factory.mktemp("published") / "tree", 2)


@pytest.fixture
def home(tree, tmp_path):
    """Two people, each in the other's garment, and both warped, as DCI-VTON's script leaves them: JPEGs at 512 × 384."""
    shutil.copytree(tree, tmp_path / "tree")
    for number in range(2):
        put(tmp_path, f"{number:05}_00", number)
    return tmp_path


def put(home, person, level=0, part="unpaired-", size=(512, 384), mask=None):
    base = home / "tree/test"
    write(base / f"{part}cloth-warp/{person}.jpg", images.jpeg(np.full((*size, 3), 60 + 60 * level, np.uint8)))
    write(base / f"{part}cloth-warp-mask/{person}.jpg", images.jpeg(outline(size) if mask is None else mask))


def taken(home, engine="dci_vton_v2"):
    """Pair → level of the garment that was taken, mask."""
    base = home / "out/vitonhd/test"
    found = sorted((base / "cloth-warp" / engine).glob("*.png"))
    masks = [images.read_grey(base / "cloth-warp-mask" / engine / path.name) for path in found]
    return {path.stem: (images.read_rgb(path), mask) for path, mask in zip(found, masks, strict=True)}


def test_they_are_the_pairs_own_at_the_size_of_the_canvas_with_their_soft_edge_and_without_a_flow(home):
    done = take_in(home)
    assert done.exit_code == 0 and "resized to its person's picture" in done.output and "not read" not in done.output
    found = taken(home)
    assert found.keys() == {"00000_00__00001_00", "00001_00__00000_00"}
    for (cloth, mask), level in zip(found.values(), (60, 120), strict=True):
        assert cloth.shape == (*CANVAS, 3) and np.abs(cloth.astype(int) - level).max() <= 2
        assert mask.shape == CANVAS and np.abs(mask.astype(int) - outline()).mean() < 2 and np.unique(mask).size > 20
    assert not (home / "out/cloth-flow").exists()


def test_another_garment_is_not_shown_in_the_place_of_the_persons_own_and_back(home):
    put(home, "00000_00", 2, part="")
    (home / "tree/test_pairs.txt").write_text("00000_00.jpg 00000_00.jpg\n00001_00.jpg 00000_00.jpg\n")
    take_in(home)
    levels = {pair: int(cloth.mean().round()) for pair, (cloth, _) in taken(home).items()}
    assert levels == {"00000_00__00000_00": 180, "00001_00__00000_00": 120}


def test_without_being_asked_for_they_are_named_as_not_read(home):
    done = take_in(home, warped="")
    assert "not read: unpaired-cloth-warp, unpaired-cloth-warp-mask" in done.output and not taken(home)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"size": (512, 512)}, "cloth-warp/00000_00.jpg: 512×512 (height × width), its person's picture has 1024×768, another"),
        ({"mask": outline((512, 512))}, "cloth-warp-mask/00000_00.jpg: 512×512"),
        ({"mask": np.zeros((512, 384), np.uint8)}, "cloth-warp-mask/00000_00.jpg: 0% of it is white"),
        ({"mask": np.full((512, 384, 3), (200, 40, 40), np.uint8)}, "cloth-warp-mask/00000_00.jpg: not a mask"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_warped_garment_is_named_once_and_neither_file_of_the_pair_is_taken(home, changed, why):
    put(home, "00000_00", **changed)
    done = take_in(home)
    flat = " ".join(done.output.split())
    assert done.exit_code == 3 and flat.count(why) == 1, done.output
    assert taken(home).keys() == {"00001_00__00000_00"}


def test_a_garment_without_its_mask_is_left_to_the_step_and_said(home):
    (home / "tree/test/unpaired-cloth-warp-mask/00001_00.jpg").unlink()
    done = take_in(home)
    assert done.exit_code == 0 and "no warped garment's mask in the tree: the step bends the garment" in done.output
    assert taken(home).keys() == {"00000_00__00001_00"}


def test_what_was_exported_comes_back(home):
    take_in(home)
    run("export", "viton-hd", home / "given", "--inputs", home / "in", "--outputs", home / "out", "--warped", "dci_vton_v2")
    (home / "tree").rename(home / "old")
    (home / "given").rename(home / "tree")
    before = taken(home)
    (home / "out").rename(home / "out-before")
    (home / "in").rename(home / "in-before")
    take_in(home)
    after = taken(home)
    assert after.keys() == before.keys()
    for pair, pictures in before.items():
        assert all(np.abs(a.astype(int) - b).mean() < 2 for a, b in zip(pictures, after[pair], strict=True))


def test_several_garments_of_a_person_an_engine_that_warps_nothing_and_a_tree_without_any_are_refused(home):
    with pytest.raises(UsageError, match=r"stableviton warps no garment beforehand"):
        take_in(home, warped="stableviton")
    with pytest.raises(UsageError, match="unknown engine"):
        take_in(home, warped="dci-vtom")
    with (home / "tree/test_pairs.txt").open("a") as file:
        file.write("00000_00.jpg 00000_00.jpg\n")
    with pytest.raises(UsageError, match="after the person alone, and 00000_00 has 2"):
        take_in(home)
    for folder in list((home / "tree/test").glob("unpaired-*")):
        folder.rename(folder.with_name(f"old-{folder.name}"))
    with pytest.raises(UsageError, match=r"there is no .*cloth-warp"):
        take_in(home)
    assert not (home / "in").exists()
