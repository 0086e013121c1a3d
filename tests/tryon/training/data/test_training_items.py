"""Training pairs as the published loader reads and changes them, exactly; and what of its faults is not repeated."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from training_trees import training_tree

from pipeline.core import images
from pipeline.core.errors import InputError, UsageError
from pipeline.core.labels import DENSEPOSE_COLOURS, BodyPart
from tryon.training.data.augment import (
    AugmentConfig,
    Changes,
    Move,
    apply,
    change_contrast,
    decide,
    moved,
    recomposed,
    shift_hsv,
    sides_swapped,
)
from tryon.training.data.items import read_item
from tryon.training.data.sheet import augmentation_sheet, contact_sheet
from tryon.training.data.tree import Kind, Tree, TreeKind, find_tree
from tryon.training.data.worn_garment import make_worn_masks

OURS = {
    "agn": "agnostic", "agn_mask": "keep", "cloth": "cloth", "cloth_mask": "cloth_mask", "image": "image",
    "image_densepose": "densepose", "gt_cloth_warped_mask": "worn",
}  # fmt: skip
NOTHING = AugmentConfig(flip=0, move=0, hsv=0, contrast=0)


@pytest.fixture(scope="session")
def published(fixtures_root):
    return np.load(fixtures_root / "stableviton" / "public" / "data.npz")


@pytest.fixture(scope="session")
def published_tree(published, tmp_path_factory) -> Tree:
    root = tmp_path_factory.mktemp("published")
    for name in published.files:
        if name.startswith("files/"):
            path = root / name.removeprefix("files/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(published[name].tobytes())
    return find_tree(root)


@pytest.fixture(scope="session")
def tree(tmp_path_factory) -> Tree:
    return find_tree(training_tree(tmp_path_factory.mktemp("made")))


def without(pair, kind):
    return replace(pair, files={each: path for each, path in pair.files.items() if each is not kind})


@pytest.mark.parametrize("mode", ["paired", "unpaired"])
def test_items_are_exactly_those_of_the_published_loader(published, published_tree, mode):
    pairs = published_tree.pairs("test", paired=mode == "paired")
    assert len(pairs) == 2
    for number, pair in enumerate(pairs):
        item = read_item(without(pair, Kind.WORN), (256, 192))  # in the test half it gives zeros
        assert (pair.person, pair.garment) == tuple(published[f"out/{mode}/{number}/names"])
        for theirs, ours in OURS.items():
            assert np.array_equal(np.atleast_3d(getattr(item, ours)), published[f"out/{mode}/{number}/{theirs}_u8"]), theirs


def test_the_worn_garments_mask_is_read_in_training(published, published_tree):
    item = read_item(published_tree.pairs("train")[0], (256, 192))
    assert np.array_equal(item.worn[..., None], published["out/train/gt_cloth_warped_mask_u8"])


def test_each_augmentation_is_exactly_the_published_one(published, published_tree):
    picture = published["out/paired/0/image_u8"]
    for move, name in ((Move(1.13, -0.07, 0.11), "s1.13_dx0.11_dy-0.07"), (Move(0.86, 0.18, -0.15), "s0.86_dx-0.15_dy0.18")):
        levels = np.abs(moved(picture, move).astype(int) - published[f"aug/shiftscale_{name}"])
        # OpenCV 4 rounds places to 1/32 pixel, OpenCV 5 does not (docs/facts/opencv.md)
        assert levels.max() == 0 if cv2.__version__ < "5" else levels.mean() < 0.5, (name, levels.mean(), levels.max())
    assert np.array_equal(shift_hsv(picture, 3, -4, 5), published["aug/hsv_h3_s-4_v5"])
    assert np.array_equal(change_contrast(picture, 1.21, -0.06), published["aug/bc_alpha1.21_beta-0.06"])
    assert np.array_equal(change_contrast(picture, 0.8, 0.015), published["aug/bc_alpha0.8_beta0.015"])
    item = read_item(published_tree.pairs("test")[0], (256, 192))
    made = recomposed(item.agnostic, item.keep) / np.float32(127.5) - 1
    assert np.abs(made - published["aug/agn_recomposed_norm"]).max() < 1e-6


def test_changes_depend_on_seed_epoch_and_sample_alone():
    config = AugmentConfig()
    assert decide(config, 1, 2, "a") == decide(config, 1, 2, "a")
    others = [decide(config, 2, 2, "a"), decide(config, 1, 3, "a"), decide(config, 1, 2, "b")]
    assert all(each != decide(config, 1, 2, "a") for each in others)
    assert decide(config.model_copy(update={"hsv": 0}), 1, 2, "a").person == decide(config, 1, 2, "a").person


def test_changes_stay_within_the_papers_limits():
    config = AugmentConfig()
    drawn = [decide(config, 0, epoch, "a") for epoch in range(400)]
    moves = [move for each in drawn for move in (each.person, each.garment) if move]
    assert 0.4 < len(moves) / 800 < 0.6 and 0.4 < sum(each.flip for each in drawn) / 400 < 0.6
    assert all(0.8 <= move.scale <= 1.2 and abs(move.down) <= 0.2 and abs(move.right) <= 0.2 for move in moves)
    contrasts = [each.contrast for each in drawn if each.contrast]
    assert all(0.7 <= factor <= 1.3 and -0.1 <= added <= 0.02 for factor, added in contrasts)
    assert min(factor for factor, _ in contrasts) < 0.75 and max(added for _, added in contrasts) > 0


def test_without_augmentation_a_pair_is_what_was_read(tree):
    item = read_item(tree.pairs("train")[0], (128, 64))
    assert apply(item, decide(NOTHING, 0, 0, item.id), NOTHING) is item


def test_the_garments_mask_moves_with_the_person_unless_the_published_fault_is_asked_for(tree):
    item = read_item(tree.pairs("train")[0], (128, 64))
    changes = Changes(person=Move(1.0, 0.1, 0.0))
    ours = apply(item, changes, NOTHING)
    theirs = apply(item, changes, NOTHING.model_copy(update={"published_faults": True}))
    assert np.array_equal(ours.worn, moved(item.worn, Move(1.0, 0.1, 0.0))) and not np.array_equal(ours.worn, item.worn)
    assert np.array_equal(theirs.worn, item.worn)
    assert not ours.mask[:10].any()  # what comes in from outside counts as "keep" and is black
    assert not ours.image[:10].any()
    assert np.array_equal(ours.cloth, item.cloth)


def test_a_mirrored_left_arm_is_a_right_arm():
    table = np.asarray(DENSEPOSE_COLOURS, np.uint8)
    left = np.tile(table[BodyPart.LEFT_FOREARM_OUTER], (4, 4, 1))
    assert (sides_swapped(left) == table[BodyPart.RIGHT_FOREARM_OUTER]).all()
    assert (sides_swapped(np.tile(table[BodyPart.TORSO_FRONT], (4, 4, 1))) == table[BodyPart.TORSO_FRONT]).all()
    assert not sides_swapped(np.zeros((4, 4, 3), np.uint8)).any()
    every = table[1:][None]
    assert np.array_equal(sides_swapped(sides_swapped(every)), every)


def test_a_flip_turns_person_and_garment_together_and_swaps_sides(tree):
    item = read_item(tree.pairs("train")[0], (128, 64))
    flipped = apply(item, Changes(flip=True), NOTHING)
    for name in ("image", "cloth", "mask", "worn"):
        assert np.array_equal(getattr(flipped, name), getattr(item, name)[:, ::-1])
    right, left = (
        np.asarray(DENSEPOSE_COLOURS[part]) for part in (BodyPart.RIGHT_UPPER_ARM_OUTER, BodyPart.LEFT_UPPER_ARM_OUTER)
    )
    assert (item.densepose == right).all(axis=2).any() and not (item.densepose == left).all(axis=2).any()
    assert (flipped.densepose == left).all(axis=2).any() and not (flipped.densepose == right).all(axis=2).any()


def test_colours_change_alike_and_the_agnostic_picture_is_composed_again(tree):
    item = read_item(tree.pairs("train")[0], (128, 64))
    config = NOTHING.model_copy(update={"contrast": 0.5})
    changed = apply(item, Changes(contrast=(1.2, -0.05)), config)
    assert np.array_equal(changed.cloth, change_contrast(item.cloth, 1.2, -0.05))
    inside = item.mask == 255
    assert (changed.agnostic[inside] == 128).all()  # grey stays grey, whatever happens to colours
    assert np.array_equal(changed.agnostic[item.mask == 0], changed.image[item.mask == 0])


def test_a_tree_of_neither_kind_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no training pairs here"):
        find_tree(tmp_path)


def test_dresscode_is_read_with_raw_body_parts_and_an_agnostic_picture_made_of_the_mask(tmp_path):
    part = tmp_path / "upper_body"
    size, index = (64, 48), np.zeros((64, 48), np.uint8)
    index[20:40, 10:30] = BodyPart.TORSO_FRONT
    mask = index > 0
    files = {
        "images/000001_0.jpg": images.png(np.full((*size, 3), 90, np.uint8)),
        "images/000001_1.jpg": images.png(np.full((*size, 3), 244, np.uint8)),
        "dense/000001_5.png": images.png(index),
        "agnostic_masks/000001_0.png": images.mask_png(mask),
        "label_maps/000001_4.png": images.png(np.where(mask, np.uint8(4), np.uint8(0))),
    }
    for name, content in files.items():
        (part / name).parent.mkdir(parents=True, exist_ok=True)
        (part / name).write_bytes(content)
    (part / "train_pairs.txt").write_text("000001_0.jpg\t000001_1.jpg\n", "utf-8")
    tree = find_tree(tmp_path)
    assert tree.kind is TreeKind.DRESSCODE
    assert make_worn_masks(tree).written == 1
    item = read_item(tree.pairs("train")[0], size)
    assert (item.densepose[mask] == DENSEPOSE_COLOURS[BodyPart.TORSO_FRONT]).all() and not item.densepose[~mask].any()
    assert (item.agnostic[mask] == 128).all() and (item.agnostic[~mask] == 90).all()
    assert np.array_equal(item.worn == 255, mask)


def test_worn_garments_are_made_of_parse_maps_once(tmp_path):
    tree = find_tree(training_tree(tmp_path, pairs=2, worn=False))
    made = make_worn_masks(tree)
    assert (made.written, made.kept, made.without_parse, made.empty) == (2, 0, (), ())
    item = read_item(tree.pairs("train")[0], (128, 128))
    assert np.array_equal(item.worn >= 128, images.read_labels(tree.pairs("train")[0].files[Kind.PARSE]) == 5)
    again = make_worn_masks(tree)
    assert (again.written, again.kept) == (0, 2)


def test_people_without_a_parse_map_or_without_a_garment_on_it_are_named(tmp_path):
    tree = find_tree(training_tree(tmp_path, pairs=3, worn=False))
    first, second, _ = tree.pairs("train")
    first.files[Kind.PARSE].unlink()
    second.files[Kind.PARSE].write_bytes(images.labels_png(np.zeros((128, 128), np.uint8)))
    made = make_worn_masks(tree)
    assert (made.without_parse, made.empty, made.written) == ((first.person,), (second.person,), 2)


def test_a_damaged_parse_map_is_an_error_with_a_cure(tmp_path):
    tree = find_tree(training_tree(tmp_path, pairs=1, worn=False))
    tree.pairs("train")[0].files[Kind.PARSE].write_bytes(b"no picture")
    with pytest.raises(InputError) as error:
        make_worn_masks(tree)
    assert "--step parsing" in error.value.remedy


def test_sheets_have_a_row_as_read_and_one_per_epoch(tree):
    items = [read_item(pair, (128, 64)) for pair in tree.pairs("train")[:2]]
    sheet = augmentation_sheet(items, AugmentConfig(), 0, epochs=3, height=64)
    assert sheet.shape == (20 + 2 * 4 * 64, 6 * 32, 3)
    assert contact_sheet(["a", "b"], [[items[0].image, items[0].cloth]], height=64).shape == (84, 64, 3)
