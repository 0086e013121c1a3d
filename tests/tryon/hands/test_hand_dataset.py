"""Data for a hand LoRA: who shows a hand, by the published rule and by ours; crops, masks, captions, split, kohya's folders."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.core import images
from pipeline.core.errors import InputError, UsageError
from pipeline.core.hands.shape import skin_area
from pipeline.core.keypoints import Keypoints, keypoints_to_json
from tryon.hands.crops import back, cut, square_around
from tryon.hands.dataset import SEED, SEED_LIST, Wanted, make_dataset, make_masks
from tryon.hands.hand_masks import arm_mask, read_hand_mask
from tryon.hands.visible import Hand, hands_of, seed_visible

SIZE = (400, 300)
SKIN = (205, 165, 140)


def quiet(line: str) -> None:
    """Says nothing."""


def drawn_hand(x: float, y: float, length: float, confidence: float = 0.9) -> np.ndarray:
    """(21, 3): a wrist and five straight fingers upwards."""
    rows = [(x, y, confidence)]
    for finger in range(5):
        across = (finger - 2) * length * 0.2
        rows += [(x + across, y - length * (0.4 + 0.15 * joint), confidence) for joint in range(1, 5)]
    return np.asarray(rows, np.float32)


def write_person(root: Path, name: str, left=None, right=None, split: str = "train") -> None:
    """Photo, key-points and parse map of one person."""
    points = Keypoints(
        np.ones((25, 3), np.float32), *(np.zeros((21, 3), np.float32) if each is None else each for each in (left, right))
    )
    photo = np.full((*SIZE, 3), 220, np.uint8)
    parse = np.zeros(SIZE, np.uint8)
    for number, hand in enumerate((left, right)):
        if hand is not None:
            area = skin_area(SIZE, hand[:, :2])
            photo[area], parse[area] = SKIN, 14 + number
    files = {
        f"image/{name}.jpg": images.png(photo),
        f"openpose_json/{name}_keypoints.json": keypoints_to_json([points]).encode(),
        f"image-parse-v3/{name}.png": images.labels_png(parse),
    }
    for path, content in files.items():
        (root / split / path).parent.mkdir(parents=True, exist_ok=True)
        (root / split / path).write_bytes(content)


@pytest.fixture
def tree(tmp_path) -> Path:
    root = tmp_path / "tree"
    write_person(root, "both", drawn_hand(80, 200, 80), drawn_hand(220, 200, 80))
    write_person(root, "small", right=drawn_hand(220, 200, 14))
    write_person(root, "unsure", left=drawn_hand(80, 200, 80, 0.2))
    write_person(root, "cut", left=drawn_hand(80, 60, 80))
    write_person(root, "none")
    few = drawn_hand(150, 200, 80)
    few[5:] = 0
    write_person(root, "few", left=few)
    return root


def test_the_published_rule_finds_the_recorded_people(fixtures_root: Path):
    with np.load(fixtures_root / "dci_vton" / "public" / "preprocess.npz") as file:
        cases, wanted = json.loads(str(file["seed/openpose_cases_json"])), file["seed/visible_ids"].tolist()
    assert [name for name, content in cases.items() if seed_visible(json.dumps(content), name)] == wanted


def test_the_published_masks_are_the_recorded_ones(fixtures_root: Path, tmp_path: Path):
    with np.load(fixtures_root / "dci_vton" / "public" / "preprocess.npz") as file:
        (tmp_path / "parse.png").write_bytes(file["file/test/image-parse-v3/00001_00.png"].tobytes())
        wanted, published = file["seed/hand_mask_exact"], file["seed/hand_mask_jpg_gt128"]
    mask = arm_mask(images.read_labels(tmp_path / "parse.png"))
    assert np.array_equal(np.packbits(mask), wanted) and np.array_equal(np.packbits(mask), published)


def test_one_sure_point_passes_the_published_rule_and_not_ours():
    points = np.zeros((21, 3), np.float32)
    points[4] = (50, 50, 0.9)
    text = keypoints_to_json([Keypoints(np.ones((25, 3), np.float32), points)])
    assert seed_visible(text, "one")
    assert hands_of(text, "one")[0].why_not(SIZE) == "fewer than 10 sure points"


def test_whole_sure_and_large_hands_become_crops_and_others_are_listed_with_the_reason(tree, tmp_path):
    assert make_dataset(Wanted(data=tree, to=tmp_path / "made", test_share=0), quiet) == 2
    names = (tmp_path / "made" / "train_pairs.txt").read_text().split()
    assert names == ["both_left.png"] * 2 + ["both_right.png"] * 2
    left_out = dict(row.split(",", 1) for row in (tmp_path / "made" / "left_out.csv").read_text().splitlines()[1:])
    assert left_out == {
        "small": "right,smaller than 32 px",
        "unsure": "left,no hand",
        "cut": "left,cut off by the frame",
        "none": "both,no hand",
        "few": "left,fewer than 10 sure points",
    }


def test_a_crop_shows_the_hand_its_mask_covers_it_and_its_caption_names_it(tree, tmp_path):
    make_dataset(Wanted(data=tree, to=tmp_path / "made", test_share=0, repeats=7), quiet)
    base = tmp_path / "made" / "train"
    crop = images.read_rgb(base / "image" / "both_left.png")
    mask = images.read_mask(base / "agnostic-mask" / "both_left_mask.png")
    assert crop.shape == (512, 512, 3)
    assert 0.1 < mask.mean() < 0.4
    skin = np.abs(crop.astype(int) - SKIN).sum(axis=2) < 40
    assert (skin & mask).sum() > 0.95 * skin[:, 100:400].sum()
    assert (base / "caption" / "both_left.txt").read_text() == "a photo of the left hand of a person\n"
    kohya = tmp_path / "made" / "kohya"
    assert images.read_rgb(kohya / "img" / "7_hands" / "both_left.png").shape == crop.shape
    assert (kohya / "img" / "7_hands" / "both_left.txt").is_file() and (kohya / "masks" / "7_hands" / "both_left.png").is_file()


def test_all_hands_of_a_person_are_on_one_side_of_the_split(tmp_path):
    for number in range(12):
        write_person(tmp_path / "tree", f"{number:05}_00", drawn_hand(80, 200, 80), drawn_hand(220, 200, 80))
    make_dataset(Wanted(data=tmp_path / "tree", to=tmp_path / "made", test_share=0.4), quiet)
    train, test = (
        {Path(name).stem.rpartition("_")[0] for name in (tmp_path / "made" / f"{part}_pairs.txt").read_text().split()}
        for part in ("train", "test")
    )
    assert train and test and not train & test
    assert not [path for path in (tmp_path / "made" / "kohya").rglob("*.png") if path.stem.rpartition("_")[0] in test]


def test_the_published_rule_takes_whole_photos_and_writes_its_list(tree, tmp_path):
    made = tmp_path / "made"
    assert make_dataset(Wanted(data=tree, to=made, rule=SEED, test_share=0), quiet) == 4
    assert (made / SEED_LIST).read_text().split() == ["both", "cut", "few", "small"]
    assert images.read_rgb(made / "train" / "image" / "both.png").shape[:2] == SIZE
    assert (made / "train" / "caption" / "both.txt").read_text() == "hands\n"


def test_masks_of_a_tree_are_hulls_of_hands_or_the_published_arms(tree, tmp_path):
    assert make_masks(tree, "train", tmp_path / "ours", "ours", quiet) == 6
    assert make_masks(tree, "train", tmp_path / "seed", SEED, quiet) == 6
    ours, seed = (images.read_mask(tmp_path / rule / "both_mask.png") for rule in ("ours", "seed"))
    assert np.array_equal(ours, seed)  # these people were drawn with arms that end at the wrist
    assert not images.read_mask(tmp_path / "ours" / "none_mask.png").any()


def test_a_tree_without_any_hand_is_refused_with_the_reasons(tmp_path):
    write_person(tmp_path / "tree", "none")
    with pytest.raises(UsageError, match=r"no hand to learn from \(no hand\)"):
        make_dataset(Wanted(data=tmp_path / "tree", to=tmp_path / "made"), quiet)


def test_a_tree_that_has_only_the_other_half_is_answered_with_the_option_that_reads_it(tmp_path):
    write_person(tmp_path / "own", "ann", left=drawn_hand(100, 100, 60), split="test")
    with pytest.raises(UsageError) as caught:
        make_dataset(Wanted(data=tmp_path / "own", to=tmp_path / "hands", split="train"), quiet)
    assert "in train/" in caught.value.message and caught.value.remedy == "its pictures lie in test/: --split test"
    with pytest.raises(UsageError) as caught:
        make_masks(tmp_path, "train", tmp_path / "masks", "ours", quiet)
    assert "export viton-hd" in caught.value.remedy


def test_a_folder_that_is_not_empty_is_left_alone(tree, tmp_path):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "kept.txt").touch()
    with pytest.raises(UsageError, match="not empty"):
        make_dataset(Wanted(data=tree, to=tmp_path / "made"), quiet)


def test_key_points_that_are_no_openpose_file_are_named():
    with pytest.raises(InputError, match="ann: not OpenPose JSON"):
        hands_of("[]", "ann")
    assert hands_of('{"people": []}', "ann") == [] and not seed_visible('{"people": []}', "ann")


def test_a_hand_mask_as_soft_jpeg_is_cut_at_half_and_one_of_another_size_refused(tmp_path):
    soft = np.zeros((80, 60, 3), np.uint8)
    soft[20:60, 15:45] = 255
    (tmp_path / "mask.jpg").write_bytes(images.jpeg(soft))
    mask = read_hand_mask(tmp_path / "mask.jpg", (80, 60))
    assert np.array_equal(mask, soft[..., 0] > 127)
    with pytest.raises(InputError, match="80 × 60, its picture 40 × 30"):
        read_hand_mask(tmp_path / "mask.jpg", (40, 30))


@pytest.mark.parametrize("corner", [(5, 5), (295, 395), (150, 200)])
def test_the_square_around_a_hand_lies_inside_the_photo(corner):
    points = np.asarray([corner, np.add(corner, 60)], np.float32)
    square = square_around(points, SIZE)
    assert square.height == square.width == 135
    assert square.top >= 0 and square.left >= 0 and square.bottom <= SIZE[0] and square.right <= SIZE[1]


def test_a_square_is_never_larger_than_the_photo():
    square = square_around(np.asarray([(0, 0), (290, 390)], np.float32), SIZE)
    assert (square.height, square.width) == (300, 300)


def test_cut_out_and_put_back_a_smooth_picture_stays_as_it_is():
    across = np.linspace(0, 255, SIZE[1])
    picture = np.repeat(np.tile(across, (SIZE[0], 1))[..., None], 3, axis=2).astype(np.uint8)
    square = square_around(np.asarray([(100, 100), (180, 170)], np.float32), SIZE)
    again = back(cut(picture, square), square)
    assert np.abs(again.astype(int) - picture[square.window(SIZE)]).max() <= 2


def test_a_hand_of_no_points_has_no_size():
    hand = Hand("left", np.zeros((21, 3), np.float32))
    assert hand.size_px == 0 and hand.why_not(SIZE) == "no hand"
