"""The export of our artefacts under the names of the GS-VITON demo, so that its own programs, or ours, go on from them.

The squares are those that the demo itself would cut out, so that importing them again finds them in the picture of step 1.
Facts: docs/facts/gs_viton_folder.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.placement_files import PlacementFiles
from compose.position_files import DEMO_SIZE
from pipeline.core import images
from pipeline.core import layout as places
from pipeline.core.arrays import RGB
from pipeline.core.frame import STUDIO_GREY, Frame
from pipeline.core.inputs.collection import Collection
from pipeline.core.items import Background, Pair, Person
from pipeline.core.keypoints import Keypoints, keypoints_from_json, keypoints_to_json
from pipeline.core.labels import CIHP_PALETTE, Category
from pipeline.core.layout import CANVAS, Layout
from pipeline.datasets.gs_viton import folder as names
from pipeline.datasets.gs_viton import square
from pipeline.datasets.gs_viton.square import SIDE, Window
from pipeline.datasets.transfer import ExportPlan, Transfer
from preprocess.pose.skeleton import draw_skeleton

NUMBERED = re.compile(rf".+{names.INSTANCE}\d+")
DUMMY = "512x512"
"""The label and the edge picture that step 3 wants beside every photo and only measures with."""
LEAST_ROW, MOST_ROW, LEAST_COLUMN, MOST_COLUMN = 5, 1074, 5, 1914
"""The demo's limits of a position."""
INPUTS, OUTPUT = names.INPUTS[0], names.OUTPUTS[0]


def stem_of(person: Person) -> str:
    """The demo's name of a person's pictures."""
    numbered = person.id if NUMBERED.fullmatch(person.id) else f"{person.id}{names.INSTANCE}0"
    return numbered + names.REMOVED_TAIL


def plan_gs_viton(found: Collection, layout: Layout, folder: Path, engine: str) -> ExportPlan:
    """Every file of the pairs of upper garments, with the results of one engine where there are any.

    Args:
        found: the project's items.
        layout: where their artefacts are.
        folder: where `inputs/` and `output/` go.
        engine: whose dressed and finished pictures are exported.
    """
    missing: dict[str, Path] = {}
    files: dict[str, list[Transfer]] = {}
    pairs = [pair for pair in found.pairs if pair.garment.category is Category.UPPER and pair.person.after is None]
    for pair in pairs:
        for item, needed in _needed(pair).items():
            absent = next((layout.path(ref) for ref in needed if not layout.path(ref).is_file()), None)
            if absent is not None:
                missing[item] = absent
    whole = [pair for pair in pairs if not missing.keys() & _needed(pair).keys()]
    people = {pair.person.id: ExportedPerson(pair.person, layout) for pair in whole}
    for person in people.values():
        files[f"person {person.person.id}"] = list(person.transfers(folder))
    for pair in whole:
        files[f"garment {pair.garment.id}"] = list(_garment_files(pair, layout, folder))
        files[f"pair {pair.id}"] = list(_results(pair, people[pair.person.id], found, folder, engine))
    transfers = [each for own in files.values() for each in own]
    lists = _lists(whole, folder)
    if whole:
        transfers += [*_scenery(found, layout, folder), *_dummies(folder, layout.path(places.IMAGE.of(whole[0].person.id)))]
        lists |= _positions(found, layout, folder)
    return ExportPlan(tuple(transfers), lists, missing)


def _needed(pair: Pair) -> dict[str, list[str]]:
    person, garment = pair.person.id, pair.garment.id
    own = (places.CUTOUT, places.FRAME, places.IMAGE, places.POSE_JSON, places.PARSE)
    return {
        f"person {person}": [pair.person.source, *(kind.of(person) for kind in own)],
        f"garment {garment}": [kind.of(garment) for kind in (places.CLOTH, places.CLOTH_MASK)],
    }


@dataclass
class ExportedPerson:
    """A person as the demo has them: on even grey, and the square that it cuts out; opened when the first file is written."""

    person: Person
    layout: Layout

    @cached_property
    def removed(self) -> bytes:
        """The picture of step 1 as JPEG: the cut-out on even grey."""
        cutout = images.read_rgba(self.layout.path(places.CUTOUT.of(self.person.id)))
        share = cutout[..., 3:].astype(np.uint16)
        mixed = (cutout[..., :3] * share + STUDIO_GREY * (255 - share) + 127) // 255
        return images.jpeg(mixed.astype(np.uint8))

    @cached_property
    def _removed_picture(self) -> RGB:
        """(h, w, 3) uint8 as the demo reads it: what the JPEG did to the ground decides its cut."""
        decoded: RGB = cv2.cvtColor(cv2.imdecode(np.frombuffer(self.removed, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        return decoded

    @cached_property
    def window(self) -> Window:
        """The part of the photo that the square shows."""
        picture = self._removed_picture
        return square.demo_window(picture) or square.whole((picture.shape[0], picture.shape[1]))

    @cached_property
    def matrix(self) -> NDArray[np.float64]:
        """(2, 3) affine from the canvas to the square."""
        frame = Frame.from_json(self.layout.path(places.FRAME.of(self.person.id)).read_text("utf-8"))
        return square.joined(self.window.matrix((SIDE, SIDE)), frame.inverse)

    @cached_property
    def square(self) -> RGB:
        """(512, 512, 3) uint8."""
        return square.taken(self._removed_picture, self.window, (SIDE, SIDE))

    def transfers(self, folder: Path) -> Iterator[Transfer]:
        """The files of steps 1 to 3."""
        stem, ident, path = stem_of(self.person), self.person.id, self.layout.path
        source = path(self.person.source)
        own = None if source.suffix.lower() == ".jpg" else partial(_jpeg_of, source)
        yield Transfer(folder / INPUTS / names.PHOTOS[0] / f"{ident}.jpg", source, own)
        cutout = path(places.CUTOUT.of(ident))
        yield Transfer(folder / OUTPUT / names.REMOVED[0] / f"{stem}.jpg", cutout, lambda: self.removed)
        yield Transfer(folder / INPUTS / names.SQUARES[0] / f"{stem}.jpg", cutout, lambda: images.jpeg(self.square))
        pose = path(places.POSE_JSON.of(ident))
        yield Transfer(folder / INPUTS / names.POINTS[0] / f"{stem}_keypoints.json", pose, self.points_json)
        yield Transfer(folder / INPUTS / names.DRAWN[0] / f"{stem}_rendered.png", pose, self.skeleton)
        parse = path(places.PARSE.of(ident))
        yield Transfer(folder / OUTPUT / names.PARSED[0] / f"{stem}.png", parse, partial(self.parse, parse))

    def points(self) -> Keypoints:
        """The key-points in the square."""
        path = self.layout.path(places.POSE_JSON.of(self.person.id))
        found = keypoints_from_json(path.read_text("utf-8"), str(path))
        return Keypoints(
            *(square.moved(each, self.matrix, (SIDE, SIDE)) for each in (found.body, found.left_hand, found.right_hand))
        )

    def points_json(self) -> bytes:
        """The key-points as OpenPose's file."""
        return images.text(keypoints_to_json([self.points()]))

    def skeleton(self) -> bytes:
        """The skeleton drawn."""
        return images.png(draw_skeleton(self.points(), (SIDE, SIDE)))

    def parse(self, path: Path) -> bytes:
        """The parse map of the square."""
        return images.labels_png(square.warped(images.read_labels(path), self.matrix, (SIDE, SIDE), cv2.INTER_NEAREST, 0))

    def dressed(self, path: Path) -> bytes:
        """A dressed canvas in the square; beyond the canvas the person as they were."""
        canvas = images.read_rgb(path)
        shown = square.warped(canvas, self.matrix, (SIDE, SIDE), cv2.INTER_AREA, STUDIO_GREY)
        inside = square.warped(np.full(CANVAS, 255, np.uint8), self.matrix, (SIDE, SIDE), cv2.INTER_NEAREST, 0) > 0
        return images.jpeg(np.where(inside[..., None], shown, self.square))


def _garment_files(pair: Pair, layout: Layout, folder: Path) -> Iterator[Transfer]:
    cloth, mask = (layout.path(kind.of(pair.garment.id)) for kind in (places.CLOTH, places.CLOTH_MASK))
    yield Transfer(folder / INPUTS / names.CLOTH[0] / f"{pair.garment.id}.jpg", cloth, partial(_squared, cloth))
    yield Transfer(folder / INPUTS / names.CLOTH_MASK[0] / f"{pair.garment.id}.jpg", mask, partial(_squared_mask, mask))


def _squared(path: Path) -> bytes:
    """A canvas in the middle of a square of its corner's colour."""
    picture = images.read_rgb(path)
    around = (int(picture[0, 0, 0]), int(picture[0, 0, 1]), int(picture[0, 0, 2]))
    return images.jpeg(_in_square(picture, around))


def _squared_mask(path: Path) -> bytes:
    mask = images.read_mask(path)
    return images.jpeg(np.where(_in_square(np.where(mask, 255, 0).astype(np.uint8), 0) >= 128, 255, 0).astype(np.uint8))


def _in_square(picture: NDArray[np.uint8], fill: square.Level) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (round(SIDE * width / height), SIDE), interpolation=cv2.INTER_AREA)
    left = (SIDE - small.shape[1]) // 2
    shift = np.array([[1, 0, left], [0, 1, 0]], np.float64)
    return square.warped(small, shift, (SIDE, SIDE), cv2.INTER_NEAREST, fill)


def _results(pair: Pair, person: ExportedPerson, found: Collection, folder: Path, engine: str) -> Iterator[Transfer]:
    """The dressed person and the finished pictures of one engine, as far as they are there."""
    stem = f"{stem_of(pair.person)}_{pair.garment.id}"
    dressed = person.layout.path(places.TRYON.of(pair.id, engine))
    if dressed.is_file():
        yield Transfer(folder / OUTPUT / names.RESULTS[0] / f"{stem}.jpg", dressed, partial(person.dressed, dressed))
    for background in found.backgrounds:
        forms = (person.layout.path(ref) for ref in places.FINAL.forms(f"{pair.id}__{background.id}", engine))
        final = next((path for path in forms if path.is_file()), None)
        if final is not None:
            name = f"{stem}_{background.id}{names.FINAL_TAIL}.jpg"
            yield Transfer(folder / OUTPUT / names.FINAL[0] / name, final, partial(_jpeg_of, final))


def _scenery(found: Collection, layout: Layout, folder: Path) -> Iterator[Transfer]:
    for background in found.backgrounds:
        path = layout.path(background.source)
        make = None if path.suffix.lower() == ".jpg" else partial(_jpeg_of, path)
        yield Transfer(folder / INPUTS / names.SCENES[0] / f"{background.id}.jpg", path, make)


def _positions(found: Collection, layout: Layout, folder: Path) -> dict[Path, str]:
    """Position files of the backgrounds whose placement says foot and height, and their list."""
    placements = PlacementFiles(layout)
    lists: dict[Path, str] = {}
    lines = ""
    for background in found.backgrounds:
        numbers = _position(background, placements, layout)
        if numbers:
            lists[folder / INPUTS / names.SCENES[0] / f"{background.id}.txt"] = numbers
            lines += f"{names.SCENES[0]}/{background.id}.jpg {names.SCENES[0]}/{background.id}.txt\n"
    return lists | ({folder / INPUTS / places.BACKGROUND_LIST: lines} if lines else {})


def _position(background: Background, placements: PlacementFiles, layout: Layout) -> str:
    """`y_min y_max x` of the first placement in a background of 1920 × 1080; "" where it does not say them."""
    size = images.picture_size(layout.path(background.source))
    settings, _ = placements.read(background)
    foot, height = settings.spots[0].foot_px(size), settings.spots[0].height_px(size)
    if foot is None or height is None:
        return ""
    rows, columns = DEMO_SIZE[0] / size[0], DEMO_SIZE[1] / size[1]
    bottom = min(round(foot[1] * rows), MOST_ROW)
    top = min(max(round((foot[1] - height) * rows), LEAST_ROW), bottom - 1)
    return f"{top} {bottom} {min(max(round(foot[0] * columns), LEAST_COLUMN), MOST_COLUMN)}\n"


def _dummies(folder: Path, source: Path) -> Iterator[Transfer]:
    """What step 3 wants to open and does not use."""
    empty = np.zeros((SIDE, SIDE), np.uint8)
    for kind in ("labels", "edges"):
        yield Transfer(folder / INPUTS / kind / f"{DUMMY}.png", source, lambda: images.png(empty))
    colours = np.arange(len(CIHP_PALETTE), dtype=np.uint8)[None].repeat(8, 0)
    yield Transfer(folder / INPUTS / "palette_ref.png", source, lambda: images.labels_png(colours))


def _lists(pairs: list[Pair], folder: Path) -> dict[Path, str]:
    stems = list(dict.fromkeys(stem_of(pair.person) for pair in pairs))
    return {
        folder / INPUTS / "test_pairs.txt": "".join(f"{stem_of(pair.person)}.jpg {pair.garment.id}.jpg\n" for pair in pairs),
        folder / INPUTS / "val.txt": "".join(f"/{names.SQUARES[0]}/{stem}.jpg /labels/{DUMMY}.png\n" for stem in stems),
        folder / INPUTS / "val_id.txt": f"{DUMMY}\n" * len(stems),
    }


def _jpeg_of(path: Path) -> bytes:
    return images.jpeg(images.read_rgb(path))
