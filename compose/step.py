"""Compose: a dressed person in front of a new background."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from compose.body import Body, measure_body
from compose.crop import Shot, shoot
from compose.delivery import Delivery, seed_and_attempt, size_notices
from compose.horizon import Ground, estimate_ground
from compose.legacy import list_entries, read_positions
from compose.light import shadow_direction
from compose.placement import Placement, place
from compose.room import look_for_room
from compose.scene import PLAIN, Composite, Figure, Look, compose_scene
from compose.separate import separate
from compose.sidecar import Sidecar, read_sidecar, resolve_spot
from pipeline.core import images
from pipeline.core.errors import InputError
from pipeline.core.flags import Flag, Notice
from pipeline.core.frame import Frame
from pipeline.core.items import Item, Scene, Unit
from pipeline.core.keypoints import Keypoints, keypoints_from_json
from pipeline.core.layout import BACKGROUND_LIST, DRESSED_CUTOUT, FRAME, INPUT_PREFIX, LAYERS, POSE_JSON, Ref, sidecar
from pipeline.core.step import Context, Encode, Produced, StepBase

_log = logging.getLogger("lookbook")

LEAST_SIDE_PX = 16
NOTHING = Sidecar()


class ComposeConfig(Delivery):
    """How strongly a person is made to belong to a background, and how finished pictures are handed on."""

    plain: bool = False
    """Only paste the person: every strength below counts as 0."""
    colour: float = Field(0.35, ge=0, le=1)
    """Colour transfer from the surroundings; shifts stay within 8 (lightness) and 6 (colour) Lab units before this factor."""
    light_wrap: float = Field(0.25, ge=0, le=1)
    """Share of the background's light in the person's outermost rim."""
    contact_shadow: float = Field(0.75, ge=0, le=1)
    """Darkness under the soles."""
    cast_shadow: float = Field(0.4, ge=0, le=1)
    """Darkness of the shadow on the ground."""
    grain: float = Field(1.0, ge=0, le=1)
    """Share of the background's noise that the person gets."""
    softness: float = Field(1.0, ge=0, le=1)
    """Share of the background's blur that the person gets."""
    reflection: float = Field(0.0, ge=0, le=1)
    """Mirror image under standing feet, for polished floors; a background's own `reflection` goes before it."""
    layers: bool = Field(False, exclude=True)
    """Also write background, shadow and person as separate RGBA files below `layers/`, as large as the finished picture."""
    enlarge_limit: float = Field(1.2, gt=0)
    """Enlarging the photo beyond this is flagged."""

    def look(self) -> Look:
        """The strengths as `compose_scene` wants them."""
        if self.plain:
            return PLAIN
        return Look(
            colour=self.colour,
            light_wrap=self.light_wrap,
            contact_shadow=self.contact_shadow,
            cast_shadow=self.cast_shadow,
            grain=self.grain,
            softness=self.softness,
            reflection=self.reflection,
        )


@dataclass(frozen=True)
class SceneInputs:
    """What one scene is made of.

    Args:
        scene: which.
        background: (h, w, 3) RGB uint8.
        scaled_from: the background's (height, width) before it was scaled down for work, or None.
        cutout: (h, w, 4) RGBA uint8, photo resolution.
        keypoints: in photo pixels, or None.
        sidecar: the user's wishes.
        reading: how bare numbers were read, or "".
        drawn: seed and attempt of the dressed picture, where it says so.
    """

    scene: Scene
    background: NDArray[np.uint8]
    scaled_from: tuple[int, int] | None
    cutout: NDArray[np.uint8]
    keypoints: Keypoints | None
    sidecar: Sidecar
    reading: str = ""
    drawn: Mapping[str, int] = field(default_factory=dict)


class ComposeStep(StepBase):
    """The shell: read, compose, describe."""

    name: ClassVar[str] = "compose"
    unit: ClassVar[Unit] = Unit.SCENE
    version: ClassVar[int] = 2
    config: ComposeConfig

    def __init__(self, config: ComposeConfig, context: Context) -> None:
        super().__init__(config, context)
        self._positions: dict[str, str] | None = None
        self._told: set[str] = set()

    def reads(self, item: Item) -> Sequence[Ref]:
        """The background and the dressed person."""
        scene = _scene(item)
        return (scene.background.source, DRESSED_CUTOUT.of(scene.pair.id, scene.pair.engine))

    def may_read(self, item: Item) -> Sequence[Ref]:
        """The background's sidecar, or an older position file, and the person's joints."""
        scene = _scene(item)
        person = scene.pair.person.id
        wishes = [sidecar(scene.background.source), *self._position_file(scene)]
        return (*wishes, FRAME.of(person), POSE_JSON.of(person))

    def writes(self, item: Item) -> Sequence[Ref]:
        """The finished picture, its further sizes, its layers."""
        scene = _scene(item)
        return (*self.config.refs(scene.id, scene.pair.engine), *self._layer_refs(scene))

    def _layer_refs(self, scene: Scene) -> tuple[Ref, ...]:
        return tuple(kind.of(scene.id, scene.pair.engine) for kind in LAYERS) if self.config.layers else ()

    def signature(self, item: Item) -> Mapping[str, str]:
        """The seed of the grain and the size limit of backgrounds."""
        return {
            "seed": str(_seed(self.context.seed, _scene(item))),
            "max_megapixels": str(self.context.max_megapixels),
        }

    def read(self, item: Item) -> SceneInputs:
        """Decode the background, the cut-out, the joints and the user's wishes."""
        scene = _scene(item)
        source = self.layout.path(scene.background.source)
        photo = images.read_photo(source, self.context.max_megapixels, min_side=LEAST_SIDE_PX)
        dressed = self.layout.path(DRESSED_CUTOUT.of(scene.pair.id, scene.pair.engine))
        cutout, drawn = images.read_rgba(dressed), seed_and_attempt(images.read_recipe(dressed))
        wishes, reading = self._wishes(scene)
        return SceneInputs(scene, photo.rgb, photo.scaled_from, cutout, self._keypoints(scene), wishes, reading, drawn)

    def run(self, inputs: Sequence[Any]) -> Sequence[Produced]:
        """Compose each scene."""
        return [self._compose(each) for each in inputs]

    def _compose(self, inputs: SceneInputs) -> Produced:
        scene = inputs.scene
        body = measure_body(inputs.cutout[..., 3], inputs.keypoints)
        if body is None:
            raise InputError(
                f"compose: the cut-out of {scene.pair.id} is empty",
                f"python run.py --step compose --force --only {scene.pair.id}",
            )
        ground, figures = arrange(inputs, body, _seed(self.context.seed, scene))
        files: dict[Ref, Encode] = {}
        notices = _scaled(inputs)
        facts: dict[str, str] = {"positions": inputs.reading} if inputs.reading else {}
        for size in self.config.wanted():
            shot = shoot(inputs.background, figures, ground, size)
            composite = compose_scene(shot.background, shot.figures, shot.ground, self.config.look())
            recipe = {**inputs.drawn, **_recipe(scene, shot.figures, shot.ground, self.config)}
            files[self.config.ref(size, scene.id, scene.pair.engine)] = self.config.encoder(composite.rgb, recipe)
            notices += size_notices(size, shot.cuts, shot.short)
            if not size.folder:
                files |= self._layers(scene, shot, composite)
                notices += _notices(shot.figures, self.config.enlarge_limit)
                facts |= _facts(shot.figures, shot.ground)
        return Produced(files, tuple(notices), facts)

    def _layers(self, scene: Scene, shot: Shot, composite: Composite) -> dict[Ref, Encode]:
        refs = self._layer_refs(scene)
        parts = separate(shot.background, composite.strokes) if refs else ()
        return {ref: partial(images.finished, part) for ref, part in zip(refs, parts, strict=True)}

    def _wishes(self, scene: Scene) -> tuple[Sidecar, str]:
        path = self.layout.path(sidecar(scene.background.source))
        if path.is_file():
            return read_sidecar(path.read_text("utf-8"), str(path)), ""
        for ref in self._position_file(scene):
            older = self.layout.path(ref)
            if older.is_file():
                wishes, reading = read_positions(older.read_text("utf-8"), str(older))
                self._tell(older.name, reading)
                return wishes, reading
        return NOTHING, ""

    def _tell(self, name: str, reading: str) -> None:
        """Three bare numbers can mean many things, so the user hears once per file how they were read."""
        if name not in self._told:
            self._told.add(name)
            _log.info("%s: read as %s", name, reading)

    def _position_file(self, scene: Scene) -> list[Ref]:
        """The position file that `backgrounds.txt` names for this picture; the list is read once per run."""
        if self._positions is None:
            listing = self.layout.path(INPUT_PREFIX + BACKGROUND_LIST)
            self._positions = list_entries(listing.read_text("utf-8")) if listing.is_file() else {}
        named = self._positions.get(scene.background.source.rpartition("/")[2].casefold())
        return [] if named is None else [INPUT_PREFIX + named.removeprefix("inputs/")]

    def _keypoints(self, scene: Scene) -> Keypoints | None:
        frame = self.layout.path(FRAME.of(scene.pair.person.id))
        pose = self.layout.path(POSE_JSON.of(scene.pair.person.id))
        if not (frame.is_file() and pose.is_file()):
            return None
        return photo_keypoints(keypoints_from_json(pose.read_text("utf-8"), str(pose)), Frame.from_json(frame.read_text("utf-8")))


def photo_keypoints(keypoints: Keypoints, frame: Frame) -> Keypoints:
    """Joints in photo pixels instead of canvas pixels; hands are left out."""
    body = keypoints.body.copy()
    body[:, :2] = np.where(body[:, 2:] > 0, frame.points_to_photo(body[:, :2]), 0)
    return Keypoints(body)


def arrange(inputs: SceneInputs, body: Body, seed: int) -> tuple[Ground, list[Figure]]:
    """Where everybody stands: from the user's wishes, the rest automatically."""
    size = (inputs.background.shape[0], inputs.background.shape[1])
    ground = inputs.sidecar.ground(estimate_ground(inputs.background), size)
    automatic = place(body, size, ground, look_for_room(inputs.background))
    light = shadow_direction(inputs.background, ground)
    figures = []
    for number, spot in enumerate(inputs.sidecar.spots_for(inputs.scene.pair.person.id)):
        placement = resolve_spot(spot, body, automatic, inputs.sidecar, ground, size)
        shade = spot.shade
        direction = (shade.direction[0], shade.direction[1]) if shade.direction else light
        shadow = shade.opacity * shade.on
        figures.append(Figure(inputs.cutout, body, placement, direction, shadow, seed + number, spot.reflection))
    return ground, figures


def _notices(figures: Sequence[Figure], enlarge_limit: float) -> list[Notice]:
    notices = []
    largest = max(figure.placement.scale(figure.body) for figure in figures)
    if largest > enlarge_limit:
        notices.append(Notice(Flag.PERSON_ENLARGED, f"{largest:.2f} times the photo's resolution"))
    cuts = figures[0].body.cuts
    edges = [name for name in ("top", "left", "right") if getattr(cuts, name) not in (None, False)]
    if edges:  # a body cut at the bottom is an ordinary half-body photo, not a fault
        notices.append(Notice(Flag.PERSON_CUT, f"cut at the {' and '.join(edges)} of the photo"))
    return notices


def _scaled(inputs: SceneInputs) -> list[Notice]:
    if inputs.scaled_from is None:
        return []
    height, width = inputs.scaled_from
    return [Notice(Flag.SCALED_FOR_WORK, f"background {inputs.scene.background.id} was {width}×{height}")]


def _facts(figures: Sequence[Figure], ground: Ground) -> dict[str, str]:
    return {
        "scale": " ".join(f"{figure.placement.scale(figure.body):.2f}" for figure in figures),
        "ground_line": f"{ground.line:.3f}",
        "shown": f"{figures[0].body.shown:.2f}",
    }


def _recipe(scene: Scene, figures: Sequence[Figure], ground: Ground, config: ComposeConfig) -> dict[str, Any]:
    """What is needed to make the picture again; no clock, no path."""
    return {
        "scene": scene.id,
        "engine": scene.pair.engine,
        "ground_line": round(ground.line, 4),
        "placements": [_describe(figure) for figure in figures],
        "settings": config.model_dump(mode="json"),
    }


def _describe(figure: Figure) -> dict[str, Any]:
    spot: Placement = figure.placement
    return {
        "foot": [round(spot.x, 2), round(spot.y, 2)],
        "height": round(spot.height, 2),
        "scale": round(spot.scale(figure.body), 4),
        "flip": spot.flip,
        "z": spot.z,
        "reflection": figure.reflection,
        "shadow": {"opacity": round(figure.shadow, 3), "direction": [round(part, 3) for part in figure.direction]},
    }


def _seed(run_seed: int, scene: Scene) -> int:
    """The same for the same names on every machine."""
    return int.from_bytes(hashlib.sha256(f"{run_seed}/{scene.id}".encode()).digest()[:7], "big")


def _scene(item: Item) -> Scene:
    assert isinstance(item, Scene), f"compose works on scenes, not on {type(item).__name__}"
    return item
