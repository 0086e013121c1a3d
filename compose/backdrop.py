"""What a background offers to all who stand before it: ground, surfaces, free space, light. Read once for many people."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, replace
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from compose.scenery.free_space import find_free_space
from compose.scenery.horizon import Ground, ground_in, small_lab
from compose.scenery.surfaces import Surface, everywhere, surfaces_in
from compose.shading.scene_light import SceneLight, find_scene_light
from compose.standing import Stage
from pipeline.core.inputs.placement_file import PlacementSettings

MOST_KEPT = 32
"""Backgrounds whose reading is kept; it takes 30 ms, and about 0.5 MB to keep."""


@dataclass(frozen=True)
class Backdrop:
    """A background, read.

    Args:
        stage: where people can stand.
        light: that falls on them.
    """

    stage: Stage
    light: SceneLight


_kept: OrderedDict[tuple[object, ...], Backdrop] = OrderedDict()
_lock = Lock()


def read_backdrop(background: NDArray[np.uint8], said: PlacementSettings) -> Backdrop:
    """Read a background, or remember the reading of one with the same pixels and settings.

    Args:
        background: (h, w, 3) RGB uint8.
        said: its placement file; horizon and ground count.
    """
    size = (background.shape[0], background.shape[1])
    pixels = hashlib.blake2b(np.ascontiguousarray(background).data, digest_size=16).digest()
    key = (pixels, size, said.horizon_px(size), said.ground)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    stage = _stage(background, said)
    made = Backdrop(stage, find_scene_light(background, stage.ground))
    with _lock:
        _kept[key] = made
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return made


def _stage(background: NDArray[np.uint8], said: PlacementSettings) -> Stage:
    """What the background offers, by what the placement file says and what is seen."""
    size = (background.shape[0], background.shape[1])
    lab = small_lab(background)
    ground = ground_of(said, ground_in(lab), size)
    if said.ground:
        surfaces = everywhere(Surface.FLOOR if said.ground == "floor" else Surface.WALL)
    else:
        surfaces = surfaces_in(lab, ground, line_given=said.horizon is not None)
    if said.horizon is None:
        ground = replace(ground, horizon=surfaces.horizon)
    return Stage(size, ground, find_free_space(background), surfaces, told=said.ground is not None)


def ground_of(said: PlacementSettings, found: Ground, size: tuple[int, int]) -> Ground:
    """The ground line that the user gave, else the one that was found."""
    row = said.horizon_px(size)
    return found if row is None else Ground(row / size[0], 1.0)
