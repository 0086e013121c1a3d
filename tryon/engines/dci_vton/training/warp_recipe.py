"""How the warping network is trained: what the catalogue names (`tryon/training/protocol.py`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch

from pipeline.core.config import Schema
from pipeline.core.errors import UsageError, WeightsError
from tryon.engines.dci_vton.training.config import WARP_PRESETS, WARP_SECTION, WARP_SECTIONS, WarpTraining
from tryon.engines.dci_vton.training.published_flags import WARP_FLAGS
from tryon.engines.dci_vton.training.warp_file import FOLDER_FILE, new_warper, read_warper, write_warp_file, write_warp_folder
from tryon.engines.dci_vton.training.warp_item import WANTED, WarpItem, read_warp_item
from tryon.engines.dci_vton.training.warp_loss import WarpTargets
from tryon.engines.dci_vton.training.warp_trainee import WarpBatch, WarpTrainee
from tryon.engines.dci_vton.warping.features import CHANNELS, WIDTH
from tryon.engines.dci_vton.warping.flow import OFFSET_WIDTHS
from tryon.engines.dci_vton.warping.network import PERSON_INPUTS, Warper
from tryon.training.config import DataConfig, LoopConfig, Settings, section_of
from tryon.training.data.tree import Kind, TrainingPair, Tree, refuse_dresscode
from tryon.training.judges.vgg import FIRST_OF_LEVEL, VggDistance, open_judge
from tryon.training.parameters import Weights


class WarpRecipe:
    """See `protocol.Recipe`.

    Args:
        channels: of the encoders' levels, finest first; tests give fewer.
        width: of the pyramids' levels.
        between: see `warping.flow.offsets_of`; other than published only for networks that begin from nothing.
    """

    name = "dci-warp"
    presets: Mapping[str, tuple[str, ...]] = WARP_PRESETS
    sections: Schema = WARP_SECTIONS
    starts = "warp_viton.pth, or nothing: without --start it begins from new weights"
    from_nothing = True
    continues = frozenset({"dci-warp"})
    own_garments = True

    def __init__(self, channels: Sequence[int] = CHANNELS, width: int = WIDTH, between: Sequence[int] = OFFSET_WIDTHS) -> None:
        self._channels, self._width, self._between = tuple(channels), width, tuple(between)

    def wanted(self, settings: Settings, tree: Tree) -> tuple[Kind, ...]:
        """Person, garment, and both parse maps.

        Raises:
            InputError: a DressCode tree.
        """
        refuse_dresscode(tree)
        return WANTED

    def read(self, pair: TrainingPair, size: tuple[int, int]) -> WarpItem:
        """See `warp_item.read_warp_item`."""
        return read_warp_item(pair, size)

    def start_files(self, start: Path, settings: Settings) -> tuple[Path, ...]:
        """See `protocol.ManyFiles`."""
        file = start / FOLDER_FILE
        if not file.is_file():
            raise WeightsError(
                f"{start}: no {FOLDER_FILE} in it", "give warp_viton.pth, or a folder that train export --to wrote"
            )
        return (file,)

    def translate(self, words: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
        """Flags of the published training script."""
        return WARP_FLAGS.translate(words)

    def open(self, start: Path | None, settings: Settings, trained: Weights, vae: Path | None = None) -> WarpTrainee:
        """See `protocol.Recipe`."""
        own = _own(settings)
        judge, said = open_judge(own.vgg_file, WARP_SECTION)
        warper = self._warper(start, settings, trained, vae)
        begun = f"start: {start}" if start is not None else "start: new weights"
        return WarpTrainee(warper, own, judge, (begun, said))

    def simulated(self, settings: Settings) -> tuple[WarpTrainee, Callable[[int], WarpBatch]]:
        """See `protocol.Recipe`."""
        own, data = _own(settings), settings["data"]
        assert isinstance(data, DataConfig)
        with torch.device("meta"):
            warper = Warper(self._channels, self._width, self._between).requires_grad_(False)
            judge = VggDistance(FIRST_OF_LEVEL, caffe=True) if own.vgg_file else None
        return WarpTrainee(warper, own, judge), lambda pairs: _empty_batch(pairs, data.size)

    def export_folder(
        self, start: Path | None, settings: Settings, trained: Weights, folder: Path, vae: Path | None = None
    ) -> None:
        """A folder with the network under its published names, as safetensors."""
        write_warp_folder(folder, self._warper(start, settings, trained, vae).state_dict())

    def export_official(
        self, start: Path | None, settings: Settings, trained: Weights, file: Path, vae: Path | None = None
    ) -> None:
        """What the published code loads as `warp_viton.pth`."""
        write_warp_file(file, self._warper(start, settings, trained, vae).state_dict())

    def _warper(self, start: Path | None, settings: Settings, trained: Weights, vae: Path | None) -> Warper:
        if vae is not None:
            raise UsageError("--vae: the warping network has no VAE", "leave it out")
        loop = section_of(settings, "loop", LoopConfig)
        if start is None:
            warper = new_warper(loop.seed, self._channels, self._width, self._between)
        else:
            warper = read_warper(start, self._channels, self._width)
        warper.load_state_dict({**warper.state_dict(), **trained})
        return warper


RECIPE = WarpRecipe()


def _empty_batch(pairs: int, size: tuple[int, int]) -> WarpBatch:
    """A batch without contents, for a count of memory."""
    with torch.device("meta"):
        planes = [torch.empty(pairs, channels, *size) for channels in (3, 1, 3, 1)]
        return WarpBatch(targets=WarpTargets(*planes), person=torch.empty(pairs, PERSON_INPUTS, *size))


def _own(settings: Settings) -> WarpTraining:
    return section_of(settings, WARP_SECTION, WarpTraining)
