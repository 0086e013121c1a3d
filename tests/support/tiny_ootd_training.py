"""OOTDiffusion's recipe with a tenth of the channels, and a weights folder for it."""

from __future__ import annotations

from pathlib import Path

import torch
from published_dino import published_dino
from safetensors.torch import save_file

from benchmarks.generated import GeneratedWeights
from tryon.engines.ootdiffusion.architecture import GARMENT_CHANNELS, Architecture
from tryon.engines.ootdiffusion.checkpoint import UNET_FILE, empty_network
from tryon.engines.ootdiffusion.training.recipe import OotdRecipe
from tryon.networks.clip import ClipWidths, TextWidths
from tryon.networks.eyes import DinoWidths, build_clip_h, build_dinov2

WIDTHS = Architecture(
    level_channels=(32, 32, 32, 32),
    heads=2,
    context_dim=16,
    groups=16,
    vae_channels=32,
    vae_multipliers=(1, 1, 1, 1),
    vae_layers=1,
    text=TextWidths(hidden_size=16, intermediate_size=32, layers=1, heads=2, projection_dim=16),
    clip=ClipWidths(hidden_size=32, intermediate_size=64, layers=1, heads=2, patch_size=32, projection_dim=16),
    clip_h=ClipWidths(hidden_size=48, intermediate_size=64, layers=2, heads=2, patch_size=32, projection_dim=24),
    dinov2=DinoWidths(hidden_size=24, layers=2, heads=2, widening=2, image_size=160, patch_size=32),
)
RECIPE = OotdRecipe(WIDTHS)


def write_start(folder: Path) -> Path:
    """A weights folder with Stable Diffusion 1.5, OOTDiffusion, VAE and CLIP, as published but for their widths."""
    made = GeneratedWeights(empty_network(WIDTHS).state_dict())

    def part(name: str, prefix: str = "") -> dict[str, torch.Tensor]:
        return {prefix + key.removeprefix(f"{name}."): made[key].clone() for key in made if key.startswith(f"{name}.")}

    plain = {name: each.flip(0).contiguous() for name, each in part("unet_garm").items()}
    clip = part("text_encoder", "text_model.") | part("image_encoder") | {"logit_scale": torch.ones(1)}
    eye = GeneratedWeights({f"eye.{key}": each for key, each in build_clip_h(WIDTHS.clip_h).state_dict().items()})
    files = {
        "ip-adapter-image-encoder/model.safetensors": {key.removeprefix("eye."): eye[key].clone() for key in eye},
        f"sd15-unet/{UNET_FILE}": plain,
        f"ootdiffusion-hd/unet_garm/{UNET_FILE}": part("unet_garm"),
        f"ootdiffusion-hd/unet_vton/{UNET_FILE}": part("unet_vton"),
        f"ootdiffusion-dc/unet_garm/{UNET_FILE}": part("unet_garm"),
        f"ootdiffusion-dc/unet_vton/{UNET_FILE}": part("unet_vton"),
        "clip-vit-large-patch14/model.safetensors": clip,
    }
    for name, tensors in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, folder / name)
    (folder / "dinov2-vitb14").mkdir()
    torch.manual_seed(0)
    torch.save(published_dino(build_dinov2(WIDTHS.dinov2)), folder / "dinov2-vitb14" / "dinov2_vitb14_pretrain.pth")
    (folder / "ootdiffusion-vae").mkdir()
    torch.save(part("vae"), folder / "ootdiffusion-vae" / "diffusion_pytorch_model.bin")
    assert plain["conv_in.weight"].shape[1] == GARMENT_CHANNELS
    return folder
