"""What the study asks about OOTDiffusion's network. Facts: docs/facts/ootdiffusion.md."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from pipeline.core.errors import UsageError
from pipeline.core.weights.access import require_all
from tryon.engines.ootdiffusion.architecture import FULL, Architecture
from tryon.engines.ootdiffusion.checkpoint import VAE_FILE, Files, empty_network, fill_network, read_published
from tryon.engines.ootdiffusion.encoding import check_size, latent_size
from tryon.engines.ootdiffusion.network import OotDiffusion
from tryon.engines.ootdiffusion.presets import BALANCED
from tryon.engines.ootdiffusion.training.config import OotdTraining
from tryon.engines.ootdiffusion.training.groups import trained_groups
from tryon.engines.ootdiffusion.words import FULL_BODY, HALF_BODY, Words
from tryon.networks.clip import clip_input
from tryon.networks.savings.quantised import FULL_FORMAT
from tryon.networks.savings.switches import OFFICIAL
from tryon.networks.sd1 import LATENT_CHANNELS
from tryon.networks.vae import decode_latents, encode_pictures
from tryon.study.protocol import Part, Point, Shapes, Size

SD1, CLIP_WEIGHTS = "Stable Diffusion 1.5", "CLIP ViT-L/14"
ANSWERS = 2
"""With and without garment."""


def _part(name: str, about: str, *prefixes: str, model: str, origin: str = SD1, calls: int = 1) -> Part:
    return Part(name=name, about=about, prefixes=prefixes, model=model, origin=origin, calls=calls)


PARTS = (
    _part("garment U-Net", "garment's latent → tokens at 16 places", "unet_garm.", model="unet_garm", calls=ANSWERS),
    _part(
        "try-on U-Net",
        "noisy latent and masked person → noise, looking at the garment's tokens",
        "unet_vton.",
        model="unet_vton",
        calls=ANSWERS * BALANCED.steps,
    ),
    _part("text encoder", "a word → two or three tokens", "text_encoder.", model="text_encoder", origin=CLIP_WEIGHTS),
    _part("image encoder", "garment → one token", "image_encoder.", model="image_encoder", origin=CLIP_WEIGHTS),
    _part("VAE encoder", "pictures → latents", "vae.encoder.", "vae.quant_conv.", model="vae"),
    _part("VAE decoder", "latent → picture", "vae.decoder.", "vae.post_quant_conv.", model="vae"),
)

_STAGE = re.compile(
    r"(?P<whole>text_encoder|image_encoder)\.|vae\.(?P<half>encoder|decoder|quant_conv|post_quant_conv)\."
    r"|(?P<level>unet_\w+\.(?:down|up)_blocks\.\d)\.|(?P<other>unet_\w+\.\w+)\."
)
_HALF = {"encoder": "encoder", "quant_conv": "encoder", "decoder": "decoder", "post_quant_conv": "decoder"}


class OotdAnatomy:
    """One of OOTDiffusion's models.

    Args:
        name: of the engine.
        words: of the model.
        architecture: the widths.
        size: (height, width) in pixels that it was trained at.
    """

    parts = PARTS
    spared: frozenset[str] = frozenset()

    def __init__(self, name: str, words: Words, architecture: Architecture = FULL, size: Size = (1024, 768)) -> None:
        self.name, self.words, self.architecture, self.size = name, words, architecture, size
        self.training = "ootdiffusion" if words is HALF_BODY else "ootdiffusion --set ootd.model=dc"

    def network(self, weight_format: str = FULL_FORMAT) -> OotDiffusion:
        """See `protocol.Anatomy`."""
        if weight_format != FULL_FORMAT:
            raise UsageError(f"{self.name}: weights are not kept in {weight_format}", "weight_format is a setting of stableviton")
        return empty_network(self.architecture, OFFICIAL)

    def filled(self, weights: Mapping[str, Tensor], dtype: torch.dtype) -> OotDiffusion:
        """See `protocol.Anatomy`."""
        return fill_network(weights, dtype, self.architecture, OFFICIAL)

    def inputs(self, size: Size) -> Shapes:
        """See `protocol.Anatomy`."""
        check_size(size)
        length = len(next(iter(self.words.ids.values())))
        pictures: dict[str, tuple[int, ...]] = dict.fromkeys(("masked person", "garment"), (1, 3, *size))
        return pictures | {"word": (1, length), "noisy latent": (1, LATENT_CHANNELS, *latent_size(size)), "timestep": (1,)}

    def run(self, network: OotDiffusion, inputs: Mapping[str, Tensor]) -> Tensor:
        """See `protocol.Anatomy`."""
        person, garment = encode_pictures(network.vae, torch.cat([inputs["masked person"], inputs["garment"]])).mean.chunk(2)
        square = clip_input(inputs["garment"], side=self.architecture.clip.image_size)
        context = network.context(inputs["word"].long(), square, self.words.vector)
        contexts = network.contexts(context, network.garment_tokens(garment, context))
        noisy = inputs["noisy latent"]
        noise = network.noise(noisy, person, network.time_shifts(inputs["timestep"]), contexts)
        return decode_latents(network.vae, noisy - noise)

    def stage(self, tensor: str) -> str:
        """See `protocol.Anatomy`."""
        found = _STAGE.match(tensor)
        assert found is not None, tensor
        if found["half"]:
            return f"vae.{_HALF[found['half']]}"
        if found["other"] and found["other"].endswith("conv_norm_out"):
            return found["other"].replace("conv_norm_out", "conv_out")
        return found["whole"] or found["level"] or found["other"]

    def trained(self) -> frozenset[str]:
        """See `protocol.Anatomy`: what the paper's joint training changes."""
        groups = trained_groups(self.network(), OotdTraining())
        return frozenset(name for parameters in groups.values() for name in parameters)

    def points(self, size: Size) -> Sequence[Point]:
        """See `protocol.Anatomy`."""
        return _POINTS

    def read(self, path: Path) -> Mapping[str, Tensor]:
        """See `protocol.Anatomy`: the folder with `unet_garm` and `unet_vton`; VAE and CLIP beside it in the weights folder."""
        shared = require_all(("ootdiffusion-vae", "clip-vit-large-patch14"), path.parent)
        vae, clip = shared["ootdiffusion-vae"] / VAE_FILE, shared["clip-vit-large-patch14"]
        return read_published(Files(unets=path, vae=vae, clip=clip, row=path.name), self.architecture)


_POINTS = (
    Point(
        "One network in another",
        "The garment U-Net predicts no noise: its tokens at 16 places stand beside the person's in the try-on U-Net's "
        "self-attentions. No weight joins the two; the try-on U-Net's own keys and values read both.",
    ),
    Point(
        "Once for a garment",
        "The garment is shown clean, at timestep 0, so its tokens do not change from step to step: keys and values are computed "
        "once and kept. What comes behind the last of the 16 places is never read.",
    ),
    Point(
        "Without garment",
        "Guidance compares with a garment latent of zeros, which has tokens of its own; the context still holds the garment's "
        "vector.",
    ),
    Point(
        "No text to speak of",
        "The half-body model sees CLIP's begin mark and the garment's vector, the full-body model a word for the category too.",
    ),
    Point(
        "No mask channel",
        "Where to paint is seen from the grey area alone; the mask serves to put back the rest after each step.",
    ),
)

ANATOMY_HD = OotdAnatomy("ootdiffusion_hd", HALF_BODY)
ANATOMY_DC = OotdAnatomy("ootdiffusion_dc", FULL_BODY)
