"""Bent garments of a whole tree, which the generator's training reads: `warped_cloth` and `warped_cloth-mask`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch

from pipeline.core import images
from pipeline.core.errors import InputError
from pipeline.core.machine.device import choose_device
from pipeline.core.records.whole_file import write_whole
from tryon.checkpoints import open_checkpoint
from tryon.engines.viton_hd.architecture import OFFICIAL, SEED, Architecture
from tryon.engines.viton_hd.checkpoint import load_warper
from tryon.engines.viton_hd.keys import KINDS
from tryon.engines.viton_hd.runtime import PlacingRuntime
from tryon.engines.viton_hd.training.files import known_garments, start_file
from tryon.engines.viton_hd.training.item import WANTED, read_files
from tryon.recognise import recognise
from tryon.training.data.tree import Kind, TrainingPair, find_tree, refuse_dresscode

ARCHITECTURES: Mapping[str, Architecture] = {"viton_hd_gmm": OFFICIAL, "gs_viton_gmm": SEED}
"""By the kind of the file; a test puts narrower ones here."""
NEEDED = WANTED["gmm"]


def place_tree(root: Path, split: str, file: Path, say: Callable[[str], None], category: str = "upper") -> bool:
    """Bend every person's own garment that is not there yet, to where the person's parse map has it.

    The names are the person's: GS-VITON's are the garment's, so that one garment on two people has one file.

    Args:
        root: of a VITON-HD tree.
        split: `train` or `test`.
        file: the warp network of either variant: `gmm_final.pth`, `<epoch>_net_G.pth`, or a folder with the first.
        say: shows a line.
        category: upper or lower garments.

    Returns:
        Whether every pair has a bent garment now.

    Raises:
        InputError: a DressCode tree, or a picture that cannot be read.
        WeightsError: another network.
    """
    tree = find_tree(root)
    refuse_dresscode(tree)
    pairs = tree.pairs(split)
    waiting = [pair for pair in pairs if {Kind.PLACED, Kind.PLACED_MASK} - pair.files.keys()]
    able = [pair for pair in waiting if not set(NEEDED) - pair.files.keys()]
    file = start_file(file, "gmm")
    runtime = _runtime(file, category)
    if category == "lower" and not known_garments(file, "gmm"):
        say(f"{file} says nothing of lower garments: published weights know upper ones only")
    for pair in able:
        _write(pair, runtime)
    say(f"{root}: {len(able)} garments bent, {len(pairs) - len(waiting)} were there")
    lacking = [pair for pair in waiting if pair not in able]
    if lacking:
        first = ", ".join(str(pair.missing[kind]) for pair in lacking[:3] for kind in NEEDED if kind in pair.missing)
        say(f"{len(lacking)} pairs lack what the network must see: {first}")
    return not lacking


def _runtime(file: Path, category: str) -> PlacingRuntime:
    official = open_checkpoint(file)
    kind = recognise({name: tuple(tensor.shape) for name, tensor in official.items()}, KINDS)
    known = ARCHITECTURES.get(kind.name if kind is not None else "", ARCHITECTURES["viton_hd_gmm"])
    architecture = replace(known, lower=category == "lower")
    network = load_warper(file, torch.float32, architecture).to(choose_device("auto").name)
    return PlacingRuntime(network, architecture)


def _write(pair: TrainingPair, runtime: PlacingRuntime) -> None:
    try:
        files = read_files(pair)
    except OSError as problem:
        raise InputError(f"pair {pair.id}: a file cannot be read ({problem})", "make or download it again") from None
    if not files.cloth_mask.any():
        raise InputError(f"{pair.files[Kind.CLOTH_MASK]}: an empty mask", "python run.py --step cloth, then export viton-hd")
    person = runtime.person(files.agnostic, files.pose, None)
    (placed,) = runtime.place([person], [runtime.garment_with_features(files.cloth, files.cloth_mask)], [files.parse])
    for kind, picture in ((Kind.PLACED, placed.cloth), (Kind.PLACED_MASK, placed.mask)):
        path = pair.missing.get(kind) or pair.files[kind]
        write_whole(path, images.png(picture))
