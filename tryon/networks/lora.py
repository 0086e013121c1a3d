"""Low-rank adaptation (LoRA, Hu et al. 2022, arXiv 2106.09685): a small change of many layers, beside their weights.

A layer's change is multiplier · alpha / rank · up @ down. Layers are called by their path in diffusers' U-Net (or of the
text encoder) with underscores for dots, which is how kohya's files call them: `down_blocks_0_attentions_0_proj_in`.

Facts: docs/facts/lora_files.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.core.errors import WeightsError

OTHER_BASE = "use a LoRA that was made for Stable Diffusion 1.5"
Layers = Mapping[str, "LoraLayer"]
"""Underscored path of a layer → its change."""


@dataclass(frozen=True)
class LoraLayer:
    """The change of one linear layer or convolution.

    Args:
        down: (rank, in) or (rank, in, kh, kw).
        up: (out, rank) or (out, rank, 1, 1).
        alpha: the change is divided by rank / alpha.
    """

    down: Tensor
    up: Tensor
    alpha: float

    @property
    def rank(self) -> int:
        """Width of the narrow middle."""
        return int(self.down.shape[0])

    @property
    def scale(self) -> float:
        """alpha / rank."""
        return self.alpha / self.rank

    def change(self, shape: torch.Size) -> Tensor:
        """What is added to a weight of this shape, fp32."""
        product = self.up.flatten(1).float() @ self.down.flatten(1).float()
        return (self.scale * product).reshape(shape)

    def fits(self, shape: torch.Size) -> bool:
        """Whether it changes a weight (out, in) or (out, in, kh, kw); a 1 x 1 convolution is a linear layer."""
        found = (self.up.shape[0], *self.down.shape[1:])
        return _without_ones(found) == _without_ones(tuple(shape))


@dataclass(frozen=True)
class Lora:
    """What a LoRA file changes.

    Args:
        unet: layers of the U-Net.
        text: layers of the text encoder, without the inner `text_model.` that transformers 5 took away.
        name: for messages: the file.
    """

    unet: Layers
    text: Layers = field(default_factory=dict)
    name: str = "LoRA"


def merged(
    weights: Mapping[str, Tensor], layers: Layers, multiplier: float, path: Callable[[str], str] = str
) -> dict[str, Tensor]:
    """Weights with the change inside.

    Args:
        weights: state of a network, in any naming.
        layers: what to change.
        multiplier: strength, 1 = as trained.
        path: the diffusers (transformers) name of one of `weights`; `compvis_names.unet_name` for published U-Nets.

    Returns:
        All of them; those that change are new tensors in their own number format.

    Raises:
        WeightsError: a layer has no place here, or another width: a LoRA of another base.
    """
    names = {layer_name(path(key).removesuffix(".weight")): key for key in weights if key.endswith(".weight")}
    check_fit({layer: weights[key].shape for layer, key in names.items()}, layers)
    result = dict(weights)
    for layer, change in layers.items():
        weight = weights[names[layer]]
        result[names[layer]] = (weight.float() + multiplier * change.change(weight.shape).to(weight.device)).to(weight.dtype)
    return result


@contextmanager
def attached(network: nn.Module, layers: Layers, multiplier: float) -> Iterator[None]:
    """A network that behaves as if the change were in its weights, which stay untouched.

    Args:
        network: diffusers' U-Net or transformers' text encoder.
        layers: what to change.
        multiplier: strength, 1 = as trained.

    Raises:
        WeightsError: as `merged`.
    """
    modules = {layer_name(name): module for name, module in network.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)}
    check_fit({name: module.weight.shape for name, module in modules.items()}, layers)
    hooks = [modules[name].register_forward_hook(_adding(layer, multiplier)) for name, layer in layers.items()]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def check_fit(shapes: Mapping[str, torch.Size], layers: Layers, name: str = "LoRA") -> None:
    """Refuse a LoRA of another network.

    Args:
        shapes: weight's shape by underscored path of the layer.
        layers: what to change.
        name: for the message.

    Raises:
        WeightsError: naming up to three layers, and what they would change.
    """
    lost = [layer for layer in layers if layer not in shapes]
    if lost:
        raise WeightsError(
            f"{name}: {len(lost)} of {len(layers)} layers have no place in this network: {_some(lost)}", OTHER_BASE
        )
    wrong = [
        f"{layer}: changes {(each.up.shape[0], *each.down.shape[1:])}, the network has {tuple(shapes[layer])}"
        for layer, each in layers.items()
        if not each.fits(shapes[layer])
    ]
    if wrong:
        raise WeightsError(f"{name}: {len(wrong)} of {len(layers)} layers are of another width: {_some(wrong)}", OTHER_BASE)


def layer_name(path: str) -> str:
    """Underscored path of a layer: `mid_block.attentions.0.proj_in` → `mid_block_attentions_0_proj_in`."""
    return path.replace(".", "_")


def _adding(layer: LoraLayer, multiplier: float) -> Callable[[nn.Module, tuple[Any, ...], Tensor], Tensor]:
    def hook(module: nn.Module, args: tuple[Any, ...], out: Tensor) -> Tensor:
        x = args[0]
        down, up = layer.down.to(x), layer.up.to(x)
        if isinstance(module, nn.Conv2d):
            down = down.reshape(len(down), -1, *module.kernel_size)
            narrow = F.conv2d(x, down, stride=module.stride, padding=module.padding)  # type: ignore[arg-type]
            change = F.conv2d(narrow, up.reshape(len(up), -1, 1, 1))
        else:
            change = F.linear(F.linear(x, down.flatten(1)), up.flatten(1))
        return out + multiplier * layer.scale * change

    return hook


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[:2] if shape[2:] == (1, 1) else shape


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
