"""IP-Adapter's projectors, numbering and files, against recorded results of the published code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from recorded_networks import Records
from safetensors.torch import save_file
from torch import Tensor

from pipeline.core.errors import WeightsError
from tryon.image_adapter_files import published_tensors, read_image_adapter, write_image_adapter
from tryon.networks.image_adapter import (
    ImageAdapter,
    ImageProjector,
    Resampler,
    ResamplerWidths,
    decoder_places,
    published_numbers,
)
from tryon.networks.reference_attention import Decoupled, Tabulated, reference_blocks
from tryon.networks.savings.swapping import use_plain_layers
from tryon.networks.sd1_unet import predict_noise, time_shifts
from tryon.networks.unet_layers import Context, CrossAttention, unet_stages

PROJECTED = 1e-5
EPS = 2e-5


@pytest.fixture(scope="module")
def records(fixtures_root: Path) -> Records:
    return Records(fixtures_root / "ootdiffusion", "adapters_public.npz")


@pytest.fixture(scope="module")
def unet(records: Records) -> Any:
    return records.unet("unet", 4)


@pytest.fixture(scope="module")
def published(records: Records) -> dict[str, Tensor]:
    """The recorded adapter's tensors under their published names."""
    listed = {f"image_proj.{name}": shape for name, shape in records.meta["image_proj_keys"].items()}
    listed |= {f"ip_adapter.{name}": shape for name, shape in records.meta["ip_adapter_keys"].items()}
    return {name: torch.from_numpy(records.make.tensor_for(name, shape, records.salt)) for name, shape in listed.items()}


def resampler_tensors(records: Records) -> dict[str, Tensor]:
    shapes = records.meta["resampler_keys"]
    return {
        name: torch.from_numpy(records.make.tensor_for(f"resampler.{name}", shape, records.salt))
        for name, shape in shapes.items()
    }


def recorded_resampler(records: Records) -> Resampler:
    said = records.meta["resampler"]
    widths = ResamplerWidths(
        inputs=said["embedding_dim"],
        width=said["dim"],
        heads=said["heads"],
        head_width=said["dim_head"],
        layers=said["depth"],
        queries=said["num_queries"],
        widening=said["ff_mult"],
        context_dim=said["output_dim"],
    )
    return Resampler(widths)


def saved(tensors: dict[str, Tensor], path: Path) -> Path:
    save_file(tensors, path)
    return path


def noise(unet: Any, records: Records, looks: list[CrossAttention]) -> Tensor:
    rest = iter(looks)
    contexts = [None if stage.transformer is None else Context(across=next(rest)) for stage in unet_stages(unet)]
    noisy = records.data("noisy", 2, 4, *records.meta["latent_hw"])
    return predict_noise(unet, noisy, time_shifts(unet, torch.tensor([321, 45])), contexts)


def text(records: Records) -> Tensor:
    return records.data("text", 2, 7, records.meta["unet"]["cross_attention_dim"])


def test_the_plain_projector_gives_the_recorded_tokens(records: Records, unet: Any, published: dict[str, Tensor], tmp_path: Path):
    adapter = read_image_adapter(saved(published, tmp_path / "adapter.safetensors"), unet)
    with torch.inference_mode():
        tokens = adapter.projector(records.data("clip_image_embeds", 2, 24))
        nothing = adapter.projector(torch.zeros(2, 24))
    torch.testing.assert_close(tokens, records.recorded("ip_tokens"), atol=PROJECTED, rtol=0)
    torch.testing.assert_close(nothing, records.recorded("ip_tokens_uncond"), atol=PROJECTED, rtol=0)


def test_the_resampler_gives_the_recorded_tokens(records: Records):
    network = recorded_resampler(records)
    assert {name: list(each.shape) for name, each in network.state_dict().items()} == records.meta["resampler_keys"]
    network.load_state_dict(resampler_tensors(records))
    with torch.inference_mode():
        found = network(records.data("patch_tokens", 2, 19, 40))
    torch.testing.assert_close(found, records.recorded("resampler_out"), atol=PROJECTED, rtol=0)


@pytest.mark.parametrize("scale", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("kind", ["bin", "safetensors"])
def test_a_published_file_gives_the_recorded_noise(
    records: Records, unet: Any, published: dict[str, Tensor], tmp_path: Path, scale: float, kind: str
):
    path = tmp_path / f"ip-adapter.{kind}"
    if kind == "bin":
        groups: dict[str, dict[str, Tensor]] = {"image_proj": {}, "ip_adapter": {}}
        for name, tensor in published.items():
            group, _, rest = name.partition(".")
            groups[group][rest] = tensor
        torch.save(groups, path)
    else:
        save_file(published, path)
    adapter = read_image_adapter(path, unet)
    with torch.inference_mode():
        tokens = adapter.projector(records.data("clip_image_embeds", 2, 24))
        found = noise(unet, records, adapter.looks(unet, text(records), tokens, scale))
    torch.testing.assert_close(found, records.recorded(f"ip_eps_scale_{scale}"), atol=EPS, rtol=0)


def test_a_resamplers_file_is_known_by_its_tensors(records: Records, unet: Any, published: dict[str, Tensor], tmp_path: Path):
    layers = {name: tensor for name, tensor in published.items() if name.startswith("ip_adapter.")}
    plus = layers | {f"image_proj.{name}": tensor for name, tensor in resampler_tensors(records).items()}
    adapter = read_image_adapter(saved(plus, tmp_path / "plus.safetensors"), unet, head_width=8)
    assert isinstance(adapter.projector, Resampler)
    with torch.inference_mode():
        found = adapter.projector(records.data("patch_tokens", 2, 19, 40))
    torch.testing.assert_close(found, records.recorded("resampler_out"), atol=PROJECTED, rtol=0)


def test_published_files_number_the_middle_block_last(records: Records, unet: Any):
    order = [name for name in records.meta["attn_processor_order"] if "attn2" in name]
    numbers = dict(zip(map(id, reference_blocks(unet)), published_numbers(unet), strict=True))
    modules = dict(unet.named_modules())
    for name in order:
        block = modules[name.removesuffix(".attn2.processor")]
        assert numbers[id(block)] == records.meta["attn_processor_order"].index(name)
    assert numbers[id(unet.mid_block.attentions[0].transformer_blocks[0])] == 31


def test_what_is_written_is_what_was_read(unet: Any, published: dict[str, Tensor], tmp_path: Path):
    adapter = read_image_adapter(saved(published, tmp_path / "adapter.safetensors"), unet)
    again = tmp_path / "again.safetensors"
    write_image_adapter(again, adapter, unet, torch.float32)
    back = read_image_adapter(again, unet)
    assert published_tensors(back, unet).keys() == published.keys()
    assert all(torch.equal(tensor, published[name]) for name, tensor in published_tensors(back, unet).items())


def test_new_projections_begin_as_those_for_text(records: Records):
    unet = records.unet("unet", 4)
    use_plain_layers(unet)
    adapter = ImageAdapter(ImageProjector(24, 32), unet)
    adapter.begin_as_text(unet)
    block = reference_blocks(unet)[6]
    assert torch.equal(adapter.to_k["6"].weight, block.attn2.to_k.weight)
    assert torch.equal(adapter.to_v["6"].weight, block.attn2.to_v.weight)
    assert adapter.to_k["6"].weight is not block.attn2.to_k.weight


def test_an_adapter_of_the_decoder_leaves_the_encoder_to_the_text(records: Records, unet: Any):
    adapter = ImageAdapter(ImageProjector(24, 32), unet, decoder_places(unet))
    assert adapter.places == tuple(range(7, 16))
    looks = adapter.looks(unet, text(records), adapter.projector(torch.ones(2, 24)))
    assert [type(look) for look in looks] == [Tabulated] * 7 + [Decoupled] * 9


def test_without_text_the_picture_alone_is_seen(records: Records, unet: Any):
    adapter = ImageAdapter(ImageProjector(24, 32), unet)
    with torch.inference_mode():
        found = [
            noise(unet, records, adapter.looks(unet, words, adapter.projector(torch.ones(2, 24))))
            for words in (None, text(records), text(records) * 0)
        ]
    assert all(torch.isfinite(each).all() for each in found)
    assert float((found[0] - found[1]).abs().max()) > 1e-3
    torch.testing.assert_close(found[2], found[0], msg="text of zeros has values of zero: nothing is added to the picture's part")


def test_without_text_every_place_needs_the_adapter(unet: Any):
    adapter = ImageAdapter(ImageProjector(24, 32), unet, decoder_places(unet))
    with pytest.raises(ValueError, match=r"cross-attentions \[0, 1, 2, 3, 4, 5, 6\] would see nothing"):
        adapter.looks(unet, None, adapter.projector(torch.ones(1, 24)))


def test_an_adapter_of_another_unet_is_refused_by_its_names(unet: Any, published: dict[str, Tensor], tmp_path: Path):
    wrong = published | {"ip_adapter.31.to_k_ip.weight": torch.zeros(64, 32)}
    with pytest.raises(WeightsError, match=r"ip_adapter\.31\.to_k_ip\.weight: \(64, 32\) instead of \(32, 32\)"):
        read_image_adapter(saved(wrong, tmp_path / "wrong.safetensors"), unet)
    more = published | {"ip_adapter.139.to_k_ip.weight": torch.zeros(32, 32)}
    with pytest.raises(WeightsError, match=r"1 unexpected: ip_adapter\.139\.to_k_ip\.weight"):
        read_image_adapter(saved(more, tmp_path / "more.safetensors"), unet)


def test_a_file_of_another_kind_is_no_adapter(unet: Any, tmp_path: Path):
    with pytest.raises(WeightsError, match="not an IP-Adapter"):
        read_image_adapter(saved({"conv_in.weight": torch.zeros(1)}, tmp_path / "other.safetensors"), unet)
