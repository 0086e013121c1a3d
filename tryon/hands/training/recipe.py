"""How a hand LoRA is trained: what the catalogue names (`tryon/training/protocol.py`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import torch

from pipeline.core.config import Schema
from pipeline.core.errors import UsageError
from tryon.hands.base_model import FULL, TEXT_TOKENS, BaseModel, Widths, empty_networks, find_files, open_base
from tryon.hands.inpainting import PLAIN_INPUTS
from tryon.hands.training import kohya_flags
from tryon.hands.training.config import PRESETS, HandAugment, HandData, HandLoop, HandLoraConfig
from tryon.hands.training.data import HandItem, read_hand
from tryon.hands.training.trainee import HandBatch, HandLoraTrainee
from tryon.lora_files import write_kohya
from tryon.network_folder import new_folder
from tryon.networks.sd1 import LATENT_CHANNELS, LATENT_STRIDE
from tryon.training.config import DataConfig, LoopConfig, PrecisionConfig, Settings, section_of
from tryon.training.data.tree import Kind, TrainingPair, Tree
from tryon.training.parameters import Weights

SECTION = "hand_lora"
FILE = "hand-lora.safetensors"


class HandLoraRecipe:
    """See `protocol.Recipe`.

    Args:
        widths: of the base model; tests give smaller ones.
    """

    name = "hand-lora"
    presets: Mapping[str, tuple[str, ...]] = PRESETS
    sections: Schema = MappingProxyType({SECTION: HandLoraConfig, "data": HandData, "loop": HandLoop, "augment": HandAugment})
    starts = "a folder of Stable Diffusion 1.5 in diffusers' parts, or the weights folder that has sd15-unet and the others"
    from_nothing = False
    continues = frozenset({"hand-lora"})
    own_garments = True

    def __init__(self, widths: Widths = FULL) -> None:
        self._widths = widths

    def wanted(self, settings: Settings, tree: Tree) -> tuple[Kind, ...]:
        """A picture, and its mask where the loss looks at it."""
        return (Kind.IMAGE,) if _own(settings).outside == 1 else (Kind.IMAGE, Kind.MASK)

    def read(self, pair: TrainingPair, size: tuple[int, int]) -> HandItem:
        """See `data.read_hand`."""
        return read_hand(pair, size)

    def start_files(self, start: Path, settings: Settings) -> tuple[Path, ...]:
        """See `protocol.ManyFiles`: the parts of Stable Diffusion, its vocabulary included."""
        files = find_files(start)
        return (files.unet, files.vae, files.text, *sorted(each for each in files.tokenizer.iterdir() if each.is_file()))

    def translate(self, words: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
        """See `kohya_flags.translate`."""
        return kohya_flags.translate(words)

    def open(self, start: Path | None, settings: Settings, trained: Weights, vae: Path | None = None) -> HandLoraTrainee:
        """See `protocol.Recipe`."""
        assert start is not None, "this recipe does not begin from nothing"
        if vae is not None:
            raise UsageError("--vae: a LoRA is trained for Stable Diffusion 1.5's own VAE", "leave it out")
        base = open_base(find_files(start), torch.float32, widths=self._widths)
        trainee = self._trainee(base, settings)
        own = {name: each for group in trainee.groups().values() for name, each in group.items()}
        with torch.no_grad():
            for name, each in trained.items():
                if name not in own or own[name].shape != each.shape:
                    raise UsageError(
                        f"{name}: the run to start from has another rank, or trains other parts", "set them as there"
                    )
                own[name].copy_(each)
        return trainee

    def simulated(self, settings: Settings) -> tuple[HandLoraTrainee, Callable[[int], HandBatch]]:
        """See `protocol.Recipe`."""
        networks = empty_networks(PLAIN_INPUTS, self._widths)
        with torch.device("meta"):
            trainee = self._trainee(BaseModel(**networks, tokenizer=None), settings)
        data = section_of(settings, "data", DataConfig)
        grid = (data.height // LATENT_STRIDE, data.width // LATENT_STRIDE)

        def make(pairs: int) -> HandBatch:
            with torch.device("meta"):
                return HandBatch(
                    pictures=torch.empty(pairs, 3, *data.size),
                    draws=torch.empty(pairs, LATENT_CHANNELS, *grid),
                    noise=torch.empty(pairs, LATENT_CHANNELS, *grid),
                    timesteps=torch.zeros(pairs, dtype=torch.long),
                    weights=torch.empty(pairs, 1, *grid),
                    tokens=torch.zeros(pairs, TEXT_TOKENS, dtype=torch.long),
                )

        return trainee, make

    def export_folder(
        self, start: Path | None, settings: Settings, trained: Weights, folder: Path, vae: Path | None = None
    ) -> None:
        """A folder with the one file that `repair.lora` takes."""
        with new_folder(folder) as made:
            self.export_official(start, settings, trained, made / FILE, vae)

    def export_official(
        self, start: Path | None, settings: Settings, trained: Weights, file: Path, vae: Path | None = None
    ) -> None:
        """kohya's names with alpha: what `repair.lora` takes, and every other tool of the field."""
        trainee, _ = self.simulated(settings)
        part = file.with_name(f".{file.name}.part")
        write_kohya(trainee.lora({name: each.detach().cpu() for name, each in trained.items()}, file.name), part)
        part.replace(file)

    def _trainee(self, base: BaseModel, settings: Settings) -> HandLoraTrainee:
        loop, precision = settings["loop"], settings["precision"]
        assert isinstance(loop, LoopConfig) and isinstance(precision, PrecisionConfig)
        return HandLoraTrainee(base, _own(settings), loop.seed, precision.recompute)


RECIPE = HandLoraRecipe()


def _own(settings: Settings) -> HandLoraConfig:
    return section_of(settings, SECTION, HandLoraConfig)
