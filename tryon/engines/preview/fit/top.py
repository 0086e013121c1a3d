"""Where all pieces of a top or dress lie on a person."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.core.arrays import Points64
from tryon.engines.preview.fit.sleeve import SleeveFit, fit_sleeve
from tryon.engines.preview.fit.torso import TorsoFit, fit_torso
from tryon.engines.preview.garment.top_landmarks import TopLandmarks
from tryon.engines.preview.person.subject import Subject


@dataclass(frozen=True)
class TopFit:
    """Where the pieces lie.

    Args:
        torso: the body of the garment.
        sleeves: left and right, None when sleeveless.
    """

    torso: TorsoFit
    sleeves: tuple[SleeveFit | None, SleeveFit | None]

    def moved(self, offset: Points64) -> TopFit:
        """The same fit, moved by (2,) pixels."""
        left, right = (None if sleeve is None else sleeve.moved(offset) for sleeve in self.sleeves)
        return TopFit(self.torso.moved(offset), (left, right))


def fit_top(subject: Subject, garment: TopLandmarks) -> TopFit:
    """Place every piece of a top or dress on a person."""
    torso = fit_torso(subject, garment)
    left, right = (
        None if sleeve is None else fit_sleeve(subject, sleeve, side, torso) for side, sleeve in enumerate(garment.sleeves)
    )
    return TopFit(torso, (left, right))
