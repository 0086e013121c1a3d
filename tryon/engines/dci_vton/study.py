"""What the study asks about DCI-VTON's diffusion network. Facts: docs/facts/dci_vton.md."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from pipeline.core.errors import UsageError
from tryon.engines.dci_vton.architecture import FULL, Architecture
from tryon.engines.dci_vton.checkpoint import empty_network, fill_network, read_published
from tryon.engines.dci_vton.folder import read_parts
from tryon.engines.dci_vton.network import DciVton
from tryon.engines.dci_vton.presets import BALANCED
from tryon.engines.dci_vton.training.vton_groups import trained_groups
from tryon.networks.clip import clip_input
from tryon.networks.latent_mask import latent_mask
from tryon.networks.savings.quantised import FULL_FORMAT
from tryon.networks.savings.switches import OFFICIAL
from tryon.networks.sd1 import LATENT_CHANNELS, LATENT_STRIDE, SIDE_MULTIPLE
from tryon.networks.vae import decode_latents, encode_pictures
from tryon.study.protocol import Part, Point, Shapes, Size

PAINT_BY_EXAMPLE = "Paint-by-Example"
CLIP = "CLIP, through Paint-by-Example"
VAE = "Stable Diffusion's VAE"
CALLS = BALANCED.steps


def _part(name: str, about: str, prefixes: tuple[str, ...], model: str, origin: str, calls: int = 1) -> Part:
    return Part(name=name, about=about, prefixes=prefixes, model=model, origin=origin, calls=calls)


PARTS = (
    _part("VAE encoder", "inpaint picture and composite → latents", ("vae.",), "vae", VAE),
    _part("CLIP tower", "garment picture → one vector", ("image_encoder.",), "image_encoder", CLIP),
    _part("mapper", "that vector → one context token", ("mapper.",), "mapper", PAINT_BY_EXAMPLE),
    _part("U-Net encoder and middle", "noisy picture and conditions → maps", ("unet.",), "unet", PAINT_BY_EXAMPLE, CALLS),
    _part(
        "U-Net decoder",
        "maps → the noise in the picture",
        ("unet.up_blocks.", "unet.conv_norm_out.", "unet.conv_out."),
        "unet",
        PAINT_BY_EXAMPLE,
        CALLS,
    ),
    _part("VAE decoder", "latent → picture", ("vae.decoder.", "vae.post_quant_conv."), "vae", VAE),
)

_STAGE = re.compile(
    r"(?P<whole>image_encoder|mapper|vae\.(?:encoder|decoder))\.|vae\.(?P<quant>post_)?quant_conv\."
    r"|(?P<decoder>unet\.up_blocks\.\d)\.(?:(?:resnets|attentions)\.(?P<layer>\d)|upsamplers)\."
    r"|(?P<level>unet\.down_blocks\.\d)\.|(?P<other>unet\.\w+)\."
)


class DciVtonAnatomy:
    """One of the two models; they share the network.

    Args:
        architecture: the widths.
        name: of the engine.
        size: (height, width) in pixels that it was trained at.
        training: see `protocol.Anatomy`.
    """

    parts = PARTS
    spared = frozenset({"mapper.unconditional"})  # guidance's pass without garment

    def __init__(
        self, architecture: Architecture = FULL, name: str = "dci_vton", size: Size = (512, 512), training: str = "dci-vton"
    ) -> None:
        self.architecture, self.name, self.size, self.training = architecture, name, size, training

    def network(self, weight_format: str = FULL_FORMAT) -> DciVton:
        """See `protocol.Anatomy`."""
        if weight_format != FULL_FORMAT:
            raise UsageError(
                f"{self.name}: its weights are not kept in {weight_format}", "weight_format is a setting of stableviton"
            )
        return empty_network(self.architecture, OFFICIAL)

    def filled(self, weights: Mapping[str, Tensor], dtype: torch.dtype) -> DciVton:
        """See `protocol.Anatomy`."""
        return fill_network(weights, dtype, self.architecture, OFFICIAL)

    def inputs(self, size: Size) -> Shapes:
        """See `protocol.Anatomy`."""
        if any(side <= 0 or side % SIDE_MULTIPLE for side in size):
            raise UsageError(f"{self.name}: size {size} does not fit the network", f"multiples of {SIDE_MULTIPLE}")
        latent = (1, LATENT_CHANNELS, size[0] // LATENT_STRIDE, size[1] // LATENT_STRIDE)
        pictures = {"inpaint picture": (1, 3, *size), "composite": (1, 3, *size), "garment": (1, 3, *size)}
        return pictures | {"keep mask": (1, 1, *size), "noise": latent, "timestep": (1,)}

    def run(self, network: DciVton, inputs: Mapping[str, Tensor]) -> Tensor:
        """See `protocol.Anatomy`: the first call, whose noisy latent is the composite's."""
        posterior = encode_pictures(network.vae, torch.cat([inputs["inpaint picture"], inputs["composite"]]))
        inpaint, composite = torch.chunk(posterior.sample(torch.ones_like(posterior.mean)), 2)
        noisy = composite + inputs["noise"]
        token = network.garment_token(clip_input(inputs["garment"]))
        x = torch.cat([noisy, inpaint, latent_mask(inputs["keep mask"])], dim=1)
        noise = network.noise(x, network.time_shifts(inputs["timestep"]), network.contexts(token))
        return decode_latents(network.vae, noisy - noise)

    def stage(self, tensor: str) -> str:
        """See `protocol.Anatomy`."""
        found = _STAGE.match(tensor)
        assert found is not None, tensor
        if found["decoder"]:
            return f"{found['decoder']}.{found['layer'] or 2}"
        if tensor.startswith("vae.") and not found["whole"]:
            return "vae.decoder" if found["quant"] else "vae.encoder"
        if tensor.startswith("unet.conv_norm_out."):
            return "unet.conv_out"
        return found["whole"] or found["level"] or found["other"]

    def trained(self) -> frozenset[str]:
        """See `protocol.Anatomy`."""
        groups = trained_groups(self.network())
        return frozenset(name for parameters in groups.values() for name in parameters)

    def points(self, size: Size) -> Sequence[Point]:
        """See `protocol.Anatomy`."""
        return _POINTS

    def read(self, path: Path) -> Mapping[str, Tensor]:
        """See `protocol.Anatomy`."""
        return read_parts(path) if path.is_dir() else read_published(path, self.architecture)


_POINTS = (
    Point(
        "A warp, then a blend",
        "Another network bends the garment onto the person first; the diffusion model is shown the result twice, as a condition "
        "of every step and as the picture whose noised latent the sampler starts from. What the warp gets wrong, it can repaint.",
    ),
    Point(
        "No layer more than Paint-by-Example",
        "Names, shapes and count of weights are the same. What is new is what it is shown: a warped garment where the hole was "
        "grey.",
    ),
    Point(
        "It does not start from noise",
        "6.8 % of the composite survive at timestep 999, although the first call is at 991 of 100 steps.",
    ),
    Point(
        "Two models, two holes",
        "v1 makes its hole of the parse map: upper clothes and both arms, hands included, so it always draws hands anew. v2 "
        "takes the agnostic drawing, which leaves hands outside its strokes alone. Their files look alike; fed with the other's "
        "hole, a model paints wrong pictures without an error.",
    ),
    Point(
        "A squashed square",
        "Everything is 512 × 512, squeezed from 3:4. The square is undone after the last pixel is pasted, by a resize without "
        "antialias.",
    ),
)

ANATOMY = DciVtonAnatomy()
ANATOMY_V2 = DciVtonAnatomy(name="dci_vton_v2", training="dci-vton --preset v2")
