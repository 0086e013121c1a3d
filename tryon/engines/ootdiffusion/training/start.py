"""The weights that OOTDiffusion's training starts from: Stable Diffusion 1.5, OOTDiffusion, or one of each.

Facts: docs/facts/ootdiffusion.md#folders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor

from pipeline.core.errors import UsageError, WeightsError
from pipeline.core.weights.converted import INDEX
from pipeline.core.weights.files import digest_of
from tryon.engines.ootdiffusion.architecture import GARMENT_CHANNELS, Architecture
from tryon.engines.ootdiffusion.checkpoint import INPUT, PART_FILE, UNET_FILE, Files, read_published, shapes
from tryon.engines.ootdiffusion.folder import refuse_other_eye
from tryon.engines.ootdiffusion.network import Alignment, MaskTokens
from tryon.engines.ootdiffusion.training.config import Base, OotdTraining
from tryon.engines.ootdiffusion.wiring import EYES
from tryon.networks.image_adapter import Resampler
from tryon.networks.reference_attention import reference_blocks
from tryon.networks.residual_branch import begin_as_copy
from tryon.training.parameters import Weights

ROWS = {"hd": "ootdiffusion-hd", "dc": "ootdiffusion-dc"}
PLAIN_UNETS = (f"unet/{UNET_FILE}", f"sd15-unet/{UNET_FILE}", "unet/diffusion_pytorch_model.bin")
VAES = tuple(
    f"{folder}/diffusion_pytorch_model.{ending}"
    for folder in ("vae", "ootdiffusion-vae", "sd15-vae")
    for ending in ("safetensors", "bin")
)
CLIP = "clip-vit-large-patch14/model.safetensors"
UP = 3
"""Folders above the start in which VAE and CLIP are looked for: the published layout keeps them there."""
NOTHING: Weights = MappingProxyType({})
BEGINS = {
    "alignment": "changes nothing",
    "adapter": "looks at the picture as at text",
    "mask_tokens": "tells the hole by numbers drawn at random",
    "branch": "copies the try-on U-Net's encoder and adds nothing",
}
NAMES: dict[Base, str] = {"sd15": "Stable Diffusion 1.5", "ootd": "OOTDiffusion"}


@dataclass(frozen=True)
class OotdStart:
    """Weights under our names.

    Args:
        weights: name → tensor.
        files: where they were read.
        about: lines for people.
    """

    weights: dict[str, Tensor]
    files: Files
    about: tuple[str, ...]


def find_files(start: Path, config: OotdTraining, vae: Path | None = None) -> Files:
    """Which files a training starts from.

    Args:
        start: the weights folder, a folder of Stable Diffusion 1.5 in diffusers' parts, or one with `unet_garm` and `unet_vton`.
        config: says which U-Net comes from where.
        vae: a fine-tuned VAE.

    Raises:
        WeightsError: a part is not there; what is there instead is named.
    """
    if not start.is_dir():
        raise WeightsError(f"{start}: not a folder of weights", "give the weights folder, or one with unet_garm and unet_vton")
    row = ROWS[config.model]
    garment = _unet(start, config.garment_from, "unet_garm", config.model, "garment_from")
    try_on = _unet(start, config.try_on_from, "unet_vton", config.model, "try_on_from")
    near = [start, *list(start.resolve().parents)[:UP]]
    found_vae = vae or _first(base / place for base in near for place in VAES)
    found_clip = _first(base / CLIP for base in near)
    if found_vae is None:
        raise WeightsError(f"{start}: no VAE in it or above it ({VAES[0]})", "python run.py weights pull ootdiffusion-vae")
    if found_clip is None:
        pull = "python run.py weights pull clip-vit-large-patch14"
        raise WeightsError(f"{start}: no CLIP ViT-L/14 in it or above it ({CLIP})", pull)
    unets, eye = garment.parent.parent, None
    if "eye" in config.wiring.extra_parts and not (unets / "eye" / PART_FILE).is_file():
        name, file = EYES[config.adapter_eye]
        eye = _first(base / name / file for base in near)
        if eye is None:
            pull = f"python run.py weights pull {name}"
            raise WeightsError(f"{start}: no {config.adapter_eye} for the adapter in it or above it ({name}/{file})", pull)
    return Files(
        unets=unets,
        vae=found_vae,
        clip=found_clip,
        row=row,
        garment=garment,
        try_on=try_on,
        wiring=config.wiring,
        eye=eye,
    )


def read_start(
    start: Path, config: OotdTraining, architecture: Architecture, vae: Path | None = None, trained: Weights = NOTHING
) -> OotdStart:
    """Open what training starts from, strictly; a try-on U-Net of four inputs is widened with zeros, which is said.

    Args:
        start, config, vae: see `find_files`.
        architecture: the widths.
        trained: of another run, in place of the start's; new parts are copied from them.

    Raises:
        WeightsError: missing, unsafe, incomplete, or another model.
        UsageError: a run's weights have no place here.
    """
    files = find_files(start, config, vae)
    if files.eye is not None and (files.unets / INDEX).is_file():
        refuse_other_eye(files.unets, files.eye, digest_of(files.eye).sha256)
    # Checked against the published shapes: a garment U-Net has four inputs, whatever its folder is called.
    published = read_published(files, architecture)
    _refuse_other_run(trained, files, architecture)
    weights = {**published, **trained}
    lines = _new_parts(weights, files, architecture)
    lines += [
        f"try-on U-Net: {NAMES[config.try_on_from]} ({files.try_on})",
        f"garment U-Net: {NAMES[config.garment_from]} ({files.garment})",
    ]
    lines += _zero_inputs(weights[f"unet_vton.{INPUT}"], config)
    return OotdStart(weights, files, tuple(lines))


def _zero_inputs(first: Tensor, config: OotdTraining) -> list[str]:
    """What becomes of input channels of zeros, with which a U-Net was widened."""
    wide = first.shape[1]
    if not (count := sum(not first[:, channel].any() for channel in range(GARMENT_CHANNELS, wide))):
        return []
    new, learn, are, stay = ("new one", "learns", "is", "stays") if count == 1 else ("new ones", "learn", "are", "stay")
    if config.trained in ("joint", "try-on"):
        seen = "the person" if wide - count == GARMENT_CHANNELS else "what is new"
        return [f"try-on U-Net: {wide - count} input channels widened to {wide}; the {new} {are} zero and {learn} to see {seen}"]
    return [
        f"try-on U-Net: {count} of its {wide} input channels {are} zero and {stay} so, because ootd.trained={config.trained} "
        "leaves them alone: what they are shown is never seen; --set ootd.trained=try-on or joint, or start from others"
    ]


def _refuse_other_run(trained: Weights, files: Files, architecture: Architecture) -> None:
    """Refuse weights of a run whose U-Nets were joined in another way.

    Raises:
        UsageError: what has no place here, or another size.
    """
    own = shapes(architecture, files.wiring).state_dict() if trained else {}
    if foreign := [name for name, each in trained.items() if name not in own or own[name].shape != each.shape]:
        parts = ", ".join(sorted({name.split(".")[0] for name in foreign}))
        raise UsageError(
            f"the run to start from has other inputs or parts: {len(foreign)} of its tensors have no place here ({parts}), "
            f"as {foreign[0]}",
            "--set ootd.inputs, adapter, branch and alignment as that run's run.toml says",
        )


def _new_parts(weights: dict[str, Tensor], files: Files, architecture: Architecture) -> list[str]:
    """Parts that the start does not have: an alignment module that changes nothing, an adapter that looks as at text."""
    lost = [part for part in files.wiring.extra_parts if not any(name.startswith(f"{part}.") for name in weights)]
    if not lost:
        return []
    network = shapes(architecture, files.wiring)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for part in lost:
            module = deepcopy(getattr(network, part)).to_empty(device="cpu")
            if part == "branch":
                begin_as_copy(module, _own(weights, "unet_vton"))
            else:
                _draw(module)
            weights |= {f"{part}.{name}": each.detach() for name, each in module.state_dict().items()}
    blocks = [name for name, each in network.named_modules() if name.endswith(".attn2")]
    places = {id(block.attn2): place for place, block in enumerate(reference_blocks(network.unet_vton))}
    for name in blocks if "adapter" in lost else ():
        place = places.get(id(network.get_submodule(name)))
        for kind in ("k", "v"):
            if f"adapter.to_{kind}.{place}.weight" in weights:
                weights[f"adapter.to_{kind}.{place}.weight"] = weights[f"{name}.to_{kind}.weight"].float().clone()
    return [f"{part}: new, it begins as one that {BEGINS[part]}" for part in lost]


def _own(weights: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    return {name.removeprefix(f"{part}."): each for name, each in weights.items() if name.startswith(f"{part}.")}


@torch.no_grad()
def _draw(module: torch.nn.Module) -> None:
    """First weights of a new part."""
    for each in module.modules():
        if isinstance(each, torch.nn.Linear | torch.nn.Conv2d | torch.nn.LayerNorm):
            each.reset_parameters()
    if isinstance(module, Alignment):
        for parameter in module.leave.parameters():
            torch.nn.init.zeros_(parameter)
    if isinstance(module, MaskTokens):
        module.places.normal_(std=0.02)
    if isinstance(projector := getattr(module, "projector", None), Resampler):
        projector.latents.normal_(std=projector.widths.width**-0.5)


def start_files(start: Path, config: OotdTraining) -> tuple[Path, ...]:
    """Every file that decides what is trained."""
    files = find_files(start, config)
    assert files.garment is not None and files.try_on is not None
    return files.garment, files.try_on, files.vae, files.clip, *(() if files.eye is None else (files.eye,))


def _unet(start: Path, base: Base, part: str, model: str, setting: str) -> Path:
    inner = ("", f"ootd_{model}/checkpoint-36000", f"ootd/ootd_{model}/checkpoint-36000", ROWS[model])
    published = [start / folder / part / UNET_FILE for folder in inner]
    plain = [start / place for place in PLAIN_UNETS]
    found = _first(published if base == "ootd" else plain)
    if found is not None:
        return found
    other = _first(plain if base == "ootd" else published)
    has = f"; what is there is {NAMES['sd15' if base == 'ootd' else 'ootd']} ({other})" if other else ""
    pull = f"python run.py weights pull {ROWS[model] if base == 'ootd' else 'sd15-unet'}"
    cure = f"{pull}, or --set ootd.{setting}={'sd15' if base == 'ootd' else 'ootd'}"
    raise WeightsError(f"{start}: no {part} of {NAMES[base]}{has}", cure if other else pull)


def _first(places: Iterable[Path]) -> Path | None:
    return next((path for path in places if path.is_file()), None)
