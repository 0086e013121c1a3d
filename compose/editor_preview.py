"""The placement editor's picture: the batch's own functions on a background scaled to the screen, small enough to follow a drag.

What decides *where* people stand is computed at full size by `arrange`, as in the batch, and scaled afterwards. So the editor
shows what the batch makes, with fewer pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.arrangement import SceneInputs, arrange
from compose.body import CutoutBody, Cuts, Foot, measure_body
from compose.compose_step import ComposeConfig, ComposeStep
from compose.guests import DressedCutout, Place, places
from compose.painter import Figure, compose_scene
from compose.placement import Placement
from compose.scenery.horizon import Ground
from pipeline.core import images
from pipeline.core.errors import InputError
from pipeline.core.inputs.placement_file import PlacementSettings
from pipeline.core.items import Scene
from pipeline.core.layout import Ref
from pipeline.core.step import Context

MOST_CUTOUT_PX = 1400
"""Height of the person beyond which a screen shows nothing more."""
SMALL_KEPT = 4
"""Heights of the background that are remembered; a screen asks for one or two."""
JPEG_QUALITY = 90


@dataclass(frozen=True)
class OpenScene:
    """One scene, decoded and ready to be composed again and again.

    Args:
        inputs: at full size.
        body: what the cut-out shows, photo pixels.
        cutout: (h, w, 4) uint8 RGBA at most `MOST_CUTOUT_PX` high.
        cutout_scale: its size relative to the photo.
        small: screen height → (h, w, 3) uint8 background; the last few heights that were asked for.
        guests: by `<person>__<garment>`: full-size body, cut-out at most `MOST_CUTOUT_PX` high, its relative size.
    """

    inputs: SceneInputs
    body: CutoutBody
    cutout: NDArray[np.uint8]
    cutout_scale: float
    small: dict[int, NDArray[np.uint8]]
    guests: dict[str, tuple[DressedCutout, float]] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the background."""
        return self.inputs.background.shape[0], self.inputs.background.shape[1]

    def on_screen(self, guest: str) -> tuple[NDArray[np.uint8], float]:
        """A cut-out for the screen and its relative size: a guest's, or the picture's own person's."""
        if not guest:
            return self.cutout, self.cutout_scale
        dressed, scale = self.guests[guest]
        return dressed.cutout, scale

    def background(self, height: int) -> NDArray[np.uint8]:
        """(height, w, 3) uint8: the background at screen size; never enlarged."""
        found = self.small.get(height)
        if found is None:
            full = self.inputs.background
            width = max(1, round(full.shape[1] * height / full.shape[0]))
            found = np.asarray(cv2.resize(full, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
            for older in list(self.small)[: max(0, len(self.small) + 1 - SMALL_KEPT)]:
                self.small.pop(older, None)
            self.small[height] = found
        return found


class PlacementPreview:
    """What the placement editor asks of compose.

    Args:
        config: strengths.
        context: folders and limits.
    """

    def __init__(self, config: ComposeConfig, context: Context) -> None:
        self._step = ComposeStep(config, context)
        self._look = config.look()

    def open(self, scene: Scene) -> OpenScene:
        """Decode a scene.

        Raises:
            InputError: a file is missing or damaged, the placement file does not fit, or the cut-out is empty.
        """
        inputs = self._step.read(scene)
        body = measure_body(inputs.cutout[..., 3], inputs.keypoints)
        if body is None:
            raise InputError(
                f"the cut-out of {scene.pair.id} is empty", f"python run.py --step compose --force --only {scene.pair.id}"
            )
        scale = min(1.0, MOST_CUTOUT_PX / body.height)
        return OpenScene(inputs, body, _scaled_cutout(inputs.cutout, scale), scale, {})

    def refs(self, scene: Scene) -> Sequence[Ref]:
        """Files that a scene is decoded from."""
        return (*self._step.reads(scene), *self._step.may_read(scene))

    def placement_settings(self, opened: OpenScene) -> PlacementSettings:
        """What the placement file on disk says."""
        return opened.inputs.placement_settings

    def describe(self, opened: OpenScene, placement_settings: PlacementSettings) -> dict[str, Any]:
        """Where people stand, in pixels of the full background."""
        ground, placed = self._arranged(opened, placement_settings)
        return {
            "size": list(opened.size),
            "ground": round(ground.line * opened.size[0], 3),
            "ground_confidence": round(ground.confidence, 3),
            "anchored": opened.body.cuts.bottom,
            "figures": [_describe(figure, each) for each, figure in placed],
        }

    def picture(self, opened: OpenScene, placement_settings: PlacementSettings, height: int) -> bytes:
        """JPEG bytes of the composite.

        Args:
            opened: the scene.
            placement_settings: where people stand.
            height: of the picture, pixels; never more than the background's own.
        """
        ground, placed = self._arranged(opened, placement_settings)
        height = min(height, opened.size[0])
        factor = height / opened.size[0]
        small = [_on_screen(figure, *opened.on_screen(each.guest), factor) for each, figure in placed]
        return images.jpeg(compose_scene(opened.background(height), small, ground, self._look).rgb, JPEG_QUALITY)

    def ghost(self, opened: OpenScene, height: int) -> bytes:
        """PNG bytes of the person alone, cropped to the body, for dragging.

        Args:
            opened: the scene.
            height: at most so many pixels.
        """
        body = scaled_body(opened.body, opened.cutout_scale)
        rows = slice(int(body.top), max(int(body.bottom), int(body.top) + 1))
        columns = slice(int(body.left), max(int(body.right), int(body.left) + 1))
        crop = opened.cutout[rows, columns]
        return images.png(_scaled_cutout(crop, min(1.0, height / crop.shape[0])))

    def _arranged(self, opened: OpenScene, placement_settings: PlacementSettings) -> tuple[Ground, list[tuple[Place, Figure]]]:
        scene = opened.inputs.scene
        wanted = places(placement_settings, scene.pair.person.original.id)
        for each in wanted:
            if each.guest and each.guest not in opened.guests:
                opened.guests[each.guest] = _for_screen(
                    opened.inputs.guests.get(each.guest) or self._step.guest(each.spot, scene)
                )
        guests = {name: dressed for name, (dressed, _) in opened.guests.items()}
        inputs = replace(opened.inputs, placement_settings=placement_settings, guests=guests)
        ground, figures = arrange(inputs, opened.body, seed=0)
        return ground, list(zip(wanted, figures, strict=True))


def _for_screen(guest: DressedCutout) -> tuple[DressedCutout, float]:
    scale = min(1.0, MOST_CUTOUT_PX / guest.body.height)
    return replace(guest, cutout=_scaled_cutout(guest.cutout, scale)), scale


def _describe(figure: Figure, where: Place) -> dict[str, Any]:
    spot, body = figure.placement, figure.body
    corners = spot.matrix(body) @ np.array([[body.left, body.right - 1], [body.top, body.bottom - 1], [1, 1]])
    left, right = sorted(float(x) for x in corners[0])
    return {
        "spot": where.number,
        "guest": where.guest,
        "anchored": body.cuts.bottom,
        "foot": [round(spot.x, 3), round(spot.y, 3)],
        "height": round(spot.height, 3),
        "flip": spot.flip,
        "z": spot.z,
        "box": [round(left, 2), round(float(corners[1, 0]), 2), round(right, 2), round(float(corners[1, 1]), 2)],
        "direction": [round(part, 4) for part in figure.direction],
        "opacity": figure.shadow,
        "reflection": figure.reflection,
    }


def _on_screen(figure: Figure, cutout: NDArray[np.uint8], scale: float, factor: float) -> Figure:
    """The figure with fewer pixels, its cut-out `scale` as large, on a background `factor` as large."""
    spot = figure.placement
    placement = Placement((spot.x + 0.5) * factor - 0.5, spot.y * factor, spot.height * factor, spot.flip, spot.z)
    return replace(figure, cutout=cutout, body=scaled_body(figure.body, scale), placement=placement)


def scaled_body(body: CutoutBody, factor: float) -> CutoutBody:
    """The body in a photo `factor` as large. Rows and columns of edges scale; pixel centres lie half a pixel inside."""

    def centre(value: float) -> float:
        return (value + 0.5) * factor - 0.5

    cuts = body.cuts
    return CutoutBody(
        photo_size=(round(body.photo_size[0] * factor), round(body.photo_size[1] * factor)),
        top=body.top * factor,
        left=body.left * factor,
        bottom=body.bottom * factor,
        right=body.right * factor,
        cuts=Cuts(cuts.top, cuts.bottom, *(None if side is None else side * factor for side in (cuts.left, cuts.right))),
        axis_x=centre(body.axis_x),
        crotch=body.crotch * factor,
        stature=body.stature * factor,
        feet=tuple(Foot(centre(foot.x), foot.row * factor, foot.half_width * factor) for foot in body.feet),
        build=None if body.build is None else body.build * factor,
        seated=body.seated,
    )


def _scaled_cutout(cutout: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Smaller, with colours weighted by alpha so that nothing of what lies below full transparency bleeds in."""
    if scale >= 1:
        return cutout
    size = (max(1, round(cutout.shape[1] * scale)), max(1, round(cutout.shape[0] * scale)))
    alpha = cutout[..., 3:].astype(np.float32)
    premultiplied = np.concatenate([cutout[..., :3] * (alpha / 255), alpha], axis=2)
    small = cv2.resize(premultiplied, size, interpolation=cv2.INTER_AREA)
    colours = small[..., :3] * (255 / np.maximum(small[..., 3:], 1))
    rounded: NDArray[np.uint8] = np.clip(np.concatenate([colours, small[..., 3:]], axis=2) + 0.5, 0, 255).astype(np.uint8)
    return rounded
