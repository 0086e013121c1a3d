"""Stable Diffusion 1.5 with a tenth of the channels, as files in the folders of this project's weights, and a LoRA for it."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from benchmarks.generated import GeneratedWeights
from tryon.hands.base_model import Files, Widths, empty_networks, find_files
from tryon.lora_files import write_kohya
from tryon.networks.lora import Lora, LoraLayer, layer_name

LETTERS = [chr(code) for code in range(97, 123)]
VOCABULARY = [*LETTERS, *(f"{letter}</w>" for letter in LETTERS), "ha", "han", ",</w>", "<|startoftext|>", "<|endoftext|>"]
TENTH = Widths(
    model_channels=32,
    heads=2,
    unet_layers=1,
    context_dim=32,
    vae_channels=32,
    vae_layers=1,
    text_layers=1,
    text_heads=2,
    vocabulary=len(VOCABULARY),
)
FILES = {
    "unet": "sd15-unet/diffusion_pytorch_model.safetensors",
    "vae": "sd15-vae/diffusion_pytorch_model.safetensors",
    "text": "sd15-text-encoder/model.safetensors",
}


def write_base(folder: Path, inputs: int = 4, widths: Widths = TENTH) -> Files:
    """All parts, generated; the text encoder in the names of older transformers, the VAE in those of older diffusers."""
    for part, network in empty_networks(inputs, widths).items():
        weights = {_older(part, name): each.clone() for name, each in GeneratedWeights(network.state_dict()).items()}
        path = folder / FILES[part]
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(weights, path)
    tokenizer = folder / "sd15-tokenizer"
    tokenizer.mkdir(exist_ok=True)
    (tokenizer / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(VOCABULARY)}), "utf-8")
    (tokenizer / "merges.txt").write_text("#version: 0.2\nh a\nha n\n", "utf-8")
    return find_files(folder)


def write_lora(path: Path, widths: Widths = TENTH, rank: int = 2, inputs: int = 4) -> Path:
    """A LoRA that changes the middle of the U-Net and the text encoder."""
    generator = torch.Generator().manual_seed(3)

    def drawn(*shape: int) -> torch.Tensor:
        return 0.3 * torch.randn(shape, generator=generator)

    def layers(network, names: tuple[str, ...]) -> dict[str, LoraLayer]:
        shapes = {name.removesuffix(".weight"): each.shape for name, each in network.state_dict().items()}
        chosen = {name: shape for name, shape in shapes.items() if name.endswith(names) and len(shape) > 1}
        return {
            layer_name(name): LoraLayer(
                0.3 * torch.randn(rank, *shape[1:]), 0.3 * torch.randn(shape[0], rank, *shape[2:]), rank / 2
            )
            for name, shape in chosen.items()
        }

    networks = empty_networks(inputs, widths)
    write_kohya(Lora(layers(networks["unet"], ("to_q", "to_v", "proj_in")), layers(networks["text"], ("q_proj", "fc1"))), path)
    return path


def _older(part: str, name: str) -> str:
    if part == "text":
        return f"text_model.{name}"
    if part == "vae" and ".attentions." in name:
        for new, old in (("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")):
            name = name.replace(f".{new}.", f".{old}.")
    return name
