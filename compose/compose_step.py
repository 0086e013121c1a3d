"""Compose: a dressed person in front of a new background."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from compose.arrangement import SceneInputs, arrange
from compose.body import measure_body
from compose.crop import CroppedScene, crop_scene
from compose.delivery import Delivery, drawn_from, size_notices
from compose.guests import DressedCutout, guest_pair, guest_places
from compose.layers_out import separate
from compose.painter import PLAIN, Composite, Look, compose_scene
from compose.placement_files import AUTOMATIC, PlacementFiles
from compose.position_files import READING_VERSION
from compose.scene_record import figure_facts, figure_notices, recipe_of
from pipeline.core import images
from pipeline.core.card import Resources
from pipeline.core.errors import InputError
from pipeline.core.frame import Frame
from pipeline.core.images import photo_notices
from pipeline.core.inputs.placement_file import Spot
from pipeline.core.items import Item, Pair, Scene, Unit
from pipeline.core.keypoints import Keypoints, keypoints_from_json
from pipeline.core.layout import DRESSED_CUTOUT, FRAME, LAYERS, POSE_JSON, Ref
from pipeline.core.seeds import grain_seed
from pipeline.core.step import Context, Encode, Produced, StepBase

LEAST_SIDE_PX = 16


class ComposeConfig(Delivery):
    """How strongly a person is made to belong to a background, and how finished pictures are handed on."""

    plain: bool = False
    """Only paste the person: every strength below counts as 0."""
    colour: float = Field(0.35, ge=0, le=1)
    """How far a person takes on the scene's light: exposure and colour at dusk, sunset or night, and colours around."""
    light_wrap: float = Field(0.25, ge=0, le=1)
    """Share of the background's light in the person's outermost rim; a sun behind draws a brighter one."""
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
    version: ClassVar[int] = 4
    config: ComposeConfig
    seconds = 0.11
    resources = Resources(memory_gb=0.5)

    def __init__(self, config: ComposeConfig, context: Context) -> None:
        super().__init__(config, context)
        self._placement_files = PlacementFiles(context.layout)

    def reads(self, item: Item) -> Sequence[Ref]:
        """The background and the dressed person."""
        scene = _scene(item)
        return (scene.background.source, _cutout(scene.pair))

    def may_read(self, item: Item) -> Sequence[Ref]:
        """The background's placement file, or an older position file, the person's joints, and the guests."""
        scene = _scene(item)
        guests = [ref for pair in self._guest_pairs(scene) for ref in (_cutout(pair), *_joints(pair))]
        return (*self._placement_files.refs(scene.background), *_joints(scene.pair), *guests)

    def writes(self, item: Item) -> Sequence[Ref]:
        """The finished picture, its further sizes, its layers."""
        scene = _scene(item)
        return (*self.config.refs(scene.id, scene.pair.engine), *self._layer_refs(scene))

    def _layer_refs(self, scene: Scene) -> tuple[Ref, ...]:
        return tuple(kind.of(scene.id, scene.pair.engine) for kind in LAYERS) if self.config.layers else ()

    def signature(self, item: Item) -> Mapping[str, str]:
        """The seed of the grain, the size limit of backgrounds, and how a position file is read where there is one."""
        older = self._placement_files.has_position_file(_scene(item).background)
        return {
            "seed": str(grain_seed(self.context.seed, _scene(item).id)),
            "max_megapixels": str(self.context.max_megapixels),
        } | ({"positions": READING_VERSION} if older else {})

    def read(self, item: Item) -> SceneInputs:
        """Decode the background, the cut-out, the joints and the placement settings."""
        scene = _scene(item)
        source = self.layout.path(scene.background.source)
        photo = images.read_photo(source, self.context.max_megapixels, min_side=LEAST_SIDE_PX)
        notices = tuple(photo_notices(photo, f"background {scene.background.id}"))
        dressed = self.layout.path(_cutout(scene.pair))
        cutout, drawn = images.read_rgba(dressed), drawn_from(images.read_recipe(dressed))
        placement_settings, reading = self._placement_files.read(scene.background)
        guests = {
            each.guest: self.guest(each.spot, scene) for each in guest_places(placement_settings, scene.pair.person.original.id)
        }
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
            placement_settings = self._placement_files.written(scene.background) or AUTOMATIC
        except InputError:
            return []
        return [
            guest_pair(each.spot, scene.pair.engine) for each in guest_places(placement_settings, scene.pair.person.original.id)
        ]

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
            recipe = {**inputs.drawn, **recipe_of(scene, cropped.figures, cropped.ground, self.config)}
            if inputs.guests:
                recipe["guests"] = list(inputs.guests)
            files[self.config.ref(size, scene.id, scene.pair.engine)] = self.config.encoder(composite.rgb, recipe)
            notices += size_notices(size, cropped.cuts, cropped.short)
            if not size.folder:
                files |= self._layers(scene, cropped, composite)
                notices += figure_notices(cropped.figures, self.config.enlarge_limit)
                facts |= figure_facts(cropped.figures, cropped.ground) | ({"window": cropped.window} if cropped.window else {})
        return Produced(files, tuple(notices), facts)

    def _layers(self, scene: Scene, cropped: CroppedScene, composite: Composite) -> dict[Ref, Encode]:
        refs = self._layer_refs(scene)
        parts = separate(cropped.background, composite.strokes) if refs else ()
        return {ref: partial(images.finished, part) for ref, part in zip(refs, parts, strict=True)}

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


def _scene(item: Item) -> Scene:
    assert isinstance(item, Scene), f"compose works on scenes, not on {type(item).__name__}"
    return item
