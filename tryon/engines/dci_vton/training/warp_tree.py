"""Warped garments of a whole tree, which the diffusion network's training reads: `cloth-warp` and `cloth-warp-mask`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.core import images
from pipeline.core.errors import InputError
from pipeline.core.machine.device import choose_device
from pipeline.core.records.whole_file import write_whole
from tryon.engines.dci_vton.training.warp_item import WANTED
from tryon.engines.dci_vton.warping.checkpoint import load
from tryon.engines.dci_vton.warping.features import CHANNELS, WIDTH
from tryon.engines.dci_vton.warping.runtime import Warping
from tryon.training.data.items import WHITE_FROM
from tryon.training.data.tree import Kind, TrainingPair, find_tree, refuse_dresscode

NEEDED = tuple(kind for kind in WANTED if kind not in {Kind.IMAGE, Kind.PARSE})


def warp_tree(
    root: Path, split: str, file: Path, say: Callable[[str], None], channels: Sequence[int] = CHANNELS, width: int = WIDTH
) -> bool:
    """Warp every person's own garment that is not there yet; files are named after the person, as published.

    Args:
        root: of a VITON-HD tree.
        split: `train` or `test`.
        file: the warping network: `warp_viton.pth`, or what `train export` wrote.
        say: shows a line.
        channels, width: of the network.

    Returns:
        Whether every pair has a warped garment now.

    Raises:
        InputError: a DressCode tree, or a picture that cannot be read.
        WeightsError: another network.
    """
    tree = find_tree(root)
    refuse_dresscode(tree)
    pairs = tree.pairs(split)
    waiting = [pair for pair in pairs if {Kind.WARPED, Kind.WARPED_MASK} - pair.files.keys()]
    able = [pair for pair in waiting if not set(NEEDED) - pair.files.keys()]
    warping = Warping(load(file, channels, width), choose_device("auto").name)
    for pair in able:
        _write(pair, warping)
    say(f"{root}: {len(able)} garments warped, {len(pairs) - len(waiting)} were there")
    lacking = [pair for pair in waiting if pair not in able]
    if lacking:
        first = ", ".join(str(pair.missing[kind]) for pair in lacking[:3] for kind in NEEDED if kind in pair.missing)
        say(f"{len(lacking)} pairs lack what the network must see: {first}")
    return not lacking


def _write(pair: TrainingPair, warping: Warping) -> None:
    files = pair.files
    person = warping.encode_person(images.read_rgb(files[Kind.DENSEPOSE]), images.read_labels(files[Kind.PARSE_AGNOSTIC]))
    cloth, mask = images.read_rgb(files[Kind.CLOTH]), images.read_grey(files[Kind.CLOTH_MASK]) >= WHITE_FROM
    if not mask.any():
        raise InputError(f"{files[Kind.CLOTH_MASK]}: an empty mask", "python run.py --step cloth, then export viton-hd")
    warped = warping.warp(person, warping.encode_garment(cloth, mask))
    for kind, content in ((Kind.WARPED, images.jpeg(warped.cloth)), (Kind.WARPED_MASK, images.jpeg(warped.mask))):
        path = pair.missing.get(kind) or files[kind]
        write_whole(path, content)
