"""LoRA files: two layouts read, applied three ways with recorded results, kohya's names written, other bases refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from named_weights import weights_module
from numpy.testing import assert_allclose
from safetensors.torch import load_file, save_file

from pipeline.core.errors import WeightsError
from tryon.lora_files import kohya_tensors, peft_tensors, read_lora, write_kohya
from tryon.networks.compvis_names import unet_name
from tryon.networks.lora import Lora, LoraLayer, attached, merged
from tryon.networks.sd1 import level_channels
from tryon.networks.sd1_unet import sd1_unet

TOLERANCE = 2e-4
UNET = "model.diffusion_model."


@pytest.fixture(scope="module")
def records(fixtures_root: Path) -> dict[str, np.ndarray]:
    with np.load(fixtures_root / "dci_vton" / "public" / "lora.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def recorded_config(records):
    return json.loads(str(records["config_json"]))


@pytest.fixture(scope="module")
def made(fixtures_root: Path):
    return weights_module(fixtures_root / "dci_vton")


@pytest.fixture(scope="module")
def kohya_file(records, recorded_config, made, tmp_path_factory) -> Path:
    """The recorded LoRA as kohya's tools write it."""
    shapes = json.loads(str(records["lora_key_shapes_json"]))
    tensors = {
        key: torch.tensor(recorded_config["alpha"])
        if key.endswith(".alpha")
        else torch.from_numpy(made.weight(recorded_config["salt"], key, shape))
        for key, shape in shapes.items()
    }
    path = tmp_path_factory.mktemp("lora") / "hands.safetensors"
    save_file(tensors, path)
    return path


@pytest.fixture(scope="module")
def published_weights(records, recorded_config, made) -> dict[str, torch.Tensor]:
    """A nine-channel U-Net in CompVis' names."""
    shapes = json.loads(str(records["ldm_key_shapes_json"]))
    return {key: torch.from_numpy(each) for key, each in made.fill(shapes, recorded_config["salt"]).items()}


@pytest.fixture(scope="module")
def inputs(recorded_config, made):
    c = recorded_config

    def draw(name, shape):
        return torch.from_numpy(made.normals(c["salt"], f"input/{name}", shape).astype(np.float32))

    return draw("x9", (c["B"], 9, c["L"], c["L"])), c["t"], draw("context", (c["B"], 1, 768))


def our_names(key: str) -> str:
    return unet_name(key.removeprefix(UNET), layers=1)


def unet_of(weights):
    """diffusers' U-Net with the weights of a published one."""
    network = sd1_unet(9, level_channels(32), 8, 768, 1).eval()
    network.load_state_dict({our_names(key): each for key, each in weights.items()})
    return network


def close(got, wanted) -> None:
    assert_allclose(got.numpy(), wanted, rtol=0, atol=TOLERANCE * np.abs(wanted).max())


def test_without_a_lora_the_network_is_the_recorded_one(published_weights, inputs, records):
    x, t, context = inputs
    close(unet_of(published_weights)(x, t, context).sample, records["eps_base"])


def test_merged_into_published_names_it_equals_the_recorded_result(
    published_weights, kohya_file, inputs, recorded_config, records
):
    x, t, context = inputs
    changed = merged(published_weights, read_lora(kohya_file).unet, recorded_config["mult"], our_names)
    assert set(changed) == set(published_weights)
    close(unet_of(changed)(x, t, context).sample, records["eps_lora"])


def test_attached_to_a_network_it_equals_the_recorded_result_and_leaves_no_trace(
    published_weights, kohya_file, inputs, recorded_config, records
):
    x, t, context = inputs
    network = unet_of(published_weights)
    with attached(network, read_lora(kohya_file).unet, recorded_config["mult"]):
        close(network(x, t, context).sample, records["eps_lora"])
    close(network(x, t, context).sample, records["eps_base"])


def test_by_diffusers_own_loader_it_equals_the_recorded_result(published_weights, kohya_file, inputs, recorded_config, records):
    x, t, context = inputs
    network = unet_of(published_weights)
    lora = read_lora(kohya_file)
    tensors, alphas = peft_tensors(lora.unet, [name for name, _ in network.named_modules()])
    prefixed = {f"unet.{name}": each for name, each in tensors.items()}
    network.load_lora_adapter(
        prefixed, prefix="unet", network_alphas={f"unet.{name}.alpha": each for name, each in alphas.items()}
    )
    network.set_adapters(["default_0"], [recorded_config["mult"]])
    close(network(x, t, context).sample, records["eps_lora"])


def test_kohyas_names_are_mapped_to_published_ones_as_recorded(records, kohya_file, published_weights):
    names = {our_names(key).removesuffix(".weight").replace(".", "_"): key for key in published_weights}
    recorded = json.loads(str(records["lora_to_ldm_json"]))
    assert {f"lora_unet_{layer}": names[layer] for layer in read_lora(kohya_file).unet} == recorded


def test_written_again_the_file_holds_the_same_tensors(kohya_file, tmp_path):
    write_kohya(read_lora(kohya_file), tmp_path / "again.safetensors")
    first, again = load_file(kohya_file), load_file(tmp_path / "again.safetensors")
    assert first.keys() == again.keys()
    assert all(torch.equal(first[key], again[key]) for key in first)


def test_every_name_and_shape_of_a_published_file_is_read_and_written(fixtures_root: Path):
    keys = json.loads((fixtures_root.parent / "spec" / "dci_vton_keys.json").read_text())["kohya_lora_sd15_dim64"]
    with torch.device("meta"):
        network = sd1_unet(4, level_channels(320), 8, 768)
    names = {name.replace(".", "_") for name, _ in network.named_modules()}
    unet, text = ({}, {})
    for key, shape in keys.items():
        stem, _, role = key.partition(".")
        part = unet if stem.startswith("lora_unet_") else text
        part.setdefault(stem.removeprefix("lora_unet_").removeprefix("lora_te_text_model_"), {})[role] = torch.empty(
            shape, device="meta"
        )
    lora = Lora(*({n: LoraLayer(e["lora_down.weight"], e["lora_up.weight"], 32) for n, e in p.items()} for p in (unet, text)))
    assert (len(lora.unet), len(lora.text)) == (192, 72)
    assert set(lora.unet) <= names
    assert {key: list(each.shape) for key, each in kohya_tensors(lora).items()} == keys


def test_diffusers_layouts_read_like_kohyas(kohya_file, tmp_path, published_weights):
    lora = read_lora(kohya_file)
    paths = [name for name, _ in unet_of(published_weights).named_modules()]
    tensors, _ = peft_tensors(lora.unet, paths)
    words = {"lora_adapter_metadata": json.dumps({"unet.lora_alpha": 2.0, "unet.r": 4})}
    for number, prefix in enumerate(("unet.", "base_model.model.", "")):
        path = tmp_path / f"{number}.safetensors"
        save_file({prefix + key: each.contiguous() for key, each in tensors.items()}, path, words)
        again = read_lora(path)
        assert again.unet.keys() == lora.unet.keys()
        assert all(again.unet[name].alpha == 2.0 and torch.equal(again.unet[name].up, lora.unet[name].up) for name in lora.unet)


def test_the_layout_from_before_peft_is_read(tmp_path):
    stem = "unet.mid_block.attentions.0.transformer_blocks.0.attn1.processor."
    save_file(
        {
            f"{stem}to_out_lora.down.weight": torch.ones(2, 8),
            f"{stem}to_out_lora.up.weight": torch.ones(8, 2),
            "text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_linear_layer.down.weight": torch.ones(2, 8),
            "text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_linear_layer.up.weight": torch.ones(8, 2),
        },
        tmp_path / "old.safetensors",
    )
    lora = read_lora(tmp_path / "old.safetensors")
    assert list(lora.unet) == ["mid_block_attentions_0_transformer_blocks_0_attn1_to_out_0"]
    assert list(lora.text) == ["encoder_layers_0_self_attn_q_proj"]
    assert lora.unet["mid_block_attentions_0_transformer_blocks_0_attn1_to_out_0"].scale == 1  # no alpha given: the rank


@pytest.mark.parametrize("kernel", [1, 3])
def test_a_convolution_is_changed_alike_by_hook_and_by_merging(kernel):
    network = torch.nn.Sequential(torch.nn.Conv2d(6, 5, kernel, stride=2, padding=kernel // 2))
    layer = LoraLayer(torch.randn(2, 6, kernel, kernel), torch.randn(5, 2, 1, 1), 1.0)
    x = torch.randn(1, 6, 8, 8)
    with attached(network, {"0": layer}, 0.7):
        by_hook = network(x)
    network.load_state_dict(merged(network.state_dict(), {"0": layer}, 0.7))
    assert_allclose(network(x).numpy(), by_hook.numpy(), atol=1e-5)


K = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k"


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ({f"{K}.lora_down.weight": (4, 1024), f"{K}.lora_up.weight": (320, 4)}, "Stable Diffusion 2"),
        ({f"{K}.lora_down.weight": (4, 2048), f"{K}.lora_up.weight": (320, 4)}, "Stable Diffusion XL"),
        ({"lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": (4, 768)}, "Stable Diffusion XL"),
        ({"lora_unet_double_blocks_0_img_attn_proj.lora_down.weight": (4, 3072)}, "transformer"),
        ({f"{K}.hada_w1_a": (4, 4)}, "LyCORIS"),
        ({f"{K}.lora_down.weight": (4, 768), f"{K}.lora_up.weight": (320, 8)}, "differ in rank"),
        ({f"{K}.lora_down.weight": (4, 768)}, "wanted lora_down and lora_up"),
        ({"conv_in.weight": (4, 4, 3, 3)}, "not a LoRA file"),
    ],
)
def test_a_lora_of_another_base_or_rank_is_refused_by_name(tmp_path, tensors, words):
    path = tmp_path / "other.safetensors"
    save_file({name: torch.zeros(shape) for name, shape in tensors.items()}, path)
    with pytest.raises(WeightsError, match=words):
        read_lora(path)


def test_a_lora_of_other_widths_does_not_fit_a_network(published_weights):
    name = "mid_block_attentions_0_proj_in"
    wide = {name: LoraLayer(torch.zeros(4, 1280, 1, 1), torch.zeros(1280, 4, 1, 1), 4.0)}
    with pytest.raises(WeightsError, match=r"of another width.*1280.*128"):
        merged(published_weights, wide, 1.0, our_names)
    with pytest.raises(WeightsError, match="no place in this network: down_blocks_9"):
        merged(published_weights, {"down_blocks_9": wide[name]}, 1.0, our_names)
