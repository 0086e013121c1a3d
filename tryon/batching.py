"""Batches that shrink when the memory is full, and stop growing where they failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import torch

from pipeline.core.errors import LookbookError
from pipeline.core.machine.device import Device

Item = TypeVar("Item")
Made = TypeVar("Made")

USABLE_SHARE = 0.8
"""Of the free memory; the rest is for what kernels need beside their inputs and outputs, and for gaps between tensors."""

MOST_PICTURES = 32
"""A GPU is busy with fewer, and a run that is killed loses no more."""

GROW_AFTER = 4  # successful batches before a bigger one is tried again


class OutOfMemoryError(LookbookError):
    """Not even one picture fits into the memory."""


@dataclass
class BatchSizer(Generic[Item, Made]):
    """Runs items in batches; the size it has learnt lasts as long as it lives.

    A batch that does not fit is halved. After some batches that fit, the size goes half the way to the smallest batch that
    failed, and never reaches it: a failed batch costs time.

    Args:
        make: makes one batch, results in order.
        limit: largest batch.
        release: gives back what a failed batch left behind; called when nothing holds the batch's tensors any more.
        remedy: what a user can do when one item alone does not fit.
    """

    make: Callable[[Sequence[Item]], list[Made]]
    limit: int
    release: Callable[[], None] = lambda: None
    remedy: str = ""
    size: int = field(init=False)
    _most: int = field(init=False)
    _successes: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.size = self._most = max(1, self.limit)

    def run(self, items: Sequence[Item]) -> list[Made]:
        """Make all items, results in order.

        Raises:
            OutOfMemoryError: a single item does not fit.
        """
        made: list[Made] = []
        while len(made) < len(items):
            batch = items[len(made) : len(made) + self.size]
            results = self._try(batch)
            if results is not None:
                made += results
                self._grow()
                continue
            self.release()
            if len(batch) == 1:
                raise OutOfMemoryError("not enough memory for a single picture", self.remedy)
            self._shrink(len(batch))
        return made

    def _try(self, batch: Sequence[Item]) -> list[Made] | None:
        """Make a batch; None when the memory is full. The error ends here, and with it the frames that hold its tensors."""
        try:
            return self.make(batch)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        return None

    def _shrink(self, failed: int) -> None:
        self.size, self._most, self._successes = failed // 2, failed - 1, 0

    def _grow(self) -> None:
        self._successes += 1
        if self._successes >= GROW_AFTER and self.size < self._most:
            self.size, self._successes = (self.size + self._most + 1) // 2, 0


@dataclass(frozen=True)
class Limits:
    """What the machine allows an engine.

    Args:
        device: where it runs.
        batch_size: most pictures that are sampled together.
        remedy: what a user can do when not even one picture fits into the memory.
    """

    device: Device
    batch_size: int = 1
    remedy: str = ""

    def at_once(self, size: tuple[int, int], bytes_per_pixel: float) -> int:
        """Pictures of a size (height, width) in pixels that fit beside the weights that are on the device already."""
        return pictures_that_fit(self.device, size, bytes_per_pixel)

    def sizer(self, make: Callable[[Sequence[Item]], list[Made]], most: int) -> BatchSizer[Item, Made]:
        """A sizer of batches of up to `most` that gives the device its memory back."""
        return BatchSizer(make, most, give_back_of(self.device), self.remedy)


def pictures_that_fit(device: Device, size: tuple[int, int], bytes_per_pixel: float, reserved: float = 0) -> int:
    """How many pictures to compute in one call.

    Args:
        device: where; a CPU is busy with one, which needs the least memory.
        size: (height, width) in pixels.
        bytes_per_pixel: of one picture's activations while the call needs most of them.
        reserved: bytes that weights which are still to come will take.

    Returns:
        1 to `MOST_PICTURES`.
    """
    if device.kind == "cpu":
        return 1
    room = USABLE_SHARE * free_bytes(device) - reserved
    return min(MOST_PICTURES, max(1, int(room / (size[0] * size[1] * bytes_per_pixel))))


def free_bytes(device: Device) -> int:
    """Memory of a GPU that nobody uses, in bytes."""
    if device.kind == "cuda":
        return int(torch.cuda.mem_get_info(torch.device(device.name))[0])
    return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())


def give_back_of(device: Device) -> Callable[[], None]:
    """What hands a device's cached memory back."""
    return {"cuda": torch.cuda.empty_cache, "mps": torch.mps.empty_cache}.get(device.kind, lambda: None)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error is a full memory, whatever the device calls it."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)
