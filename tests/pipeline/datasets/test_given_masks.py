"""Masks and parse maps that come with a tree: converted where their meaning is clear, and said; refused where it is not."""

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn_person import draw
from PIL import Image, ImageFilter, ImageOps
from published_trees import garment, viton_hd
from test_datasets_in import folders, import_tree
from workspaces import save

from pipeline.core import images, layout
from pipeline.core.errors import InputError
from pipeline.core.images.label_maps import VOC_PALETTE
from pipeline.core.labels import CIHP_PALETTE, Category
from preprocess.agnostic.rules.conditions import Conditions
from preprocess.agnostic.rules.hr_viton import hr_viton

Change = Callable[[Image.Image], Image.Image]
MASK, CLOTH_MASK, PARSE = "agnostic-mask/00000_00_mask.png", "cloth-mask/00000_00.jpg", "image-parse-v3/00000_00.png"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return viton_hd(tmp_path_factory.mktemp("given") / "tree", 1)


def imported(published: Path, tmp_path: Path, name: str, change: Change, *words: str, without=()):
    """The result of importing the tree with one changed file; `without` drops folders."""
    tree = tmp_path / "tree"
    shutil.copytree(published, tree)
    for folder in without:
        shutil.rmtree(tree / "test" / folder)
    file = tree / "test" / name
    changed = change(Image.open(file))
    changed.save(file, "JPEG" if file.suffix == ".jpg" and changed.mode == "L" else "PNG", quality=95)
    return import_tree(tmp_path, "--pairs", "none", *words)


def agnostic(tmp_path):
    return images.read_mask(folders(tmp_path).path(layout.AGNOSTIC_MASK.of("00000_00", Category.UPPER)))


def right() -> np.ndarray:
    drawing = draw(upper=(200, 40, 40))
    return hr_viton(Category.UPPER, Conditions(drawing.labels, drawing.body))


def inverted(image: Image.Image) -> Image.Image:
    return ImageOps.invert(image.convert("L"))


def zero_one(image: Image.Image) -> Image.Image:
    return Image.fromarray((np.asarray(image.convert("L")) > 127).astype(np.uint8))


def zero_one_in_a_palette(image: Image.Image) -> Image.Image:
    indices = zero_one(image)
    indices.putpalette([level for level in range(256) for _ in range(3)])
    return indices


def zero_one_inverted(image: Image.Image) -> Image.Image:
    return zero_one(inverted(image))


def feathered(image: Image.Image) -> Image.Image:
    return image.convert("L").filter(ImageFilter.GaussianBlur(8))


def very_soft(image: Image.Image) -> Image.Image:
    return image.convert("L").filter(ImageFilter.GaussianBlur(16))


def in_alpha(colour: int, hole: bool = False) -> Change:
    def change(image: Image.Image) -> Image.Image:
        mask = image.convert("L")
        ground = Image.new("L", image.size, colour)
        return Image.merge("LA", [ground, ImageOps.invert(mask) if hole else mask])

    return change


def photo_with_a_hole(image: Image.Image) -> Image.Image:
    photo = Image.fromarray(draw(upper=(200, 40, 40)).view.image)
    photo.putalpha(inverted(image))
    return photo


def resized(scale: float) -> Change:
    return lambda image: image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.NEAREST)


UNDERSTOOD = {
    "black = repaint": (inverted, "black = yes"), "0 and 1": (zero_one, "0 and 1"),
    "0 and 1, palette": (zero_one_in_a_palette, "0 and 1"),
    "0 and 1, black = repaint": (zero_one_inverted, "black = yes"), "soft edges": (feathered, "soft edges"),
    "very soft edges": (very_soft, "soft edges"),
    "white in alpha": (in_alpha(255), "alpha"), "a silhouette in alpha": (in_alpha(0), "alpha"),
    "black with a hole in alpha": (in_alpha(0, hole=True), "alpha"), "a photo with a hole": (photo_with_a_hole, "alpha"),
    "white with a hole": (in_alpha(255, hole=True), "black = yes"), "half the size": (resized(0.5), "resized"),
    "twice the size": (resized(2), "resized"),
}  # fmt: skip


@pytest.mark.parametrize("kind", UNDERSTOOD)
def test_an_agnostic_mask_of_clear_meaning_is_converted_and_it_is_said(published, tmp_path, kind):
    change, note = UNDERSTOOD[kind]
    done = imported(published, tmp_path, MASK, change)
    assert done.exit_code == 0 and f"{Path(MASK).name}: " in done.output and note in done.output
    assert (agnostic(tmp_path) == right()).mean() > 0.985


@pytest.mark.parametrize("without", [("agnostic-v3.2",), ("agnostic-v3.2", "image-parse-v3", "image-parse-agnostic-v3.2")])
def test_the_grey_picture_follows_the_converted_mask(published, tmp_path, without):
    assert imported(published, tmp_path, MASK, inverted, without=without).exit_code == 0
    assert np.array_equal(agnostic(tmp_path), right())
    grey = images.read_rgb(folders(tmp_path).path(layout.AGNOSTIC.of("00000_00", Category.UPPER)))
    assert np.abs(grey[cv2.erode(right().astype(np.uint8), np.ones((17, 17))) > 0].astype(int) - 128).max() <= 2


@pytest.mark.parametrize(
    ("change", "note"), [(inverted, "black = yes"), (zero_one, "0 and 1"), (feathered, "soft edges"), (resized(0.5), "resized")]
)
def test_a_cloth_mask_of_clear_meaning_is_converted_and_it_is_said(published, tmp_path, change, note):
    done = imported(published, tmp_path, CLOTH_MASK, change)
    assert done.exit_code == 0 and note in done.output
    made = images.read_mask(folders(tmp_path).path(layout.CLOTH_MASK.of("00000_00")))
    assert (made == (garment(0)[1] > 127)).mean() > 0.99


def grey_photo(image: Image.Image) -> Image.Image:
    return Image.fromarray(draw(upper=(200, 40, 40)).view.image).convert("L").resize(image.size)


def everything(level: int) -> Change:
    return lambda image: Image.new("L", image.size, level)


def half_alpha(image: Image.Image) -> Image.Image:
    """A silhouette that its surroundings do not explain: the left half."""
    left = np.zeros((image.height, image.width), np.uint8)
    left[:, : image.width // 2] = 255
    return Image.merge("LA", [Image.new("L", image.size, 0), Image.fromarray(left)])


def trimap(image: Image.Image) -> Image.Image:
    """Black, white, and an even grey between them where it is open which."""
    mask = np.asarray(image.convert("L"))
    wide = np.ones((41, 41), np.uint8)
    return Image.fromarray(np.where(cv2.erode(mask, wide) == cv2.dilate(mask, wide), mask, 128).astype(np.uint8))


REFUSED = {
    "a grey photo": (grey_photo, "not a mask"), "another shape": (lambda image: image.resize((600, 600)), "another shape"),
    "all white": (everything(255), "which shows nothing"), "all black": (everything(0), "which shows nothing"),
    "an alpha channel that can be meant either way": (half_alpha, "cannot be seen"),
    "a trimap": (trimap, "not a mask"),
    "grey areas": (lambda image: image.convert("L").point(lambda level: 200 if level else 0), "not a mask"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_a_mask_of_unclear_meaning_is_refused_with_file_and_cure(published, tmp_path, kind):
    change, reason = REFUSED[kind]
    done = imported(published, tmp_path, MASK, change, without=("agnostic-v3.2", "image-parse-v3"))
    assert done.exit_code == 3 and f"{Path(MASK).name}: " in done.output and reason in done.output and "→" in done.output
    assert not folders(tmp_path).path(layout.AGNOSTIC_MASK.of("00000_00", Category.UPPER)).exists()
    assert folders(tmp_path).path(layout.IMAGE.of("00000_00")).is_file()


def test_invert_masks_decides_where_the_picture_does_not(published, tmp_path):
    done = imported(published, tmp_path, MASK, half_alpha, "--invert-masks", without=("agnostic-v3.2", "image-parse-v3"))
    assert done.exit_code == 0 and "as --invert-masks asks" in done.output
    assert agnostic(tmp_path)[:, 400:].all() and not agnostic(tmp_path)[:, :380].any()
    made = images.read_mask(folders(tmp_path).path(layout.CLOTH_MASK.of("00000_00")))
    assert np.array_equal(made, garment(0)[1] > 127) and "white = yes by the picture below it" in done.output


def test_a_dry_run_says_what_a_real_one_would(published, tmp_path):
    said = imported(published, tmp_path, MASK, inverted, "--dry-run").output
    assert "black = yes" in said and "would be converted: 3" in said and not (tmp_path / "out").exists()


def in_colours(palette: tuple[tuple[int, int, int], ...]) -> Change:
    return lambda image: Image.fromarray(np.asarray(palette, np.uint8)[np.asarray(image)])


def reordered(image: Image.Image) -> Image.Image:
    """What an image editor makes of a parse map: the same colours, another order of the palette."""
    labels = np.asarray(image)
    order = np.random.default_rng(3).permutation(20)
    shuffled = Image.fromarray(np.argsort(order)[labels].astype(np.uint8), "P")
    shuffled.putpalette(np.asarray(CIHP_PALETTE, np.uint8)[order].tobytes())
    return shuffled


@pytest.mark.parametrize("change", [in_colours(CIHP_PALETTE), in_colours(VOC_PALETTE), reordered, resized(0.5)])
def test_a_parse_map_of_known_colours_or_another_size_is_read_back_to_labels(published, tmp_path, change):
    done = imported(published, tmp_path, PARSE, change)
    assert done.exit_code == 0 and f"{Path(PARSE).name}: " in done.output
    path = folders(tmp_path).path(layout.PARSE.of("00000_00"))
    assert (images.read_labels(path) == draw(upper=(200, 40, 40)).labels).mean() > 0.99 and Image.open(path).mode == "P"


def unknown_colours(image: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(image)[..., None] * np.array([7, 3, 11], np.uint8))


@pytest.mark.parametrize(("change", "reason"), [
    (unknown_colours, "no known palette"), (lambda image: Image.fromarray(np.asarray(image) * 12), "allowed are CIHP's 0 to 19"),
])  # fmt: skip
def test_a_parse_map_of_unknown_colours_or_numbers_is_refused(published, tmp_path, change, reason):
    done = imported(published, tmp_path, PARSE, change)
    assert done.exit_code == 3 and reason in done.output
    assert not folders(tmp_path).path(layout.PARSE.of("00000_00")).exists()


@pytest.mark.parametrize("palette", [CIHP_PALETTE, VOC_PALETTE, tuple((level, level, level) for level in range(256))])
def test_an_index_counts_whatever_colours_its_palette_has(tmp_path, palette):
    labels = np.arange(20, dtype=np.uint8).repeat(40).reshape(20, 40)
    picture = Image.fromarray(labels, "P")
    picture.putpalette(np.asarray(palette, np.uint8).tobytes())
    picture.save(tmp_path / "parse.png")
    assert np.array_equal(images.read_labels(tmp_path / "parse.png"), labels)


def test_colours_of_two_palettes_with_two_meanings_are_refused(tmp_path):
    save(tmp_path / "parse.png", np.full((9, 9, 3), (0, 128, 0), np.uint8))
    with pytest.raises(InputError, match="mean different labels"):
        images.read_labels(tmp_path / "parse.png")
