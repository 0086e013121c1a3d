"""Compose: a dressed person in front of a new background."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from compose.arrangement import SceneInputs, arrange
from compose.body import measure_body
from compose.crop import CroppedScene, crop_scene
from compose.delivery import Delivery, seed_and_attempt, size_notices
from compose.guests import DressedCutout, guest_pair, places
from compose.horizon import Ground
from compose.layers_out import separate
from compose.painter import PLAIN, Composite, Figure, Look, compose_scene
from compose.placement import Placement
from compose.position_files import list_entries, read_positions
from pipeline.core import images
from pipeline.core.errors import InputError
from pipeline.core.flags import Flag, Notice
from pipeline.core.frame import Frame
from pipeline.core.images import photo_notices
from pipeline.core.inputs.placement_file import PlacementSettings, Spot, read_placement_file
from pipeline.core.items import Item, Pair, Scene, Unit
from pipeline.core.keypoints import Keypoints, keypoints_from_json
from pipeline.core.layout import BACKGROUND_LIST, DRESSED_CUTOUT, FRAME, INPUT_PREFIX, LAYERS, POSE_JSON, Ref, settings_file
from pipeline.core.seeds import grain_seed
from pipeline.core.step import Context, Encode, Produced, StepBase

_log = logging.getLogger("lookbook")

LEAST_SIDE_PX = 16
AUTOMATIC = PlacementSettings()


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


class ComposeStep(StepBase):
    """The shell: read, compose, describe."""

    name: ClassVar[str] = "compose"
    unit: ClassVar[Unit] = Unit.SCENE
    version: ClassVar[int] = 2
    config: ComposeConfig

    def __init__(self, config: ComposeConfig, context: Context) -> None:
        super().__init__(config, context)
        self._positions: dict[str, str] | None = None
        self._logged: set[str] = set()

    def reads(self, item: Item) -> Sequence[Ref]:
        """The background and the dressed person."""
        scene = _scene(item)
        return (scene.background.source, _cutout(scene.pair))

    def may_read(self, item: Item) -> Sequence[Ref]:
        """The background's placement file, or an older position file, the person's joints, and the guests."""
        scene = _scene(item)
        placement_files = [settings_file(scene.background.source), *self._position_file(scene)]
        guests = [ref for pair in self._guest_pairs(scene) for ref in (_cutout(pair), *_joints(pair))]
        return (*placement_files, *_joints(scene.pair), *guests)

    def writes(self, item: Item) -> Sequence[Ref]:
        """The finished picture, its further sizes, its layers."""
        scene = _scene(item)
        return (*self.config.refs(scene.id, scene.pair.engine), *self._layer_refs(scene))

    def _layer_refs(self, scene: Scene) -> tuple[Ref, ...]:
        return tuple(kind.of(scene.id, scene.pair.engine) for kind in LAYERS) if self.config.layers else ()

    def signature(self, item: Item) -> Mapping[str, str]:
        """The seed of the grain and the size limit of backgrounds."""
        return {
            "seed": str(grain_seed(self.context.seed, _scene(item).id)),
            "max_megapixels": str(self.context.max_megapixels),
        }

    def read(self, item: Item) -> SceneInputs:
        """Decode the background, the cut-out, the joints and the placement settings."""
        scene = _scene(item)
        source = self.layout.path(scene.background.source)
        photo = images.read_photo(source, self.context.max_megapixels, min_side=LEAST_SIDE_PX)
        notices = tuple(photo_notices(photo, f"background {scene.background.id}"))
        dressed = self.layout.path(_cutout(scene.pair))
        cutout, drawn = images.read_rgba(dressed), seed_and_attempt(images.read_recipe(dressed))
        placement_settings, reading = self._placement_settings(scene)
        of_guests = (each for each in places(placement_settings, scene.pair.person.id) if each.guest)
        guests = {each.guest: self.guest(each.spot, scene) for each in of_guests}
        joints = self._keypoints(scene.pair)
        return SceneInputs(scene, photo.rgb, notices, cutout, joints, placement_settings, reading, drawn, guests)

    def guest(self, spot: Spot, scene: Scene) -> DressedCutout:
        """Decode a guest of a picture.

        Args:
            spot: a place that says what its person wears.
            scene: the picture; its engine dressed the guest too.

        Raises:
            InputError: they are not dressed, or their cut-out is damaged or empty.
        """
        pair = guest_pair(spot, scene.pair.engine)
        path = self.layout.path(_cutout(pair))
        remedy = f"python run.py --step all --only {pair.id}; inputs/pairs.txt, where there is one, must name the pair"
        if not path.is_file():
            raise InputError(f"{scene.background.id}: {pair.id} is to join, but is not dressed by {pair.engine}", remedy)
        cutout = images.read_rgba(path)
        body = measure_body(cutout[..., 3], self._keypoints(pair))
        if body is None:
            raise InputError(f"{scene.background.id}: {pair.id} is to join, but the cut-out is empty", remedy)
        return DressedCutout(cutout, body)

    def _guest_pairs(self, scene: Scene) -> list[Pair]:
        """The guests, as far as the placement file can be read; `read` reports what is wrong with it."""
        try:
            placement_settings = self._placement_file(scene)
        except InputError:
            return []
        of_guests = (each for each in places(placement_settings or AUTOMATIC, scene.pair.person.id) if each.guest)
        return [guest_pair(each.spot, scene.pair.engine) for each in of_guests]

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
        ground, figures = arrange(inputs, body, grain_seed(self.context.seed, scene.id))
        files: dict[Ref, Encode] = {}
        notices = list(inputs.notices)
        facts: dict[str, str] = {"positions": inputs.reading} if inputs.reading else {}
        for size in self.config.wanted:
            cropped = crop_scene(inputs.background, figures, ground, size)
            composite = compose_scene(cropped.background, cropped.figures, cropped.ground, self.config.look())
            recipe = {**inputs.drawn, **_recipe(scene, cropped.figures, cropped.ground, self.config)}
            if inputs.guests:
                recipe["guests"] = list(inputs.guests)
            files[self.config.ref(size, scene.id, scene.pair.engine)] = self.config.encoder(composite.rgb, recipe)
            notices += size_notices(size, cropped.cuts, cropped.short)
            if not size.folder:
                files |= self._layers(scene, cropped, composite)
                notices += _notices(cropped.figures, self.config.enlarge_limit)
                facts |= _facts(cropped.figures, cropped.ground) | ({"window": cropped.window} if cropped.window else {})
        return Produced(files, tuple(notices), facts)

    def _layers(self, scene: Scene, cropped: CroppedScene, composite: Composite) -> dict[Ref, Encode]:
        refs = self._layer_refs(scene)
        parts = separate(cropped.background, composite.strokes) if refs else ()
        return {ref: partial(images.finished, part) for ref, part in zip(refs, parts, strict=True)}

    def _placement_settings(self, scene: Scene) -> tuple[PlacementSettings, str]:
        """What the user says about this background, and how bare numbers were read."""
        if (placement_settings := self._placement_file(scene)) is not None:
            return placement_settings, ""
        for ref in self._position_file(scene):
            older = self.layout.path(ref)
            if older.is_file():
                placement_settings, reading = read_positions(older.read_text("utf-8"), str(older))
                self._log_reading(older.name, reading)
                return placement_settings, reading
        return AUTOMATIC, ""

    def _placement_file(self, scene: Scene) -> PlacementSettings | None:
        path = self.layout.path(settings_file(scene.background.source))
        return read_placement_file(path.read_text("utf-8"), str(path)) if path.is_file() else None

    def _log_reading(self, name: str, reading: str) -> None:
        """Log once per file how its bare numbers were read, because they can mean many things."""
        if name not in self._logged:
            self._logged.add(name)
            _log.info("%s: read as %s", name, reading)

    def _position_file(self, scene: Scene) -> list[Ref]:
        """The position file that `backgrounds.txt` names for this picture; the list is read once per run."""
        if self._positions is None:
            listing = self.layout.path(INPUT_PREFIX + BACKGROUND_LIST)
            self._positions = list_entries(listing.read_text("utf-8")) if listing.is_file() else {}
        named = self._positions.get(scene.background.source.rpartition("/")[2].casefold())
        return [] if named is None else [INPUT_PREFIX + named.removeprefix("inputs/")]

    def _keypoints(self, pair: Pair) -> Keypoints | None:
        frame, pose = (self.layout.path(ref) for ref in _joints(pair))
        if not (frame.is_file() and pose.is_file()):
            return None
        return photo_keypoints(keypoints_from_json(pose.read_text("utf-8"), str(pose)), Frame.from_json(frame.read_text("utf-8")))


def _cutout(pair: Pair) -> Ref:
    return DRESSED_CUTOUT.of(pair.id, pair.engine)


def _joints(pair: Pair) -> tuple[Ref, Ref]:
    return FRAME.of(pair.person.id), POSE_JSON.of(pair.person.id)


def photo_keypoints(keypoints: Keypoints, frame: Frame) -> Keypoints:
    """Joints in photo pixels instead of canvas pixels; hands are left out."""
    body = keypoints.body.copy()
    body[:, :2] = np.where(body[:, 2:] > 0, frame.points_to_photo(body[:, :2]), 0)
    return Keypoints(body)


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


def _scene(item: Item) -> Scene:
    assert isinstance(item, Scene), f"compose works on scenes, not on {type(item).__name__}"
    return item
