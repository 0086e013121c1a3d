"""From published files to a network: strict, safe, and one tensor at a time so that nothing is held twice.

Facts: docs/facts/ootdiffusion.md#folders.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from pipeline.core.errors import WeightsError
from tryon.checkpoints import Difference, difference, fill, open_checkpoint, refuse_difference
from tryon.engines.ootdiffusion.architecture import FULL, GARMENT_CHANNELS, TRY_ON_CHANNELS, Architecture
from tryon.engines.ootdiffusion.network import OotDiffusion
from tryon.engines.ootdiffusion.wiring import EYES, PUBLISHED, Wiring
from tryon.evaluation.dino import library_names
from tryon.networks.clip import count_positions
from tryon.networks.savings.switches import ALL, Savings

INPUT = "conv_in.weight"
UNETS = ("unet_garm", "unet_vton")
PART_FILE = "model.safetensors"
"""Of a learned part that only a training of ours has."""
UNET_FILE = "diffusion_pytorch_model.safetensors"
VAE_FILE = "diffusion_pytorch_model.bin"
_OLD_LEVEL = "text_model."  # transformers 5 took it away from the text tower's names
_RECOMPUTED = "embeddings.position_ids"

_log = logging.getLogger("lookbook")


@dataclass(frozen=True, kw_only=True)
class Files:
    """Where the published files of one model are.

    Args:
        unets: the model's folder with `unet_garm` and `unet_vton`.
        vae: file of the VAE.
        clip: file of CLIP ViT-L/14 with both towers.
        row: name of the model's weights, for messages.
        garment, try_on: files of the two U-Nets, where they are not below `unets`.
        wiring: how the U-Nets are joined; parts that only this wiring has lie beside them.
        eye: file of what an adapter looks with, where it is not there.
    """

    unets: Path
    vae: Path
    clip: Path
    row: str
    garment: Path | None = None
    try_on: Path | None = None
    wiring: Wiring = PUBLISHED
    eye: Path | None = None

    @property
    def remedy(self) -> str:
        """The command that brings the right files."""
        return f"python run.py weights pull {self.row}"


def empty_network(architecture: Architecture = FULL, savings: Savings = ALL, wiring: Wiring = PUBLISHED) -> OotDiffusion:
    """The network without memory behind its weights (meta device), in evaluation mode."""
    with torch.device("meta"):
        return OotDiffusion(architecture, savings, wiring).eval()


@cache
def shapes(architecture: Architecture, wiring: Wiring) -> OotDiffusion:
    """The one empty network that everybody looks at for names and shapes, at every file that is opened; nobody changes it."""
    return empty_network(architecture, wiring=wiring)


def fill_network(
    weights: Mapping[str, Tensor],
    dtype: torch.dtype,
    architecture: Architecture = FULL,
    savings: Savings = ALL,
    wiring: Wiring = PUBLISHED,
) -> OotDiffusion:
    """Build a network from weights that are known to fit.

    Args:
        weights: our name → tensor.
        dtype: number format to run in.
        architecture: its widths.
        savings: which exact savings to use.
        wiring: how its U-Nets are joined.

    Returns:
        The network on the CPU, evaluation mode, no gradients.
    """
    network = empty_network(architecture, savings, wiring)
    fill(network, weights, dtype, channels_last=savings.channels_last)
    for tower in (network.text_encoder, network.image_encoder, *([network.eye] if wiring.adapter_eye == "clip-h" else [])):
        count_positions(tower)
    return network


def read_published(files: Files, architecture: Architecture = FULL) -> dict[str, Tensor]:
    """Open the published files strictly.

    Returns:
        Our name → tensor, mapped from the files, in their own number formats.

    Raises:
        WeightsError: missing, unsafe, incomplete, or another model, with the names that differ.
    """
    unets = read_unets(files, architecture)
    if "eye" in files.wiring.extra_parts and not any(name.startswith("eye.") for name in unets):
        row, name = EYES[files.wiring.adapter_eye]
        raise WeightsError(
            f"{files.unets}: its adapter looks with {row}/{name}, which is not here", f"python run.py weights pull {row}"
        )
    vae = old_vae_names(open_checkpoint(_there(files.vae, "the VAE", "ootdiffusion-vae")))
    clip = open_checkpoint(_there(files.clip, "CLIP", "clip-vit-large-patch14"))
    towers = {"text_encoder": (files.clip, text_tower(clip)), "image_encoder": (files.clip, image_tower(clip))}
    return unets | _strictly({"vae": (files.vae, vae), **towers}, files, architecture)


def read_unets(files: Files, architecture: Architecture = FULL) -> dict[str, Tensor]:
    """The two U-Nets of a model alone, as `read_published`.

    Raises:
        WeightsError: as there.
    """
    garment, try_on = files.garment or files.unets / UNETS[0] / UNET_FILE, files.try_on or files.unets / UNETS[1] / UNET_FILE
    parts = {"unet_garm": (garment, _garment_unet(garment, files)), "unet_vton": (try_on, _try_on_unet(try_on, files))}
    for part in files.wiring.extra_parts:
        if (own := files.unets / part / PART_FILE).is_file():
            parts[part] = (own, open_checkpoint(own))
    if files.eye is not None and "eye" in files.wiring.extra_parts and "eye" not in parts:
        parts["eye"] = (files.eye, _eye(files, architecture))
    return _strictly(parts, files, architecture)


def _eye(files: Files, architecture: Architecture) -> dict[str, Tensor]:
    """What an adapter looks with, of its published file."""
    assert files.eye is not None
    weights = open_checkpoint(_there(files.eye, "what the adapter looks with", EYES[files.wiring.adapter_eye][0]))
    if files.wiring.adapter_eye == "clip-h":
        return image_tower(weights)
    known = shapes(architecture, files.wiring).eye.state_dict()
    try:
        return library_names(weights, known)
    except KeyError as name:
        raise WeightsError(f"{files.eye}: no DINOv2: has {name}", f"python run.py weights pull {EYES['dinov2'][0]}") from None


def _strictly(
    parts: Mapping[str, tuple[Path, Mapping[str, Tensor]]], files: Files, architecture: Architecture
) -> dict[str, Tensor]:
    """Parts of the network by name, with the files they were read from, under our names."""
    wanted, found = shapes(architecture, files.wiring).state_dict(), dict[str, Tensor]()
    for part, (path, tensors) in parts.items():
        own = {name.removeprefix(f"{part}."): tensor for name, tensor in wanted.items() if name.startswith(f"{part}.")}
        _refuse(path, part, difference(tensors, own), files)
        found |= {f"{part}.{name}": tensor for name, tensor in tensors.items()}
    return found


def load(files: Files, dtype: torch.dtype, *, savings: Savings = ALL, architecture: Architecture = FULL) -> OotDiffusion:
    """Read and build.

    Raises:
        WeightsError: as `read_published`.
    """
    return fill_network(read_published(files, architecture), dtype, architecture, savings, files.wiring)


def read_spacing(scheduler: Path) -> str:
    """How the published sampler spreads its timesteps: what `scheduler_config.json` says, `linspace` where it says nothing.

    Raises:
        WeightsError: no JSON, or a spacing of no known name.
    """
    remedy = "python run.py weights pull ootdiffusion-scheduler"
    try:
        spacing = json.loads(scheduler.read_text("utf-8")).get("timestep_spacing", "linspace")
    except (OSError, ValueError, AttributeError):
        raise WeightsError(f"{scheduler}: not a scheduler's settings", remedy) from None
    if spacing not in ("linspace", "leading", "trailing"):
        raise WeightsError(f"{scheduler}: timestep_spacing {spacing!r} is none of linspace, leading, trailing", remedy)
    return str(spacing)


def widened(weights: Mapping[str, Tensor], inputs: int = TRY_ON_CHANNELS) -> dict[str, Tensor]:
    """A U-Net with more input channels, of zeros: it says what it said before."""
    narrow = weights[INPUT]
    more = narrow.new_zeros(narrow.shape[0], inputs - narrow.shape[1], *narrow.shape[2:])
    return {**weights, INPUT: torch.cat([narrow, more], dim=1)}


def text_tower(clip: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The text tower of a CLIP file of both, under the installed library's names."""
    return {
        name.removeprefix(_OLD_LEVEL): tensor
        for name, tensor in clip.items()
        if name.startswith(_OLD_LEVEL) and not name.endswith(_RECOMPUTED)
    }


def image_tower(clip: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The vision tower with its projection."""
    return {
        name: tensor
        for name, tensor in clip.items()
        if name.startswith(("vision_model.", "visual_projection.")) and not name.endswith(_RECOMPUTED)
    }


_OLD_VAE: tuple[tuple[str, str], ...] = (
    (".query.", ".to_q."),
    (".key.", ".to_k."),
    (".value.", ".to_v."),
    (".proj_attn.", ".to_out.0."),
)


def old_vae_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A VAE under today's names; diffusers called its attention's projections otherwise before 0.17."""

    def renamed(name: str) -> str:
        for old, new in _OLD_VAE:
            name = name.replace(old, new) if ".attentions." in name else name
        return name

    return {renamed(name): tensor for name, tensor in weights.items()}


def _garment_unet(path: Path, files: Files) -> dict[str, Tensor]:
    weights = open_checkpoint(_there(path, "the garment U-Net", files.row))
    found = _inputs(weights)
    if found == TRY_ON_CHANNELS:
        raise WeightsError(f"{path}: has {found} input channels: this is the try-on U-Net, not the garment's", files.remedy)
    if found not in (None, GARMENT_CHANNELS):
        raise _other_base(path, found, files)
    return weights


def _try_on_unet(path: Path, files: Files) -> dict[str, Tensor]:
    weights = open_checkpoint(_there(path, "the try-on U-Net", files.row))
    found, wanted = _inputs(weights), files.wiring.channels
    if found in (GARMENT_CHANNELS, TRY_ON_CHANNELS) and found < wanted:
        what = "a plain Stable Diffusion 1.5, not a trained OOTDiffusion" if found == GARMENT_CHANNELS else "the published inputs"
        _log.warning(
            "%s: has %d input channels, %s: widened to %d with zeros; it cannot see what is new before it is trained",
            *(path, found, what, wanted),
        )
        return widened(weights, wanted)
    if found not in (None, wanted):
        raise _other_base(path, found, files)
    return weights


def _other_base(path: Path, found: int, files: Files) -> WeightsError:
    return WeightsError(f"{path}: has {found} input channels, another model than OOTDiffusion", files.remedy)


def _inputs(weights: Mapping[str, Tensor]) -> int | None:
    """Input channels of a U-Net's file; None where it has no first convolution of that name."""
    return weights[INPUT].shape[1] if INPUT in weights and weights[INPUT].ndim == 4 else None


def _there(path: Path, about: str, row: str) -> Path:
    if path.is_file():
        return path
    pull, root = f"python run.py weights pull {row}", path.parent.parent
    if (root / "unet").is_dir():
        raise WeightsError(f"{root}: a Stable Diffusion folder (`unet`), not OOTDiffusion's (`unet_garm`, `unet_vton`)", pull)
    raise WeightsError(f"{path}: missing: {about} of OOTDiffusion", pull)


def _refuse(path: Path, part: str, found: Difference, files: Files) -> None:
    names = {
        "eye": "what the adapter looks with",
        "vae": "the VAE",
        "text_encoder": "CLIP's text tower",
        "image_encoder": "CLIP's vision tower",
    }
    refuse_difference(path, names.get(part, f"OOTDiffusion's {part}"), found, files.remedy)
