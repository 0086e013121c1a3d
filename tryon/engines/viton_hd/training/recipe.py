"""How the three networks are trained: what the catalogue names (`tryon/training/protocol.py`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pipeline.core.config import StepConfig
from pipeline.core.errors import UsageError, WeightsError
from pipeline.core.labels import Category
from tryon.engines.viton_hd.alias import Generator
from tryon.engines.viton_hd.architecture import CLASSES, GROUPS, OFFICIAL, SEED, Architecture
from tryon.engines.viton_hd.segmenter import Segmenter
from tryon.engines.viton_hd.training.batches import empty
from tryon.engines.viton_hd.training.config import (
    JUDGE_SECTION,
    PRESETS,
    SECTION,
    SECTIONS,
    Adversarial,
    AliasTraining,
    GmmTraining,
    SegTraining,
    Training,
)
from tryon.engines.viton_hd.training.discriminator import WIDTHS, Discriminator
from tryon.engines.viton_hd.training.files import (
    begin,
    known_garments,
    made_network,
    new_network,
    read_network,
    start_file,
    write_file,
    write_folder,
)
from tryon.engines.viton_hd.training.item import WANTED, VitonHdItem, read_viton_hd_item
from tryon.engines.viton_hd.training.judge_files import judge_file, official_discriminator_state, take_up
from tryon.engines.viton_hd.training.modules import DISCRIMINATOR, AliasLoss, GmmLoss, SegLoss
from tryon.engines.viton_hd.training.pool import ImagePool
from tryon.engines.viton_hd.training.published_flags import FLAGS
from tryon.engines.viton_hd.training.trainees import AliasTrainee, GmmTrainee, SegTrainee, network_state, part_of
from tryon.engines.viton_hd.warper import Warper
from tryon.training.config import LoopConfig, Settings, section_of
from tryon.training.data.tree import Kind, TrainingPair, Tree, refuse_dresscode
from tryon.training.judges.vgg import FIRST_OF_LEVEL, VggDistance, open_judge
from tryon.training.official_file import refuse_existing, write_torch_file
from tryon.training.optimiser import OptimiserConfig
from tryon.training.parameters import Weights
from tryon.training.synced_norm import use_synced_norms

Trainee = SegTrainee | GmmTrainee | AliasTrainee
VARIANTS: Mapping[str, Architecture] = {"official": OFFICIAL, "gs": SEED}


class VitonHdRecipe:
    """See `protocol.Recipe`.

    Args:
        stage: seg, gmm or alias.
        variants: architectures by the setting's word; tests give narrower ones.
        judge_width: of the discriminator's first convolution.
    """

    from_nothing = True
    own_garments = True

    def __init__(self, stage: str, variants: Mapping[str, Architecture] = VARIANTS, judge_width: int = WIDTHS[0]) -> None:
        self.stage, self._variants, self._judge_width = stage, variants, judge_width
        self.name = f"viton-hd-{stage}"
        self.presets, self.sections = PRESETS[stage], SECTIONS[stage]
        self.starts = f"{stage}_final.pth, GS-VITON's <epoch>_net_G.pth of the same training, or nothing: new weights"
        self.continues = frozenset({self.name})

    def wanted(self, settings: Settings, tree: Tree) -> tuple[Kind, ...]:
        """See `item.WANTED`.

        Raises:
            InputError: a DressCode tree.
        """
        refuse_dresscode(tree)
        return WANTED[self.stage]

    def start_files(self, start: Path, settings: Settings) -> tuple[Path, ...]:
        """See `protocol.ManyFiles`: of a folder with all three, this stage's.

        Raises:
            WeightsError: it is not there.
        """
        file = start_file(start, self.stage)
        if not file.is_file():
            raise WeightsError(f"{file}: no such file", self.starts)
        return (file,)

    def categories(self, settings: Settings) -> tuple[Category, ...]:
        """See `protocol.DressesMore`: the tree holds garments of one kind."""
        return (Category(_own(settings).category),)

    def read(self, pair: TrainingPair, size: tuple[int, int]) -> VitonHdItem:
        """See `item.read_viton_hd_item`."""
        return read_viton_hd_item(pair, size)

    def translate(self, words: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
        """Flags of the seed's training script."""
        return FLAGS.translate(words)

    def open(self, start: Path | None, settings: Settings, trained: Weights, vae: Path | None = None) -> Trainee:
        """See `protocol.Recipe`."""
        if vae is not None:
            raise UsageError(f"--vae: {self.name} has no VAE", "leave it out")
        own, architecture, seed = _own(settings), self._architecture(settings), _seed(settings)
        if start is None:
            network, about = new_network(self.stage, architecture, seed), ["start: new weights"]
        else:
            network, about = read_network(start, self.stage, architecture), [f"start: {start}"]
            if architecture.lower and not known_garments(start, self.stage):
                about.append(
                    "its file says nothing of lower garments: published weights know upper ones only, and are trained on"
                )
        judge = self._judge(own, architecture)
        if judge is not None:
            begin(judge, seed)
            about += [said for said in [start and take_up(judge, start_file(start, self.stage))] if said]
        vgg = None
        if isinstance(own, AliasTraining):
            vgg, said = open_judge(own.vgg_file, SECTION)
            about.append(said)
        if own.published_faults:
            about.append("as published by the seed: what the discriminator says reaches no network")
        trainee = self._trainee(network, judge, vgg, settings, about)
        known = trainee.module.state_dict()
        trainee.module.load_state_dict(
            {**known, **{name: each for name, each in trained.items() if name in known and not name.startswith("pool.")}}
        )
        return trainee

    def simulated(self, settings: Settings) -> tuple[Trainee, Callable[[int], Any]]:
        """See `protocol.Recipe`."""
        own, architecture = _own(settings), self._architecture(settings)
        with torch.device("meta"):
            network, judge = made_network(self.stage, architecture), self._judge(own, architecture)
            sees = isinstance(own, AliasTraining) and bool(own.vgg_file)
            vgg = VggDistance(FIRST_OF_LEVEL, caffe=False) if sees else None
        return self._trainee(network, judge, vgg, settings), partial(empty, architecture, self.stage)

    def export_folder(
        self, start: Path | None, settings: Settings, trained: Weights, folder: Path, vae: Path | None = None
    ) -> None:
        """The engine's file beside those of the other two trainings."""
        write_folder(folder, self.stage, self._state(start, settings, trained), lower=_lower(settings))

    def export_official(
        self, start: Path | None, settings: Settings, trained: Weights, file: Path, vae: Path | None = None
    ) -> None:
        """What the engines and the published code load; under the seed's `<epoch>_net_G.pth` its discriminator's file beside it.

        Raises:
            WeightsError: one of them exists.
        """
        whole = {**self.open(start, settings, trained).module.state_dict(), **trained}
        judge, beside = part_of(whole, DISCRIMINATOR), judge_file(file)
        if judge and beside is not None:
            refuse_existing(file)
            write_torch_file(beside, official_discriminator_state(judge))
        write_file(file, self.stage, network_state(whole))

    def _state(self, start: Path | None, settings: Settings, trained: Weights) -> Weights:
        return network_state({**self.open(start, settings, trained).module.state_dict(), **trained})

    def _trainee(
        self,
        network: nn.Module,
        judge: Discriminator | None,
        vgg: VggDistance | None,
        settings: Settings,
        about: Sequence[str] = (),
    ) -> Trainee:
        own, architecture = _own(settings), self._architecture(settings)
        optimisers = [settings[name] for name in ("optimiser", JUDGE_SECTION) if name in settings]
        configs = [each for each in optimisers if isinstance(each, OptimiserConfig)]
        if isinstance(own, GmmTraining):
            assert isinstance(network, Warper)
            use_synced_norms(network)
            return GmmTrainee(GmmLoss(network, own), architecture, configs, about)
        assert judge is not None
        if isinstance(own, SegTraining):
            assert isinstance(network, Segmenter)
            return SegTrainee(SegLoss(network, judge, own, self._pool(own, architecture)), architecture, configs, about)
        assert isinstance(own, AliasTraining) and isinstance(network, Generator)
        return AliasTrainee(AliasLoss(network, judge, own, vgg), architecture, configs, about)

    def _judge(self, own: Training, architecture: Architecture) -> Discriminator | None:
        """Of the seed's code the segmentation's judge sees label maps alone; as meant, also what they were made from."""
        if not isinstance(own, Adversarial):
            return None
        inputs = _judged_channels(own, architecture)
        return Discriminator(inputs, self._judge_width, spectral=own.spectral_norm, squashed=own.published_faults)

    def _pool(self, own: SegTraining, architecture: Architecture) -> ImagePool | None:
        return ImagePool(own.pool, (_judged_channels(own, architecture), *architecture.small)) if own.pool else None

    def _architecture(self, settings: Settings) -> Architecture:
        own = _own(settings)
        return replace(self._variants[own.variant], lower=_lower(settings))


def _judged_channels(own: Adversarial, architecture: Architecture) -> int:
    if isinstance(own, SegTraining):
        return CLASSES + (0 if own.published_faults else architecture.seg_inputs)
    return GROUPS + 3


SEG, GMM, ALIAS = (VitonHdRecipe(stage) for stage in SECTIONS)


def _own(settings: Mapping[str, StepConfig]) -> Training:
    return section_of(settings, SECTION, Training)


def _lower(settings: Settings) -> bool:
    return _own(settings).category == "lower"


def _seed(settings: Settings) -> int:
    loop = section_of(settings, "loop", LoopConfig)
    return loop.seed
