"""Fine-tuning of the VAE's decoder alone: photos through encoder and decoder, L1 and, where its weights are there, LPIPS.

Facts: docs/facts/stableviton_training.md#start. Trained are decoder and `post_quant_conv`, as the published file's size says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from pipeline.core.arrays import RGB
from pipeline.core.config import Schema, StepConfig
from pipeline.core.errors import UsageError, WeightsError
from tryon.engines.stableviton.architecture import FULL, Architecture
from tryon.engines.stableviton.folder import Index, write_folder
from tryon.engines.stableviton.official_names import official_name
from tryon.engines.stableviton.training.start import read_start
from tryon.engines.stableviton.variants import STABLEVITON
from tryon.networks.compvis_names import with_values
from tryon.networks.pictures import picture_levels, picture_tensor
from tryon.networks.savings.swapping import use_plain_layers
from tryon.networks.sd1 import LATENT_CHANNELS, LATENT_STRIDE
from tryon.networks.vae import build_vae, decode_latents, encode_pictures
from tryon.training.config import DataConfig, PrecisionConfig, Settings, section_of
from tryon.training.data.items import Item, read_item
from tryon.training.data.tree import WANTED, Kind, TrainingPair, Tree
from tryon.training.judges.perceptual import Perceptual, load_perceptual
from tryon.training.official_file import digest_of_weights, official_shape, write_torch_file
from tryon.training.parameters import Groups, Weights
from tryon.training.randomness import SampleDraws

SECTION = "vae_decoder"
TRAINED = ("vae.decoder.", "vae.post_quant_conv.")
PREFIX = "first_stage_model."


class VaeDecoderTraining(StepConfig):
    """What only this training has."""

    l1: float = Field(1.0, ge=0)
    """Weight of the mean absolute difference, in pictures of -1 to 1."""
    perceptual: float = Field(1.0, ge=0)
    """Weight of LPIPS, where its weights are given."""
    lpips: str = ""
    """A file with LPIPS' weights: VITONHD_VAE_finetuning.ckpt; "" = without."""


PLAIN = ("augment.move=0", "augment.hsv=0", "augment.contrast=0", "loop.steps=10000", "loop.batch=4", "loop.validate_every=0")
PRESETS: Mapping[str, tuple[str, ...]] = {
    "base": PLAIN,
    "base-1024": (*PLAIN, "data.height=1024", "data.width=768", "loop.batch=1"),
}


@dataclass(frozen=True)
class Photos:
    """A micro-batch: (b, 3, 8h, 8w) in [-1, 1], and (b, 4, h, w) standard normal for the posteriors."""

    pictures: Tensor
    draws: Tensor


class ReconstructionModule(nn.Module):
    """The VAE, called as a loss."""

    def __init__(self, vae: nn.Module, config: VaeDecoderTraining, perceptual: Perceptual | None) -> None:
        super().__init__()
        self.vae, self.config, self.perceptual = vae, config, perceptual

    def forward(self, batch: Photos) -> dict[str, Tensor]:
        """`loss`, and its parts."""
        with torch.no_grad():
            latents = encode_pictures(self.vae, batch.pictures).sample(batch.draws)
        made = decode_latents(self.vae, latents)
        parts = {"l1": self.config.l1 * (made - batch.pictures).abs().mean()}
        if self.perceptual is not None:
            parts["perceptual"] = self.config.perceptual * self.perceptual(made, batch.pictures)
        return {"loss": torch.stack(list(parts.values())).sum(), **parts}


class VaeDecoderTrainee:
    """See `protocol.Trainee`.

    Args:
        vae: the whole VAE, with layers that have gradients.
        config: section `vae_decoder`.
        perceptual: LPIPS, or None.
    """

    def __init__(self, vae: nn.Module, config: VaeDecoderTraining, perceptual: Perceptual | None) -> None:
        self._module = ReconstructionModule(vae, config, perceptual)
        self.about: Sequence[str] = (
            "loss: L1 alone (LPIPS: --set vae_decoder.lpips=FILE)" if perceptual is None else "loss: L1 and LPIPS",
        )

    @property
    def module(self) -> nn.Module:
        """See `protocol.Trainee`."""
        return self._module

    def groups(self) -> Groups:
        """Decoder and `post_quant_conv`."""
        named = {f"vae.{name}": each for name, each in self._module.vae.named_parameters()}
        return {"decoder": {name: each for name, each in named.items() if name.startswith(TRAINED)}}

    def buffers(self) -> Mapping[str, Tensor]:
        """None: a VAE keeps no statistics."""
        return {}

    def target(self, item: Item) -> RGB:
        """The photo."""
        return item.image

    def batch(self, items: Sequence[Item], draws: Sequence[SampleDraws], step: int, micro: int) -> Photos:
        """See `protocol.Trainee`."""
        height, width = items[0].mask.shape
        latent = (LATENT_CHANNELS, height // LATENT_STRIDE, width // LATENT_STRIDE)
        return Photos(
            torch.cat([picture_tensor(item.image) for item in items]),
            torch.stack([each.normal("image", latent) for each in draws]),
        )

    def validation_batch(self, items: Sequence[Item], timestep: int) -> Photos:
        """See `protocol.Trainee`; there are no timesteps here."""
        return self.batch(items, [SampleDraws(0, timestep, item.id) for item in items], 0, 0)

    def moved(self, batch: Photos, device: Any) -> Photos:
        """See `protocol.Trainee`."""
        return Photos(batch.pictures.to(device), batch.draws.to(device))

    @torch.no_grad()
    def draw(self, trained: Mapping[str, Tensor], items: Sequence[Item], seed: int) -> list[RGB]:
        """The photos through encoder and decoder, by the posterior's mean."""
        vae: Any = self._module.vae
        before = {name: each.detach().clone() for name, each in vae.named_parameters() if f"vae.{name}" in trained}
        device = next(vae.parameters()).device
        try:
            _put(vae, {name.removeprefix("vae."): tensor for name, tensor in trained.items()})
            pictures = torch.cat([picture_tensor(item.image) for item in items]).to(device)
            made = decode_latents(vae, encode_pictures(vae, pictures).sample(None))
            return [picture.numpy() for picture in picture_levels(made, rounded=True).cpu()]
        finally:
            _put(vae, before)


class VaeDecoderRecipe:
    """See `protocol.Recipe`.

    Args:
        architecture: the widths of the network whose VAE it is.
    """

    name = "vae-decoder"
    presets: Mapping[str, tuple[str, ...]] = PRESETS
    sections: Schema = MappingProxyType({SECTION: VaeDecoderTraining})
    starts = "Paint-by-Example's model.ckpt, a StableVITON checkpoint or folder"
    from_nothing = False
    continues = frozenset({"stableviton", "vae-decoder"})
    own_garments = False

    def __init__(self, architecture: Architecture = FULL) -> None:
        self._architecture = architecture

    def wanted(self, settings: Settings, tree: Tree) -> tuple[Kind, ...]:
        """As for the try-on network: one reader serves both."""
        return WANTED[tree.kind]

    def read(self, pair: TrainingPair, size: tuple[int, int]) -> Item:
        """See `protocol.Recipe`."""
        return read_item(pair, size)

    def translate(self, words: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
        """The published code has no script for it.

        Raises:
            UsageError: there are such flags.
        """
        if words:
            raise UsageError(f"train vae-decoder: unknown {' '.join(words)}", "see: python run.py train begin --help")
        return (), []

    def open(self, start: Path | None, settings: Settings, trained: Weights, vae: Path | None = None) -> VaeDecoderTrainee:
        """See `protocol.Recipe`."""
        assert start is not None, "the room asks for one"
        weights = {**read_start(start, self._architecture, vae_file=vae).weights, **trained}
        network = self._vae(settings)
        network.load_state_dict({n.removeprefix("vae."): t.float() for n, t in weights.items() if n.startswith("vae.")})
        own = _own(settings)
        return VaeDecoderTrainee(network, own, load_perceptual(Path(own.lpips)) if own.lpips else None)

    def simulated(self, settings: Settings) -> tuple[VaeDecoderTrainee, Callable[[int], Photos]]:
        """See `protocol.Recipe`."""
        with torch.device("meta"):
            network = self._vae(settings).requires_grad_(False)
            perceptual = Perceptual() if _own(settings).lpips else None
        data = section_of(settings, "data", DataConfig)

        def make(pairs: int) -> Photos:
            grid = (data.height // LATENT_STRIDE, data.width // LATENT_STRIDE)
            with torch.device("meta"):
                return Photos(torch.empty(pairs, 3, *data.size), torch.empty(pairs, LATENT_CHANNELS, *grid))

        return VaeDecoderTrainee(network, _own(settings), perceptual), make

    def export_folder(
        self, start: Path | None, settings: Settings, trained: Weights, folder: Path, vae: Path | None = None
    ) -> None:
        """The whole start network with the new decoder."""
        assert start is not None, "the room asks for one"
        begun = read_start(start, self._architecture, vae_file=vae)
        identity = digest_of_weights({**trained, "start": torch.tensor(list(bytes.fromhex(begun.sha256)), dtype=torch.float32)})
        index = Index(architecture=self._architecture, variant=STABLEVITON.name, dtype="fp32", source_sha256=identity)
        write_folder(folder, with_values({**begun.weights, **trained}), index)

    def export_official(
        self, start: Path | None, settings: Settings, trained: Weights, file: Path, vae: Path | None = None
    ) -> None:
        """The VAE alone, without prefix, as the published fine-tuning file has it; its `loss.*` belongs to no VAE."""
        assert start is not None, "the room asks for one"
        if file.exists():
            raise WeightsError(f"{file}: exists already", "remove it or give another name")
        weights = {**read_start(start, self._architecture, vae_file=vae).weights, **trained}
        own = {name: tensor.float() for name, tensor in weights.items() if name.startswith("vae.")}
        named = ((official_name(name).removeprefix(PREFIX), official_shape(name, tensor)) for name, tensor in own.items())
        write_torch_file(file, {"state_dict": {name: tensor.contiguous().clone() for name, tensor in named}})

    def _vae(self, settings: Settings) -> Any:
        vae = build_vae(self._architecture.vae_channels)
        precision = section_of(settings, "precision", PrecisionConfig)
        use_plain_layers(vae)
        return vae.to(memory_format=torch.channels_last) if precision.channels_last else vae


RECIPE = VaeDecoderRecipe()


def _own(settings: Settings) -> VaeDecoderTraining:
    return section_of(settings, SECTION, VaeDecoderTraining)


@torch.no_grad()
def _put(vae: nn.Module, weights: Mapping[str, Tensor]) -> None:
    for name, parameter in vae.named_parameters():
        if name in weights:
            parameter.copy_(weights[name])
