"""The area to repaint: HR-VITON's shape, safe on real people."""

import io
from dataclasses import replace

import numpy as np
import pytest
from drawn_person import JOINTS, SIZE, draw, keypoints, write_person
from PIL import Image

from pipeline.core import images, layout, masks
from pipeline.core.errors import InputError
from pipeline.core.flags import Flag
from pipeline.core.items import Person
from pipeline.core.keypoints import keypoints_to_json
from pipeline.core.labels import Atr, Category, Joint, Lip, Parse
from pipeline.core.step import Context
from preprocess.agnostic.parse_agnostic import parse_agnostic
from preprocess.agnostic.picture import AgnosticPictureStep, grey_out
from preprocess.agnostic.rules.conditions import Conditions
from preprocess.agnostic.rules.hr_viton import hr_viton
from preprocess.agnostic.step import AgnosticConfig, AgnosticStep, mask_notices
from preprocess.agnostic.strokes import Margins, unit_px
from preprocess.person.body import joints_from_keypoints, with_openpose_shoulders
from preprocess.person.parse_lists import ParseLists

MARGINS = Margins()
ARMS = (Parse.LEFT_ARM, Parse.RIGHT_ARM)


def area(drawing, category=Category.UPPER, body=None, margins=MARGINS):
    return hr_viton(category, Conditions(drawing.labels, body or drawing.body, margins=margins))


def test_the_worn_garment_is_covered_with_a_margin():
    drawing = draw(long_sleeves=True)
    mask = area(drawing)
    worn = drawing.labels == Parse.UPPER_CLOTHES
    assert mask[worn].all()
    rim = masks.dilate(worn, 10) & (drawing.labels == Parse.BACKGROUND)
    assert mask[rim].mean() > 0.99


def test_hands_and_face_are_given_back():
    drawing = draw()
    mask = area(drawing)
    assert not mask[drawing.labels == Parse.FACE].any()
    for wrist in (Joint.LEFT_WRIST, Joint.RIGHT_WRIST):
        x, y = JOINTS[wrist]
        fingers = (drawing.labels > 0) & (np.indices(SIZE)[0] > y + 4.5 * unit_px(drawing.body))
        fingers &= np.isin(drawing.labels, ARMS) & (np.abs(np.indices(SIZE)[1] - x) < 60)
        assert fingers.any() and not mask[fingers].any()


def test_bare_arms_are_repainted_to_the_wrist_whatever_is_worn():
    drawing = draw()
    mask = area(drawing)
    for elbow, wrist in ((Joint.LEFT_ELBOW, Joint.LEFT_WRIST), (Joint.RIGHT_ELBOW, Joint.RIGHT_WRIST)):
        for share in np.linspace(0, 1, 9):
            x, y = np.array(JOINTS[elbow]) * (1 - share) + np.array(JOINTS[wrist]) * share
            assert mask[round(y), round(x)]


def test_the_neck_is_masked_up_to_the_jaw():
    drawing = draw()
    neck = drawing.labels == Parse.NECK
    assert area(drawing)[neck].mean() > 0.98


def test_trousers_stay_but_for_a_narrow_band_below_the_hem():
    drawing = draw()
    mask = area(drawing)
    trousers = drawing.labels == Parse.PANTS
    rows = np.indices(SIZE)[0]
    below = rows > 670 + 0.03 * drawing.body.scale + 3
    assert not mask[trousers & below].any()
    middle = np.abs(np.indices(SIZE)[1] - 384) < 80
    assert mask[trousers & middle & (rows < 670 + 5)].all()


def test_the_unit_follows_the_shoulders_and_never_absolute_pixels():
    whole = draw()
    assert unit_px(whole.body) == 240 // 16 + 1
    small = joints_from_keypoints(keypoints(shrink=0.5))
    labels = whole.labels[::2, ::2]
    half = hr_viton(Category.UPPER, Conditions(labels, small))
    assert masks.iou(half, area(whole)[::2, ::2]) > 0.95


@pytest.mark.parametrize("category", list(Category))
@pytest.mark.parametrize("missing", [
    (Joint.MID_HIP, Joint.RIGHT_HIP, Joint.LEFT_HIP), (Joint.RIGHT_ELBOW, Joint.RIGHT_WRIST), (Joint.LEFT_WRIST,),
    (Joint.NOSE, Joint.RIGHT_EYE, Joint.LEFT_EYE), (Joint.RIGHT_KNEE, Joint.LEFT_KNEE, Joint.RIGHT_ANKLE, Joint.LEFT_ANKLE),
    (Joint.RIGHT_SHOULDER,), (Joint.NECK,),
])  # fmt: skip
@pytest.mark.slow
def test_a_missing_joint_never_pulls_the_mask_into_the_corner(category, missing):
    drawing = draw()
    mask = area(drawing, category, joints_from_keypoints(keypoints(without=missing)))
    assert not mask[:150, :150].any()
    assert masks.iou(mask, area(drawing, category)) > 0.6


def test_in_profile_the_trousers_are_not_eaten_by_widened_hips():
    drawing = draw()
    xy = drawing.body.xy.copy()
    for joint in (Joint.RIGHT_SHOULDER, Joint.RIGHT_HIP):
        xy[joint, 0] = 374
    for joint in (Joint.LEFT_SHOULDER, Joint.LEFT_HIP):
        xy[joint, 0] = 394
    mask = area(drawing, body=replace(drawing.body, xy=xy))
    trousers = (drawing.labels == Parse.PANTS) & (np.indices(SIZE)[0] > 700)
    assert not mask[trousers].any()
    assert mask[drawing.labels == Parse.UPPER_CLOTHES].all()


@pytest.mark.parametrize("category", list(Category))
def test_masks_have_neither_specks_nor_pinholes(category):
    mask = area(draw(), category)
    least = 0.0002 * mask.size
    for each in (mask, ~mask):
        _, areas = masks.components(each)
        assert (areas[1:] >= least).all()


def test_lower_covers_trousers_and_leaves_shirt_arms_and_face():
    drawing = draw()
    mask = area(drawing, Category.LOWER)
    assert mask[drawing.labels == Parse.PANTS].mean() > 0.995
    kept = np.isin(drawing.labels, (Parse.UPPER_CLOTHES, Parse.FACE, *ARMS))
    assert mask[kept].mean() < 0.005


def test_lower_leaves_room_for_a_skirt_between_the_legs():
    drawing = draw()
    assert area(drawing, Category.LOWER)[800, 384]
    assert drawing.labels[800, 384] == Parse.BACKGROUND


def test_lower_takes_only_the_skirt_of_a_dress():
    drawing = draw(skirt=True)
    labels = np.where(np.isin(drawing.labels, (Parse.UPPER_CLOTHES, Parse.SKIRT)), np.uint8(Parse.DRESS), drawing.labels)
    mask = hr_viton(Category.LOWER, Conditions(labels, drawing.body))
    assert mask[820, 300] and not mask[450, 384]


def test_dress_covers_both_garments_and_keeps_hands_and_feet():
    drawing = draw()
    mask = area(drawing, Category.DRESS)
    assert mask[np.isin(drawing.labels, (Parse.UPPER_CLOTHES, Parse.PANTS))].all()
    skirted = draw(skirt=True)
    bare = area(skirted, Category.DRESS)
    legs = np.isin(skirted.labels, (Parse.LEFT_LEG, Parse.RIGHT_LEG))
    assert bare[legs & (np.indices(SIZE)[0] < 870)].all()
    assert not bare[legs & (np.indices(SIZE)[0] > 1000)].any()


def test_the_grey_picture_is_128_inside_and_the_photo_outside():
    drawing = draw()
    mask = area(drawing)
    grey = grey_out(drawing.view.image, mask)
    assert (grey[mask] == 128).all()
    assert np.array_equal(grey[~mask], drawing.view.image[~mask])


def test_parse_agnostic_drops_garment_neck_and_covered_arms_but_not_hands():
    drawing = draw()
    left = parse_agnostic(Category.UPPER, drawing.labels, drawing.body)
    assert not np.isin(left, (Parse.UPPER_CLOTHES, Parse.NECK)).any()
    trousers = drawing.labels == Parse.PANTS
    assert np.array_equal(left[trousers], drawing.labels[trousers])
    x, y = JOINTS[Joint.RIGHT_WRIST]
    assert left[y + 70, x] == Parse.RIGHT_ARM and left[y - 60, x] == Parse.BACKGROUND


def test_parse_agnostic_of_lower_garments_keeps_the_shirt():
    left = parse_agnostic(Category.LOWER, draw().labels, draw().body)
    assert (left == Parse.UPPER_CLOTHES).any() and not (left == Parse.PANTS).any()


def flags(mask, category=Category.UPPER, body=None):
    return [notice.flag for notice in mask_notices(category, mask, body or draw().body)]


def test_only_unusual_masks_are_flagged():
    speck, everything = np.zeros(SIZE, bool), np.ones(SIZE, bool)
    speck[:100, :100] = True
    assert flags(speck) == [Flag.MASK_TOO_SMALL]
    assert flags(everything) == [Flag.MASK_TOO_LARGE]
    for category in Category:
        assert flags(area(draw(), category), category) == []


def test_legs_below_the_frame_are_flagged_for_lower_garments_only():
    body = draw().body
    xy = body.xy.copy()
    xy[[Joint.RIGHT_KNEE, Joint.LEFT_KNEE], 1] += 300
    cut = replace(body, xy=xy)
    assert Flag.LEGS_NOT_VISIBLE in flags(area(draw(), Category.LOWER), Category.LOWER, cut)
    assert flags(area(draw()), Category.UPPER, cut) == []


def write_conditions(root, item, labels):
    folders = write_person(root, item)
    path = folders.path(layout.PARSE.of(item.id))
    path.parent.mkdir(parents=True)
    path.write_bytes(images.labels_png(labels))
    return folders


def test_the_step_writes_mask_and_reduced_parse_map_per_wanted_category(tmp_path):
    item = Person("drawn", "", (Category.UPPER, Category.DRESS))
    step = AgnosticStep(AgnosticConfig(), Context(write_conditions(tmp_path, item, draw().labels)))
    made = step.run([step.read(item)])[0]
    assert set(made.files) == set(step.writes(item))
    assert len(made.files) == 4 and not any("lower" in ref for ref in made.files)
    mask = np.asarray(Image.open(io.BytesIO(made.files[layout.AGNOSTIC_MASK.of("drawn", Category.UPPER)]())))
    assert set(np.unique(mask)) == {0, 255}
    palette = Image.open(io.BytesIO(made.files[layout.PARSE_AGNOSTIC.of("drawn", Category.DRESS)]()))
    assert palette.mode == "P"


def test_the_grey_picture_follows_whatever_mask_lies_on_disk(tmp_path):
    item = Person("drawn", "")
    folders = write_conditions(tmp_path, item, draw().labels)
    mask = np.zeros((1024, 768), bool)
    mask[200:600, 100:400] = True
    path = folders.path(layout.AGNOSTIC_MASK.of("drawn", Category.UPPER))
    path.parent.mkdir(parents=True)
    path.write_bytes(images.mask_png(mask))
    step = AgnosticPictureStep(AgnosticConfig(), Context(folders))
    made = step.run([step.read(item)])[0]
    assert set(made.files) == set(step.writes(item))
    grey = np.asarray(Image.open(io.BytesIO(made.files[layout.AGNOSTIC.of("drawn", Category.UPPER)]()))).astype(int)
    photo = images.read_rgb(folders.path(layout.IMAGE.of("drawn"))).astype(int)
    assert np.abs(grey[masks.erode(mask, 16)] - 128).max() <= 2
    outside = ~masks.dilate(mask, 16)
    assert np.abs(grey[outside] - photo[outside]).mean() < 3


def test_a_mask_of_another_size_is_named(tmp_path):
    item = Person("drawn", "")
    folders = write_conditions(tmp_path, item, draw().labels)
    path = folders.path(layout.AGNOSTIC_MASK.of("drawn", Category.UPPER))
    path.parent.mkdir(parents=True)
    path.write_bytes(images.mask_png(np.zeros((512, 384), bool)))
    with pytest.raises(InputError, match="384×512 pixels, but the person's canvas is 768×1024"):
        AgnosticPictureStep(AgnosticConfig(), Context(folders)).read(item)


def test_a_parse_map_retouched_by_hand_is_followed(tmp_path):
    item = Person("drawn", "")
    labels = draw().labels.copy()
    labels[300:420, 620:700] = Parse.UPPER_CLOTHES
    step = AgnosticStep(AgnosticConfig(), Context(write_conditions(tmp_path, item, labels)))
    made = step.run([step.read(item)])[0]
    mask = np.asarray(Image.open(io.BytesIO(made.files[layout.AGNOSTIC_MASK.of("drawn", Category.UPPER)]())))
    assert (mask[300:420, 620:700] == 255).all()


def test_a_downloaded_tree_without_landmarks_is_enough(tmp_path):
    item = Person("drawn", "")
    folders = write_conditions(tmp_path, item, draw().labels)
    folders.path(layout.POSE_JSON.of(item.id)).write_text(keypoints_to_json([keypoints(shrink=0.995)]))  # not the landmarks' own
    with_raw = AgnosticStep(AgnosticConfig(), Context(folders))
    first = with_raw.run([with_raw.read(item)])[0]
    for kind in (layout.LANDMARKS, layout.FRAME, layout.MATTE):
        folders.path(kind.of(item.id)).unlink()
    second = with_raw.run([with_raw.read(item)])[0]
    ref = layout.AGNOSTIC_MASK.of("drawn", Category.UPPER)
    one, two = (np.asarray(Image.open(io.BytesIO(made.files[ref]()))) > 0 for made in (first, second))
    assert masks.iou(one, two) > 0.99


@pytest.mark.parametrize(("moved_px", "width"), [(0, 0.9), (6, 1.0)])
def test_shoulders_from_landmarks_are_drawn_in_to_openposes_and_others_stay(moved_px, width):
    raw = draw().body
    body = replace(raw, xy=raw.xy + np.float32(moved_px))
    assert with_openpose_shoulders(body, raw).shoulder_width == pytest.approx(width * raw.shoulder_width)


def test_a_parse_map_of_another_size_names_file_and_sizes(tmp_path):
    item = Person("drawn", "")
    step = AgnosticStep(AgnosticConfig(), Context(write_conditions(tmp_path, item, draw().labels[::2, ::2])))
    with pytest.raises(InputError, match="384×512 pixels, but the person's canvas is 768×1024"):
        step.read(item)


def test_the_same_inputs_give_the_same_bytes(tmp_path):
    item = Person("drawn", "", tuple(Category))
    step = AgnosticStep(AgnosticConfig(), Context(write_conditions(tmp_path, item, draw().labels)))
    first, second = (step.run([step.read(item)])[0] for _ in range(2))
    assert all(first.files[ref]() == second.files[ref]() for ref in first.files)


def masks_of(folders, item, **settings):
    step = AgnosticStep(AgnosticConfig(**settings), Context(folders))
    made = step.run([step.read(item)])[0]
    ref = layout.AGNOSTIC_MASK.of(item.id, item.categories[0])
    return np.asarray(Image.open(io.BytesIO(made.files[ref]()))) > 0, made.facts


def test_the_engines_rule_is_used_and_named_in_the_facts(tmp_path):
    item = Person("drawn", "", (Category.UPPER,), ("ootd-hd",))
    folders = write_conditions(tmp_path, item, draw().labels)
    mask, facts = masks_of(folders, item)
    chosen, _ = masks_of(folders, Person("drawn", ""), recipe="ootd-hd")
    assert facts["upper_recipe"] == "ootd-hd"
    assert np.array_equal(mask, chosen) and not np.array_equal(mask, masks_of(folders, Person("drawn", ""))[0])


def test_another_engines_rule_makes_the_masks_again_and_nothing_else_does(tmp_path):
    step = AgnosticStep(AgnosticConfig(), Context(layout.Layout(tmp_path, tmp_path, tmp_path)))
    plain, named = Person("a", ""), Person("a", "", (Category.UPPER,), ("hr-viton",))
    assert step.signature(plain) == step.signature(named)
    assert step.signature(plain) != step.signature(replace(named, recipes=("catvton",)))


def test_body_parts_are_read_only_by_rules_that_need_them(tmp_path):
    item = Person("drawn", "")
    folders = write_conditions(tmp_path, item, draw().labels)
    context = Context(folders)
    index = layout.DENSEPOSE_IUV.of("drawn")
    assert index not in AgnosticStep(AgnosticConfig(), context).reads(item)
    assert index in AgnosticStep(AgnosticConfig(recipe="catvton"), context).reads(item)
    path = folders.path(index)
    path.parent.mkdir(parents=True)
    path.write_bytes(images.npz({"I": np.where(np.isin(draw().labels, (Parse.UPPER_CLOTHES,)), np.uint8(2), np.uint8(0))}))
    mask, _ = masks_of(folders, item, recipe="catvton")
    assert mask[draw().labels == Parse.UPPER_CLOTHES].mean() > 0.99


def test_coats_of_lip_and_bags_of_atr_count_where_the_parsing_step_kept_them(tmp_path):
    item, labels = Person("drawn", ""), draw().labels
    folders = write_conditions(tmp_path, item, labels)
    parts, lists = (folders.path(kind.of("drawn")) for kind in (layout.DENSEPOSE_IUV, layout.PARSE_LISTS))
    for path in (parts, lists):
        path.parent.mkdir(parents=True)
    parts.write_bytes(images.npz({"I": np.where(labels == Parse.UPPER_CLOTHES, np.uint8(2), np.uint8(0))}))
    without, _ = masks_of(folders, item, recipe="catvton-outer")
    lip, atr = np.where(labels == Parse.UPPER_CLOTHES, np.uint8(Lip.COAT), np.uint8(0)), np.zeros(labels.shape, np.uint8)
    atr[520:600, 330:430] = Atr.BAG
    lists.write_bytes(images.npz(ParseLists(lip, atr).arrays(labels)))
    step = AgnosticStep(AgnosticConfig(recipe="catvton-outer"), Context(folders))
    assert layout.PARSE_LISTS.of("drawn") in step.may_read(item)
    worn = labels == Parse.UPPER_CLOTHES
    coat, _ = masks_of(folders, item, recipe="catvton-outer")
    assert coat[worn].mean() > 0.9 and without[worn].mean() < 0.3
    with_bag, _ = masks_of(folders, item, keep=("bags",))
    assert not with_bag[520:600, 330:430].any()


def test_damaged_body_parts_name_the_file_and_the_cure(tmp_path):
    item = Person("drawn", "")
    folders = write_conditions(tmp_path, item, draw().labels)
    path = folders.path(layout.DENSEPOSE_IUV.of("drawn"))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not an archive")
    with pytest.raises(InputError, match=r"drawn\.npz") as caught:
        masks_of(folders, item, recipe="catvton")
    assert "--step densepose" in caught.value.remedy


def test_a_misspelt_rule_is_refused_before_anything_runs():
    with pytest.raises(ValueError, match="hr-viton"):
        AgnosticConfig(recipe="hrviton")


def test_what_carries_no_label_is_kept_by_the_matte(tmp_path):
    item = Person("drawn", "")
    bag = np.zeros(SIZE, bool)
    bag[520:600, 330:430] = True
    folders = write_conditions(tmp_path, item, np.where(bag, np.uint8(0), draw().labels))
    assert masks_of(folders, item)[0][bag].mean() > 0.9
    assert masks_of(folders, item, keep=("bags",))[0][bag].mean() < 0.05
