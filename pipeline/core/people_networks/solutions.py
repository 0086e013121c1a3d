"""The runtime where mediapipe 0.10 can be installed (Python ≤ 3.12): its own graphs, and the models inside its wheel.

One set per process, behind a lock: the graphs are not thread-safe, and a second set would double the memory.
`static_image_mode` everywhere; otherwise a graph uses the region of the previous photo.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import threading
import warnings
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB
from pipeline.core.machine.process import filtered_native_stderr
from pipeline.core.people_networks.contract import (
    FACE_CONFIDENCE,
    HAND_CONFIDENCE,
    MESH_CONFIDENCE,
    POSE_CONFIDENCE,
    PeopleNetworks,
    SeenPose,
)


class MediapipeSolutions(PeopleNetworks):
    """Five graphs of mediapipe 0.10, the last releases whose wheels contain their models."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._warned: set[int] = set()

    @cached_property
    def _pose(self) -> Any:
        return self._started(
            "pose.Pose",
            model_complexity=1,
            enable_segmentation=True,
            min_detection_confidence=POSE_CONFIDENCE,
            static_image_mode=True,
        )

    @cached_property
    def _selfie(self) -> Any:
        return self._started("selfie_segmentation.SelfieSegmentation", model_selection=0)

    @cached_property
    def _faces(self) -> list[Any]:
        return [
            self._started("face_detection.FaceDetection", min_detection_confidence=FACE_CONFIDENCE, model_selection=model)
            for model in (1, 0)
        ]

    @cached_property
    def _mesh(self) -> Any:
        return self._started(
            "face_mesh.FaceMesh", max_num_faces=1, min_detection_confidence=MESH_CONFIDENCE, static_image_mode=True
        )

    @cached_property
    def _hands(self) -> Any:
        return self._started(
            "hands.Hands", max_num_hands=1, model_complexity=1, min_detection_confidence=HAND_CONFIDENCE, static_image_mode=True
        )

    def _started(self, solution: str, **settings: Any) -> Any:
        """A graph, warm: graphs start in their own threads, and what these print is filtered while we wait for them."""
        os.environ.setdefault("GLOG_minloglevel", "3")
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        _forget_absent_backend()
        module, kind = solution.split(".")
        with self._lock, filtered_native_stderr():
            graph = getattr(importlib.import_module(f"mediapipe.python.solutions.{module}"), kind)(**settings)
            _asked(graph, np.full((64, 64, 3), 127, np.uint8))
        return graph

    def _process(self, graph: Any, picture: RGB) -> Any:
        """Run one graph on one picture. Each writes a warning at its first detection, which is filtered."""
        contiguous = np.ascontiguousarray(picture)
        with self._lock:
            if id(graph) in self._warned:
                return _asked(graph, contiguous)
            with filtered_native_stderr():
                found = _asked(graph, contiguous)
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

    def face_mesh(self, picture: RGB) -> NDArray[np.float32] | None:
        """(468, 2) float32 x, y in pixels of the one face in the picture, or None."""
        found = self._process(self._mesh, picture).multi_face_landmarks
        if not found:
            return None
        height, width = picture.shape[:2]
        return np.asarray([(point.x * width, point.y * height) for point in found[0].landmark], np.float32)

    def hand(self, picture: RGB) -> NDArray[np.float32] | None:
        """(21, 3) float32 of x, y in pixels and score of the one hand in the picture, or None."""
        found = self._process(self._hands, picture)
        if not found.multi_hand_landmarks:
            return None
        height, width = picture.shape[:2]
        score = found.multi_handedness[0].classification[0].score
        return np.asarray([(p.x * width, p.y * height, score) for p in found.multi_hand_landmarks[0].landmark], np.float32)


def _asked(graph: Any, picture: RGB) -> Any:
    """A graph's answer. mediapipe 0.10 reads it in a way of which protobuf 4 warns at every call."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"SymbolDatabase\.GetPrototype\(\) is deprecated")
        return graph.process(picture)


def _forget_absent_backend() -> None:
    """Drop a drawing backend that this environment lacks: a notebook names its own to the commands of its cells.

    mediapipe imports matplotlib, which refuses to start with it, and draws nothing.
    """
    module = os.environ.get("MPLBACKEND", "").removeprefix("module://")
    if os.environ.get("MPLBACKEND", "") != module and importlib.util.find_spec(module.partition(".")[0]) is None:
        del os.environ["MPLBACKEND"]
