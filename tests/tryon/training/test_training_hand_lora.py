"""Runs of a small hand LoRA: resumed to the same bits, learnt, drawn, planned, exported for kohya's tools and for the repair."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tiny_sd import TENTH, write_base
from training_runs import Place, differing, quiet

from pipeline.core import images
from pipeline.core.errors import InputError, UsageError
from tryon.hands.base_model import find_files, open_base
from tryon.hands.config import RepairConfig
from tryon.hands.training.data import HandItem, read_hand
from tryon.hands.training.kohya_flags import translate
from tryon.hands.training.recipe import FILE, RECIPE, HandLoraRecipe
from tryon.hands.training.trainee import loss_weights
from tryon.lora_files import read_lora
from tryon.training.config import SECTIONS, resolve_settings
from tryon.training.data.tree import Kind, TrainingPair, find_tree
from tryon.training.logs import runs
from tryon.training.logs.run_logs import LOG, read_table
from tryon.training.origin import find_origin

TINY = HandLoraRecipe(TENTH)
SETTINGS = (
    *("data.height=64", "data.width=64", "hand_lora.rank=2", "hand_lora.draw_steps=2", "augment.hsv=0", "augment.contrast=0"),
    *("optimiser.learning_rate=1e-2", "loop.draw_every=0"),
)


def hands_tree(root: Path, masks: bool = True) -> Path:
    """What `hands dataset` writes, with crops of 64 pixels."""
    for split, count in (("train", 4), ("test", 1)):
        names = [f"{split}{number}_left" for number in range(count)]
        for number, name in enumerate(names):
            picture = np.full((64, 64, 3), 60 + 30 * number + 10 * (split == "test"), np.uint8)
            mask = np.zeros((64, 64), bool)
            cv2.circle(picture, (32, 32), 16, (205, 165, 140), -1)
            mask[16:48, 16:48] = True
            files = {f"image/{name}.png": images.png(picture), f"caption/{name}.txt": b"a hand\n"}
            files |= {f"agnostic-mask/{name}_mask.png": images.mask_png(mask)} if masks else {}
            for path, content in files.items():
                (root / split / path).parent.mkdir(parents=True, exist_ok=True)
                (root / split / path).write_bytes(content)
        (root / f"{split}_pairs.txt").write_text("".join(f"{name}.png {name}.png\n" for name in names), "utf-8")
    return root


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    root = tmp_path_factory.mktemp("hands")
    write_base(root / "weights")
    return Place(TINY, hands_tree(root / "data"), root / "weights", SETTINGS)


@pytest.mark.slow
def test_stopped_and_taken_up_again_a_run_ends_with_the_same_bits(place, tmp_path):
    wanted = ("loop.save_every=1", "hand_lora.text_encoder=true", "hand_lora.drop_caption=0.5")
    assert place.train(tmp_path / "straight", *wanted, "loop.steps=3") == 0
    for steps in (1, 2, 3):
        assert place.train(tmp_path / "stopped", *wanted, f"loop.steps={steps}") == 0
    assert differing(tmp_path / "stopped" / "one", tmp_path / "straight" / "one") <= {"run.json"}


@pytest.mark.slow
def test_the_loss_falls_on_what_is_seen_again_and_again(place, tmp_path):
    place.train(tmp_path, "loop.steps=30", "loop.save_every=30", "loop.validate_every=30", "hand_lora.rank=8")
    losses = [float(row["loss"]) for row in read_table(tmp_path / "one" / LOG)]
    assert np.mean(losses[-8:]) < 0.9 * np.mean(losses[:8]), losses


@pytest.mark.slow
def test_an_exported_lora_changes_the_base_model_as_training_did(place, tmp_path):
    wanted = ("loop.steps=2", "loop.save_every=2", "hand_lora.text_encoder=true", "hand_lora.alpha=3")
    place.train(tmp_path, *wanted)
    runs.export(TINY, tmp_path / "one", runs.Wanted(to=tmp_path / "made", official=tmp_path / "made.safetensors"), quiet)
    first, second = load_file(tmp_path / "made" / FILE), load_file(tmp_path / "made.safetensors")
    assert first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)
    lora = read_lora(tmp_path / "made.safetensors")
    assert {layer.alpha for layer in lora.unet.values()} == {3.0} and lora.text
    settings = resolve_settings({**SECTIONS, **TINY.sections}, (), (*SETTINGS, *wanted))
    newest = runs.find_run(tmp_path, "one")[0]
    from tryon.training import checkpoint as checkpoints

    weights = checkpoints.newest(newest / checkpoints.FOLDER).tensors("weights")
    trainee = TINY.open(place.start, settings, weights)
    merged = open_base(find_files(place.start), torch.float32, lora, widths=TENTH)
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        trained, published = (base.unet(latents, 500, base.encoded(["a hand"])).sample for base in (trainee._base, merged))
    assert torch.allclose(trained, published, atol=1e-4 * float(trained.abs().max()))


@pytest.mark.slow
def test_sheets_show_held_out_hands_painted_anew_and_leave_the_run_as_it_was(place, tmp_path):
    place.train(tmp_path / "drawn", "loop.steps=2", "loop.save_every=2", "loop.draw_every=1", "loop.draw_pairs=1")
    place.train(tmp_path / "plain", "loop.steps=2", "loop.save_every=2")
    assert images.read_rgb(tmp_path / "drawn" / "one" / "pictures" / "step-000000002.png").any()
    from tryon.training import checkpoint as checkpoints

    drawn, plain = (
        checkpoints.newest(tmp_path / name / "one" / checkpoints.FOLDER).tensors("weights") for name in ("drawn", "plain")
    )
    assert drawn.keys() == plain.keys() and all(torch.equal(drawn[key], plain[key]) for key in drawn)


@pytest.mark.parametrize("part", ["unet", "vae", "text", "vocabulary"])
def test_weights_or_words_of_another_base_are_another_start(place, tmp_path, part):
    base = tmp_path / "weights"
    shutil.copytree(place.start, base)
    settings = resolve_settings({**SECTIONS, **TINY.sections}, (), SETTINGS)
    before = find_origin(TINY, base, None, settings).facts["start"]
    assert before and before == find_origin(TINY, place.start, None, settings).facts["start"]  # contents, not places
    files = find_files(base)
    changed = {"unet": files.unet, "vae": files.vae, "text": files.text, "vocabulary": files.tokenizer / "vocab.json"}[part]
    changed.write_bytes(changed.read_bytes()[:-1] + b" ")
    assert find_origin(TINY, base, None, settings).facts["start"] != before


@pytest.mark.slow
def test_a_run_does_not_go_on_over_another_base(place, tmp_path):
    base = tmp_path / "weights"
    shutil.copytree(place.start, base)
    assert place.train(tmp_path, "loop.steps=1", start=base) == 0
    vocabulary = next(base.rglob("vocab.json"))
    vocabulary.write_text(vocabulary.read_text("utf-8") + " ", "utf-8")
    with pytest.raises(UsageError, match="made with other settings\n  start: "):
        place.train(tmp_path, "loop.steps=2", start=base)


def test_the_full_network_gets_kohyas_264_layers():
    settings = resolve_settings({**SECTIONS, **RECIPE.sections}, RECIPE.presets["kohya-seed"], ())
    groups = RECIPE.simulated(settings)[0].groups()
    assert {part: len(group) // 2 for part, group in groups.items()} == {"unet": 192, "text": 72}
    assert sum(each.numel() for group in groups.values() for each in group.values()) == 37_748_736


def test_by_default_only_the_unet_is_trained_with_half_the_rank_for_alpha():
    settings = resolve_settings({**SECTIONS, **TINY.sections}, (), ())
    assert settings["optimiser"].learning_rate == 1e-4 and settings["hand_lora"].scaled_by == settings["hand_lora"].rank / 2 == 16
    assert TINY.simulated(settings)[0].groups().keys() == {"unet"}


def test_the_loss_weighs_cells_that_the_hand_touches():
    mask = np.zeros((64, 64), np.uint8)
    mask[15:17, 30] = 255
    weights = loss_weights(item(mask), 0.25)
    assert weights.shape == (1, 1, 8, 8)
    assert weights[0, 0, 1, 3] == weights[0, 0, 2, 3] == 1 and weights.sum() == 2 + 62 * 0.25
    assert (loss_weights(item(np.zeros((64, 64), np.uint8)), 0.25) == 1).all()


def item(mask: np.ndarray) -> HandItem:
    blank = np.zeros((*mask.shape, 3), np.uint8)
    return HandItem(
        id="a", image=blank, agnostic=blank, densepose=blank, cloth=blank, mask=mask, cloth_mask=mask, worn=mask, caption=""
    )


def test_masks_are_wanted_only_where_the_loss_looks_at_them(place):
    tree = find_tree(place.data)
    for outside, kinds in ((0.1, (Kind.IMAGE, Kind.MASK)), (1, (Kind.IMAGE,))):
        settings = resolve_settings({**SECTIONS, **TINY.sections}, (), (f"hand_lora.outside={outside}",))
        assert TINY.wanted(settings, tree) == kinds


def test_a_mask_of_another_size_than_its_picture_is_refused(tmp_path):
    files = {Kind.IMAGE: tmp_path / "image" / "a.png", Kind.MASK: tmp_path / "agnostic-mask" / "a_mask.png"}
    for path, size in zip(files.values(), ((64, 64, 3), (32, 32, 3)), strict=True):
        path.parent.mkdir()
        path.write_bytes(images.png(np.full(size, 255, np.uint8)))
    with pytest.raises(InputError, match="32 × 32, its picture 64 × 64"):
        read_hand(TrainingPair("a.png", "a.png", files), (64, 64))


def test_a_picture_without_a_caption_gets_that_of_kohyas_folder(tmp_path):
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "a.png").write_bytes(images.png(np.zeros((64, 64, 3), np.uint8)))
    read = read_hand(TrainingPair("a.png", "a.png", {Kind.IMAGE: tmp_path / "image" / "a.png"}), (64, 64))
    assert read.caption == "hands" and not read.mask.any()


def test_the_adapters_command_is_understood_with_its_typographic_dashes():
    settings, lines = translate(
        ["--network_dim=64", "--network_alpha", "32", "—-gradient_accumulation_steps=4", "–-network_module=networks.lora"]
    )
    assert settings == ("hand_lora.rank=64", "hand_lora.alpha=32", "loop.accumulation=4")
    assert len(lines) == 4
    assert translate(["--batch_size=4"])[0] == ()
    with pytest.raises(UsageError, match="--lora_dropout: no flag"):
        translate(["--lora_dropout=1"])


def test_another_vae_and_a_run_of_another_rank_are_refused(place, tmp_path):
    settings = resolve_settings({**SECTIONS, **TINY.sections}, (), SETTINGS)
    with pytest.raises(UsageError, match="--vae"):
        TINY.open(place.start, settings, {}, tmp_path)
    trainee = TINY.open(place.start, settings, {})
    weights = {name: each.detach() for name, each in trainee.groups()["unet"].items()}
    with pytest.raises(UsageError, match="another rank"):
        TINY.open(place.start, resolve_settings({**SECTIONS, **TINY.sections}, SETTINGS, ("hand_lora.rank=3",)), weights)
    assert RepairConfig().lora is None
