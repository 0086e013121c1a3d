"""Step 2, pose: the canvas (3:4 window around the person), BODY_25 and hands on it, and the skeleton picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.core import images
from pipeline.core.arrays import RGB, Points
from pipeline.core.backend import Backend
from pipeline.core.config import StepConfig
from pipeline.core.frame import PAD_GREY, Frame
from pipeline.core.items import Item, Person, Unit
from pipeline.core.keypoints import Keypoints, keypoints_to_json
from pipeline.core.layout import CANVAS, CUTOUT, FRAME, IMAGE, LANDMARKS, POSE_IMAGE, POSE_JSON, Ref
from pipeline.core.step import BackendStep, Produced
from preprocess.person.landmarks import Landmarks
from preprocess.person.not_found import NotFound
from preprocess.pose.embedded import MediapipePose
from preprocess.pose.framing import person_frame
from preprocess.pose.mediapipe_to_body25 import only_visible
from preprocess.pose.skeleton import draw_skeleton


class PoseBackend(Backend, Protocol):
    """Finds the joints of the person that the background step selected."""

    def keypoints(self, photo: NDArray[np.uint8], landmarks: Landmarks) -> Keypoints | NotFound:
        """(h, w, 3) RGB uint8 → joints in photo pixels; they may lie outside the photo."""


class PoseConfig(StepConfig):
    """Settings of the pose step."""

    canvas_background: Literal["original", "grey"] = "original"
    """Grey: the person alone on even light grey, as in studio photos."""


@dataclass(frozen=True)
class PoseInputs:
    """A decoded photo (or cut-out, for a grey background) and its landmarks."""

    photo: RGB
    landmarks: Landmarks
    cutout: NDArray[np.uint8] | None


class PoseStep(BackendStep[PoseBackend]):
    """Photo and landmarks → frame, canvas picture, key-points, skeleton picture."""

    name: ClassVar[str] = "pose"
    unit: ClassVar[Unit] = Unit.PERSON
    version: ClassVar[int] = 1
    config: PoseConfig

    def reads(self, item: Item) -> Sequence[Ref]:
        """Photo and landmarks; the cut-out too when the canvas gets a grey background."""
        person = cast(Person, item)
        grey = (CUTOUT.of(person.id),) if self.config.canvas_background == "grey" else ()
        return (person.source, LANDMARKS.of(person.id), *grey)

    def writes(self, item: Item) -> Sequence[Ref]:
        """Frame, canvas picture, key-points, skeleton picture."""
        return tuple(folder.of(cast(Person, item).id) for folder in (FRAME, IMAGE, POSE_JSON, POSE_IMAGE))

    def read(self, item: Item) -> tuple[Person, PoseInputs]:
        """Decode photo, landmarks and, for a grey background, the cut-out."""
        person = cast(Person, item)
        photo = images.read_photo(self.layout.path(person.source), self.context.max_megapixels).rgb
        landmarks = Landmarks.from_json(self.layout.path(LANDMARKS.of(person.id)).read_text("utf-8"))
        grey = self.config.canvas_background == "grey"
        return person, PoseInputs(photo, landmarks, images.read_rgba(self.layout.path(CUTOUT.of(person.id))) if grey else None)

    def run(self, inputs: Sequence[tuple[Person, PoseInputs]]) -> Sequence[Produced]:
        """Frame the person, find the joints, draw them."""
        return [self._one(person, given) for person, given in inputs]

    def _one(self, person: Person, given: PoseInputs) -> Produced:
        frame = person_frame(given.landmarks.box, given.landmarks.photo_size)
        answer = self.backend.keypoints(given.photo, given.landmarks)
        missed = (answer.notice,) if isinstance(answer, NotFound) else ()
        points = MediapipePose().keypoints(given.photo, given.landmarks) if isinstance(answer, NotFound) else answer
        joints = on_canvas(points, frame)
        source = given.photo if given.cutout is None else on_grey(given.cutout)
        canvas = frame.to_canvas(source)
        files = {
            FRAME.of(person.id): lambda: images.text(frame.to_json()),
            IMAGE.of(person.id): lambda: images.jpeg(canvas),
            POSE_JSON.of(person.id): lambda: images.text(keypoints_to_json([joints])),
            POSE_IMAGE.of(person.id): lambda: images.png(draw_skeleton(joints, CANVAS)),
        }
        hands = sum(bool(hand[:, 2].any()) for hand in (joints.left_hand, joints.right_hand))
        card = MediapipePose.card if missed else self.backend.card
        return Produced(files, missed, {"hands": str(hands), "canvas_scale": f"{frame.scale:.3f}", "backend": card.name})


def on_canvas(points: Keypoints, frame: Frame) -> Keypoints:
    """Joints in photo pixels → canvas pixels; joints not visible or outside the canvas become zeros."""
    parts = (points.body, points.left_hand, points.right_hand, points.face)
    return Keypoints(*(_moved(each, frame) for each in parts))


def _moved(points: Points, frame: Frame) -> Points:
    moved = np.column_stack([frame.points_to_canvas(points[:, :2]), points[:, 2]]).astype(np.float32)
    return only_visible(moved, (frame.canvas_height, frame.canvas_width))


def on_grey(cutout: NDArray[np.uint8], grey: int = PAD_GREY) -> RGB:
    """(h, w, 4) uint8 straight RGBA → (h, w, 3) uint8 RGB on even grey."""
    share = cutout[..., 3:].astype(np.uint16)
    mixed: RGB = ((cutout[..., :3] * share + grey * (255 - share) + 127) // 255).astype(np.uint8)
    return mixed
