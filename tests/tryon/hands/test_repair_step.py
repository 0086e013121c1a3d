"""The hand repair in a run: off by default, an artefact of its own, finished pictures made of it, skipped in one line."""

from dataclasses import replace
from types import SimpleNamespace

import cv2
import mannequin
import numpy as np
import pytest
import torch

from pipeline.assembly import repair_note, switched_on
from pipeline.catalog import HAND_REPAIR, STEPS
from pipeline.choice import Chooser
from pipeline.core import images
from pipeline.core.errors import InputError, UsageError
from pipeline.core.flags import Flag
from pipeline.core.hands.facts import Fate, hands_of
from pipeline.core.items import Pair
from pipeline.core.keypoints import keypoints_to_json
from pipeline.core.labels import Category
from pipeline.core.layout import AGNOSTIC_MASK, IMAGE, POSE_JSON, REPAIRED, TRYON, Layout
from pipeline.core.step import Context
from tryon.hands import score
from tryon.hands.config import RepairConfig
from tryon.hands.dataset import make_masks
from tryon.hands.repair_step import HandRepairStep

CONFIG = RepairConfig(on=True, candidates=2)


def hand(x: float, y: float) -> np.ndarray:
    """(21, 3): a hand of 34 pixels."""
    rows = [(x, y, 0.9)]
    rows += [(x + 8 * (f - 2), y - 16 - 6 * joint, 0.9) for f in range(5) for joint in range(4)]
    return np.asarray(rows, np.float32)


@pytest.fixture
def world(tmp_path, monkeypatch) -> SimpleNamespace:
    """A person whose right hand an engine painted over in another skin colour, and stand-ins for both networks."""
    layout = Layout(tmp_path / "inputs", tmp_path / "outputs", tmp_path / "weights")
    person = mannequin.write_person(layout)
    pair = Pair(person, mannequin.write_garment(layout, "tee"), "preview")
    points = replace(mannequin.keypoints(), right_hand=hand(122, 260))
    layout.path(POSE_JSON.of(person.id)).write_text(keypoints_to_json([points]), "utf-8")
    photo = images.read_rgb(layout.path(IMAGE.of(person.id))).copy()
    photo[205:300, 90:160] = mannequin.SKIN
    layout.path(IMAGE.of(person.id)).write_bytes(images.png(photo))
    dressed = photo.copy()
    dressed[215:270, 95:150] -= 12
    mask = np.zeros(photo.shape[:2], bool)
    mask[100:320, 60:330] = True
    put(layout, AGNOSTIC_MASK.of(person.id, Category.UPPER), images.mask_png(mask))
    put(layout, TRYON.of(pair.id, pair.engine), images.png(dressed, {"engine": "preview", "seed": 7}))
    sure = {"value": 0.1}

    def judge_by(photo, places, read, worn, bare):
        """Stands in for the judgement: by the colour of the hand's middle."""
        assert set(places) == {"left", "right"} and places["right"].points.shape == (21, 2) and worn.any() and bare.any()
        return lambda each: lambda picture: 0.9 if near_green(picture[240, 122]) else sure["value"]

    def paint(canvas, seeds):
        return [np.where(canvas.mask[..., None], np.uint8((190, 190, 60)), canvas.picture) for _ in seeds]

    monkeypatch.setattr(score, "judge_by", judge_by)
    step = HandRepairStep(CONFIG, Context(layout, device="cpu", repair_hands=True))
    step.__dict__["painter"] = SimpleNamespace(paint=paint)
    return SimpleNamespace(layout=layout, pair=pair, step=step, dressed=dressed, mask=mask, sure=sure)


def near_green(colour: np.ndarray) -> bool:
    return bool(np.abs(colour.astype(int) - (190, 190, 60)).max() < 12)


def put(layout: Layout, ref: str, data: bytes) -> None:
    layout.path(ref).parent.mkdir(parents=True, exist_ok=True)
    layout.path(ref).write_bytes(data)


def made(world):
    (produced,) = world.step.run([world.step.read(world.pair)])
    ref = REPAIRED.of(world.pair.id, world.pair.engine)
    assert set(produced.files) == set(world.step.writes(world.pair)) == {ref}
    put(world.layout, ref, produced.files[ref]())
    return produced, images.read_rgb(world.layout.path(ref)), images.read_recipe(world.layout.path(ref))


def test_a_repaired_hand_is_an_artefact_of_its_own_flagged_counted_and_written_into_the_recipe(world):
    produced, picture, recipe = made(world)
    assert not np.array_equal(picture, world.dressed)
    assert np.array_equal(picture[~world.mask], world.dressed[~world.mask])
    assert np.array_equal(images.read_rgb(world.layout.path(TRYON.of(world.pair.id, "preview"))), world.dressed)
    assert [notice.flag for notice in produced.notices] == [Flag.HAND_REPAIRED] and "right hand" in produced.notices[0].detail
    assert hands_of(produced.facts)["right"].fate is Fate.REPAIRED
    assert recipe["engine"] == "preview" and recipe["seed"] == 7
    assert recipe["hand_repair"]["hands"]["right"].startswith("repaired") and "right" in recipe["hand_repair"]["seeds"]


def test_a_good_hand_gives_the_same_picture_without_a_flag(world):
    world.sure["value"] = 0.9
    produced, picture, recipe = made(world)
    assert np.array_equal(picture, world.dressed) and not produced.notices and not produced.facts
    assert recipe["hand_repair"]["hands"]["right"].startswith("good already")


def test_the_published_way_repaints_both_arms_of_the_whole_picture(world, monkeypatch):
    from tryon.hands import seed_infer

    asked = {}

    def inpaint(networks, canvas, sampling, noises, watch=None):
        asked.update(canvas=canvas, sampling=sampling, first=noises[0].draw((1,)))
        return [255 - canvas.picture]

    monkeypatch.setattr(seed_infer, "inpaint", inpaint)
    step = HandRepairStep(RepairConfig(on=True, preset="seed-infer"), Context(world.layout, device="cpu"))
    step.__dict__["painter"] = SimpleNamespace(networks=None)
    world.step = step
    produced, picture, recipe = made(world)
    assert asked["canvas"].picture.shape == (512, 512, 3) and asked["canvas"].mask.any()
    assert (asked["sampling"].steps, asked["sampling"].strength, asked["sampling"].guidance_scale) == (75, 0.65, 7.5)
    assert torch.equal(asked["first"], torch.randn(1, generator=torch.Generator().manual_seed(42)))
    assert picture.shape == world.dressed.shape and produced.notices[0].flag is Flag.HAND_REPAIRED
    settings = recipe["hand_repair"]["settings"]
    assert settings["prompt"] == "realistic hands, detailed knuckles, no deformation" and settings["lora_strength"] == 0.8


def test_another_lora_redoes_the_pictures_and_another_path_to_the_same_does_not(world, tmp_path):
    def signed(path, content):
        path.write_bytes(content)
        config = RepairConfig(lora=path)
        return config.model_dump(), HandRepairStep(config, world.step.context).signature(world.pair)

    first, second = signed(tmp_path / "a", b"one"), signed(tmp_path / "b", b"one")
    assert first == second != signed(tmp_path / "c", b"two")
    with pytest.raises(UsageError, match="there is no file"):
        HandRepairStep(RepairConfig(lora=tmp_path / "none"), world.step.context).signature(world.pair)


def with_masks(world, folder, data: bytes | None, ending: str = ".png") -> None:
    """The step with a folder of masks, in which the person has one or not."""
    folder.mkdir(exist_ok=True)
    if data is not None:
        (folder / f"{world.pair.person.id}{ending}").write_bytes(data)
    painter = world.step.painter
    world.step = HandRepairStep(CONFIG.model_copy(update={"masks": folder}), world.step.context)
    world.step.__dict__["painter"] = painter


def fingers_alone(world) -> np.ndarray:
    mask = np.zeros(world.mask.shape, bool)
    mask[215:250, 95:150] = True
    return mask


@pytest.mark.parametrize(("ending", "blur"), [("_mask.png", 0), (".png", 0), (".jpg", 2)])
def test_a_mask_retouched_by_hand_says_where_is_repainted_and_soft_edges_are_cut_and_said(world, tmp_path, caplog, ending, blur):
    mask = fingers_alone(world)
    grey = cv2.GaussianBlur(mask.astype(np.uint8) * 255, (0, 0), blur) if blur else mask.astype(np.uint8) * 255
    rgb = np.repeat(grey[..., None], 3, axis=2)
    with_masks(world, tmp_path / "masks", images.jpeg(rgb) if blur else images.png(rgb), ending)
    _, picture, recipe = made(world)
    changed = (picture != world.dressed).any(axis=2)
    assert recipe["hand_repair"]["hands"]["right"].startswith("repaired")
    assert changed.any() and not changed[~mask].any()
    assert bool(blur) == ("soft edges are cut at half" in caplog.text)


def test_a_person_without_a_mask_in_the_folder_is_repaired_as_without_one(world, tmp_path):
    plain = made(world)[1]
    with_masks(world, tmp_path / "masks", None)
    assert np.array_equal(made(world)[1], plain)


def test_a_folder_without_a_mask_of_the_person_is_said_once_because_its_names_may_be_wrong(world, tmp_path, caplog):
    with_masks(world, tmp_path / "masks", None)
    (tmp_path / "masks" / "Ann.hand.png").write_bytes(images.mask_png(fingers_alone(world)))
    made(world)
    made(world)
    assert caplog.text.count("masks: no ann_mask.png, ann.png or ann.jpg") == 1


def test_masks_that_hands_masks_wrote_are_the_ones_that_are_read(world, tmp_path):
    make_masks(world.layout.outputs / "vitonhd", "test", tmp_path / "masks", "ours", lambda line: None)
    with_masks(world, tmp_path / "masks", None)
    assert "mask" in world.step.signature(world.pair)


def test_an_emptied_mask_leaves_the_hand_alone(world, tmp_path):
    with_masks(world, tmp_path / "masks", images.mask_png(np.zeros(world.mask.shape, bool)))
    _, picture, recipe = made(world)
    assert np.array_equal(picture, world.dressed) and recipe["hand_repair"]["hands"]["right"] == "not in the mask"


def test_a_mask_of_another_size_or_no_mask_is_refused_by_name(world, tmp_path):
    with_masks(world, tmp_path / "masks", images.mask_png(fingers_alone(world)[::2, ::2]))
    with pytest.raises(InputError, match=r"ann\.png: the hand mask is 256 × 192, its picture 512 × 384"):
        world.step.read(world.pair)
    with_masks(world, tmp_path / "masks", images.png(world.dressed))
    with pytest.raises(InputError, match=r"ann\.png: not a mask"):
        world.step.read(world.pair)
    with pytest.raises(UsageError, match="there is no folder"):
        HandRepairStep(CONFIG.model_copy(update={"masks": tmp_path / "none"}), world.step.context).read(world.pair)


def test_another_mask_redoes_the_picture_and_the_same_elsewhere_does_not(world, tmp_path):
    signed = []
    for name, mask in (("a", fingers_alone(world)), ("b", fingers_alone(world)), ("c", ~fingers_alone(world))):
        with_masks(world, tmp_path / name, images.mask_png(mask))
        signed.append((world.step.config.model_dump(), world.step.signature(world.pair)))
    assert signed[0] == signed[1] != signed[2]


def test_a_picture_of_another_size_is_refused(world):
    put(world.layout, TRYON.of(world.pair.id, "preview"), images.png(world.dressed[:100]))
    with pytest.raises(InputError, match="differ in size"):
        world.step.read(world.pair)


def test_it_is_a_part_of_tryon_that_only_its_switch_turns_on(tmp_path):
    assert STEPS["tryon"][-1] is HAND_REPAIR
    layout = Layout(tmp_path, tmp_path, tmp_path)
    entries = [(entry, (), "") for entry in STEPS["tryon"]]
    assert HAND_REPAIR not in [entry for entry, *_ in switched_on(entries, Context(layout))]
    assert HAND_REPAIR in [entry for entry, *_ in switched_on(entries, Context(layout, repair_hands=True))]


def test_finished_pictures_are_made_of_repaired_ones_where_hands_are_repaired(world):
    from compose.restore_step import RestoreConfig, RestoreStep

    plain, repaired = (
        RestoreStep(RestoreConfig(), Context(world.layout, repair_hands=on)).reads(world.pair) for on in (False, True)
    )
    ids = world.pair.id, world.pair.engine
    assert TRYON.of(*ids) in plain and REPAIRED.of(*ids) not in plain
    assert REPAIRED.of(*ids) in repaired and TRYON.of(*ids) not in repaired


def test_without_its_model_files_it_is_skipped_in_one_line_with_the_command_that_gets_them(tmp_path):
    note = repair_note({"repair": RepairConfig(on=True)}, Chooser(tmp_path))
    assert note.count("\n") == 0 and note.startswith(
        "hand repair skipped (no weights): python run.py weights pull sd15-inpainting-unet"
    )
    assert "sd15-unet " in repair_note({"repair": RepairConfig(on=True, preset="seed-infer")}, Chooser(tmp_path))
    assert repair_note({"repair": RepairConfig()}, Chooser(tmp_path)) == ""
    assert "not allowed" in repair_note({"repair": RepairConfig(on=True)}, Chooser(tmp_path, commercial_only=True))
