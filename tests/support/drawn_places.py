"""Drawn backgrounds of each kind, small and rough as photos are: seas, shores, streets, rooms, lawns, snow, walls, skies."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
Colour = tuple[float, ...]
SIZE = (320, 480)
FAR = 0.05
"""How deep a distance the waves are drawn to, share of the height below the horizon."""


def drawn_place(name: str, seed: int = 1) -> NDArray[np.uint8]:
    """(320, 480, 3) uint8 RGB background of a kind in `PLACES`."""
    rng = np.random.default_rng(seed)
    picture = PLACES[name](rng) + rng.normal(0, 1.5, (*SIZE, 3))
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8)


def _ramp(top: Colour, low: Colour, rows: int = SIZE[0]) -> Picture:
    share = np.linspace(0, 1, rows, dtype=np.float32)[:, None, None]
    ramp = np.array(top, np.float32) * (1 - share) + np.array(low, np.float32) * share
    return np.broadcast_to(ramp, (rows, SIZE[1], 3)).copy()


def _blobs(rng: np.random.Generator, cells: tuple[int, int], size: tuple[int, int] = SIZE) -> Picture:
    rough = cv2.resize(rng.normal(0, 1, cells).astype(np.float32), size[::-1], interpolation=cv2.INTER_CUBIC)
    return rough[..., None].astype(np.float32)


def _in_depth(rng: np.random.Generator, rows: int, across: int = 90, rough: float = 1.0) -> Picture:
    """(rows, w, 1) unit texture of a level plane: fine and flat far away, coarse near by."""
    texture = rng.normal(0, 1, (900, across * 6)).astype(np.float32)
    away = 1 / np.linspace(FAR, 1, rows, dtype=np.float32)
    y = np.broadcast_to((away * 40)[:, None], (rows, SIZE[1]))
    x = (np.arange(SIZE[1], dtype=np.float32) - SIZE[1] / 2)[None] * away[:, None] * 0.4 + across * 3
    seen = cv2.remap(texture, np.abs(x.astype(np.float32)) % (across * 6 - 1), y.astype(np.float32) % 899, cv2.INTER_LINEAR)
    return (rough * cv2.GaussianBlur(seen, (0, 0), 0.8))[..., None].astype(np.float32)


def _over(picture: Picture, row: int, ground: Picture) -> Picture:
    picture[row:] = ground
    return picture


def _clouds(rng: np.random.Generator, sky: Picture, share: float = 0.5) -> Picture:
    cloud = np.clip(_blobs(rng, (6, 8)) * 0.5 + share - 0.3, 0, 1)
    return sky + (np.array((246, 246, 248), np.float32) - sky) * cloud


def _noon(rng: np.random.Generator) -> Picture:
    return _clouds(rng, _ramp((86, 140, 215), (205, 222, 238)))


def _dusk_sky() -> Picture:
    return _ramp((70, 95, 150), (250, 190, 130))


def _water(rng: np.random.Generator, row: int, far: Colour, near: Colour) -> Picture:
    rows = SIZE[0] - row
    return _ramp(far, near, rows) + 9 * _in_depth(rng, rows)


def _sea(rng: np.random.Generator) -> Picture:
    return _over(_noon(rng), 150, _water(rng, 150, (110, 150, 185), (35, 75, 105)))


def _green_sea(rng: np.random.Generator) -> Picture:
    return _over(_noon(rng), 130, _water(rng, 130, (40, 130, 170), (90, 200, 195)))


def _grey_sea(rng: np.random.Generator) -> Picture:
    return _over(_clouds(rng, _ramp((150, 175, 205), (235, 232, 228))), 165, _water(rng, 165, (150, 160, 172), (70, 80, 92)))


def _sea_at_dusk(rng: np.random.Generator) -> Picture:
    return _over(_dusk_sky(), 160, _water(rng, 160, (120, 125, 150), (40, 55, 85)))


def _evening(low: Colour, rows: int, top: Colour = (90, 100, 150)) -> Picture:
    """A sunset's sky that ends at a row."""
    picture = np.zeros((*SIZE, 3), np.float32)
    picture[:rows] = _ramp(top, low, rows)
    return picture


def _sea_at_sunset(rng: np.random.Generator) -> Picture:
    """The water mirrors the warm sky far away and the zenith near by; nothing of it is blue."""
    return _over(_evening((255, 185, 110), 160), 160, _water(rng, 160, (225, 155, 100), (70, 60, 80)))


def _pink_sea(rng: np.random.Generator) -> Picture:
    return _over(_evening((245, 180, 160), 160), 160, _water(rng, 160, (205, 150, 140), (80, 75, 100)))


def _sand_at_sunset(rng: np.random.Generator) -> Picture:
    sand = _ramp((215, 160, 115), (150, 112, 88), 160) + 9 * _in_depth(rng, 160)
    return _over(_evening((255, 190, 120), 160), 160, sand)


def _field_at_sunset(rng: np.random.Generator) -> Picture:
    field = _ramp((150, 110, 60), (90, 75, 40), 160) + 9 * _in_depth(rng, 160)
    return _over(_evening((255, 190, 120), 160), 160, field)


def _sea_and_island(rng: np.random.Generator) -> Picture:
    picture = _sea(rng)
    hill = np.clip(150 - 30 * np.sin(np.linspace(0, np.pi, 150)), 0, 150).astype(int)
    for column, top in enumerate(hill):
        picture[top:150, 30 + column] = (95, 105, 100)
    return picture


def _beach(rng: np.random.Generator) -> Picture:
    picture = _sea(rng)
    sand = np.array((214, 190, 150), np.float32) + 8 * _in_depth(rng, 110)
    picture[210:] = sand
    picture[204:212] = 242
    return picture


def _beach_at_the_left(rng: np.random.Generator) -> Picture:
    """A shore that runs from the horizon's left end to the lower right: sand left of it."""
    picture = _sea(rng)
    y, x = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    sand = (y > 155) & (x < 20 + (y - 155) * 1.35)
    picture = np.where(sand[..., None], np.array((214, 190, 150), np.float32) + 8 * _blobs(rng, (60, 90)), picture)
    return picture.astype(np.float32)


def _pier(rng: np.random.Generator) -> Picture:
    """Planks run out to sea at the right."""
    picture = _sea(rng)
    y, x = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    pier = (y > 160) & (np.abs(x - 330) < 8 + (y - 160) * 0.62)
    planks = np.array((150, 118, 84), np.float32) * (0.92 + 0.08 * np.sin(2000 / (y - 150 + 1e-3)))[..., None]
    return np.where(pier[..., None], planks, picture).astype(np.float32)


def _street(rng: np.random.Generator, asphalt: Colour = (112, 113, 116), sky: Picture | None = None) -> Picture:
    picture = _noon(rng) if sky is None else sky
    picture[185:] = np.array(asphalt, np.float32) + 7 * _in_depth(rng, 135)
    for left, right, top, tone in ((0, 130, 20, 0.8), (130, 190, 95, 0.6), (310, 370, 80, 0.65), (370, 480, 10, 0.9)):
        picture[top:185, left:right] = np.array((172, 150, 130), np.float32) * tone + 10 * _blobs(
            rng, (18, 20), (185 - top, right - left)
        )
    for row in range(190, 320, 2):
        half = max(1, (row - 180) // 22)
        if (row // 14) % 2:
            picture[row : row + 2, 240 - half : 240 + half] = 225
    return picture


def _street_at_dusk(rng: np.random.Generator) -> Picture:
    return _street(rng, (70, 74, 86), _ramp((50, 70, 120), (170, 150, 150)))


def _car_park(rng: np.random.Generator) -> Picture:
    """Nothing but sky above the asphalt."""
    picture = _over(_noon(rng), 170, np.array((124, 124, 126), np.float32) + 7 * _in_depth(rng, 150))
    for column in range(-400, 900, 110):
        cv2.line(picture, (240 + (column - 240) // 6, 175), (column, 319), (225.0, 225.0, 222.0), 3)
    return picture


def _plain_asphalt(rng: np.random.Generator) -> Picture:
    """Bluish, and nothing but sky above it."""
    return _over(_noon(rng), 165, np.array((104, 110, 120), np.float32) + 7 * _in_depth(rng, 155))


def _runway(rng: np.random.Generator) -> Picture:
    picture = _plain_asphalt(rng)
    for far, near in ((236, 120), (244, 360)):
        cv2.line(picture, (far, 170), (near, 319), (230.0, 230.0, 230.0), 4)
    return picture


def _slabs(rng: np.random.Generator) -> Picture:
    picture = _over(_noon(rng), 170, np.array((150, 155, 164), np.float32) + 5 * _in_depth(rng, 150))
    for column in range(-400, 900, 90):
        cv2.line(picture, (240 + (column - 240) // 6, 171), (column, 319), (118.0, 122.0, 130.0), 2)
    for row in (175, 182, 192, 206, 226, 254, 290):
        picture[row : row + 2] -= 26
    return picture


def _tennis_court(rng: np.random.Generator) -> Picture:
    picture = _over(_noon(rng), 150, np.array((52, 104, 170), np.float32) + 4 * _in_depth(rng, 170))
    for far, near in ((200, 60), (280, 420)):
        cv2.line(picture, (far, 160), (near, 319), (240.0, 240.0, 240.0), 4)
    picture[230:234, 60:420] = 240
    return picture


def _carpet(rng: np.random.Generator, wall: Colour = (196, 194, 190), floor: Colour = (60, 84, 128)) -> Picture:
    picture = _ramp(wall, tuple(0.93 * part for part in wall))
    return _over(picture, 215, np.array(floor, np.float32) + 6 * _in_depth(rng, 105))


def _blue_room(rng: np.random.Generator) -> Picture:
    """A light blue wall that the lamp makes brighter at the top, above a darker blue floor."""
    return _carpet(rng, (172, 198, 226), (74, 100, 140))


def _boards(rng: np.random.Generator) -> Picture:
    picture = _carpet(rng, (228, 224, 216), (168, 124, 82))
    for column in range(-500, 1000, 60):
        cv2.line(picture, (240 + (column - 240) // 2, 216), (column, 319), (120.0, 84.0, 52.0), 1)
    return picture


def _grey_boards_across(rng: np.random.Generator) -> Picture:
    picture = _carpet(rng, (236, 236, 236), (150, 153, 156))
    for row in (219, 224, 231, 241, 254, 272, 298):
        picture[row : row + 2] -= 35
    return picture


def _tiles(rng: np.random.Generator) -> Picture:
    picture = _ramp((214, 222, 226), (206, 214, 218))
    for row in range(0, 200, 25):
        picture[row] -= 30
    for column in range(0, 480, 30):
        picture[:200, column] -= 30
    picture[200:] = np.array((186, 192, 198), np.float32) + 3 * _in_depth(rng, 120)
    for column in range(-600, 1100, 70):
        cv2.line(picture, (240 + (column - 240) // 2, 201), (column, 319), (140.0, 146.0, 152.0), 1)
    for row in (203, 209, 218, 232, 252, 282):
        picture[row] -= 40
    return picture


def _lawn(rng: np.random.Generator) -> Picture:
    return _over(_noon(rng), 175, np.array((86, 128, 58), np.float32) + 14 * _in_depth(rng, 145))


def _lawn_at_dusk(rng: np.random.Generator) -> Picture:
    return _over(_ramp((60, 80, 130), (200, 170, 150)), 180, np.array((36, 52, 42), np.float32) + 6 * _in_depth(rng, 140))


def _snow(rng: np.random.Generator) -> Picture:
    return _over(_noon(rng), 160, _ramp((222, 230, 242), (236, 240, 248), 160) + 4 * _in_depth(rng, 160))


def _snow_in_shade(rng: np.random.Generator) -> Picture:
    return _over(
        _ramp((70, 110, 180), (200, 215, 232)), 160, _ramp((188, 204, 230), (176, 194, 226), 160) + 4 * _in_depth(rng, 160)
    )


def _desert(rng: np.random.Generator) -> Picture:
    return _over(_noon(rng), 150, np.array((206, 168, 116), np.float32) + 9 * _in_depth(rng, 170))


def _sweep(grey: Colour) -> Callable[[np.random.Generator], Picture]:
    """A studio's paper: wall and floor run into each other."""

    def draw(rng: np.random.Generator) -> Picture:
        y, x = np.mgrid[-1 : 1 : SIZE[0] * 1j, -1 : 1 : SIZE[1] * 1j].astype(np.float32)
        light = 1.03 - 0.12 * (x * x + 0.5 * y * y) + 0.05 / (1 + np.exp(-8 * (y - 0.3)))
        return (np.array(grey, np.float32) * light[..., None]).astype(np.float32)

    return draw


def _canvas(rng: np.random.Generator) -> Picture:
    """A photographer's painted canvas: soft mottles."""
    return _ramp((120, 112, 104), (128, 120, 112)) + 5 * _blobs(rng, (7, 10))


def _bricks(rng: np.random.Generator) -> Picture:
    picture = np.broadcast_to(np.array((150, 82, 62), np.float32), (*SIZE, 3)).copy()
    for course, row in enumerate(range(0, SIZE[0], 16)):
        for column in range(-20 * (course % 2), SIZE[1], 40):
            picture[row : row + 16, max(column, 0) : column + 40] *= float(rng.uniform(0.8, 1.15))
            picture[row : row + 16, max(column, 0) : max(column, 0) + 3] = (205, 198, 188)
        picture[row : row + 3] = (205, 198, 188)
    return picture


def _hedge(rng: np.random.Generator) -> Picture:
    leaves = 26 * _blobs(rng, (80, 120)) + 12 * _blobs(rng, (30, 40))
    return np.array((60, 96, 48), np.float32) + leaves


def _only_sky(rng: np.random.Generator) -> Picture:
    return _clouds(rng, _ramp((96, 150, 220), (150, 190, 235)), 0.55)


def _sunset_sky(rng: np.random.Generator) -> Picture:
    return _clouds(rng, _ramp((70, 95, 160), (250, 170, 100)), 0.1)


SEA_ONLY: dict[str, Callable[[np.random.Generator], Picture]] = {
    "sea": _sea,
    "green sea": _green_sea,
    "grey sea": _grey_sea,
    "sea at dusk": _sea_at_dusk,
    "sea and island": _sea_and_island,
    "sea at sunset": _sea_at_sunset,
    "pink sea": _pink_sea,
}
SHORES: dict[str, Callable[[np.random.Generator], Picture]] = {
    "beach": _beach,
    "beach at the left": _beach_at_the_left,
    "pier": _pier,
}
GROUND: dict[str, Callable[[np.random.Generator], Picture]] = {
    "street": _street,
    "street at dusk": _street_at_dusk,
    "car park": _car_park,
    "plain asphalt": _plain_asphalt,
    "runway": _runway,
    "slabs": _slabs,
    "tennis court": _tennis_court,
    "blue carpet": _carpet,
    "blue room": _blue_room,
    "boards": _boards,
    "grey boards across": _grey_boards_across,
    "tiles": _tiles,
    "lawn": _lawn,
    "lawn at dusk": _lawn_at_dusk,
    "snow": _snow,
    "snow in shade": _snow_in_shade,
    "desert": _desert,
    "sand at sunset": _sand_at_sunset,
    "field at sunset": _field_at_sunset,
    "grey sweep": _sweep((176, 176, 178)),
    "white sweep": _sweep((240, 240, 240)),
    "blue sweep": _sweep((120, 160, 205)),
    "canvas": _canvas,
}
UPRIGHT: dict[str, Callable[[np.random.Generator], Picture]] = {"bricks": _bricks, "hedge": _hedge}
SKIES: dict[str, Callable[[np.random.Generator], Picture]] = {"only sky": _only_sky, "sunset sky": _sunset_sky}
PLACES = SEA_ONLY | SHORES | GROUND | UPRIGHT | SKIES
