"""The cloth step: clean cut-outs on plain grounds, an honest canvas, and flags where a picture is doubtful."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from flat_lays import TEE, NobodyThere, flat_lay, shape_mask

from pipeline.core import images, masks
from pipeline.core.errors import InputError
from pipeline.core.flags import Flag
from pipeline.core.items import Garment
from pipeline.core.labels import Category
from pipeline.core.layout import CLOTH, CLOTH_MASK, Layout
from pipeline.core.pixels.colour import to_lab
from pipeline.core.step import Context, Produced
from preprocess.cloth.embedded import PlainBackground, cut_garment
from preprocess.cloth.ground_colour import fit_border
from preprocess.cloth.outline import category_doubt, has_two_legs, outline_doubts, symmetry
from preprocess.cloth.soft_edge import edge_alpha
from preprocess.cloth.step import ClothConfig, ClothStep, frame_of, normalise


def run_step(tmp_path: Path, photo: np.ndarray, category: Category = Category.UPPER, wearers: object | None = None) -> Produced:
    (tmp_path / "g.png").write_bytes(images.png(photo))
    step = ClothStep(ClothConfig(), Context(Layout(tmp_path, tmp_path, tmp_path)), PlainBackground(), wearers or NobodyThere())
    step.load()
    return step.run([step.read(Garment("g", "inputs:g.png", category))])[0]


def canvas_of(produced: Produced, tmp_path: Path) -> tuple[np.ndarray, np.ndarray]:
    for name, ref in (("cloth.jpg", CLOTH.of("g")), ("mask.jpg", CLOTH_MASK.of("g"))):
        (tmp_path / name).write_bytes(produced.files[ref]())
    return images.read_rgb(tmp_path / "cloth.jpg"), images.read_mask(tmp_path / "mask.jpg")


def flags_of(produced: Produced) -> set[Flag]:
    return {notice.flag for notice in produced.notices}


@pytest.mark.parametrize("colour", [(40, 90, 60), (20, 20, 22), (236, 232, 214), (252, 252, 252)])
def test_a_garment_of_any_colour_is_cut_to_the_pixel_on_light_grey(colour: tuple[int, int, int]) -> None:
    mask = shape_mask(TEE)
    assert masks.iou(cut_garment(flat_lay(mask, colour)) > 127, mask) > 0.985


def test_a_sloping_ground_is_still_ground() -> None:
    mask = shape_mask(TEE)
    slope = np.linspace(200, 245, 600)[None, :, None] * np.ones((800, 1, 3)) * np.linspace(1, 0.94, 800)[:, None, None]
    assert masks.iou(cut_garment(flat_lay(mask, (120, 40, 60), slope)) > 127, mask) > 0.985


def test_a_soft_shadow_is_not_taken_along() -> None:
    mask = shape_mask(TEE)
    shadow = cv2.GaussianBlur(np.roll(mask, (10, 6), axis=(0, 1)).astype(np.float32), (0, 0), 7)
    ground = (250 * (1 - 0.28 * shadow))[..., None] * np.ones(3)
    found = cut_garment(flat_lay(mask, (30, 110, 100), ground)) > 127
    assert np.count_nonzero(found & ~masks.dilate(mask, 1)) < 0.002 * mask.sum()


@pytest.mark.parametrize("strength", [10, 40])
def test_a_shops_watermark_on_the_ground_is_not_taken_along(strength: int) -> None:
    mask = shape_mask(TEE)
    photo = flat_lay(mask, (30, 110, 100))
    cv2.putText(photo, "SHOPNAME.COM", (60, 720), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (246 - strength,) * 3, 4, cv2.LINE_AA)
    assert masks.iou(cut_garment(photo) > 127, mask) > 0.985


@pytest.mark.parametrize("strength", [8, 30])
def test_creases_of_the_backdrop_that_run_into_the_garment_are_not_taken_along(strength: int) -> None:
    mask = shape_mask(TEE)
    folds = np.zeros(mask.shape, np.float32)
    cv2.line(folds, (0, 300), (600, 340), 1, 5)
    cv2.line(folds, (120, 0), (90, 800), 1, 4)
    dark = strength * cv2.GaussianBlur(folds, (0, 0), 3)[..., None] * ~mask[..., None]
    photo = np.clip(flat_lay(mask, (30, 110, 100)) - dark, 0, 255).astype(np.uint8)
    assert masks.iou(cut_garment(photo) > 127, mask) > 0.985


def test_jpeg_blocks_beside_the_garment_are_not_taken_along() -> None:
    mask = shape_mask(TEE)
    _, coded = cv2.imencode(".jpg", flat_lay(mask, (240, 210, 60))[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])
    photo = np.ascontiguousarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1])
    assert masks.iou(cut_garment(photo) > 127, mask) > 0.98


def test_the_gap_between_sleeve_and_body_is_opened() -> None:
    mask = shape_mask(TEE)
    mask[330:560, 250:275] = False
    found = cut_garment(flat_lay(mask, (60, 80, 160))) > 127
    assert not found[345:545, 255:270].any()


def test_a_white_print_on_a_coloured_garment_is_no_hole() -> None:
    mask = shape_mask(TEE)
    photo = flat_lay(mask, (60, 80, 160))
    rng = np.random.default_rng(0)
    photo[350:450, 250:350] = np.clip(243 + rng.normal(0, 2.5, (100, 100, 1)), 0, 255).astype(np.uint8)
    assert (cut_garment(photo) > 127)[355:445, 255:345].all()


def test_edges_are_soft_and_lie_on_the_true_outline() -> None:
    true = np.clip(300.4 - np.arange(600)[None, :], 0, 1) * np.ones((200, 1))
    photo = np.round(240 + true[..., None] * (np.array([60, 30, 30]) - 240)).astype(np.uint8)
    alpha = edge_alpha(photo, true > 0.5)
    assert np.abs(alpha - true)[20:-20].max() < 0.2


def test_a_garment_that_fills_nearly_half_of_the_border_does_not_become_the_ground() -> None:
    photo = np.full((400, 300, 3), 235, np.uint8)
    photo[230:] = (30, 30, 90)
    ground = fit_border(to_lab(photo), 10)
    assert ground.colour[..., 0].min() > 85


def test_the_canvas_holds_the_garment_centred_and_unstretched(tmp_path: Path) -> None:
    cloth, mask = canvas_of(run_step(tmp_path, flat_lay(shape_mask(TEE), (140, 40, 40))), tmp_path)
    assert cloth.shape == (1024, 768, 3) and mask.shape == (1024, 768)
    box = masks.box_of(mask)
    assert box.height / box.width == pytest.approx(490 / 400, rel=0.02)
    assert abs(box.top + box.height / 2 - 512) < 4 and abs(box.left + box.width / 2 - 384) < 4
    assert 0.74 * 1024 < box.height < 0.86 * 1024


def test_a_wide_garment_fits_the_width(tmp_path: Path) -> None:
    wide = shape_mask(np.array([(60, 300), (540, 300), (540, 480), (60, 480)]))
    _, mask = canvas_of(run_step(tmp_path, flat_lay(wide, (140, 40, 40))), tmp_path)
    box = masks.box_of(mask)
    assert box.left > 20 and box.width < 728


def test_outside_the_mask_the_canvas_is_the_light_grey_without_a_fringe(tmp_path: Path) -> None:
    cloth, mask = canvas_of(run_step(tmp_path, flat_lay(shape_mask(TEE), (30, 30, 120), 180)), tmp_path)
    far = ~masks.dilate(mask, 12)
    assert np.abs(cloth[far].astype(int) - 244).max() <= 3
    rim = masks.erode(mask, 1) & ~masks.erode(mask, 3)
    assert np.median(np.abs(cloth[rim].astype(int) - (30, 30, 120)).max(-1)) < 25


def test_transparency_is_the_mask_and_leaves_no_white_rim(tmp_path: Path) -> None:
    mask = shape_mask(TEE)
    alpha = cv2.GaussianBlur(mask.astype(np.float32) * 255, (0, 0), 1.5).astype(np.uint8)
    colour = np.full((*mask.shape, 3), (20, 60, 30), np.uint8)
    cloth, found = canvas_of(run_step(tmp_path, np.dstack([colour, alpha])), tmp_path)
    rim = found & ~masks.erode(found, 2)
    assert cloth[rim].mean(0)[0] < 90


def test_one_colour_only_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no garment found") as caught:
        run_step(tmp_path, np.full((500, 400, 3), 200, np.uint8))
    assert caught.value.remedy and f" {tmp_path / 'g.png'}:" in caught.value.message  # a path somebody can open


def test_black_on_black_is_an_error_not_a_guess(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        run_step(tmp_path, flat_lay(shape_mask(TEE), (3, 3, 3), 3))


@pytest.mark.slow
def test_a_tiny_garment_in_a_large_photo_is_cut_from_the_full_pixels_and_flagged(tmp_path: Path) -> None:
    small = np.zeros((4000, 4000), bool)
    small[1600:2400, 1700:2300] = shape_mask(TEE)
    produced = run_step(tmp_path, flat_lay(small, (30, 90, 60)))
    _, mask = canvas_of(produced, tmp_path)
    expected = normalise(flat_lay(shape_mask(TEE), (30, 90, 60)), shape_mask(TEE).astype(np.uint8) * 255, ClothConfig())[1] > 0
    assert masks.iou(mask, expected) > 0.98
    assert Flag.CLOTH_MASK_SUSPECT in flags_of(produced)


def test_trousers_among_tops_are_noticed(tmp_path: Path) -> None:
    trousers = shape_mask(np.array([(220, 100), (380, 100), (400, 700), (320, 700), (300, 300), (280, 700), (200, 700)]))
    assert has_two_legs(trousers)
    assert flags_of(run_step(tmp_path, flat_lay(trousers, (40, 50, 80)))) == {Flag.CATEGORY_SUSPECT}
    assert flags_of(run_step(tmp_path, flat_lay(trousers, (40, 50, 80)), Category.LOWER)) == set()


def test_a_top_among_trousers_is_noticed() -> None:
    assert category_doubt(shape_mask(TEE), Category.LOWER)
    assert not category_doubt(shape_mask(TEE), Category.UPPER)


def test_a_lopsided_outline_is_doubted() -> None:
    half = shape_mask(TEE)
    half[300:, 300:] = False
    assert symmetry(half) < symmetry(shape_mask(TEE))
    assert any("symmetry" in doubt for doubt in outline_doubts(half, 0.3))


def test_a_ragged_outline_is_doubted() -> None:
    rng = np.random.default_rng(3)
    ragged = shape_mask(TEE)
    bites = rng.random(ragged.shape) < 0.004
    ragged &= ~(masks.dilate(bites, 6) & ~masks.erode(ragged, 14))
    assert any("ragged" in doubt for doubt in outline_doubts(ragged, 0.3))
    assert outline_doubts(shape_mask(TEE), 0.3) == []


def test_the_same_photo_gives_the_same_bytes(tmp_path: Path) -> None:
    photo = flat_lay(shape_mask(TEE), (90, 30, 90))
    first, second = (run_step(tmp_path, photo).files[CLOTH.of("g")]() for _ in range(2))
    assert first == second


def test_the_frame_never_stretches() -> None:
    alpha = shape_mask(TEE).astype(np.uint8) * 255
    frame = frame_of(alpha, ClothConfig())
    assert frame.width / frame.height == pytest.approx(768 / 1024)


@pytest.fixture(scope="module")
def sample_results(samples: Path) -> dict[str, Produced]:
    folder = samples / "cloth"
    step = ClothStep(ClothConfig(), Context(Layout(folder, folder, folder)), PlainBackground())
    step.load()
    results = {}
    for path in sorted(folder.glob("*.jpg")):
        category = next(each for each in Category if f"_{each.value}_" in path.name)
        results[path.stem[:3]] = step.run([step.read(Garment(path.stem[:3], f"inputs:{path.name}", category))])[0]
    return results


@pytest.mark.slow
@pytest.mark.samples
def test_of_the_sample_garments_only_the_worn_one_is_flagged(sample_results: dict[str, Produced]) -> None:
    assert len(sample_results) == 15
    flagged = {name: flags_of(produced) for name, produced in sample_results.items() if produced.notices}
    assert flagged == {"g15": {Flag.GARMENT_WORN}}


@pytest.mark.slow
@pytest.mark.samples
@pytest.mark.parametrize(("name", "share"), [("g03", 0.469), ("g08", 0.309), ("g13", 0.280), ("g14", 0.366), ("g01", 0.511)])
def test_difficult_sample_garments_keep_their_area(sample_results: dict[str, Produced], name: str, share: float) -> None:
    """White on white, near-white, white on grey, straps, stripes: areas of masks that were looked at and found good."""
    assert float(sample_results[name].facts["mask_share"]) == pytest.approx(share, rel=0.015)
