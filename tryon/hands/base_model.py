"""Stable Diffusion 1.5 for hands: U-Net, VAE and text encoder out of diffusers' files, with a LoRA inside.

Facts: docs/facts/stable_diffusion_1.md, docs/facts/lora_files.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pipeline.core.errors import WeightsError
from tryon.checkpoints import difference, open_checkpoint, own_weights, refuse_difference
from tryon.hands.inpainting import INPAINTING_INPUTS, PLAIN_INPUTS
from tryon.networks.lora import Lora, check_fit, layer_name, merged
from tryon.networks.sd1 import level_channels
from tryon.networks.sd1_unet import sd1_unet
from tryon.networks.vae import build_vae

TEXT_TOKENS = 77
_OLD_ATTENTION = (("query", "to_q"), ("key", "to_k"), ("value", "to_v"), ("proj_attn", "to_out.0"))
_PLACES = {
    "unet": ("unet/diffusion_pytorch_model.*", "sd15-unet/diffusion_pytorch_model.*"),
    "vae": ("vae/diffusion_pytorch_model.*", "sd15-vae/diffusion_pytorch_model.*"),
    "text": ("text_encoder/model.safetensors", "text_encoder/pytorch_model.bin", "sd15-text-encoder/model.safetensors"),
    "tokenizer": ("tokenizer/vocab.json", "sd15-tokenizer/vocab.json"),
}


@dataclass(frozen=True)
class Widths:
    """Widths of the networks; tests run the same code on a fraction of the channels."""

    model_channels: int = 320
    heads: int = 8
    unet_layers: int = 2
    context_dim: int = 768
    vae_channels: int = 128
    vae_layers: int = 2
    text_layers: int = 12
    text_heads: int = 12
    vocabulary: int = 49408


FULL = Widths()


@dataclass(frozen=True)
class Files:
    """Where the parts lie.

    Args:
        unet, vae, text: weights in diffusers' and transformers' names.
        tokenizer: the folder with `vocab.json` and `merges.txt`.
    """

    unet: Path
    vae: Path
    text: Path
    tokenizer: Path


@dataclass(frozen=True)
class BaseModel:
    """The networks, on the CPU, in evaluation mode, without gradients."""

    unet: Any
    vae: Any
    text: Any
    tokenizer: Any

    def tokens(self, prompts: list[str]) -> Tensor:
        """(n, 77) integers: the prompts between the marks of begin and end, filled up with ends."""
        asked = self.tokenizer(prompts, padding="max_length", max_length=TEXT_TOKENS, truncation=True, return_tensors="pt")
        ids: Tensor = asked["input_ids"]
        return ids

    @torch.no_grad()
    def encoded(self, prompts: list[str]) -> Tensor:
        """(n, 77, c): what the U-Net's cross-attention looks at."""
        device = next(self.text.parameters()).device
        states: Tensor = self.text(self.tokens(prompts).to(device)).last_hidden_state
        return states


def find_files(folder: Path) -> Files:
    """The parts below a folder: a model's folder as the hub has it, or this project's weights folder.

    Raises:
        WeightsError: naming the parts that are not there.
    """
    found = {
        part: next((path for place in places for path in sorted(folder.glob(place))), None) for part, places in _PLACES.items()
    }
    lost = [f"{part} ({_PLACES[part][0]})" for part, path in found.items() if path is None]
    if lost:
        raise WeightsError(
            f"{folder}: not Stable Diffusion 1.5 in diffusers' folders: no {', '.join(lost)}",
            "python run.py weights pull sd15-unet sd15-vae sd15-text-encoder sd15-tokenizer, then give the weights folder",
        )
    unet, vae, text, tokenizer = (path for path in found.values() if path is not None)
    return Files(unet, vae, text, tokenizer.parent)


def open_base(
    files: Files,
    dtype: torch.dtype,
    lora: Lora | None = None,
    strength: float = 1.0,
    inputs: int = PLAIN_INPUTS,
    widths: Widths = FULL,
) -> BaseModel:
    """Open all parts.

    Args:
        files: where they lie.
        dtype: number format.
        lora: merged into U-Net and text encoder.
        strength: of it.
        inputs: channels of the U-Net: 4, or 9 of the inpainting one.
        widths: what the files must have.

    Raises:
        WeightsError: a part is not there, unsafe, or of another model; or the LoRA does not fit.
    """
    from transformers import CLIPTokenizer

    networks = empty_networks(inputs, widths)
    states = {part: read_part(getattr(files, part), part) for part in networks}
    for part, layers in (("unet", lora.unet), ("text", lora.text)) if lora is not None else ():
        assert lora is not None
        shapes = {layer_name(key.removesuffix(".weight")): each.shape for key, each in states[part].items()}
        check_fit(shapes, layers, lora.name)
        states[part] = merged(states[part], layers, strength)
    for part, network in networks.items():
        fill(network, states[part], getattr(files, part), part, dtype)
    tokenizer = CLIPTokenizer(vocab=str(files.tokenizer / "vocab.json"), merges=str(files.tokenizer / "merges.txt"))
    return BaseModel(networks["unet"], networks["vae"], networks["text"], tokenizer)


def empty_networks(inputs: int, widths: Widths) -> dict[str, Any]:
    """U-Net, VAE and text encoder without memory behind their weights."""
    from transformers import CLIPTextConfig, CLIPTextModel

    w = widths
    config = CLIPTextConfig(
        vocab_size=w.vocabulary,
        hidden_size=w.context_dim,
        intermediate_size=4 * w.context_dim,
        num_hidden_layers=w.text_layers,
        num_attention_heads=w.text_heads,
        max_position_embeddings=TEXT_TOKENS,
        hidden_act="quick_gelu",
        bos_token_id=w.vocabulary - 2,
        eos_token_id=w.vocabulary - 1,
        pad_token_id=w.vocabulary - 1,
    )
    with torch.device("meta"):
        return {
            "unet": sd1_unet(inputs, level_channels(w.model_channels), w.heads, w.context_dim, w.unet_layers),
            "vae": build_vae(w.vae_channels, w.vae_layers),
            "text": CLIPTextModel(config),
        }


def read_part(path: Path, part: str) -> dict[str, Tensor]:
    """Weights of one part under the names that diffusers and transformers use today."""
    weights = open_checkpoint(path)
    if part == "text":
        return {_text_name(key): each for key, each in weights.items() if not key.endswith("position_ids")}
    return {_vae_name(key): each for key, each in weights.items()} if part == "vae" else weights


def fill(network: Any, weights: Mapping[str, Tensor], path: Path, part: str, dtype: torch.dtype) -> None:
    """Give an empty network its weights, strictly.

    Raises:
        WeightsError: with the names and shapes that differ, above all the inpainting U-Net for the plain one and back.
    """
    first = weights.get("conv_in.weight")
    wanted = network.state_dict()
    if part == "unet" and first is not None and first.shape[1] != wanted["conv_in.weight"].shape[1]:
        kinds = {PLAIN_INPUTS: "the plain U-Net", INPAINTING_INPUTS: "the inpainting U-Net"}
        is_now, needed = (
            kinds.get(int(each.shape[1]), f"{each.shape[1]} channels") for each in (first, wanted["conv_in.weight"])
        )
        raise WeightsError(f"{path}: {is_now}, wanted {needed}", "--set repair.model=plain, or =inpainting")
    refuse_difference(path, f"Stable Diffusion 1.5 ({part})", difference(weights, wanted))
    network.load_state_dict(own_weights(weights, wanted, dtype), strict=True, assign=True)
    for name, buffer in network.named_buffers():
        if buffer.is_meta:  # positions 0, 1, 2, …: not in the file
            owner, _, leaf = name.rpartition(".")
            network.get_submodule(owner).register_buffer(leaf, torch.arange(buffer.shape[-1])[None], persistent=False)
    network.eval().requires_grad_(False)


def _text_name(key: str) -> str:
    return key.removeprefix("text_model.")


def _vae_name(key: str) -> str:
    for old, new in _OLD_ATTENTION:
        key = re.sub(rf"(\.attentions\.\d+)\.{old}\.", rf"\1.{new}.", key)
    return key
