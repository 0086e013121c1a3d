"""IP-Adapter's files: read into our adapter, and written for other people's tools.

Two containers hold the same names: a torch file of two dictionaries, `image_proj` and `ip_adapter`, or a safetensors file with
these as prefixes. Facts: docs/facts/ootdiffusion.md#ip-adapter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from pipeline.core.errors import WeightsError
from pipeline.core.records.whole_file import whole_file
from tryon.checkpoints import difference, open_checkpoint, refuse_difference
from tryon.networks.image_adapter import ImageAdapter, ImageProjector, Resampler, ResamplerWidths, published_numbers

PROJECTOR, LAYERS = "image_proj.", "ip_adapter."
HEAD_WIDTH = 64
"""Of every published resampler; no shape tells it."""
_REMEDY = "an IP-Adapter for Stable Diffusion 1.5: `ip-adapter_sd15.safetensors` or `ip-adapter-plus_sd15.safetensors`"


def read_image_adapter(path: Path, unet: Any, *, head_width: int = HEAD_WIDTH) -> ImageAdapter:
    """Read a published adapter strictly; plain projector or resampler, and their widths, are seen from the tensors.

    Args:
        path: `.bin` or `.safetensors`.
        unet: the U-Net it is for: what `sd1_unet` made, not on the meta device.
        head_width: channels of a head of the resampler.

    Raises:
        WeightsError: unsafe, no IP-Adapter, or one for another U-Net (SDXL), with the names that differ.
    """
    tensors = open_checkpoint(path, groups=(PROJECTOR[:-1], LAYERS[:-1]))
    projector = _projector(path, tensors, head_width)
    numbers = published_numbers(unet)
    held = {int(found[1]) for name in tensors if (found := re.match(rf"{re.escape(LAYERS)}(\d+)\.", name))}
    adapter = ImageAdapter(projector, unet, [place for place, number in enumerate(numbers) if number in held])
    wanted = published_tensors(adapter, unet)
    refuse_difference(path, "an IP-Adapter for this U-Net", difference(tensors, wanted), _REMEDY)
    ours = {ours: tensors[theirs].float() for ours, theirs in _names(adapter, unet).items()}
    adapter.load_state_dict(ours, strict=True)
    return adapter


def write_image_adapter(path: Path, adapter: ImageAdapter, unet: Any, dtype: torch.dtype = torch.float16) -> None:
    """Write an adapter as a safetensors file under the published names."""
    tensors = {name: tensor.detach().to("cpu", dtype).contiguous() for name, tensor in published_tensors(adapter, unet).items()}
    with whole_file(path) as part:
        save_file(tensors, part, {"format": "pt"})


def published_tensors(adapter: ImageAdapter, unet: Any) -> dict[str, Tensor]:
    """An adapter's tensors under their published names."""
    state = adapter.state_dict()
    return {theirs: state[ours] for ours, theirs in _names(adapter, unet).items()}


def _names(adapter: ImageAdapter, unet: Any) -> dict[str, str]:
    """Our name → published name."""
    numbers = published_numbers(unet)
    names = {f"projector.{name}": f"{PROJECTOR}{name}" for name in adapter.projector.state_dict()}
    for place in adapter.places:
        for kind in ("k", "v"):
            names[f"to_{kind}.{place}.weight"] = f"{LAYERS}{numbers[place]}.to_{kind}_ip.weight"
    return names


def _projector(path: Path, tensors: Mapping[str, Tensor], head_width: int) -> ImageProjector | Resampler:
    def shape(name: str) -> tuple[int, ...]:
        return tuple(tensors[PROJECTOR + name].shape)

    if {PROJECTOR + name for name in ("proj.weight", "norm.weight")} <= tensors.keys():
        (rows, width), (context_dim,) = shape("proj.weight"), shape("norm.weight")
        return ImageProjector(width, context_dim, rows // context_dim)
    first = "layers.0.0.to_q.weight"
    if not {PROJECTOR + name for name in ("latents", "proj_in.weight", first, "layers.0.1.1.weight")} <= tensors.keys():
        raise WeightsError(f"{path}: not an IP-Adapter: neither `image_proj.proj.weight` nor `image_proj.latents`", _REMEDY)
    _, queries, width = shape("latents")
    layers = {name.split(".")[2] for name in tensors if name.startswith(f"{PROJECTOR}layers.")}
    return Resampler(
        ResamplerWidths(
            inputs=shape("proj_in.weight")[1],
            width=width,
            heads=shape(first)[0] // head_width,
            head_width=head_width,
            layers=len(layers),
            queries=queries,
            widening=shape("layers.0.1.1.weight")[0] // width,
            context_dim=shape("proj_out.weight")[0] if PROJECTOR + "proj_out.weight" in tensors else width,
        )
    )
