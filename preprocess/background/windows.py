"""Windows of a picture that models see in close-up, and ramps that blend the results."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Float
from pipeline.core.rect import Rect, Window


def size_of(picture: NDArray[Any]) -> tuple[int, int]:
    """(height, width) of an array."""
    return int(picture.shape[0]), int(picture.shape[1])


def enlarged_window(box: Rect[float], margin: float, size: tuple[int, int]) -> Window:
    """A box with `margin` times its height above and below and its width on both sides, cut to a picture of `size`."""
    return box.window_around(size, margin * box.height, margin * box.width)


def head_window(body: Float, size: tuple[int, int]) -> Window | None:
    """The window with head, hat and shoulders of (33, 4) landmarks; None when the head is outside the picture."""
    head = body[:11, :2]
    centre, reach = (
        head.mean(0),
        max(float(np.ptp(head[:, 0])), float(np.ptp(head[:, 1])), 0.25 * float(np.hypot(*(body[11, :2] - body[12, :2])))),
    )
    if not (0 <= centre[0] < size[1] and 0 <= centre[1] < size[0]):
        return None
    head_box = Rect(float(centre[1]) - 2.2 * reach, float(centre[0]) - 2.4 * reach, 4.8 * reach, 4.8 * reach)
    return head_box.window_around(size, 0.0, 0.0)


def ramp(window: Window, size: tuple[int, int]) -> Float:
    """(h, w) float32 weights of a window: 1 inside, falling to 0 over its outer fifth, except at the picture's own edge."""
    axes = []
    for side, limit in zip(window, size, strict=True):
        length = side.stop - side.start
        fade = max(1.0, 0.2 * length)
        distance = np.arange(length, dtype=np.float32) + 0.5
        up = np.ones(length, np.float32) if side.start == 0 else np.clip(distance / fade, 0, 1)
        down = np.ones(length, np.float32) if side.stop == limit else np.clip((length - distance) / fade, 0, 1)
        axes.append(np.minimum(up, down))
    falling: Float = np.minimum(axes[0][:, None], axes[1][None, :])
    return falling


def thirds(size: tuple[int, int]) -> list[Window]:
    """Overlapping windows along the long side."""
    height, width = size[:2]
    side, short = max(height, width) // 2, min(height, width)
    starts = (0, side // 2, max(height, width) - side)
    spans = [slice(start, start + side) for start in starts]
    return [(slice(0, short), span) if width >= height else (span, slice(0, short)) for span in spans]
