"""What the study asks about StableVITON's network. Facts: docs/facts/stableviton.md, docs/facts/stableviton_training.md."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from tryon.engines.stableviton.architecture import FULL, Architecture
from tryon.engines.stableviton.checkpoint import empty_network, fill_network, read_published
from tryon.engines.stableviton.encoding import check_size
from tryon.engines.stableviton.folder import read_parts
from tryon.engines.stableviton.network import StableViton, stack_conditions
from tryon.engines.stableviton.presets import BALANCED
from tryon.engines.stableviton.training.attention_loss import WEIGHT, looked_at, warp_grids
from tryon.engines.stableviton.training.groups import TrainedParts, trained_groups
from tryon.networks.clip import clip_input
from tryon.networks.latent_mask import latent_mask
from tryon.networks.savings.quantised import FULL_FORMAT
from tryon.networks.savings.switches import ALL, OFFICIAL
from tryon.networks.sd1 import LATENT_CHANNELS, LATENT_STRIDE
from tryon.networks.vae import decode_latents, encode_pictures
from tryon.study.protocol import Part, Point, Shapes, Size

PAINT_BY_EXAMPLE = "Paint-by-Example"
CLIP = "CLIP, through Paint-by-Example"
COPY = "copy of Paint-by-Example's encoder"
NEW = "new"
VAE = "Stable Diffusion's VAE; decoder tuned on VITON-HD"
CALLS = BALANCED.steps

PARTS = (
    Part(
        name="VAE encoder",
        about="agnostic, densepose and garment picture → latents",
        prefixes=("vae.",),
        model="vae",
        origin="Stable Diffusion's VAE",
    ),
    Part(
        name="CLIP tower", about="garment picture → one vector", prefixes=("image_encoder.",), model="image_encoder", origin=CLIP
    ),
    Part(name="mapper", about="that vector → one context token", prefixes=("mapper.",), model="mapper", origin=PAINT_BY_EXAMPLE),
    Part(
        name="spatial encoder",
        about="garment, seen beside the person → nine maps",
        prefixes=("control.",),
        model="control",
        origin=COPY,
        calls=CALLS,
    ),
    Part(
        name="its unused tail",
        about="runs, and its results are thrown away",
        prefixes=("control.down_blocks.2.downsamplers.", "control.down_blocks.3.", "control.mid_block."),
        model="control",
        origin=COPY,
        calls=CALLS,
    ),
    Part(
        name="its garment convolution",
        about="garment latent → first map",
        prefixes=("control.garment_in.",),
        model="control",
        origin=NEW,
        calls=CALLS,
    ),
    Part(
        name="zero cross-attention",
        about="nine blocks: the decoder looks at the garment",
        prefixes=("warp.",),
        model="warp",
        origin=NEW,
        calls=CALLS,
    ),
    Part(
        name="U-Net encoder and middle",
        about="noisy picture and conditions → maps of four sizes",
        prefixes=("unet.",),
        model="unet",
        origin=PAINT_BY_EXAMPLE,
        calls=CALLS,
    ),
    Part(
        name="U-Net decoder",
        about="maps → the noise in the picture",
        prefixes=("unet.up_blocks.", "unet.conv_norm_out.", "unet.conv_out."),
        model="unet",
        origin=PAINT_BY_EXAMPLE,
        calls=CALLS,
    ),
    Part(
        name="VAE decoder",
        about="latent → picture",
        prefixes=("vae.decoder.", "vae.post_quant_conv."),
        model="vae",
        origin=VAE,
    ),
)

_STAGE = re.compile(
    r"(?P<whole>image_encoder|mapper|vae\.(?:encoder|decoder))\.|vae\.(?P<quant>post_)?quant_conv\."
    r"|(?P<decoder>unet\.up_blocks\.\d)\.(?:(?:resnets|attentions)\.(?P<layer>\d)|upsamplers)\."
    r"|(?P<level>(?:unet|control)\.down_blocks\.\d|warp\.\d)\.|(?P<other>(?:unet|control)\.\w+)\."
)


class StableVitonAnatomy:
    """StableVITON, or a descendant with the same network.

    Args:
        architecture: the widths.
        name: of the engine.
        size: (height, width) in pixels that it was trained at.
        training: see `protocol.Anatomy`.
    """

    parts = PARTS
    spared = frozenset({"mapper.unconditional"})  # guidance's pass without garment

    def __init__(
        self, architecture: Architecture = FULL, name: str = "stableviton", size: Size = (512, 384), training: str = "stableviton"
    ) -> None:
        self.architecture, self.name, self.size, self.training = architecture, name, size, training

    def network(self, weight_format: str = FULL_FORMAT) -> StableViton:
        """See `protocol.Anatomy`."""
        network = empty_network(self.architecture, OFFICIAL if weight_format == FULL_FORMAT else ALL)
        network.use_weight_format(weight_format)
        return network

    def filled(self, weights: Mapping[str, Tensor], dtype: torch.dtype) -> StableViton:
        """See `protocol.Anatomy`."""
        return fill_network(self.architecture, weights, dtype, OFFICIAL)

    def inputs(self, size: Size) -> Shapes:
        """See `protocol.Anatomy`."""
        check_size(size)
        pictures = ("agnostic", "densepose", "garment")
        latent = (1, LATENT_CHANNELS, size[0] // LATENT_STRIDE, size[1] // LATENT_STRIDE)
        return dict.fromkeys(pictures, (1, 3, *size)) | {"keep mask": (1, 1, *size), "noisy latent": latent, "timestep": (1,)}

    def run(self, network: StableViton, inputs: Mapping[str, Tensor]) -> Tensor:
        """See `protocol.Anatomy`."""
        pictures = [inputs[name] for name in ("agnostic", "densepose", "garment")]
        posterior = encode_pictures(network.vae, torch.cat(pictures))
        agnostic, densepose, garment = torch.chunk(posterior.sample(torch.ones_like(posterior.mean)), 3)
        token = network.garment_token(clip_input(inputs["garment"]))
        shifts, contexts = network.time_shifts(inputs["timestep"]), network.contexts(token)
        noisy = inputs["noisy latent"]
        x = stack_conditions(noisy, agnostic, latent_mask(inputs["keep mask"]), densepose)
        features = network.garment_features(x, garment, shifts, contexts)
        return decode_latents(network.vae, noisy - network.noise(x, features, shifts, contexts))

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
        if tensor.startswith("control.down_blocks.2.downsamplers."):
            return "control.down_blocks.2.tail"
        return found["whole"] or found["level"] or found["other"]

    def trained(self) -> frozenset[str]:
        """See `protocol.Anatomy`."""
        groups = trained_groups(self.network(), TrainedParts())
        return frozenset(name for parameters in groups.values() for name in parameters)

    def points(self, size: Size) -> Sequence[Point]:
        """See `protocol.Anatomy`."""
        grids = warp_grids((size[0] // LATENT_STRIDE, size[1] // LATENT_STRIDE))
        blocks = ", ".join(f"block {block} on {grids[block][0]} × {grids[block][1]} cells" for block in looked_at(grids))
        return (
            *_POINTS,
            Point("Attention loss", f"{_ATTENTION_LOSS} Weight {WEIGHT}; at this size it acts on {blocks or 'none'}."),
        )

    def read(self, path: Path) -> Mapping[str, Tensor]:
        """See `protocol.Anatomy`."""
        return read_parts(path) if path.is_dir() else read_published(path, self.architecture).weights


_ATTENTION_LOSS = (
    "Cells of the worn garment that lie side by side should look at places of the garment that lie side by side: the mean place "
    "of each cell's attention is compared with its neighbours'."
)
_POINTS = (
    Point(
        "Correspondence instead of a warp",
        "No network bends the garment beforehand. Nine cross-attention blocks let each cell of the person look up its "
        "cell of the garment, in latent space; ControlNet would add the two maps, although a sleeve lies elsewhere in each.",
    ),
    Point(
        "Zero at both ends",
        "The garment's first convolution and the last two of every block start at zero, so training starts from a network that "
        "paints exactly as Paint-by-Example does, and the loss does not jump.",
    ),
    Point(
        "The garment goes in twice",
        "As one token through CLIP, because the U-Net and its copy want a context and guidance wants something to leave out; and "
        "as a latent through the spatial encoder, because one token keeps no shape.",
    ),
    Point(
        "The spatial encoder sees the person too",
        "Its input is the U-Net's 13 channels, the garment's latent is added to the first map. Its maps change with "
        "person, noise and timestep, so they cannot be kept for a garment.",
    ),
    Point("Augmentation", "Person and garment are shifted and scaled apart, so that looking straight ahead does not help."),
    Point(
        "Limits",
        "Bags, jewellery and what lies over the garment vanish with the repainted area; without repaint even kept pixels "
        "pass the VAE.",
    ),
)

ANATOMY = StableVitonAnatomy()
ANATOMY_1024 = StableVitonAnatomy(name="stableviton_1024", size=(1024, 768), training="stableviton --preset base-1024")
ANATOMY_SIFT = StableVitonAnatomy(name="sift_vton")
