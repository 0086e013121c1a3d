"""What the user should know about how one of their pictures was read; the same for people, garments and backgrounds."""

from __future__ import annotations

from pipeline.core.flags import Flag, Notice
from pipeline.core.images import Photo


def photo_notices(photo: Photo, what: str = "") -> list[Notice]:
    """Flags of a decoded picture.

    Args:
        photo: the picture.
        what: which one, where the item it belongs to does not say.
    """
    which = f"{what}: " if what else ""
    notices = []
    if photo.scaled_from is not None:
        (h0, w0), (h1, w1) = photo.scaled_from, photo.rgb.shape[:2]
        notices.append(Notice(Flag.SCALED_FOR_WORK, f"{which}{w0}×{h0} → {w1}×{h1}"))
    if photo.frames > 1:
        notices.append(Notice(Flag.FIRST_FRAME, f"{which}{photo.frames} pictures in the file"))
    return notices
