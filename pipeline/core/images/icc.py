"""The sRGB profile of finished pictures, built from the numbers of the standard, so that its bytes are the same on every machine.

LittleCMS can make one too, but writes the time into it. Viewers, shop systems and printing software all read a version-2 matrix
profile with a sampled curve.
"""

from __future__ import annotations

import struct
from functools import cache

D50 = (0.9642, 1.0, 0.8249)
"""The white of the profile connection space."""
PRIMARIES = {"rXYZ": (0.43607, 0.22249, 0.01392), "gXYZ": (0.38515, 0.71687, 0.09708), "bXYZ": (0.14307, 0.06061, 0.71410)}
"""sRGB's red, green and blue (IEC 61966-2-1), adapted from D65 to D50 by Bradford's matrix."""
CURVE_POINTS = 1024
NAME = "sRGB IEC61966-2.1"
HEADER_BYTES = 128


@cache
def srgb_profile() -> bytes:
    """The profile's bytes (ICC.1:2001-04)."""
    curve = _curve()
    tags = {"desc": _description(NAME), "cprt": _text("No copyright, use freely"), "wtpt": _xyz(D50)}
    tags |= {name: _xyz(colour) for name, colour in PRIMARIES.items()}
    names = [*tags, "rTRC", "gTRC", "bTRC"]
    start = HEADER_BYTES + 4 + 12 * len(names)
    places: dict[str, tuple[int, int]] = {}
    body = b""
    for name, content in (*tags.items(), ("rTRC", curve)):
        places[name] = (start + len(body), len(content))
        body += content + b"\0" * (-len(content) % 4)
    places["gTRC"] = places["bTRC"] = places["rTRC"]
    table = struct.pack(">I", len(names)) + b"".join(struct.pack(">4sII", name.encode(), *places[name]) for name in names)
    return _header(start + len(body)) + table + body


def _header(size: int) -> bytes:
    """A display profile, RGB to XYZ, perceptual; its date is the day on which the standard was published."""
    date = struct.pack(">6H", 1999, 10, 18, 0, 0, 0)
    head = struct.pack(">I4sI4s4s4s", size, b"\0" * 4, 0x02100000, b"mntr", b"RGB ", b"XYZ ") + date + b"acsp"
    return (head + b"\0" * 28 + b"".join(map(_fixed, D50))).ljust(HEADER_BYTES, b"\0")


def _curve() -> bytes:
    """sRGB's transfer function at evenly spaced points."""
    values = (point / (CURVE_POINTS - 1) for point in range(CURVE_POINTS))
    linear = (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values)
    return b"curv" + struct.pack(f">4xI{CURVE_POINTS}H", CURVE_POINTS, *(round(value * 65535) for value in linear))


def _fixed(value: float) -> bytes:
    """s15Fixed16."""
    return struct.pack(">i", round(value * 65536))


def _xyz(colour: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_fixed, colour))


def _text(content: str) -> bytes:
    return b"text\0\0\0\0" + content.encode("ascii") + b"\0"


def _description(content: str) -> bytes:
    """The ASCII form; the Unicode and Macintosh forms are empty."""
    ascii_form = content.encode("ascii") + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(ascii_form)) + ascii_form + b"\0" * (4 + 4 + 2 + 1 + 67)
