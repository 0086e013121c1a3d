"""What the files of a GS-VITON folder become: inputs, and artefacts on our canvas.

A person's artefacts of steps 2 to 4 lie in one square, so they are used together or not at all: without its key-points the square
cannot be the canvas, because the step that finds key-points makes the canvas too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import images
from pipeline.core import layout as places
from pipeline.core.arrays import RGB
from pipeline.core.frame import STUDIO_GREY, Frame
from pipeline.core.items import Garment, Pair, Person
from pipeline.core.keypoints import Keypoints, keypoints_to_json
from pipeline.core.layout import CANVAS, Layout, Ref
from pipeline.datasets.gs_viton import square
from pipeline.datasets.gs_viton.folder import FINAL_TAIL, SeedFolder, SeedPerson
from pipeline.datasets.gs_viton.square import Size, Window
from pipeline.datasets.import_plan import ImportPlan
from pipeline.datasets.transfer import Transfer, transfer_to
from pipeline.datasets.tree import Files, Kind
from preprocess.pose.keypoint_files import read_keypoints

CANVAS_SHAPE = CANVAS[0] / CANVAS[1]
SAME_SHAPE = 0.015
"""A garment's picture whose height / width differs less from the canvas's is used as it is."""
Make = Callable[[], bytes]


@dataclass
class Placed:
    """A person's square on our canvas; opened once, when its first file is written.

    Args:
        person: their files, with square and key-points.
    """

    person: SeedPerson

    @cached_property
    def picture(self) -> RGB:
        """(side, side, 3) uint8."""
        assert self.person.square is not None
        return images.read_rgb(self.person.square)

    @property
    def size(self) -> Size:
        """(height, width) of the square."""
        return self.picture.shape[0], self.picture.shape[1]

    @property
    def window(self) -> Window:
        """The part of the person's input picture that the square shows."""
        return square.whole(self.size) if self.person.cut is None else self.person.cut.window

    @cached_property
    def frame(self) -> Frame:
        """The canvas in the person's input picture."""
        shown = ~square.on_ground(self.picture)
        return square.frame_of(shown, self.window, images.picture_size(self.person.source))

    @cached_property
    def matrix(self) -> NDArray[np.float64]:
        """(2, 3) affine from the square to the canvas."""
        return square.onto_canvas(self.size, self.window, self.frame)

    def canvas(self, picture: NDArray[np.uint8], fill: int = STUDIO_GREY) -> NDArray[np.uint8]:
        """A picture of the square's shape on the canvas: (1024, 768[, 3]) uint8."""
        fitted = cv2.resize(picture, self.size[::-1], interpolation=cv2.INTER_AREA) if picture.shape[:2] != self.size else picture
        return square.warped(fitted, self.matrix, CANVAS, cv2.INTER_CUBIC, fill)

    def frame_json(self) -> bytes:
        """The frame as our file."""
        return images.text(self.frame.to_json())

    def image(self) -> bytes:
        """The person on the canvas; the demo's black beyond a photo's edges becomes the ground."""
        black = square.padding(self.picture) & (self.picture <= square.GROUND_REACH * 2).all(2)
        return images.jpeg(self.canvas(np.where(black[..., None], np.uint8(STUDIO_GREY), self.picture)))

    def pose_json(self) -> bytes:
        """The key-points on the canvas."""
        path = self.person.points
        assert path is not None
        found = read_keypoints(path.read_text("utf-8-sig"), self.size, str(path))
        parts = (found.body, found.left_hand, found.right_hand)
        return images.text(keypoints_to_json([Keypoints(*(square.moved(each, self.matrix, CANVAS) for each in parts))]))

    def skeleton(self, drawn: Path) -> bytes:
        """The skeleton picture on the canvas."""
        return images.png(self.canvas(images.read_rgb(drawn), 0))

    def labels(self, labels: NDArray[np.uint8]) -> bytes:
        """A map of labels on the canvas; nothing outside the square."""
        return images.labels_png(square.warped(labels, self.matrix, CANVAS, cv2.INTER_NEAREST, 0))

    def dressed(self, result: Path) -> bytes:
        """A result of step 4 on the canvas."""
        return images.png(self.canvas(images.read_rgb(result)))


@dataclass
class SeedFiles:
    """Every file that a GS-VITON folder gives.

    Args:
        folder: what is there.
        engine: the try-on engine whose results those of step 4 count as.
        scenery: id of each background, by its file's stem.
    """

    folder: SeedFolder
    engine: str
    scenery: dict[str, str]
    _seen: set[Path] = field(default_factory=set)

    def __call__(self, plan: ImportPlan, layout: Layout) -> Iterator[Transfer]:
        """People, garments, results of pairs, finished pictures."""
        by_source = {person.source: person for person in self.folder.people}
        placed: dict[str, Placed] = {}
        for person, published in plan.people:
            own = by_source[published.files[Kind.IMAGE]]
            yield transfer_to(layout, person.source, own.source)
            if own.square is not None and own.points is not None:
                placed[person.id] = Placed(own)
                yield from _person_files(person, placed[person.id], plan, layout)
        for garment, published in plan.garments:
            yield transfer_to(layout, garment.source, published.files[Kind.CLOTH])
            if Kind.CLOTH_MASK in published.files:  # where it is missing, the step makes both
                yield from _garment_files(garment, published.files, plan, layout)
        yield from self._results(plan, layout, placed)

    def _results(self, plan: ImportPlan, layout: Layout, placed: dict[str, Placed]) -> Iterator[Transfer]:
        """Pictures of steps 4 and 5, found by the names of their person and garment."""
        listed = set(plan.pairs)
        for person, published in plan.people:
            own = next(each for each in self.folder.people if each.source == published.files[Kind.IMAGE])
            for garment, worn in plan.garments:
                if listed and (person.id, garment.id) not in listed:
                    continue
                pair = Pair(person, garment, self.engine)
                stems = [f"{stem}_{Path(worn.name).stem}" for stem in own.stems]
                result = next((self.folder.results[stem] for stem in stems if stem in self.folder.results), None)
                if result is not None and person.id in placed:
                    ref = places.TRYON.of(pair.id, self.engine)
                    yield transfer_to(layout, ref, result, partial(placed[person.id].dressed, result))
                yield from self._finals(pair, stems, layout)

    def _finals(self, pair: Pair, stems: list[str], layout: Layout) -> Iterator[Transfer]:
        for scene, ident in self.scenery.items():
            name = next((each for each in (f"{stem}_{scene}{FINAL_TAIL}" for stem in stems) if each in self.folder.finals), None)
            if name is not None:
                path = self.folder.finals[name]
                yield transfer_to(layout, places.FINAL.of(f"{pair.id}__{ident}", self.engine), path, partial(_png_of, path))


def _png_of(path: Path) -> bytes:
    return images.finished(images.read_rgb(path))


def _person_files(person: Person, placed: Placed, plan: ImportPlan, layout: Layout) -> Iterator[Transfer]:
    own = placed.person
    assert own.square is not None and own.points is not None

    def made(ref: Ref, source: Path, make: Make) -> Transfer:
        return transfer_to(layout, ref, source, make)

    yield made(places.FRAME.of(person.id), own.square, placed.frame_json)
    yield made(places.IMAGE.of(person.id), own.square, placed.image)
    yield made(places.POSE_JSON.of(person.id), own.points, placed.pose_json)
    if own.drawn is not None:
        yield made(places.POSE_IMAGE.of(person.id), own.drawn, partial(placed.skeleton, own.drawn))
    if own.parsed is not None:
        yield made(places.PARSE.of(person.id), own.parsed, partial(_parse, placed, own.parsed, plan))


def _parse(placed: Placed, parsed: Path, plan: ImportPlan) -> bytes:
    if images.read_label_map(parsed).grey:
        plan.masks.assumed.note("no palette: its grey levels are read as CIHP's numbers", parsed)
    labels, _ = plan.masks.labels(parsed, placed.size)
    return placed.labels(labels)


def _garment_files(garment: Garment, files: Files, plan: ImportPlan, layout: Layout) -> Iterator[Transfer]:
    cloth, mask = files[Kind.CLOTH], files[Kind.CLOTH_MASK]
    worn = _GarmentCanvas(files, plan)
    yield transfer_to(layout, places.CLOTH.of(garment.id), cloth, worn.picture_file, check=True)
    yield transfer_to(layout, places.CLOTH_MASK.of(garment.id), mask, worn.mask_file, check=True)


@dataclass
class _GarmentCanvas:
    """A garment on our canvas; a picture that has its shape is taken as it is."""

    files: Files
    plan: ImportPlan

    @cached_property
    def size(self) -> Size:
        return images.picture_size(self.files[Kind.CLOTH])

    @cached_property
    def frame(self) -> Frame | None:
        """Where the canvas lies in the picture; None where it is the picture."""
        if abs(self.size[0] / self.size[1] / CANVAS_SHAPE - 1) <= SAME_SHAPE:
            return None
        shown, _ = self.plan.masks.cloth(self.files)
        return square.frame_of(shown, square.whole(self.size), self.size)

    def picture_file(self) -> bytes | None:
        cloth = self.files[Kind.CLOTH]
        if self.frame is None:
            return None if cloth.suffix.lower() == ".jpg" else images.jpeg(images.read_rgb(cloth))
        picture = images.read_rgb(cloth)
        red, green, blue = (int(level) for level in picture[0, 0])
        return images.jpeg(square.warped(picture, self.frame.matrix, CANVAS, cv2.INTER_CUBIC, (red, green, blue)))

    def mask_file(self) -> bytes | None:
        if self.frame is None:
            return self.plan.masks.cloth_file(self.files)
        mask, _ = self.plan.masks.cloth(self.files)
        levels = np.where(mask, 255, 0).astype(np.uint8)
        placed = square.warped(levels, self.frame.matrix, CANVAS, cv2.INTER_LINEAR, 0)
        return images.jpeg(np.where(placed >= 128, 255, 0).astype(np.uint8))
