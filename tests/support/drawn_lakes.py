"""Drawn backgrounds of inland water before hills, woods and houses, and of dry ground that looks like it."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from drawn_places import SIZE, Colour, Picture, _blobs, _in_depth, _noon, _over, _ramp
from numpy.typing import NDArray

Draw = Callable[[np.random.Generator], Picture]


def drawn_lake(name: str, seed: int = 1) -> NDArray[np.uint8]:
    """(320, 480, 3) uint8 RGB background of a kind in `INLAND`."""
    rng = np.random.default_rng(seed)
    picture = INLAND[name](rng) + rng.normal(0, 1.5, (*SIZE, 3))
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8)


def _skyline(rng: np.random.Generator, knots: int) -> NDArray[np.float32]:
    """(w,) in [0, 1]: a ridge's height."""
    line = cv2.resize(rng.uniform(0, 1, (1, knots)).astype(np.float32), (SIZE[1], 1), interpolation=cv2.INTER_CUBIC)[0]
    ridge: NDArray[np.float32] = np.clip(line, 0, 1)
    return ridge


def _hills(rng: np.random.Generator, row: int, sky: Picture, tall: int = 70, colour: Colour = (84, 98, 84)) -> Picture:
    """A far blue ridge and a near one, down to a level shore."""
    for share, tone in ((1.0, 0.5), (0.55, 0.9)):
        top = row - tall * share * (0.35 + 0.65 * _skyline(rng, 9))
        body = np.array(colour, np.float32) * tone + sky[:1].mean((0, 1)) * (1 - tone) + 9 * tone * _blobs(rng, (60, 90))
        sky = np.where((np.arange(SIZE[0])[:, None] > top)[..., None], body, sky).astype(np.float32)
    return sky


def _wood(rng: np.random.Generator, row: int, sky: Picture, tall: int = 60) -> Picture:
    top = row - tall * (0.6 + 0.4 * _skyline(rng, 60))
    leaves = np.array((56, 78, 46), np.float32) + 16 * _blobs(rng, (60, 100)) + 8 * _blobs(rng, (160, 240))
    return np.where((np.arange(SIZE[0])[:, None] > top)[..., None], leaves, sky).astype(np.float32)


def _town(rng: np.random.Generator, row: int, sky: Picture) -> Picture:
    left = 0
    while left < SIZE[1]:
        wide, top = int(rng.integers(28, 60)), row - int(rng.integers(35, 90))
        sky[top:row, left : left + wide] = np.array((190, 170, 150), np.float32) * rng.uniform(0.6, 1.15)
        for storey in range(top + 6, row - 8, 14):
            sky[storey : storey + 7, left + 5 : left + wide - 4 : 10] *= 0.55
            sky[storey : storey + 7, left + 6 : left + wide - 4 : 10] *= 0.55
        left += wide
    return sky


BEHIND: dict[str, Callable[[np.random.Generator, int, Picture], Picture]] = {"hills": _hills, "wood": _wood, "town": _town}


def _overcast(rng: np.random.Generator) -> Picture:
    return _ramp((196, 202, 208), (226, 228, 230)) + 4 * _blobs(rng, (5, 7))


def _behind(rng: np.random.Generator, kind: str, row: int) -> Picture:
    return BEHIND[kind](rng, row, _overcast(rng) if rng.random() < 0.3 else _noon(rng))


def _ripples(rng: np.random.Generator, rows: int) -> Picture:
    """Waves seen from the shore: three times as long across as a floor's grain."""
    texture = cv2.GaussianBlur(rng.normal(0, 1, (1200, 900)).astype(np.float32), (0, 0), sigmaX=4.5, sigmaY=1.1)
    away = 1 / np.linspace(0.05, 1, rows, dtype=np.float32)
    y = np.broadcast_to((away * 50)[:, None], (rows, SIZE[1]))
    x = 450 + (np.arange(SIZE[1], dtype=np.float32) - SIZE[1] / 2)[None] * away[:, None] * 0.3
    seen = cv2.remap(texture / texture.std(), np.abs(x) % 899, y.astype(np.float32) % 1199, cv2.INTER_LINEAR)
    return seen[..., None].astype(np.float32)


def _mirror(rng: np.random.Generator, above: Picture, row: int, rough: float, kept: tuple[float, float]) -> Picture:
    """(rows below, w, 3): what is above the shore, upside down, shaken by ripples and darker near by."""
    rows = SIZE[0] - row
    shake = rough * _ripples(rng, rows)[..., 0] * np.linspace(0.2, 1, rows, dtype=np.float32)[:, None]
    y = np.clip(row - 1 - np.arange(rows, dtype=np.float32)[:, None] + shake, 0, row - 1)
    x = np.arange(SIZE[1], dtype=np.float32)[None] + 0.15 * shake
    seen = cv2.remap(above, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    share = np.linspace(*kept, rows, dtype=np.float32)[:, None, None]
    return (seen * share + np.array((46, 56, 54), np.float32) * (1 - share)).astype(np.float32)


def _calm(kind: str, rough: float = 1.5, kept: tuple[float, float] = (0.9, 0.65), row: int = 150) -> Draw:
    def draw(rng: np.random.Generator) -> Picture:
        above = _behind(rng, kind, row)
        return _over(above, row, _mirror(rng, above.copy(), row, rough, kept))

    return draw


def _breeze(kind: str, far: Colour = (112, 138, 162), near: Colour = (58, 84, 108), row: int = 150) -> Draw:
    def draw(rng: np.random.Generator) -> Picture:
        rows = SIZE[0] - row
        return _over(_behind(rng, kind, row), row, _ramp(far, near, rows) + 9 * _ripples(rng, rows))

    return draw


def _shored(lake: Draw, shore: Colour, rough: float = 9.0, row: int = 240) -> Draw:
    """A lake with ground on this side, along a crooked line."""

    def draw(rng: np.random.Generator) -> Picture:
        picture, edge = lake(rng), row + 14 * (_skyline(rng, 7) - 0.5)
        ground = np.array(shore, np.float32) + rough * _in_depth(rng, SIZE[0])
        return np.where((np.arange(SIZE[0])[:, None] > edge)[..., None], ground, picture).astype(np.float32)

    return draw


def _pool(near: int | None) -> Draw:
    """Turquoise water with a net of light in it, a pale rim around it, trees behind; `near` is its near edge's row."""

    def draw(rng: np.random.Generator) -> Picture:
        picture = _over(_wood(rng, 110, _noon(rng)), 110, np.array((206, 198, 186), np.float32) + 4 * _in_depth(rng, 210))
        net = np.abs(_blobs(rng, (50, 34))) + 0.6 * np.abs(_blobs(rng, (110, 60)))
        water = _ramp((62, 168, 200), (70, 190, 210)) + np.array((70, 55, 45), np.float32) * np.clip(0.8 - 1.3 * net, 0, 1)
        low = SIZE[0] if near is None else near
        corners = np.array([(120, 128), (360, 128), (360 + low - 128, low), (120 - (low - 128), low)], np.int32)
        wet = cv2.fillPoly(np.zeros(SIZE, np.uint8), [corners], 1)
        return np.where(wet[..., None] > 0, water, picture).astype(np.float32)

    return draw


def _plain(kind: str, colour: Colour, rough: float = 7.0, row: int = 165) -> Draw:
    def draw(rng: np.random.Generator) -> Picture:
        return _over(_behind(rng, kind, row), row, np.array(colour, np.float32) + rough * _in_depth(rng, SIZE[0] - row))

    return draw


def _under_low_hills(far: Colour, rough: float = 6.0, near: Colour | None = None) -> Draw:
    """Below a clear sky, with hills or a hedge all along that are no higher than an island at sea."""

    def draw(rng: np.random.Generator) -> Picture:
        picture = _hills(rng, 170, _noon(rng), 34, (40, 52, 44))
        return _over(picture, 170, _ramp(far, near or far, 150) + rough * _in_depth(rng, 150))

    return draw


def _marked_court(rng: np.random.Generator) -> Picture:
    """Turquoise, with white lines, and pale concrete around it."""
    picture = _over(_wood(rng, 110, _noon(rng)), 110, np.array((206, 198, 186), np.float32) + 4 * _in_depth(rng, 210))
    corners = np.array([(150, 130), (330, 130), (420, 300), (60, 300)], np.int32)
    court = cv2.fillPoly(np.zeros(SIZE, np.uint8), [corners], 1)
    paint = (np.array((62, 160, 166), np.float32) + 5 * _blobs(rng, (160, 240))).astype(np.float32)
    for far, near in ((175, 100), (240, 240), (305, 380)):
        cv2.line(paint, (far, 130), (near, 300), (240.0, 240.0, 240.0), 4)
    paint[200:203] = 240
    return np.where(court[..., None] > 0, paint, picture).astype(np.float32)


def _wet_street(kind: str) -> Draw:
    """Asphalt after rain: what is above lies in it, smeared and weak."""

    def draw(rng: np.random.Generator) -> Picture:
        above = _behind(rng, kind, 165)
        seen = cv2.blur(_mirror(rng, above.copy(), 165, 2.0, (1.0, 1.0)), (5, 31))
        return _over(above, 165, 0.4 * seen + 0.6 * (np.array((84, 87, 92), np.float32) + 9 * _in_depth(rng, 155)))

    return draw


def _hall(floor: Colour, kept: float, outside: Colour | None = None) -> Draw:
    """A polished floor that mirrors a row of windows."""

    def draw(rng: np.random.Generator) -> Picture:
        picture = _ramp((216, 213, 207), (198, 194, 188))
        for left in range(30, 450, 105):
            view = _noon(rng) if outside is None else _ramp(outside, outside)
            picture[40:185, left : left + 72] = view[40:185, left : left + 72]
            picture[110:114, left : left + 72] = picture[40:185, left + 34 : left + 38] = 118
        picture[196:205] = 150
        seen = cv2.blur(_mirror(rng, picture.copy(), 205, 0.3, (1.0, 1.0)), (3, 5))
        return _over(picture, 205, kept * seen + (1 - kept) * (np.array(floor, np.float32) + 2 * _in_depth(rng, 115)))

    return draw


def _room(wall: Colour, floor: Colour, rough: float) -> Draw:
    def draw(rng: np.random.Generator) -> Picture:
        return _over(
            _ramp(wall, tuple(0.95 * part for part in wall)), 215, np.array(floor, np.float32) + rough * _in_depth(rng, 105)
        )

    return draw


CALM: dict[str, Draw] = {
    "mirror of hills": _calm("hills"),
    "mirror of a wood": _calm("wood"),
    "mirror of a town": _calm("town", 1.0),
    "rippled mirror of hills": _calm("hills", 6.0, (0.85, 0.55)),
    "rippled mirror of a wood": _calm("wood", 6.0, (0.85, 0.55)),
}
BREEZY: dict[str, Draw] = {
    "lake before hills": _breeze("hills"),
    "lake before a wood": _breeze("wood", (98, 122, 146), (50, 72, 92)),
    "lake before a town": _breeze("town"),
    "green lake before hills": _breeze("hills", (74, 160, 172), (36, 112, 132)),
}
POOLS: dict[str, Draw] = {"pool": _pool(None), "pool with a near edge": _pool(265)}
NEAR_SHORES: dict[str, Draw] = {
    "lawn at a calm lake": _shored(_calm("hills"), (92, 124, 62), 14),
    "sand at a calm lake": _shored(_calm("wood"), (206, 182, 144)),
    "stones at a calm lake": _shored(_calm("hills"), (168, 163, 156)),
    "lawn at a lake": _shored(_breeze("hills"), (92, 124, 62), 14),
    "sand at a lake": _shored(_breeze("wood"), (206, 182, 144)),
    "river before a town": _shored(_calm("town", 4.0, (0.8, 0.6)), (92, 124, 62), 14),
}
DRY: dict[str, Draw] = {
    f"{what} before {kind}": _plain(kind, colour, rough)
    for kind in BEHIND
    for what, colour, rough in (
        ("asphalt", (112, 113, 116), 7.0),
        ("blue asphalt", (98, 106, 120), 7.0),
        ("dark asphalt", (58, 62, 70), 6.0),
        ("snow", (216, 224, 240), 4.0),
        ("snow in shade", (172, 190, 224), 4.0),
        ("lawn", (86, 126, 58), 14.0),
        ("dark lawn", (38, 54, 46), 8.0),
        ("blue court", (60, 106, 166), 5.0),
        ("turquoise court", (62, 160, 166), 5.0),
        ("sand", (206, 180, 142), 9.0),
    )
}
DRY |= {f"wet street before {kind}": _wet_street(kind) for kind in BEHIND}
DRY |= {
    "turquoise court before low hills": _under_low_hills((62, 160, 166)),
    "dark asphalt before low hills": _under_low_hills((58, 63, 72)),
    "blue court before low hills": _under_low_hills((60, 106, 166)),
    "court that darkens before low hills": _under_low_hills((120, 152, 186), near=(35, 75, 105)),
    "marked turquoise court": _marked_court,
    "pale hall": _hall((196, 192, 186), 0.35),
    "warm hall": _hall((168, 138, 104), 0.4, (250.0, 250.0, 248.0)),
    "blue hall": _hall((104, 128, 156), 0.45),
    "dark hall": _hall((66, 68, 74), 0.5),
    "turquoise carpet": _room((224, 222, 216), (70, 160, 165), 7.0),
    "turquoise sweep": _room((78, 172, 178), (82, 178, 184), 1.0),
    "blue tiles": _room((212, 216, 222), (92, 132, 168), 5.0),
    "blue resin": _room((226, 228, 232), (96, 136, 176), 1.0),
}
INLAND = CALM | BREEZY | POOLS | NEAR_SHORES | DRY
