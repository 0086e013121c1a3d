"""OOTDiffusion as the training room sees it: pictures in, losses out; and pictures drawn by the engine's own runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from pipeline.core.arrays import RGB
from pipeline.core.engine import TryOnItem
from pipeline.core.machine.device import choose_device
from tryon.batching import Limits
from tryon.engines.ootdiffusion.checkpoint import fill_network
from tryon.engines.ootdiffusion.drawings import drawings_of
from tryon.engines.ootdiffusion.encoding import latent_area, pictures_of, shown_person
from tryon.engines.ootdiffusion.folder import VARIANTS
from tryon.engines.ootdiffusion.network import OotDiffusion
from tryon.engines.ootdiffusion.presets import BALANCED
from tryon.engines.ootdiffusion.runtime import CanvasGarment, CanvasPerson, Runtime
from tryon.engines.ootdiffusion.training.config import OotdTraining
from tryon.engines.ootdiffusion.training.groups import LAYERS, garment_learns, lora_parts, trained_groups
from tryon.engines.ootdiffusion.training.item import OotdItem
from tryon.engines.ootdiffusion.training.loss import OotdLatents, ootd_losses
from tryon.engines.ootdiffusion.wiring import Wiring
from tryon.engines.ootdiffusion.words import BEGIN, END, Words, words_of
from tryon.lora_files import layers_of_peft
from tryon.networks.clip import clip_crop
from tryon.networks.lora import merged
from tryon.networks.pictures import picture_tensor
from tryon.networks.precision import choose_dtype
from tryon.networks.savings.switches import ALL
from tryon.networks.sd1 import LATENT_CHANNELS, LATENT_STRIDE
from tryon.samplers.schedule import TRAIN_STEPS
from tryon.training.data.items import Item
from tryon.training.encoder import FrozenEncoder
from tryon.training.low_rank import put_beside
from tryon.training.parameters import Groups, Weights
from tryon.training.randomness import SampleDraws, Word, happens, numpy_stream

PICTURES = ("masked person", "person", "garment")
"""Encoded by the VAE; of the second a sample is drawn, of the others the mean is taken."""
FIXED = 0
"""The seed of what is drawn for the validation loss."""


@dataclass(frozen=True, kw_only=True)
class OotdBatch:
    """One micro-batch; h and w are the picture's sides / 8.

    Args:
        pictures: (b·3, 3, 8h, 8w) in [-1, 1]: all masked persons, all persons, all garments.
        draws: (b, 4, h, w) standard normal, for the persons' posteriors.
        squares: (b, 3, 224, 224), garments as CLIP sees them.
        words: (b, n) token ids, of the try-on U-Net.
        garment_words: (b, m) token ids, of the garment U-Net.
        noise: (b, 4, h, w).
        timesteps: (b,) integers.
        dropped: (b,) bool: no garment; without_text, without_picture: the same of what an adapter stands beside and sees.
        repaint: (b, 1, h, w) in {0, 1}, 1 = repaint.
        poses: (b, 3, 8h, 8w) in [-1, 1], skeletons, where they are an input.
        drawings: (b, 3, 8h, 8w) in [0, 1], where there is a branch.
        ids: of the pairs whose encodings may be kept; none in validation.
    """

    pictures: Tensor
    draws: Tensor
    squares: Tensor
    words: Tensor
    garment_words: Tensor
    noise: Tensor
    timesteps: Tensor
    dropped: Tensor
    without_text: Tensor
    without_picture: Tensor
    repaint: Tensor
    poses: Tensor | None = None
    drawings: Tensor | None = None
    ids: tuple[str, ...] = ()

    def to(self, device: Any) -> OotdBatch:
        """The same on a device."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        moved: dict[str, Any] = {n: v.to(device, non_blocking=True) for n, v in values.items() if isinstance(v, Tensor)}
        return replace(self, **moved)


class OotdLossModule(nn.Module):
    """The network, called as a loss."""

    def __init__(self, network: OotDiffusion, config: OotdTraining, recompute: bool = False) -> None:
        super().__init__()
        self.network, self.config, self.recompute = network, config, recompute
        self._encoder = FrozenEncoder(config.cache, len(PICTURES) + 3)

    def forward(self, batch: OotdBatch) -> dict[str, Tensor]:
        """Encode without gradients, then calculate the loss: `loss` is what is minimised."""
        learns = garment_learns(self.config)
        parts = ootd_losses(self.network, self.encoded(batch), self.config, garment_learns=learns, recompute=self.recompute)
        return {"loss": torch.stack(list(parts.values())).sum(), **parts}

    @torch.no_grad()
    def encoded(self, batch: OotdBatch) -> OotdLatents:
        """What the loss is calculated from."""
        net = self.network
        kinds = zip(PICTURES, batch.pictures.chunk(len(PICTURES)), strict=True)
        # One kind at a time: all together they would take more memory than the rest of the step.
        masked, person, garment = (self._encoder.posterior(net.vae, kind, shown, batch.ids) for kind, shown in kinds)

        pose = None if batch.poses is None else self._encoder.posterior(net.vae, "pose", batch.poses, batch.ids).mean
        words = words_in(self.config)

        def told(ids: Tensor, what: str) -> Tensor:
            def encode(ids: Tensor, squares: Tensor) -> Tensor:
                return net.context(ids, squares, words.vector)

            return self._encoder.vectors(encode, (ids, batch.squares), batch.ids, what)

        context = told(batch.words, "context")
        features = None
        if self.config.adapter != "none":
            features = self._encoder.vectors(net.picture_features, (batch.squares,), batch.ids, "picture features")
        shown = context
        if self.config.drop_adapter:
            assert features is not None, "refused by the settings"
            features = features.masked_fill(_over(batch.without_picture, features), 0)
            shown = torch.where(_over(batch.without_text, context), self._empty_text(context), context)

        return OotdLatents(
            image=person.sample(batch.draws),
            person=shown_person(self.config.wiring, masked.mean, batch.repaint, pose),
            garment=garment.mean,
            context=shown,
            garment_context=context if words.garment_ids is None else told(batch.garment_words, "garment context"),
            noise=batch.noise,
            timesteps=batch.timesteps,
            dropped=batch.dropped,
            repaint=batch.repaint,
            picture=batch.pictures.chunk(len(PICTURES))[2],
            photo=batch.pictures.chunk(len(PICTURES))[1],
            features=features,
            drawings=batch.drawings,
        )

    def _empty_text(self, context: Tensor) -> Tensor:
        """(1, n, context_dim) of the empty text, as long as a context (b, n, context_dim)."""
        ids = torch.tensor([[BEGIN, *[END] * (context.shape[1] - 1)]], device=context.device)
        return self.network.context(ids, ids, "left out").to(context)


def _over(rows: Tensor, values: Tensor) -> Tensor:
    """(b,) → (b, 1, …) for values (b, …)."""
    return rows.view(-1, *[1] * (values.ndim - 1))


class OotdTrainee:
    """See `protocol.Trainee`.

    Args:
        network: built with `savings.TRAINING`, on the CPU; a LoRA is put beside its layers where the arrangement has one.
        config: section `ootd`.
        seed: of a LoRA's first weights.
        recompute: gradient checkpointing.
        about: see `protocol.Trainee`.
    """

    def __init__(
        self, network: OotDiffusion, config: OotdTraining, seed: int = 0, recompute: bool = False, about: Sequence[str] = ()
    ) -> None:
        self._network, self._config, self.about = network, config, about
        for part in lora_parts(config):
            put_beside(getattr(network, part), LAYERS, config.lora_rank, config.lora_alpha, seed)
        self._module = OotdLossModule(network, config, recompute)

    @property
    def module(self) -> nn.Module:
        """See `protocol.Trainee`."""
        return self._module

    def groups(self) -> Groups:
        """See `protocol.Trainee`."""
        return trained_groups(self._network, self._config)

    def buffers(self) -> Mapping[str, Tensor]:
        """None: this network keeps no statistics."""
        return {}

    def batch(self, items: Sequence[Item], draws: Sequence[SampleDraws], step: int, micro: int) -> OotdBatch:
        """See `protocol.Trainee`."""
        share, seed = self._config.drop_garment, draws[0].seed
        dropped = [happens(share, "drop garment", seed, step, item.id) for item in items]
        made = self._batch(items, draws, [each.timestep(TRAIN_STEPS) for each in draws], dropped)
        text, picture = zip(*(left_out(self._config.drop_adapter, seed, step, item.id) for item in items), strict=True)
        without = {"without_text": torch.tensor(text), "without_picture": torch.tensor(picture)}
        return replace(made, **without, ids=tuple(item.id for item in items))

    def validation_batch(self, items: Sequence[Item], timestep: int) -> OotdBatch:
        """See `protocol.Trainee`."""
        draws = [SampleDraws(FIXED, timestep, item.id) for item in items]
        return self._batch(items, draws, [timestep] * len(items), [False] * len(items))

    def moved(self, batch: OotdBatch, device: Any) -> OotdBatch:
        """See `protocol.Trainee`."""
        return batch.to(device)

    def target(self, item: Item) -> RGB:
        """The photo."""
        return item.image

    def draw(self, trained: Weights, items: Sequence[Item], seed: int) -> list[RGB]:
        """Pictures exactly as the engine would make them of the exported weights."""
        net, config = self._network, self._config
        device = choose_device(str(net.device))
        weights = whole_weights({name: each.detach() for name, each in net.state_dict().items()}, trained, config)
        sampling = replace(BALANCED, steps=config.draw_steps)
        drawn = fill_network(weights, choose_dtype(sampling.dtype, device), net.architecture, ALL, config.wiring)
        height, width = items[0].image.shape[:2]
        runtime = Runtime(drawn, words_in(config), sampling, (height, width), Limits(device, len(items)))
        return [dressed.picture for dressed in runtime.dress([_asked(item, seed, config.wiring) for item in items])]

    def _batch(self, items: Sequence[Item], draws: Sequence[SampleDraws], timesteps: list[int], dropped: list[bool]) -> OotdBatch:
        shown, wiring = [item for item in items if isinstance(item, OotdItem)], self._config.wiring
        persons = [item.seen_by(wiring) for item in shown]
        poses = [picture_tensor(person.pose) for person in persons if person.pose is not None]
        drawn = drawings_of(wiring, [(person, item.cloth) for person, item in zip(persons, shown, strict=True)])
        kinds = zip(*((*pictures_of(item.person), item.cloth) for item in shown), strict=True)
        height, width = shown[0].image.shape[:2]
        latent = (LATENT_CHANNELS, height // LATENT_STRIDE, width // LATENT_STRIDE)
        side, words = self._network.architecture.clip.image_size, words_in(self._config)
        return OotdBatch(
            pictures=torch.cat([picture_tensor(picture) for kind in kinds for picture in kind]),
            draws=torch.stack([each.normal("posterior", latent) for each in draws]),
            squares=torch.cat([clip_crop(item.cloth, side=side) for item in shown]),
            words=torch.tensor([words.ids[item.category] for item in shown]),
            garment_words=torch.tensor([(words.garment_ids or words.ids)[item.category] for item in shown]),
            noise=torch.stack([each.normal("noise", latent) for each in draws]),
            timesteps=torch.tensor(timesteps),
            dropped=torch.tensor(dropped),
            without_text=torch.zeros(len(shown), dtype=torch.bool),
            without_picture=torch.zeros(len(shown), dtype=torch.bool),
            repaint=torch.cat([latent_area(item.person.repaint, latent[1:]) for item in shown]),
            poses=torch.cat(poses) if wiring.inputs == "pose" else None,
            drawings=None if drawn is None else drawn[0],
        )


def left_out(share: float, *words: Word) -> tuple[bool, bool]:
    """Whether a pair's text and picture are left out: each alone with a probability of `share`, both with the same."""
    third = int(numpy_stream("drop adapter", *words).random() / share) if share else 3
    return third in (0, 2), third in (1, 2)


def words_in(config: OotdTraining) -> Words:
    """What the two U-Nets are told."""
    return words_of(VARIANTS[config.model].words, config.prompts)


def whole_weights(begun: Weights, trained: Weights, config: OotdTraining) -> dict[str, Tensor]:
    """Every weight of the network that dresses: of the start, those that were trained, and a LoRA merged into its layers."""
    plain = {name.replace(".base_layer.", "."): each for name, each in begun.items() if ".lora_" not in name}
    changes = {name: each.detach() for name, each in trained.items() if ".lora_" in name}
    weights = {**plain, **{name: each.detach() for name, each in trained.items() if name not in changes}}
    if not changes:
        return weights
    on_device = {name: each.to(next(iter(plain.values())).device) for name, each in changes.items()}
    return merged(weights, layers_of_peft(on_device, config.lora_alpha), 1.0)


def _asked(item: Item, seed: int, wiring: Wiring) -> TryOnItem:
    assert isinstance(item, OotdItem)
    height, width = item.image.shape[:2]
    return TryOnItem(CanvasPerson(item.seen_by(wiring), (height, width)), CanvasGarment(item.cloth, item.category), seed)
