"""Published files load strictly and safely; wrong ones give one readable difference."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import traceback
import zipfile

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPVisionModel

from pipeline.core.errors import WeightsError
from pipeline.core.weights import converted as weights_converted
from tryon.checkpoints import open_checkpoint
from tryon.engines.stableviton import folder as folders
from tryon.engines.stableviton import keys
from tryon.engines.stableviton.checkpoint import fill_network, read_published
from tryon.engines.stableviton.official_names import official_name
from tryon.networks.compvis_names import with_values
from tryon.networks.precision import DTYPES
from tryon.networks.savings.quantised import names_in_8_bits, weight_format_of
from tryon.networks.savings.switches import OFFICIAL

pytestmark = pytest.mark.slow

POSITIONS = "cond_stage_model.transformer.vision_model.embeddings.position_ids"


class Attack:
    """What a malicious checkpoint would hold: unpickling it makes a folder."""

    def __init__(self, trace) -> None:
        self.trace = str(trace)

    def __reduce__(self):
        return (os.mkdir, (self.trace,))


@pytest.fixture
def saved(tmp_path, official_state):
    """Writes a checkpoint and gives its path."""

    def write(content=None, name="VITONHD.ckpt"):
        path = tmp_path / name
        torch.save(official_state if content is None else content, path)
        return path

    return write


def lightning(state: dict) -> dict:
    """The published container: weights among what a training run leaves behind."""
    moments = {number: {"step": 1, "exp_avg": torch.ones(3), "exp_avg_sq": torch.ones(3)} for number in range(4)}
    return {
        "epoch": 99,
        "global_step": 36000,
        "pytorch-lightning_version": "1.5.0",
        "state_dict": dict(state),
        "callbacks": {"ModelCheckpoint{}": {"monitor": None, "best_model_path": "", "current_score": None}},
        "optimizer_states": [{"state": moments, "param_groups": [{"lr": 1e-4, "params": [0, 1, 2, 3]}]}],
        "lr_schedulers": [],
    }


def same_weights(published, network) -> bool:
    return all(torch.equal(published.weights[name], tensor) for name, tensor in network.state_dict().items())


def test_a_flat_file_loads(saved, tiny, network):
    assert same_weights(read_published(saved(), tiny), network)


def test_a_training_checkpoint_loads_without_its_moments(saved, official_state, tiny, official_network):
    published = read_published(saved(lightning(official_state)), tiny)
    assert same_weights(published, official_network)
    assert set(published.weights) == set(with_values(official_network.state_dict()))


def test_stored_position_numbers_are_dropped(saved, official_state, tiny, network):
    assert same_weights(read_published(saved({**official_state, POSITIONS: torch.arange(257)[None]}), tiny), network)


def test_both_spellings_of_the_clip_tower_load(saved, official_state, tiny, network):
    renamed = {key.replace("transformer.vision_model.", "transformer."): tensor for key, tensor in official_state.items()}
    assert renamed.keys() != official_state.keys()
    assert same_weights(read_published(saved(renamed), tiny), network)


def test_a_half_precision_file_loads(saved, official_state, tiny):
    published = read_published(saved({key: tensor.half() for key, tensor in official_state.items()}), tiny)
    assert fill_network(tiny, published.weights, torch.float32).dtype == torch.float32


def test_the_fine_tuned_vae_goes_on_top(saved, official_state, tiny):
    vae = {
        key.removeprefix("first_stage_model."): tensor + 1
        for key, tensor in official_state.items()
        if key.startswith("first_stage")
    }
    extra = {"loss.logvar": torch.zeros(1), "loss.perceptual_loss.lin0.model.1.weight": torch.zeros(1, 4, 1, 1)}
    vae_file = saved({"state_dict": vae | extra}, "VITONHD_VAE_finetuning.ckpt")
    published = read_published(saved(), tiny, vae_file)
    name = "vae.decoder.conv_out.bias"
    assert torch.equal(published.weights[name], official_state["first_stage_model.decoder.conv_out.bias"] + 1)


def test_a_vae_file_that_is_none_is_refused(saved, tiny, official_state):
    with pytest.raises(WeightsError, match=r"missing: encoder\.conv_in\.weight"):
        read_published(saved(), tiny, saved({"decoder.conv_out.bias": torch.zeros(3)}, "vae.ckpt"))


def test_the_reader_maps_the_file_instead_of_copying_it(saved, official_state, tmp_path):
    content = lightning(official_state)
    content["optimizer_states"][0]["state"][0]["exp_avg"] = torch.ones(128 * 2**20 // 4)
    script = (
        "import resource, sys; from pathlib import Path; from tryon.checkpoints import open_checkpoint\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "open_checkpoint(Path(sys.argv[1]))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(saved(content))], capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 < 64 * 2**20


@pytest.mark.parametrize("nested", [True, False])
def test_code_in_a_pickle_never_runs(saved, official_state, tmp_path, nested):
    trace = tmp_path / "ran"
    content = {**official_state, "hook": Attack(trace)}
    with pytest.raises(WeightsError, match=r"asks to run code: .*mkdir"):
        open_checkpoint(saved({"state_dict": content} if nested else content))
    assert not trace.exists()


def test_code_in_a_bare_pickle_never_runs(tmp_path):
    trace, path = tmp_path / "ran", tmp_path / "old.ckpt"
    path.write_bytes(pickle.dumps({"weight": Attack(trace)}))
    with pytest.raises(WeightsError):
        open_checkpoint(path)
    assert not trace.exists()


def test_a_file_cut_short_is_called_that(saved):
    path = saved()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(WeightsError, match="cut short"):
        open_checkpoint(path)


def test_a_zip_whose_records_are_too_small_is_damaged(saved, tmp_path):
    whole, damaged = saved({"weight": torch.ones(1000), "bias": torch.ones(10)}), tmp_path / "damaged.ckpt"
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(damaged, "w", zipfile.ZIP_STORED) as target:
        for info in source.infolist():
            data = source.read(info)
            target.writestr(info.filename, data[:400] if len(data) == 4000 else data)
    with pytest.raises(WeightsError):
        open_checkpoint(damaged)


def test_a_safetensors_file_cut_short_is_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file({"weight": torch.ones(1000)}, path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="not a complete safetensors file"):
        open_checkpoint(path)


@pytest.mark.parametrize("content", [{"epoch": 3}, [torch.ones(2)], {"state_dict": {"epoch": 3}}])
def test_a_file_without_weights_is_refused(saved, content):
    with pytest.raises(WeightsError, match="holds no weights"):
        open_checkpoint(saved(content))


def test_a_picture_is_not_a_checkpoint(tmp_path):
    path = tmp_path / "photo.ckpt"
    path.write_bytes(b"\x89PNG\r\n" + bytes(200))
    with pytest.raises(WeightsError, match="not a torch checkpoint"):
        open_checkpoint(path)


def no_advice_to_run_code(error: pytest.ExceptionInfo) -> bool:
    """Neither the message nor what a log would print below it."""
    told = "".join(traceback.format_exception(error.value))
    return "weights_only" not in told and "arbitrary code" not in told


@pytest.mark.parametrize(
    "content, words",
    [
        (b"<!DOCTYPE html><html><body>Sign in</body></html>" + bytes(2000), "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 10\n", "git-lfs pointer"),
        (pickle.dumps({"weight": Attack("never")}), r"asks to run code: \w+\.mkdir"),
        (pickle.dumps({"weight": Attack("never")}, protocol=2), r"asks to run code: \w+\.mkdir"),
        (pickle.dumps({"epochs": [3.5] * 500}), "of another kind, or damaged"),
        (b"", "a stub of 0 bytes"),
    ],
)
@pytest.mark.parametrize("name", ["VITONHD.ckpt", "weights.bin"])
def test_no_message_recommends_to_open_a_file_unsafely(tmp_path, content, words, name):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=words) as caught:
        open_checkpoint(path)
    assert no_advice_to_run_code(caught)


def test_a_zip_of_something_else_and_a_zip_with_code_are_refused_in_our_words(saved, tmp_path):
    other = tmp_path / "photos.ckpt"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("photos/beach.jpg", b"\xff\xd8")
    for path in (other, saved({"hook": Attack(tmp_path / "ran")})):
        with pytest.raises(WeightsError) as caught:
            open_checkpoint(path)
        assert no_advice_to_run_code(caught)


def test_a_safetensors_file_is_known_by_its_content(tmp_path):
    path = tmp_path / "renamed.ckpt"
    save_file({"weight": torch.ones(3)}, path)
    assert torch.equal(open_checkpoint(path)["weight"], torch.ones(3))


def test_a_web_page_named_safetensors_is_called_that(tmp_path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"<html>quota exceeded</html>")
    with pytest.raises(WeightsError, match="a web page"):
        open_checkpoint(path)


def test_another_networks_safetensors_file_is_answered_in_its_own_names(tmp_path, tiny):
    path = tmp_path / "sd15.safetensors"
    save_file({"model.diffusion_model.input_blocks.0.0.weight": torch.ones(64, 4, 3, 3), "betas": torch.ones(1000)}, path)
    with pytest.raises(WeightsError) as caught:
        read_published(path, tiny)
    text = str(caught.value)
    assert "model.diffusion_model.input_blocks.0.0.weight: (64, 4, 3, 3) instead of (64, 13, 3, 3)" in text
    assert "missing: model.diffusion_model.input_blocks.0.0.bias, model.diffusion_model.time_embed.0.weight" in text
    assert not re.search(r"(?<![\w.])(unet|mapper|image_encoder)\.", text)


def test_every_official_name_is_found_back_from_ours(key_list):
    kept = [key for key in key_list["full_model"] if keys.drop_reason(key) is None]
    assert len(kept) > 1900
    assert [official_name(keys.our_name(key)) for key in kept] == kept


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(WeightsError, match="no such file"):
        open_checkpoint(tmp_path / "absent.ckpt")


def test_another_model_gives_a_readable_difference(saved, official_state, tiny):
    other = {key: tensor for key, tensor in official_state.items() if not key.startswith("control_model.")}
    other["added_pose.weight"] = torch.ones(2)
    other["proj_out.bias"] = torch.ones(5)
    with pytest.raises(WeightsError) as caught:
        read_published(saved(other), tiny)
    text = str(caught.value)
    assert re.search(r"300 missing: control_model\.", text)
    assert "1 unexpected: added_pose.weight" in text
    assert "proj_out.bias: (5,) instead of (48,)" in text
    assert "Paint-by-Example" in text


def test_a_descendant_is_recognised_by_its_own_key(saved, official_state, tiny, network):
    published = read_published(saved({**official_state, "model.diffusion_model.explicit_ratio": torch.ones(9)}), tiny)
    assert published.variant.name == "sift_vton"
    assert same_weights(published, network)


@pytest.mark.parametrize("dtype", ["bf16", *(pytest.param(name, marks=pytest.mark.slow) for name in ("fp32", "fp16"))])
def test_a_converted_folder_loads_back(saved, tiny, network, tmp_path, dtype):
    target = tmp_path / "stableviton"
    folders.convert(saved(), target, dtype=dtype, architecture=tiny)
    loaded = folders.load(target, DTYPES[dtype])
    assert loaded.variant.name == "stableviton"
    assert len(loaded.identity) == 64
    original = network.state_dict()
    for name, tensor in loaded.network.state_dict().items():
        assert torch.equal(tensor, original[name].to(DTYPES[dtype]))


def test_a_converted_folder_opens_with_the_libraries_own_loaders(saved, tiny, network, tmp_path):
    target = tmp_path / "stableviton"
    folders.convert(saved(), target, dtype="fp32", architecture=tiny)
    for part, standard in (("unet", UNet2DConditionModel), ("vae", AutoencoderKL), ("image_encoder", CLIPVisionModel)):
        theirs, report = standard.from_pretrained(target / part, output_loading_info=True)
        assert not report["missing_keys"] and not report["unexpected_keys"]
        opened = {name.removeprefix("vision_model."): tensor for name, tensor in theirs.state_dict().items()}
        assert all(torch.equal(tensor, opened[name]) for name, tensor in getattr(network, part).state_dict().items())


def test_a_failed_conversion_leaves_nothing_behind(saved, tiny, tmp_path):
    path = saved({"weight": torch.ones(2)})
    before = sorted(tmp_path.iterdir())
    with pytest.raises(WeightsError):
        folders.convert(path, tmp_path / "stableviton", architecture=tiny)
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_without_its_index_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="not a finished one"):
        folders.load(tmp_path, torch.float32)


@pytest.fixture
def converted(saved, tiny, tmp_path):
    folders.convert(saved(), tmp_path / "stableviton", dtype="bf16", architecture=tiny)
    return tmp_path / "stableviton"


def test_a_converted_folder_with_one_flipped_byte_is_not_opened(converted):
    path = converted / "unet" / folders.PARTS["unet"]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.unlink()
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=f"damaged: unet/{path.name}"):
        folders.load(converted, torch.bfloat16)


def test_a_converted_folder_whose_index_leaves_a_part_out_is_not_opened(converted):
    index = json.loads((converted / "model_index.json").read_text())
    del index["files"]["mapper/model.safetensors"]
    (converted / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(WeightsError, match="incomplete"):
        folders.load(converted, torch.bfloat16)


def test_a_converted_folder_that_was_copied_is_hashed_once(converted, tmp_path, monkeypatch):
    copied = shutil.copytree(converted, tmp_path / "elsewhere", copy_function=shutil.copyfile)
    hashed, digest = [], weights_converted.digest_of
    monkeypatch.setattr(weights_converted, "digest_of", lambda path: hashed.append(path) or digest(path))
    for _ in range(2):
        folders.load(copied, torch.bfloat16)
    assert len(hashed) == len(set(hashed)) >= len(folders.PARTS)


def test_the_unused_tail_is_neither_converted_nor_loaded(saved, tiny, tmp_path):
    target = tmp_path / "stableviton"
    folders.convert(saved(), target, dtype="fp32", architecture=tiny)
    assert not any("mid_block" in name for name in open_checkpoint(target / "control" / "model.safetensors"))
    with pytest.raises(WeightsError, match="missing: control"):
        folders.load(target, torch.float32, savings=OFFICIAL)


@pytest.mark.parametrize("lean", [False, True])
def test_a_lean_folder_has_what_is_computed_with_and_nothing_else(saved, tiny, network, tmp_path, lean):
    target = tmp_path / "stableviton"
    folders.convert(saved(), target, dtype="fp32", lean=lean, architecture=tiny)
    found = folders.read_parts(target)
    assert (found.keys() == network.state_dict().keys()) is lean
    loaded = folders.load(target, torch.float32).network.state_dict()
    assert all(torch.equal(tensor, network.state_dict()[name]) for name, tensor in loaded.items())


def test_what_a_lean_folder_leaves_out_is_missed_where_it_is_asked_for(saved, tiny, tmp_path):
    for name, lean in (("whole", False), ("lean", True)):
        folders.convert(saved(), tmp_path / name, dtype="fp32", lean=lean, architecture=tiny)
    assert folders.load(tmp_path / "whole", torch.float32, savings=folders.WITH_QUERIES).network.unet is not None
    with pytest.raises(WeightsError, match=r"missing: .*attn2\.to_q"):
        folders.load(tmp_path / "lean", torch.float32, savings=folders.WITH_QUERIES)


@pytest.fixture
def in_int8(saved, tiny, tmp_path):
    folders.convert(saved(), tmp_path / "int8", dtype="int8", architecture=tiny)
    return tmp_path / "int8"


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_a_folder_in_int8_is_the_network_that_the_setting_makes_of_any_other_folder(converted, in_int8, dtype):
    rounded, stored = (folders.load(path, dtype) for path in (converted, in_int8))
    rounded.network.use_weight_format("int8")
    assert weight_format_of(stored.network) == "int8" and stored.identity == rounded.identity
    expected = rounded.network.state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in stored.network.state_dict().items())
    assert stored.network.state_dict().keys() == expected.keys()
    assert {tensor.dtype for tensor in expected.values()} == {torch.int8, torch.float32, dtype}


def test_a_folder_in_int8_is_loaded_without_spelling_its_weights_out(in_int8, monkeypatch):
    spelt_out = "tryon.networks.savings.quantised.Quantised.spelt_out"
    monkeypatch.setattr(spelt_out, lambda *given: pytest.fail("spelt out while loading"))
    network = folders.load(in_int8, torch.float32).network
    eight_bits = names_in_8_bits(network)
    largest = max(tensor.nbytes for name, tensor in network.state_dict().items() if not name.startswith("vae."))
    assert largest == max(network.state_dict()[name].numel() for name in eight_bits), "one byte each"


def test_a_folder_in_int8_takes_little_more_than_a_byte_a_weight(converted, in_int8):
    def size(folder, part):
        return (folder / part / folders.PARTS[part]).stat().st_size

    assert all(size(in_int8, part) < 0.65 * size(converted, part) for part in ("unet", "control", "warp", "mapper"))
    assert size(in_int8, "vae") < 0.85 * size(converted, "vae"), "its encoder alone"


def test_an_unknown_number_format_is_answered_with_those_there_are(tmp_path):
    with pytest.raises(WeightsError) as refused:
        folders.convert(tmp_path / "any.ckpt", tmp_path / "folder", dtype="int4")
    assert refused.value.remedy == "one of fp32, bf16, fp16, int8"
