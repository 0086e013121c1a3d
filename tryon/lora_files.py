"""LoRA files as kohya's and diffusers' tools write them: read both, write kohya's with its alphas, refuse what fits no SD 1.5.

Facts: docs/facts/lora_files.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from pipeline.core.errors import WeightsError
from pipeline.core.records.whole_file import whole_file
from tryon.checkpoints import open_checkpoint
from tryon.networks.lora import OTHER_BASE, Layers, Lora, LoraLayer, layer_name

CONTEXT_WIDTHS = {1024: "Stable Diffusion 2", 1280: "Stable Diffusion XL", 2048: "Stable Diffusion XL", 4096: "a larger model"}
SD1_CONTEXT = 768
"""Channels of a text token in Stable Diffusion 1."""

_DOWN = r"\.(?:lora_down|lora_A(?:\.\w+)?|lora\.down|processor\.\w+_lora\.down|lora_linear_layer\.down)\.weight"
_UP = r"\.(?:lora_up|lora_B(?:\.\w+)?|lora\.up|processor\.\w+_lora\.up|lora_linear_layer\.up)\.weight"
_ROLES = (("down", re.compile(rf"(.+?){_DOWN}")), ("up", re.compile(rf"(.+?){_UP}")), ("alpha", re.compile(r"(.+)\.alpha")))
_OLD_PROCESSOR = re.compile(r"(.+)\.processor\.(to_[qkv]|to_out)_lora\.(down|up)\.weight")
_OTHER_KINDS = (
    (re.compile(r"\.(hada_w\d|lokr_w\d|lora_mid)"), "a LyCORIS file (LoHa, LoKr or LoCon with a middle part)"),
    (re.compile(r"\.(dora_scale|lora_magnitude_vector)"), "a DoRA file, whose magnitudes have no place here"),
    (re.compile(r"^lora_te[12]_|text_encoder_2\."), "a LoRA of Stable Diffusion XL"),
    (
        re.compile(r"(double|single)_blocks|single_transformer_blocks|^transformer\.|joint_blocks"),
        "a LoRA of a transformer such as FLUX or SD 3",
    ),
    (re.compile(r"^lora_unet_(in|out)put_blocks|^lora_unet_middle_block"), "a LoRA in the names of Stable Diffusion XL"),
)
_PREFIXES = (
    (
        re.compile(
            r"^(?:lora_unet_|unet\.|base_model\.model\.(?=(?:down|mid|up)_block|conv_|time_)|(?=(?:down|mid|up)_blocks?\.))"
        ),
        "unet",
    ),
    (re.compile(r"^(?:lora_te_|text_encoder\.|base_model\.model\.(?=text_model|encoder\.))(?:text_model[._])?"), "text"),
)


def read_lora(path: Path) -> Lora:
    """Read a LoRA file; no code in it is run.

    Args:
        path: `.safetensors`, or a torch file of tensors, in kohya's names (`lora_unet_….lora_down.weight`, `.alpha`) or those of
            diffusers and peft (`unet.….lora_A.weight`; alpha from the file's own description, else the rank).

    Raises:
        WeightsError: unsafe, not a LoRA, of another base model, or parts that do not fit each other.
    """
    tensors = open_checkpoint(path)
    described = _described_alphas(path)
    parts: dict[str, dict[str, dict[str, Tensor]]] = {"unet": {}, "text": {}}
    unknown: list[str] = []
    _refuse_other_kinds(path, tensors)
    for key, tensor in tensors.items():
        place = _place(key)
        if place is None:
            unknown.append(key)
        else:
            part, layer, role = place
            parts[part].setdefault(layer, {})[role] = tensor
    _refuse_unknown(path, unknown, len(tensors))
    unet, text = (
        {name: _layer(path, name, found, described[part]) for name, found in parts[part].items()} for part in ("unet", "text")
    )
    _refuse_other_base(path, unet, text)
    return Lora(unet, text, path.name)


def kohya_tensors(lora: Lora) -> dict[str, Tensor]:
    """The file that kohya's tools write: `lora_unet_` and `lora_te_text_model_` with `.alpha`, `.lora_down`, `.lora_up`."""
    named = [("lora_unet_", lora.unet), ("lora_te_text_model_", lora.text)]
    result: dict[str, Tensor] = {}
    for prefix, layers in named:
        for name, layer in layers.items():
            stem = prefix + name
            result[f"{stem}.alpha"] = torch.tensor(float(layer.alpha))
            result[f"{stem}.lora_down.weight"] = layer.down.contiguous()
            result[f"{stem}.lora_up.weight"] = layer.up.contiguous()
    return result


def write_kohya(lora: Lora, path: Path, about: Mapping[str, str] | None = None, dtype: torch.dtype = torch.float32) -> None:
    """Write a LoRA so that any tool of the field opens it.

    Args:
        lora: what to write.
        path: `.safetensors`.
        about: words for the file's description; rank and base model are added.
        dtype: of the weights.
    """
    ranks = sorted({layer.rank for layer in (*lora.unet.values(), *lora.text.values())})
    words = {
        "ss_base_model_version": "sd_v1",
        "ss_network_module": "networks.lora",
        "ss_network_dim": ",".join(map(str, ranks)),
        "ss_network_alpha": ",".join(sorted({f"{layer.alpha:g}" for layer in (*lora.unet.values(), *lora.text.values())})),
    }
    with whole_file(path) as part:
        save_file({name: each.to(dtype) for name, each in kohya_tensors(lora).items()}, part, {**words, **(about or {})})


def peft_tensors(layers: Layers, paths: Iterable[str]) -> tuple[dict[str, Tensor], dict[str, float]]:
    """Layers as peft calls them, for diffusers' own loader.

    Args:
        layers: underscored path → change.
        paths: dotted paths of the network's layers.

    Returns:
        Tensors by `<path>.lora_A.weight` and `.lora_B.weight`, and alpha by dotted path.
    """
    dotted = {layer_name(path): path for path in paths}
    tensors = {}
    for name, layer in layers.items():
        tensors[f"{dotted[name]}.lora_A.weight"], tensors[f"{dotted[name]}.lora_B.weight"] = layer.down, layer.up
    return tensors, {dotted[name]: layer.alpha for name, layer in layers.items()}


def layers_of_peft(tensors: Mapping[str, Tensor], alpha: float) -> dict[str, LoraLayer]:
    """What peft's adapter state (`….lora_A.weight`) changes, all with one alpha."""
    found: dict[str, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        name, role = _role(key)
        found.setdefault(layer_name(name), {})[role] = tensor
    return {name: LoraLayer(each["down"], each["up"], alpha) for name, each in found.items()}


def _place(key: str) -> tuple[str, str, str] | None:
    """Part of the model, underscored layer and role of a tensor; None for a name of no known layout."""
    for prefix, part in _PREFIXES:
        if match := prefix.match(key):
            name, role = _role(key[match.end() :])
            return (part, layer_name(name), role) if role else None
    return None


def _role(key: str) -> tuple[str, str]:
    if old := _OLD_PROCESSOR.fullmatch(key):  # diffusers before peft: the processor holds the layers of its attention
        return f"{old[1]}.{old[2] if old[2] != 'to_out' else 'to_out.0'}", old[3]
    for role, pattern in _ROLES:
        if match := pattern.fullmatch(key):
            return match[1], role
    return key, ""


def _layer(path: Path, name: str, found: Mapping[str, Tensor], described: Callable[[str, int], float]) -> LoraLayer:
    if "down" not in found or "up" not in found:
        raise WeightsError(
            f"{path}: {name} has {', '.join(sorted(found))} only; wanted lora_down and lora_up", "download it again"
        )
    down, up = found["down"], found["up"]
    if down.ndim not in (2, 4) or up.ndim not in (2, 4) or up.shape[1] != down.shape[0] or up.shape[2:].numel() != 1:
        raise WeightsError(
            f"{path}: {name}: lora_up {tuple(up.shape)} and lora_down {tuple(down.shape)} differ in rank", "download it again"
        )
    alpha = float(found["alpha"]) if "alpha" in found else described(name, int(down.shape[0]))
    return LoraLayer(down, up, alpha)


def _described_alphas(path: Path) -> dict[str, Callable[[str, int], float]]:
    """Alpha of layers that have no tensor for it: what diffusers wrote into the file's description, else the rank."""
    words: dict[str, Any] = {}
    if path.suffix == ".safetensors":
        with safe_open(path, "pt") as file:
            words = json.loads((file.metadata() or {}).get("lora_adapter_metadata", "{}"))

    def of(part: str) -> Callable[[str, int], float]:
        pattern = {layer_name(name): value for name, value in words.get(f"{part}.alpha_pattern", {}).items()}
        return lambda name, rank: float(pattern.get(name, words.get(f"{part}.lora_alpha", rank)))

    return {"unet": of("unet"), "text": of("text_encoder")}


def _refuse_other_kinds(path: Path, keys: Iterable[str]) -> None:
    for key in keys:
        for pattern, what in _OTHER_KINDS:
            if pattern.search(key):
                raise WeightsError(f"{path}: {what} ({key})", OTHER_BASE)


def _refuse_unknown(path: Path, unknown: list[str], count: int) -> None:
    if unknown:
        raise WeightsError(
            f"{path}: not a LoRA file: {len(unknown)} of {count} names are of no known layout, for instance {unknown[0]}",
            "give a file of kohya's or diffusers' names; a whole model is converted with: python run.py weights convert FILE",
        )


def _refuse_other_base(path: Path, unet: Layers, text: Layers) -> None:
    if not unet and not text:
        raise WeightsError(f"{path}: holds no layer of a LoRA", OTHER_BASE)
    for name, layer in unet.items():
        width = int(layer.down.shape[1])
        if name.endswith("attn2_to_k") and width in CONTEXT_WIDTHS:
            raise WeightsError(
                f"{path}: for {CONTEXT_WIDTHS[width]}: text tokens of {width} channels; Stable Diffusion 1 has {SD1_CONTEXT}",
                OTHER_BASE,
            )
