"""VGG-19 as a judge of pictures (Simonyan & Zisserman 2014, arXiv 1409.1556): distances between what two pictures make it see.

Nothing is downloaded. Two published layouts are read, whose networks expect pictures differently:

| file | names | shown |
|---|---|---|
| `vgg19_conv.pth`, or a DCI-VTON checkpoint | `conv1_1.weight`, bare or behind `vgg.` | BGR of 0 … 255, its mean subtracted |
| torchvision's `vgg19-dcbb9e9d.pth` | `features.0.weight` | as it is given: RGB of -1 … 1 |

Facts: docs/facts/dci_vton.md#training.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.core.errors import WeightsError
from tryon.checkpoints import open_checkpoint

CHANNELS = (64, 128, 256, 512, 512)
LAYERS = (2, 2, 4, 4, 4)
MEAN_BGR = (0.40760392, 0.45795686, 0.48501961)
LEVEL_SHARES = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
"""What the distance counts at each of the five sizes, finest first (Wang et al. 2018, arXiv 1711.11585)."""
FIRST_OF_LEVEL = tuple(f"{level}_1" for level in range(1, 6))
SECOND_OF_LEVEL = tuple(f"{level}_2" for level in range(1, 6))
"""Convolutions behind whose rectifiers pictures are compared."""
PREFIXES = ("", "vgg.")
CAFFE_SHARE = 1 / 255
"""Of a network that is shown levels instead of numbers up to 1: its maps are as many times larger."""


class VggDistance(nn.Module):
    """A distance of pictures; all weights frozen.

    Args:
        taps: convolutions behind which pictures are compared, one per size.
        caffe: show BGR of 0 … 255 without its mean, instead of the picture as it is.
        share: factor of the distance.
    """

    def __init__(self, taps: tuple[str, ...], *, caffe: bool, share: float = 1.0) -> None:
        super().__init__()
        self.taps, self.caffe, self.share = taps, caffe, share
        needed = names_up_to(taps[-1])
        self.convolutions = nn.ModuleDict({name: nn.Conv2d(*_widths(name), 3, padding=1) for name in needed})
        self.requires_grad_(False)

    def forward(self, made: Tensor, wanted: Tensor) -> Tensor:
        """(b, 3, h, w) in [-1, 1] twice → a scalar; gradients flow into the first alone."""
        with torch.no_grad():
            targets = self._seen(wanted)
        pairs = zip(self._seen(made), targets, LEVEL_SHARES, strict=True)
        return self.share * torch.stack([share * (a - b).abs().mean() for a, b, share in pairs]).sum()

    def _seen(self, pictures: Tensor) -> list[Tensor]:
        x, seen = self._shown(pictures), []
        for name, convolution in self.convolutions.items():
            if name.endswith("_1") and name != "1_1":
                x = F.max_pool2d(x, 2)
            x = F.relu(convolution(x))
            if name in self.taps:
                seen.append(x)
        return seen

    def _shown(self, pictures: Tensor) -> Tensor:
        if not self.caffe:
            return pictures
        levels: Tensor = (pictures.flip(1) + 1) / 2 - pictures.new_tensor(MEAN_BGR).view(1, 3, 1, 1)
        return levels * 255


def names_up_to(last: str) -> list[str]:
    """Names of the convolutions from the first to a last one, as `level_number`."""
    names = [f"{level}_{number}" for level, count in enumerate(LAYERS, 1) for number in range(1, count + 1)]
    return names[: names.index(last) + 1]


def vgg_weights(stored: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], bool] | None:
    """All sixteen convolutions of a file as `level_number.weight` and `.bias`, and whether they expect BGR; None = not in it."""
    names = names_up_to("5_4")
    layouts = [({name: f"{prefix}conv{name}" for name in names}, True) for prefix in PREFIXES]
    for named, caffe in (*layouts, (dict(zip(names, _torchvision_names(), strict=True)), False)):
        if all(f"{theirs}.weight" in stored and f"{theirs}.bias" in stored for theirs in named.values()):
            kinds = ("weight", "bias")
            return {f"{ours}.{kind}": stored[f"{theirs}.{kind}"] for ours, theirs in named.items() for kind in kinds}, caffe
    return None


def open_vgg(path: Path) -> tuple[dict[str, Tensor], bool]:
    """`vgg_weights` of a file.

    Raises:
        WeightsError: the file is not there or holds no VGG-19.
    """
    found = vgg_weights(open_checkpoint(path))
    if found is None:
        raise WeightsError(
            f"{path}: holds no VGG-19 (looked for conv1_1.weight, vgg.conv1_1.weight, features.0.weight and the other fifteen)",
            "give vgg19_conv.pth, torchvision's vgg19-dcbb9e9d.pth or a DCI-VTON checkpoint, or leave it out",
        )
    return found


def build_distance(weights: Mapping[str, Tensor], taps: tuple[str, ...], *, caffe: bool, share: float = 1.0) -> VggDistance:
    """A distance on weights that `vgg_weights` found."""
    network = VggDistance(taps, caffe=caffe, share=share)
    wanted = {f"{name}.{kind}" for name in network.convolutions for kind in ("weight", "bias")}
    network.convolutions.load_state_dict({name: weights[name].float() for name in wanted})
    return network


def open_judge(file: str, section: str) -> tuple[VggDistance | None, str]:
    """VGG where it is given, and a line about it.

    Args:
        file: its weights; "" = without.
        section: of the settings whose `vgg_file` names it.

    Raises:
        WeightsError: the file is not there or holds no VGG-19.
    """
    if not file:
        return None, f"loss: without VGG-19's part, which the published loss has (--set {section}.vgg_file=FILE)"
    weights, caffe = open_vgg(Path(file))
    judge = build_distance(weights, FIRST_OF_LEVEL, caffe=caffe, share=CAFFE_SHARE if caffe else 1.0)
    if caffe:
        return judge, f"loss: with {file}'s VGG-19, its distance divided by 255; published was torchvision's"
    return judge, f"loss: with {file}'s VGG-19, as published"


def _widths(name: str) -> tuple[int, int]:
    level, number = (int(part) for part in name.split("_"))
    before = CHANNELS[level - 1] if number > 1 else (3, *CHANNELS)[level - 1]
    return before, CHANNELS[level - 1]


def _torchvision_names() -> list[str]:
    """Every convolution is followed by a rectifier, every level by a pooling."""
    names, place = [], 0
    for count in LAYERS:
        for _ in range(count):
            names.append(f"features.{place}")
            place += 2
        place += 1
    return names
