"""Mattes by the networks of the rembg family, limited to the selected person by the embedded matte."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB, Grey
from pipeline.core.card import Card
from pipeline.core.masks import Mask
from pipeline.core.people_networks import PACKAGES
from pipeline.core.rect import Rect, Window
from preprocess.background.chosen_person import leaves_window, only_the_person, person_window, shows_person, sure_inside
from preprocess.background.embedded import EmbeddedMatte
from preprocess.background.ghosts import core_alpha, ghost_limb, without_haze
from preprocess.background.people import Selection
from preprocess.networks.rembg_models import (
    BIREFNET_GENERAL,
    BIREFNET_GENERAL_LITE,
    BIREFNET_PORTRAIT,
    ISNET_GENERAL_USE,
    SILUETA,
    U2NET_ANYTHING,
    U2NET_HUMAN_SEG,
    Network,
    SaliencyNetwork,
)
from preprocess.person.not_found import NotFound

WINDOW_FITS = 0.97
"""Mean alpha of the sure inside below which the whole photo is tried too: the network may need the surroundings."""


class RembgMatte:
    """Separates one person from the background; a subclass names the network.

    Args:
        weights: the weights folder.
    """

    card: ClassVar[Card]
    network: ClassVar[Network]

    def __init_subclass__(cls, network: Network) -> None:
        cls.network, cls.card = network, network.card(PACKAGES)

    def __init__(self, weights: Path) -> None:
        self._network = SaliencyNetwork(self.card.weights[0], self.network.spec, weights)
        self._embedded = EmbeddedMatte()

    @property
    def batch_size(self) -> int:
        """Pictures per call on the device it was loaded on."""
        return self._network.batch_size

    def load(self, device: str) -> None:
        """Open the network, once per run, and the embedded matte that checks it.

        Raises:
            WeightsError, MissingPackageError: with the cure.
        """
        self._network.load(device)
        self._embedded.load(device)

    def matte_in(self, photo: RGB, box: Rect[float]) -> Grey:
        """(h, w, 3) RGB uint8 → (h, w) uint8 soft alpha of the person in `box`; all zero when no person is there."""
        rough = self._embedded.matte_in(photo, box)
        if not rough.any():
            return rough
        (seen,) = self._look([photo], [rough], [box])
        return only_the_person(seen, rough, np.zeros(rough.shape, bool)) if shows_person(seen, rough) else rough

    def mattes_of(self, photos: Sequence[RGB], selections: Sequence[Selection]) -> list[Grey | NotFound]:
        """(h, w) uint8 soft alpha of the selected person in each (h, w, 3) RGB uint8 photo, without other people."""
        pairs = list(zip(photos, selections, strict=True))
        embedded = [self._embedded.matte_of(photo, selection) for photo, selection in pairs]
        seen = self._look(photos, embedded, [selection.landmarks.box for selection in selections])
        return [self._checked(*each) for each in zip(seen, embedded, selections, strict=True)]

    def _checked(self, seen: Grey, embedded: Grey, selection: Selection) -> Grey | NotFound:
        if not shows_person(seen, embedded):
            return NotFound(f"{self.card.name} does not show the whole person that the landmarks show")
        ghost = ghost_limb(seen, embedded, selection.landmarks.body)
        if ghost:
            return NotFound(f"{self.card.name} shows the {ghost} only half, or not at all")
        return only_the_person(without_haze(seen, embedded), embedded, others_at(selection, embedded.shape))

    def _look(self, photos: Sequence[RGB], embedded: Sequence[Grey], boxes: Sequence[Rect[float]]) -> list[Grey]:
        """The network's mattes of windows around the people; of the whole photo where a window cuts or hurts its person."""
        windows = [person_window(rough, box) for rough, box in zip(embedded, boxes, strict=True)]
        near = self._network([np.ascontiguousarray(photo[window]) for photo, window in zip(photos, windows, strict=True)])
        found = [_placed(_bytes(share), window, photo) for share, window, photo in zip(near, windows, photos, strict=True)]
        cores = [sure_inside(rough) for rough in embedded]
        cut = [leaves_window(alpha[window], window, alpha.shape) for alpha, window in zip(found, windows, strict=True)]
        doubtful = [i for i, alpha in enumerate(found) if cut[i] or core_alpha(alpha, cores[i]) < WINDOW_FITS]
        again = self._network([photos[i] for i in doubtful]) if doubtful else []
        for i, share in zip(doubtful, again, strict=True):
            whole = _bytes(share)
            if cut[i] or core_alpha(whole, cores[i]) > core_alpha(found[i], cores[i]):
                found[i] = whole
        return found


def _placed(near: Grey, window: Window, photo: RGB) -> Grey:
    """A window's matte in an otherwise empty matte of the photo's size."""
    alpha = np.zeros(photo.shape[:2], np.uint8)
    alpha[window] = near
    return alpha


def others_at(selection: Selection, size: tuple[int, ...]) -> Mask:
    """(h, w) bool at the photo's size: pixels that belong to another person."""
    larger = cv2.resize(selection.others, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    mine = cv2.resize(selection.probability, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    theirs: Mask = (larger > 0.5) & (larger > mine)
    return theirs


def _bytes(share: NDArray[np.float32]) -> Grey:
    alpha: Grey = np.round(255 * share).astype(np.uint8)
    return alpha


class BirefnetPortrait(RembgMatte, network=BIREFNET_PORTRAIT):
    """BiRefNet trained on portraits: the best edges for people."""


class BirefnetGeneral(RembgMatte, network=BIREFNET_GENERAL):
    """BiRefNet for any foreground."""


class BirefnetGeneralLite(RembgMatte, network=BIREFNET_GENERAL_LITE):
    """BiRefNet with a small backbone."""


class IsnetGeneralUse(RembgMatte, network=ISNET_GENERAL_USE):
    """IS-Net for any foreground."""


class U2netHumanSeg(RembgMatte, network=U2NET_HUMAN_SEG):
    """U²-Net trained on people."""


class U2net(RembgMatte, network=U2NET_ANYTHING):
    """U²-Net for any foreground."""


class Silueta(RembgMatte, network=SILUETA):
    """A smaller U²-Net."""
