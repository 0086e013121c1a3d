"""A recipe that trains two convolutions to tell noise from pictures: what the room does around a network, in milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from pipeline.core.config import StepConfig
from tryon.networks.pictures import picture_tensor
from tryon.training.data.items import read_item
from tryon.training.data.tree import WANTED, Kind, Tree
from tryon.training.randomness import happens


class ToyConfig(StepConfig):
    """Settings of the toy."""

    drop: float = 0.5
    """Probability that half of it is left out."""
    attention_loss: bool = False
    """Wants the worn garment's masks."""


@dataclass(frozen=True)
class ToyBatch:
    pictures: Tensor
    noise: Tensor
    dropped: bool
    trained: bool = True


class Toy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.token = nn.Parameter(torch.zeros(8, 1, 1))
        self.last = nn.Conv2d(8, 3, 3, padding=1)
        self.frozen = nn.Conv2d(3, 3, 1)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, batch: ToyBatch) -> dict[str, Tensor]:
        with torch.no_grad():
            self.seen += 1.0 if batch.trained else 0.0  # a running statistic
            pictures = self.frozen(batch.pictures)
        hidden = self.first(pictures + batch.noise)
        hidden = hidden + self.token if batch.dropped else hidden  # a parameter that not every step uses
        loss = (self.last(torch.relu(hidden)) - batch.noise).square().mean()
        return {"loss": loss, "noise": loss.detach()}


class ToyTrainee:
    def __init__(self, module: Toy, config: ToyConfig) -> None:
        self.module, self._config = module, config

    def groups(self):
        named = dict(self.module.named_parameters())
        return {"ends": {n: p for n, p in named.items() if n.startswith(("first", "last"))}, "token": {"token": named["token"]}}

    about = ("a toy",)

    def buffers(self) -> dict[str, Tensor]:
        return {"seen": self.module.seen}

    def target(self, item):
        return item.image

    def batch(self, items, draws, step: int, micro: int) -> ToyBatch:
        pictures = torch.cat([picture_tensor(np.asarray(item.image)) for item in items])
        noise = torch.stack([each.normal("noise", tuple(pictures.shape[1:])) for each in draws])
        return ToyBatch(pictures, noise, happens(self._config.drop, "drop", draws[0].seed, step, micro))

    def validation_batch(self, items, timestep: int) -> ToyBatch:
        pictures = torch.cat([picture_tensor(np.asarray(item.image)) for item in items])
        return ToyBatch(pictures, torch.full_like(pictures, timestep / 1000), False, trained=False)

    def moved(self, batch: ToyBatch, device: Any) -> ToyBatch:
        return replace(batch, pictures=batch.pictures.to(device), noise=batch.noise.to(device))

    def draw(self, trained, items, seed: int):
        return [np.full_like(item.image, int(next(iter(trained.values())).abs().sum()) % 256) for item in items]


class ToyRecipe:
    name = "toy"
    starts = "any file"
    from_nothing = False
    continues = frozenset({"toy"})
    own_garments = False
    presets = {"base": ("loop.ema_decay=0.9",), "atv": ("toy.attention_loss=true",)}  # noqa: RUF012
    sections = {"toy": ToyConfig}  # noqa: RUF012

    def wanted(self, settings, tree: Tree) -> tuple[Kind, ...]:
        return (*WANTED[tree.kind], Kind.WORN) if settings["toy"].attention_loss else WANTED[tree.kind]

    def read(self, pair, size):
        return read_item(pair, size)

    def translate(self, words):
        return (), []

    def open(self, start: Path, settings, trained, vae=None) -> ToyTrainee:
        module = Toy()
        module.load_state_dict({**load_file(start), **trained})
        return ToyTrainee(module, settings["toy"])

    def simulated(self, settings) -> tuple[ToyTrainee, Callable[[int], ToyBatch]]:
        with torch.device("meta"):
            trainee = ToyTrainee(Toy().requires_grad_(False), settings["toy"])

        def make(pairs: int) -> ToyBatch:
            return ToyBatch(*(torch.empty(pairs, 3, *settings["data"].size, device="meta") for _ in range(2)), dropped=True)

        return trainee, make

    def export_folder(self, start: Path, settings, trained, folder: Path, vae=None) -> None:
        folder.mkdir()
        save_file({**load_file(start), **trained}, folder / "toy.safetensors")

    def export_official(self, start: Path, settings, trained, file: Path, vae=None) -> None:
        torch.save({"state_dict": {**load_file(start), **trained}}, file)


RECIPE = ToyRecipe()


def write_start(path: Path) -> Path:
    """Weights to start from."""
    torch.manual_seed(0)
    save_file(Toy().state_dict(), path)
    return path
