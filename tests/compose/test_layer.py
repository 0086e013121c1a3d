"""One resampling, clean edges."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from compose.layer import paint, warp_layer


def _disc(colour, below, size=400) -> np.ndarray:
    """A soft disc in one straight colour; below full transparency lies another colour."""
    alpha = np.zeros((size, size), np.uint8)
    cv2.circle(alpha, (size // 2, size // 2), size // 3, 255, -1)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 2)
    rgb = np.where(alpha[..., None] > 0, np.uint8(colour), np.uint8(below))
    return np.dstack([rgb, alpha])


def _similarity(scale: float, x: float, y: float) -> np.ndarray:
    return np.array([[scale, 0, x], [0, scale, y]], np.float64)


@pytest.mark.parametrize("scale", [0.3, 0.7, 1.0, 1.6])
def test_edge_colours_carry_nothing_of_what_lies_below_transparency(scale) -> None:
    """At least five times nearer to the true mixture than warping colour and alpha apart from each other."""
    colour, below, ground = (200, 60, 40), (0, 255, 0), 120.0
    rgba = _disc(colour, below)
    layer = warp_layer(rgba, _similarity(scale, 30.3, 20.6), (700, 700))
    assert layer is not None
    rim = (layer.alpha > 0.05) & (layer.alpha < 0.95)
    ours = np.abs(layer.colour - np.float32(colour))[rim] * layer.alpha[rim][:, None]
    naive_rgb = cv2.warpAffine(rgba[..., :3], _similarity(scale, 30.3, 20.6), (700, 700)).astype(np.float32)[layer.window]
    naive = np.abs(naive_rgb - np.float32(colour))[rim] * layer.alpha[rim][:, None]
    assert ours.mean() < 1.0
    if naive.mean() > 1:
        assert naive.mean() > 5 * ours.mean(), ground


def test_a_cutout_outside_the_background_gives_no_layer() -> None:
    assert warp_layer(_disc((1, 2, 3), (0, 0, 0)), _similarity(1, 900, 0), (700, 700)) is None
    assert warp_layer(np.zeros((50, 50, 4), np.uint8), _similarity(1, 0, 0), (700, 700)) is None


def test_pixels_outside_the_layer_keep_their_value_exactly() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (300, 300, 3)).astype(np.uint8)
    before = picture.copy()
    layer = warp_layer(_disc((9, 9, 9), (0, 0, 0), 100), _similarity(1, 50, 60), (300, 300))
    assert layer is not None
    paint(picture, layer)
    outside = np.ones((300, 300), bool)
    outside[layer.window] = layer.alpha == 0
    assert np.array_equal(picture[outside], before[outside])
    assert not np.array_equal(picture, before)


def test_fine_stripes_do_not_alias_when_the_person_shrinks() -> None:
    stripes = np.zeros((400, 400, 4), np.uint8)
    stripes[..., 3] = 255
    stripes[::2, :, :3] = 255
    layer = warp_layer(stripes, _similarity(0.27, 5, 5), (200, 200))
    assert layer is not None
    assert layer.colour[10:-10, 10:-10].std() < 12


@pytest.mark.parametrize("scale", [0.02, 0.005, 1e-4, 1e-9])
def test_somebody_tiny_is_drawn_with_no_filter_larger_than_the_picture(scale: float, monkeypatch: pytest.MonkeyPatch) -> None:
    widest = []
    blur = cv2.GaussianBlur
    monkeypatch.setattr(
        cv2, "GaussianBlur", lambda sheet, size, sigma, **how: widest.append(sigma) or blur(sheet, size, sigma, **how)
    )
    layer = warp_layer(_disc((200, 60, 40), (0, 255, 0), 3000), _similarity(scale, 100, 100), (200, 200))
    assert max(widest) < 60
    shown = 0.0 if layer is None else float(layer.alpha.sum())
    if scale > 1e-3:
        assert shown == pytest.approx(np.pi * (1000 * scale) ** 2, abs=6, rel=0.3)
    assert shown < 36 or scale > 1e-3, "less than a pixel is a dot"


def test_just_above_and_just_below_what_counts_as_tiny_look_alike() -> None:
    above, below = (
        warp_layer(_disc((200, 60, 40), (0, 255, 0), 3000), _similarity(scale, 20, 20), (80, 80)) for scale in (0.01001, 0.00999)
    )
    assert above is not None and below is not None
    assert (above.top, above.left, above.alpha.shape) == (below.top, below.left, below.alpha.shape)
    assert np.abs(above.alpha - below.alpha).max() < 0.12
    solid = above.alpha > 0.9
    assert np.abs(above.colour - below.colour)[solid].max() < 3
