"""The light of a background as a person in it would get it: how much, of which colour, how even."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.layer import Colour, Layer, Plane
from compose.scenery.horizon import Ground
from compose.scenery.light_source import Light, find_light

WORK = (64, 96)
THINNED = 320
"""Short side, pixels, to which large pictures are thinned before anything is measured."""
DAY_KEY, KEY_RANGE = 57.0, 30.0
"""Lightness of ground and middle of a day's picture at least, and how far below it is night."""
DAY_WHITE, WHITE_RANGE = 78.0, 8.0
"""Lightness that the bright parts of a day's picture reach, and how far below nothing is left of the day."""
BANDS = 8
WARM_FROM, WARM_RANGE = 9.0, 24.0
"""Lab b of a band of sky or wall beyond which its light is warm, and how far above it is a sunset."""
COOL_FROM, COOL_RANGE, COOL_PER_DARKNESS = 4.0, 18.0, 2.0
"""Lab b below zero beyond which a sky is blue, how far beyond it is dusk, and how much of that darkness lets through."""
EVENING_WARM, EVENING_DARK = 0.4, 0.07
"""Warmth and darkness of a soft evening without a sun."""
PAINT = (45.0, 70.0)
"""Chroma at which a wall begins to be paint rather than light, and at which it is."""
SEAMLESS, STUDIO_SHARE = 4.5, 0.15
"""Deviation of lightness and colour below which a background is a studio's paper, and how much of it counts as light."""
STOPS_DARK, STOPS_BEHIND, MOST_STOPS = 3.7, 0.9, 2.1
"""Stops that a person gets less at night, and where the light comes from behind, and of both together."""
WARM_GAIN, COOL_GAIN = (1.19, 1.0, 0.57), (0.78, 0.96, 1.2)
"""Factors on linear red, green and blue at most: of a sunset and of dusk."""
LIFT = 16.0
"""Grey levels by which a light from behind veils black."""
FLATTEN, PIVOT = 0.16, 90.0
"""Contrast lost in the dark and in light from behind, and the grey level that stays where it is."""
PALER, LUMA = 0.2, (0.299, 0.587, 0.114)
"""Colourfulness lost in the dark, but for lamp light."""
TINTS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0)
"""Shares of the light's colour that are tried, until skin stays skin."""
SKINS = ((240, 210, 190), (224, 172, 140), (176, 118, 84), (92, 58, 42))
MOST_TURN_DEG, LEAST_CHROMA = 12.0, 0.62
"""Most that skin's hue turns, and least share of its colourfulness that is left, for its lightness."""
ALREADY_DARK = (110.0, 190.0)
"""Grey level of a person's brightest parts: photographed in the dark, and in ordinary light."""
SHARE_POWER = 0.45
"""The setting's default of 0.35 is a believable picture, 1 the whole of the measured light."""


@dataclass(frozen=True, slots=True)
class SceneLight:
    """What a background's light does to a person who was photographed in a studio.

    Args:
        source: where it comes from.
        darkness: 0 = day, 1 = night.
        warmth: 0 = neutral, 1 = sunset or lamp light.
        coolness: 0 = neutral, 1 = the blue of dusk.
        bearing: unit vector (right, down) from the person to a source in the picture, else None.
    """

    source: Light = field(default_factory=Light)
    darkness: float = 0.0
    warmth: float = 0.0
    coolness: float = 0.0
    bearing: tuple[float, float] | None = None

    @property
    def evidence(self) -> float:
        """0..1: how far this is from a neutral day; the farther, the more may a person change."""
        return float(np.clip(max(self.darkness, self.warmth, self.coolness, 0.6 * self.source.behind), 0, 1))

    @property
    def gain(self) -> NDArray[np.float64]:
        """(3,) factors on linear red, green and blue: exposure and colour of the light."""
        stops = min(STOPS_DARK * self.darkness + STOPS_BEHIND * self.source.hardness * self.source.behind, MOST_STOPS)
        colour = np.array(WARM_GAIN) ** self.warmth * np.array(COOL_GAIN) ** self.coolness
        gain: NDArray[np.float64] = colour * 2.0**-stops
        return gain

    @property
    def words(self) -> str:
        """What was estimated, for the ledger: `behind 3° warm 0.44`, `left`, `nowhere dark 0.42 cool 0.50`."""
        side = "right" if self.source.side > 0 else "left" if self.source.side < 0 else "nowhere"
        where = f"behind {self.source.elevation_deg:.0f}°" if self.source.behind else side
        shares = (("dark", self.darkness), ("warm", self.warmth), ("cool", self.coolness))
        return " ".join([where, *(f"{name} {share:.2f}" for name, share in shares if share >= 0.005)])

    def reaching(self, point: tuple[float, float], size: tuple[int, int]) -> SceneLight:
        """The same light as seen from a person.

        Args:
            point: (x, y) of the person's middle, background pixels.
            size: (height, width) of the background.
        """
        return replace(self, bearing=self.source.bearing(point, size))


STUDIO = SceneLight()
"""Neutral light: changes nothing."""


def find_scene_light(background: NDArray[np.uint8], ground: Ground) -> SceneLight:
    """Light source, exposure and colour of a background.

    Args:
        background: (h, w, 3) RGB uint8.
        ground: its ground line.
    """
    thinned = _thin(background)
    source = find_light(thinned, ground)
    small = cv2.resize(thinned, WORK[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)
    lab: Plane = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    line = int(np.clip(round(ground.line * WORK[0]), BANDS, WORK[0] - 4))
    studio = STUDIO_SHARE if _is_seamless(lab) else 1.0
    evening = 0.0 if source.behind else _evening(lab[:line])
    darkness = max(_darkness(lab, line), EVENING_DARK * evening) * studio
    warmth, coolness = _warmth(lab[:line], source.behind), _coolness(lab[:line]) * min(COOL_PER_DARKNESS * darkness, 1.0)
    warmth = max(warmth, EVENING_WARM * evening)
    return SceneLight(source, darkness, warmth * studio, max(coolness - warmth, 0.0) * studio)


def _thin(background: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Every second, third, … pixel of a large picture: statistics of light need no more, and every pixel costs time."""
    step = max(1, min(background.shape[:2]) // THINNED)
    return np.ascontiguousarray(background[::step, ::step])


def _is_seamless(lab: Plane) -> bool:
    return bool(lab.reshape(-1, 3).std(0).max() < SEAMLESS)


def _darkness(lab: Plane, line: int) -> float:
    """0..1. A dark lawn at noon has a bright sky, so both the key and the bright parts must be dark."""
    key = (float(np.median(lab[line:, :, 0])) + float(np.median(lab[..., 0]))) / 2
    white = float(np.percentile(lab[..., 0], 95))
    return float(np.clip((DAY_KEY - key) / KEY_RANGE, 0, 1) * np.clip((DAY_WHITE - white) / WHITE_RANGE, 0, 1))


def _warmth(above: Plane, lit: bool) -> float:
    """0..1, of the warmest of eight bands above the ground line: the glow over the horizon, or a wall in lamp light."""
    bands = np.stack([band.reshape(-1, 3).mean(0) for band in np.array_split(above, BANDS)])
    chroma = np.hypot(bands[:, 1], bands[:, 2])
    warm = np.clip((bands[:, 2] - WARM_FROM) / WARM_RANGE, 0, 1) * np.clip((bands[:, 0] - 25) / 20, 0, 1)
    warm *= np.interp(chroma, PAINT, (1.0, 0.35)) * (bands[:, 1] > -6)
    return float(warm.max() * (1.0 if lit else 0.6))


def _evening(above: Plane) -> float:
    """0..1: how much of an evening's sky lies above the ground line, blue at its top and warm at the horizon."""
    top, low = (float(np.median(band[..., 2])) for band in (above[: len(above) // 4 + 1], above[-(len(above) // 8 + 1) :]))
    return float(np.clip((-top - 2) / 6, 0, 1) * np.clip((low - 2) / 8, 0, 1))


def _coolness(above: Plane) -> float:
    """0..1, of what lies above the ground line; a blue sky by day is no cool light, so darkness must come to it."""
    return float(np.clip((-float(above[..., 2].mean()) - COOL_FROM) / COOL_RANGE, 0, 1))


def relight(person: Layer, light: SceneLight, strength: float) -> Colour:
    """A person in the light of a scene: exposure and colour temperature, and a veil over black where the light comes from behind.

    Args:
        person: the layer.
        light: of the scene.
        strength: 0 = unchanged, 0.35 = as a picture editor would, 1 = the whole of the measured light.

    Returns:
        (h, w, 3) float32 RGB 0..255, straight; the layer's own where nothing changes.
    """
    if strength <= 0 or not light.evidence:
        return person.colour
    share, below = strength**SHARE_POWER, _room_below(person)
    for tint in TINTS:
        matrix = _matrix(light, share, tint, below)
        if _skin_stays_skin(matrix):
            break
    relit: Colour = np.clip(cv2.transform(person.colour, matrix), 0, 255)
    return relit


def _matrix(light: SceneLight, share: float, tint: float, below: float) -> NDArray[np.float64]:
    """(3, 4) that takes encoded colours into the light; only `tint` of its colour, and `below` of its darkness."""
    stops = np.log2(light.gain)
    level = float(stops.mean())
    stops = tint * (stops - level) + (level * below if level < 0 else level)
    encoded = 2.0 ** (share * stops / 2.2)
    veil = share * LIFT * light.source.behind * light.source.hardness
    flat, pale = share * FLATTEN * light.evidence, share * PALER * light.darkness * (1 - light.warmth)
    mixing = (1 - pale) * np.eye(3) + pale * np.array(LUMA)
    scale, offset = (1 - flat - veil / 255) * encoded, (PIVOT * flat + veil) * encoded
    return np.concatenate([scale[:, None] * mixing, offset[:, None]], axis=1)


def _skin_stays_skin(matrix: NDArray[np.float64]) -> bool:
    """Whether four skins keep their hue within bounds and, for their lightness, enough of their colourfulness."""
    skins = np.array(SKINS, np.float32)[None]
    before, after = (
        cv2.cvtColor(each.clip(0, 255).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0].astype(np.float64)
        for each in (skins, cv2.transform(skins, matrix))
    )
    turn = np.degrees(np.arctan2(after[:, 2], after[:, 1]) - np.arctan2(before[:, 2], before[:, 1]))
    left = np.hypot(after[:, 1], after[:, 2]) / np.hypot(before[:, 1], before[:, 2])
    return bool((np.abs(turn) <= MOST_TURN_DEG).all() and (left >= LEAST_CHROMA * after[:, 0] / before[:, 0]).all())


def _room_below(person: Layer) -> float:
    """0.4..1: who was photographed in the dark is not darkened as much again, by the brightest parts of the person."""
    step = max(1, max(person.alpha.shape) // 96)
    solid = person.colour[::step, ::step].max(2)[person.alpha[::step, ::step] > 0.9]
    return float(np.interp(np.percentile(solid, 95), ALREADY_DARK, (0.4, 1.0))) if solid.size else 1.0
