"""The models inside the mediapipe wheel, on plain arrays: pose, person probability, faces, face oval, hands.

One set per process, behind a lock: the graphs are not thread-safe, and a second set would double the memory.
`static_image_mode` everywhere; otherwise a graph uses the region of the previous photo.
"""

from __future__ import annotations

import functools
import os
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB
from pipeline.core.process import filtered_native_stderr

POSE_CONFIDENCE = 0.3
"""Lower than 0.5, so that people whose head is cut off are still found."""
FACE_CONFIDENCE = 0.5
HAND_CONFIDENCE = 0.3
FACE_OVAL_START = 10  # the middle of the forehead in the face mesh


@dataclass(frozen=True)
class SeenPose:
    """One person as the pose model found them.

    Args:
        body: (33, 4) float32 of x, y, z in pixels of the picture, and visibility in [0, 1].
        probability: (h, w) float32 in [0, 1] that a pixel belongs to this person.
    """

    body: NDArray[np.float32]
    probability: NDArray[np.float32]


class MediapipeModels:
    """Five graphs of mediapipe 0.10.21, the last release whose wheel contains its models."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._warned: set[int] = set()
        with filtered_native_stderr():
            self._build()
            self._warm()

    def _build(self) -> None:
        os.environ.setdefault("GLOG_minloglevel", "3")
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        from mediapipe.python.solutions import face_detection, face_mesh, hands, pose, selfie_segmentation

        self._pose = pose.Pose(
            static_image_mode=True, model_complexity=1, enable_segmentation=True, min_detection_confidence=POSE_CONFIDENCE
        )
        self._selfie = selfie_segmentation.SelfieSegmentation(model_selection=0)
        self._faces = [face_detection.FaceDetection(FACE_CONFIDENCE, model) for model in (1, 0)]
        self._mesh = face_mesh.FaceMesh(static_image_mode=True, max_num_faces=1, min_detection_confidence=0.3)
        self._hands = hands.Hands(
            static_image_mode=True, max_num_hands=1, model_complexity=1, min_detection_confidence=HAND_CONFIDENCE
        )
        self._oval = _in_order(face_mesh.FACEMESH_FACE_OVAL)

    def _warm(self) -> None:
        """Graphs start in their own threads; wait for them while stderr is filtered."""
        blank = np.full((64, 64, 3), 127, np.uint8)
        for graph in (self._pose, self._selfie, *self._faces, self._mesh, self._hands):
            graph.process(blank)

    def _process(self, graph: Any, picture: RGB) -> Any:
        """Run one graph on one picture. Each writes a warning at its first detection, which is filtered."""
        contiguous = np.ascontiguousarray(picture)
        with self._lock:
            if id(graph) in self._warned:
                return graph.process(contiguous)
            with filtered_native_stderr():
                found = graph.process(contiguous)
            if any(getattr(found, name, None) is not None for name in found._fields):
                self._warned.add(id(graph))
            return found

    def pose(self, picture: RGB) -> SeenPose | None:
        """The most prominent person of an (h, w, 3) uint8 RGB picture, or None."""
        found = self._process(self._pose, picture)
        if found.pose_landmarks is None:
            return None
        height, width = picture.shape[:2]
        points = [(p.x * width, p.y * height, p.z * width, p.visibility) for p in found.pose_landmarks.landmark]
        return SeenPose(np.asarray(points, np.float32), np.asarray(found.segmentation_mask, np.float32))

    def person_probability(self, picture: RGB) -> NDArray[np.float32]:
        """(h, w) float32 in [0, 1]: that a pixel belongs to any person."""
        found = self._process(self._selfie, picture)
        return np.asarray(found.segmentation_mask, np.float32)

    def faces(self, picture: RGB) -> NDArray[np.float32]:
        """(n, 5) float32 of top, left, height, width in pixels and score, from the near and the far model together."""
        height, width = picture.shape[:2]
        found: list[tuple[float, ...]] = []
        for model in self._faces:
            for each in self._process(model, picture).detections or []:
                box = each.location_data.relative_bounding_box
                found.append((box.ymin * height, box.xmin * width, box.height * height, box.width * width, each.score[0]))
        return np.asarray(found, np.float32).reshape(-1, 5)

    def face_oval(self, picture: RGB) -> NDArray[np.float32]:
        """(36, 2) float32 x, y in pixels along the face's outline, from the forehead, or (0, 2)."""
        found = self._process(self._mesh, picture).multi_face_landmarks
        if not found:
            return np.zeros((0, 2), np.float32)
        height, width = picture.shape[:2]
        points = found[0].landmark
        return np.asarray([(points[i].x * width, points[i].y * height) for i in self._oval], np.float32)

    def hand(self, picture: RGB) -> NDArray[np.float32] | None:
        """(21, 3) float32 of x, y in pixels and score of the one hand in the picture, or None."""
        found = self._process(self._hands, picture)
        if not found.multi_hand_landmarks:
            return None
        height, width = picture.shape[:2]
        score = found.multi_handedness[0].classification[0].score
        return np.asarray([(p.x * width, p.y * height, score) for p in found.multi_hand_landmarks[0].landmark], np.float32)


@functools.cache
def mediapipe_models() -> MediapipeModels:
    """This process's set of models, built at the first call (about 1 s)."""
    return MediapipeModels()


def _in_order(edges: Any) -> list[int]:
    """The points of a closed outline, given as directed edges."""
    following = dict(edges)
    order = [FACE_OVAL_START]
    while following[order[-1]] != FACE_OVAL_START:
        order.append(following[order[-1]])
    return order
