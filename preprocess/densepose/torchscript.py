"""DensePose as a TorchScript program: plain torch, and torchvision for two operators inside the file.

Facts: docs/facts/densepose_picture.md#models.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.card import Card
from pipeline.core.errors import MissingPackageError, WeightsError
from pipeline.core.machine.device import choose_device
from pipeline.core.weights import require
from preprocess.densepose.charts import Charts, parts_of
from preprocess.person.body_parts import BodyParts
from preprocess.person.not_found import NotFound
from preprocess.person.person_view import PersonView

INSTALL = "pip install -e '.[diffusion,densepose]'"


class DenseposeScript:
    """Body parts by `densepose_r50_fpn_dl.torchscript`.

    The program takes one RGB picture as channels × height × width of 0..255 and gives boxes, coarse, fine, U, V. Its family was
    trained on BGR, but its public callers pass RGB; which of the two is better was not verified with the real file.

    Args:
        weights: the weights folder.
    """

    card = Card(
        name="torchscript",
        weights=("densepose-r50",),
        packages=("torch", "torchvision"),
        extra="diffusion,densepose",
        seconds=4.0,
    )
    batch_size = 1

    def __init__(self, weights: Path) -> None:
        self._weights = weights
        self._path = weights
        self._program: Any = None
        self._device = "cpu"

    def load(self, device: str) -> None:
        """Verify and open the program, once. A TorchScript file contains code: it is opened only after its hash was verified.

        Raises:
            WeightsError, MissingPackageError: with the cure.
        """
        if self._program is None:
            self._path = require(self.card.weights[0], self._weights)
            self._device = choose_device(device).name
            self._program = open_program(self._path, self._device)

    def body_parts(self, views: Sequence[PersonView]) -> list[BodyParts | NotFound]:
        """The parts of the person whom each matte shows; the program takes one picture at a time."""
        if self._program is None:
            self.load("auto")
        parts = [parts_of(self._charts(view), view.person) for view in views]
        return [each or NotFound("torchscript finds nobody where the matte is") for each in parts]

    def _charts(self, view: PersonView) -> Charts:
        import torch

        picture = torch.from_numpy(np.ascontiguousarray(view.image.transpose(2, 0, 1))).to(self._device, torch.float32)
        with torch.inference_mode():
            answer = self._program(picture)
        try:
            return Charts(*(each.detach().to("cpu", torch.float32).numpy() for each in answer))
        except (TypeError, ValueError, AttributeError) as problem:
            raise WeightsError(
                f"{self._path}: not DensePose's TorchScript export: five tensors were expected, but {problem}",
                f"python run.py weights verify {self.card.weights[0]}",
            ) from problem


def open_program(path: Path, device: str) -> Any:
    """Open a TorchScript file on a device.

    Raises:
        MissingPackageError: torch or an operator of torchvision is missing.
        WeightsError: the file is not a TorchScript program.
    """
    try:
        import torch
    except (ImportError, OSError) as problem:
        raise MissingPackageError(f"densepose: torch cannot be used here: {problem}", INSTALL) from problem
    failure = _import_operators()
    load: Any = torch.jit.load  # untyped in torch
    try:
        return load(str(path), map_location=device).eval()
    except (RuntimeError, ValueError, OSError) as problem:
        if "torchvision::" in str(problem):
            why = failure or "the installed torchvision does not have it"
            raise MissingPackageError(f"{path}: the program needs an operator of torchvision: {why}", INSTALL) from problem
        raise WeightsError(
            f"{path}: not a TorchScript program: {(str(problem).splitlines() or [''])[0]}",
            f"python run.py weights verify {path.parent.name}",
        ) from problem


def _import_operators() -> str:
    """Import torchvision, which registers its operators; return why that failed, or an empty string."""
    try:
        importlib.import_module("torchvision")
    except (ImportError, OSError, RuntimeError, AttributeError) as problem:
        # RuntimeError and AttributeError: a torchvision built for another torch. A program without its operators still runs.
        return str(problem)
    return ""
