"""The feature networks of the measures, opened from the weights folder; what is not there is said, and the rest is measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB
from pipeline.core.errors import LookbookError, MissingPackageError
from pipeline.core.weights import access, available
from pipeline.core.weights.access import pull_command

if TYPE_CHECKING:
    from torch import Tensor

LPIPS_ROWS = {
    "alex": ("lpips-alex", "alexnet-owt-7be5be79.pth", "alex.pth"),
    "vgg": ("lpips-vgg", "vgg16-397923af.pth", "vgg.pth"),
    "squeeze": ("lpips-squeeze", "squeezenet1_1-b8a52dc0.pth", "squeeze.pth"),
}
"""Row of the weights table, backbone, heads."""
FID_CLEAN, FID_PYTORCH = "fid-inception-clean", "fid-inception-pytorch"
CLIP, DINO = "clip-vit-large-patch14", "dinov2-vitb14"
DINO_HEADS = 12
Features = NDArray[np.float32]


@dataclass
class Networks:
    """Opened when first asked for; a row that is not here gives None, and the reason is kept.

    Args:
        weights: the weights folder.
        lacking: row → why it cannot be used, with the command that cures it.
    """

    weights: Path
    lacking: dict[str, str] = field(default_factory=dict)
    _open: dict[str, Any] = field(default_factory=dict)

    def lpips(self, net: str) -> Callable[[RGB, RGB], float] | None:
        """The distance of two pictures of one size, or None."""
        row = LPIPS_ROWS[net][0]
        network = self._opened(row, lambda files: _lpips(net, files))
        return None if network is None else lambda a, b: float(network.distance(_symmetric(a), _symmetric(b))[0])

    def fid_clean(self) -> Callable[[RGB], Features] | None:
        """(2048,) features as clean-fid takes them, or None."""
        from tryon.evaluation import entrances

        network = self._opened(FID_CLEAN, _script)
        if network is None:
            return None
        return lambda picture: _numbers(network.layers((_batch(entrances.clean(picture)) - 128) / 128))

    def fid_pytorch(self) -> Callable[[RGB], tuple[Features, Features]] | None:
        """(2048,) features as pytorch-fid takes them, and the (1008,) class scores; or None."""
        from tryon.evaluation import entrances

        network = self._opened(FID_PYTORCH, _inception)
        if network is None:
            return None

        def features(picture: RGB) -> tuple[Features, Features]:
            pooled = network.pooled(_batch(entrances.pytorch(picture)) / 127.5 - 1)
            return _numbers(pooled), _numbers(network.scores(pooled))

        return features

    def clip(self) -> Callable[[RGB], Features] | None:
        """The projected image embedding of unit length, (768,); or None."""
        network = self._opened(CLIP, _clip)
        return (
            None if network is None else lambda picture: _unit(_numbers(network(pixel_values=_clip_input(picture)).image_embeds))
        )

    def dino(self) -> Callable[[RGB], Features] | None:
        """The class token of unit length, (768,); or None."""
        network = self._opened(DINO, _dino)
        if network is None:
            return None
        return lambda picture: _unit(_numbers(network(pixel_values=_dino_input(picture)).last_hidden_state[:, 0]))

    def _opened(self, row: str, build: Callable[[dict[str, Path]], Any]) -> Any:
        if row in self.lacking:
            return None
        if row not in self._open:
            if not available(row, self.weights):
                self.lacking[row] = pull_command([row], self.weights)
                return None
            try:
                self._open[row] = build(access.paths(row, self.weights))
            except LookbookError as problem:
                self.lacking[row] = f"{problem.message} → {problem.remedy}"
                return None
        return self._open[row]


def _torch() -> Any:
    try:
        import torch
    except ImportError as problem:
        raise MissingPackageError(f"torch cannot be used: {problem}", "pip install -e '.[diffusion]'") from problem
    return torch


def _tensors(path: Path) -> dict[str, Tensor]:
    loaded: dict[str, Tensor] = _torch().load(path, map_location="cpu", weights_only=True)
    return loaded


def _lpips(net: str, files: dict[str, Path]) -> Any:
    _torch()
    from tryon.evaluation.perceptual import Lpips

    _, backbone, heads = LPIPS_ROWS[net]
    return Lpips(net, _tensors(files[backbone]), _tensors(files[heads]))


def _inception(files: dict[str, Path]) -> Any:
    _torch()
    from tryon.evaluation.inception import Inception

    return Inception(_tensors(next(iter(files.values()))))


def _script(files: dict[str, Path]) -> Any:
    """The TorchScript file is a program; it is opened only after its hash matched."""
    return _torch().jit.load(str(next(iter(files.values()))), map_location="cpu").eval()


def _clip(files: dict[str, Path]) -> Any:
    _torch()
    try:
        from safetensors.torch import load_file
        from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection
    except (ImportError, RuntimeError) as problem:
        raise MissingPackageError(f"transformers cannot be used: {problem}", "pip install -e '.[diffusion]'") from problem
    widths = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16}
    model = CLIPVisionModelWithProjection(CLIPVisionConfig(**widths, patch_size=14, projection_dim=768)).eval()
    kept = {key: value for key, value in load_file(next(iter(files.values()))).items() if key in model.state_dict()}
    model.load_state_dict(kept, strict=True)
    return model


def _clip_input(picture: RGB) -> Tensor:
    """Shorter side to 224, the middle square, normalised as CLIP was trained."""
    from tryon.networks.clip import DEVIATION, MEAN, SIDE

    return _batch(_middle_square(picture, SIDE, SIDE, MEAN, DEVIATION))


def _dino(files: dict[str, Path]) -> Any:
    _torch()
    try:
        from tryon.evaluation.dino import build

        return build(_tensors(next(iter(files.values()))), DINO_HEADS)
    except ImportError as problem:
        raise MissingPackageError(f"transformers cannot be used: {problem}", "pip install -e '.[diffusion]'") from problem


def _dino_input(picture: RGB) -> Tensor:
    """Shorter side to 256, the middle square of 224, normalised by ImageNet."""
    from tryon.evaluation.dino import DEVIATION, MEAN, SHORT_SIDE, SIDE

    return _batch(_middle_square(picture, SHORT_SIDE, SIDE, MEAN, DEVIATION))


def _middle_square(
    picture: RGB, short_side: int, side: int, mean: Sequence[float], deviation: Sequence[float]
) -> NDArray[np.float32]:
    """(side, side, 3) float32, reduced by Pillow's bicubic and normalised per channel."""
    from PIL import Image

    scale = short_side / min(picture.shape[:2])
    height, width = (max(short_side, round(each * scale)) for each in picture.shape[:2])
    small = np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC), np.float32) / 255
    top, left = (height - side) // 2, (width - side) // 2
    square = (small[top : top + side, left : left + side] - np.array(mean, np.float32)) / np.array(deviation, np.float32)
    return np.asarray(square, np.float32)


def _batch(image: NDArray[np.float32]) -> Tensor:
    """(h, w, 3) → (1, 3, h, w)."""
    batch: Tensor = _torch().from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None]))
    return batch


def _symmetric(picture: RGB) -> Tensor:
    return _batch(picture.astype(np.float32) / 127.5 - 1)


def _numbers(tensor: Tensor) -> Features:
    values: Features = tensor.detach().float().numpy()[0]
    return values


def _unit(vector: Features) -> Features:
    unit: Features = vector / np.linalg.norm(vector)
    return unit
