"""Stable Diffusion 1.5 out of diffusers' files: strict, with a LoRA inside, painting under a mask."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_sd import FILES, TENTH, write_base, write_lora

from pipeline.core.errors import WeightsError
from pipeline.core.machine.device import CPU
from tryon.hands.base_model import find_files, open_base
from tryon.hands.config import RepairConfig
from tryon.hands.inpainting import Canvas
from tryon.hands.painter import Painter
from tryon.lora_files import read_lora
from tryon.networks.lora import attached

CONFIG = RepairConfig(model="plain", steps=4, strength=0.5, numbers="fp32")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("weights")
    write_base(root)
    write_lora(root / "hands.safetensors")
    return root


@pytest.fixture(scope="module")
def canvas():
    picture = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    mask = np.zeros((64, 64), bool)
    mask[16:48, 16:48] = True
    return Canvas(picture, mask)


def test_older_names_of_text_encoder_and_vae_are_read(folder):
    base = open_base(find_files(folder), torch.float32, widths=TENTH)
    assert base.encoded(["hands", ""]).shape == (2, 77, 32)
    assert not any(parameter.is_meta for network in (base.unet, base.vae, base.text) for parameter in network.parameters())
    assert not any(buffer.is_meta for network in (base.unet, base.vae, base.text) for buffer in network.buffers())


def test_a_prompt_stands_between_begin_and_end_and_is_cut_where_it_is_too_long(folder):
    base = open_base(find_files(folder), torch.float32, widths=TENTH)
    first, last = TENTH.vocabulary - 2, TENTH.vocabulary - 1
    short, long = base.tokens(["Hand", "hand " * 100]).tolist()
    assert short[0] == long[0] == first and short[-1] == long[-1] == last
    assert (short[1:4] == [53, 29, last] and long.count(53) == 75 // 2 + 1) or long.count(last) == 1


def test_a_lora_merged_into_all_parts_gives_what_it_gives_attached(folder):
    files, lora = find_files(folder), read_lora(folder / "hands.safetensors")
    base, changed = (open_base(files, torch.float32, each, 0.7, widths=TENTH) for each in (None, lora))
    with attached(base.text, lora.text, 0.7), attached(base.unet, lora.unet, 0.7):
        text = base.encoded(["hand"])
        latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
        noise = base.unet(latents, 500, text).sample
    assert torch.allclose(changed.encoded(["hand"]), text, atol=1e-5)
    assert torch.allclose(changed.unet(latents, 500, text).sample, noise, atol=1e-4 * noise.abs().max())
    assert not torch.allclose(base.unet(latents, 500, text).sample, noise, atol=1e-2 * noise.abs().max())


def test_seeds_give_different_hands_and_the_same_seed_the_same(folder, canvas):
    painter = Painter(find_files(folder), CONFIG, CPU, TENTH)
    first, second, again = painter.paint(canvas, [1, 2, 1])
    assert np.array_equal(first, again) and not np.array_equal(first, second)
    assert first.shape == (64, 64, 3)


def test_the_strength_of_a_lora_is_seen_in_the_picture(folder, canvas):
    files, lora = find_files(folder), folder / "hands.safetensors"
    none, some = (
        Painter(files, CONFIG.model_copy(update={"lora": lora, "lora_strength": strength}), CPU, TENTH).paint(canvas, [1])[0]
        for strength in (0.0, 1.5)
    )
    assert np.array_equal(none, Painter(files, CONFIG, CPU, TENTH).paint(canvas, [1])[0])
    assert not np.array_equal(none, some)


def test_the_inpainting_network_is_not_taken_for_the_plain_one(tmp_path, folder):
    files = write_base(tmp_path, inputs=9)
    with pytest.raises(WeightsError, match="the inpainting U-Net, wanted the plain U-Net"):
        open_base(files, torch.float32, widths=TENTH)
    assert open_base(files, torch.float32, inputs=9, widths=TENTH).unet.config.in_channels == 9


def test_a_file_with_a_tensor_too_few_is_refused_by_its_name(tmp_path, folder):
    write_base(tmp_path)
    weights = load_file(tmp_path / FILES["text"])
    weights.pop("text_model.final_layer_norm.weight")
    save_file(weights, tmp_path / FILES["text"])
    with pytest.raises(WeightsError, match=r"Stable Diffusion 1.5 \(text\)(.|\n)*final_layer_norm.weight"):
        open_base(find_files(tmp_path), torch.float32, widths=TENTH)


def test_a_lora_of_other_widths_is_refused_by_the_name_of_its_file(tmp_path, folder):
    from dataclasses import replace

    write_lora(tmp_path / "wide.safetensors", replace(TENTH, model_channels=64))
    with pytest.raises(WeightsError, match=r"wide.safetensors: .* of another width"):
        open_base(find_files(folder), torch.float32, read_lora(tmp_path / "wide.safetensors"), widths=TENTH)


def test_a_folder_without_the_model_says_what_is_missing_and_how_to_get_it(tmp_path):
    with pytest.raises(WeightsError, match="no unet") as caught:
        find_files(tmp_path)
    assert "weights pull sd15-unet" in caught.value.remedy
