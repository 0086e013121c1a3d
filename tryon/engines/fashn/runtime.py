"""The loaded engine: a network on its device, and what it keeps between pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from pipeline.core.arrays import RGB
from pipeline.core.engine import DressedPerson, GarmentInputs, PersonInputs, TryOnItem
from tryon.batching import Limits
from tryon.engines.fashn.canvas import Size, without
from tryon.engines.fashn.guidance import GuidedVelocity, ModulationTable, Velocity
from tryon.engines.fashn.labels import fashn_labels
from tryon.engines.fashn.network import FashnVton
from tryon.engines.fashn.pose_picture import pose_points
from tryon.engines.fashn.prepare import CATEGORY_NUMBER, Shown, shown_garment, shown_person
from tryon.engines.fashn.presets import SamplingConfig
from tryon.engines.fashn.sampling import pictures_of, sample
from tryon.networks.layout import arrange
from tryon.networks.pictures import to_canvas
from tryon.networks.precision import fp32_products
from tryon.networks.savings.compiling import Compiled
from tryon.networks.savings.swapping import use_plain_layers
from tryon.noise import SeededNoise


@dataclass(frozen=True)
class CanvasPerson:
    """A person as the network is shown them.

    Args:
        shown: on the network's canvas.
        category: the network's number of the garment to come.
        canvas: (height, width) that the result goes back to.
        has_face: the pose has points of the face, as the one that the network was trained with.
    """

    shown: Shown
    category: int
    canvas: Size
    has_face: bool


class Runtime:
    """Prepares and dresses with a loaded network.

    Args:
        network: on the CPU.
        config: how to sample.
        limits: what the machine allows.
    """

    def __init__(self, network: FashnVton, config: SamplingConfig, limits: Limits) -> None:
        self.network, self.config = network, config
        arrange(network, limits.device.name, network.savings)
        self._velocity: Velocity = network.forward
        self._modulations = ModulationTable(network)
        self._sampler = limits.sizer(self._sample_batch, limits.batch_size)

    @property
    def canvas(self) -> Size:
        """(height, width) in pixels of the network's pictures."""
        return self.network.architecture.canvas

    def encode_person(self, person: PersonInputs) -> CanvasPerson:
        """Prepare a person for a category, once."""
        picture, points = person.image(), person.keypoints()
        size = picture.shape[0], picture.shape[1]
        labels = None if self.config.segmentation_free else fashn_labels(person.parse(), points)
        shown = shown_person(picture, pose_points(points, size), self.canvas, person.category, labels)
        return CanvasPerson(shown, CATEGORY_NUMBER[person.category], size, bool(points.face.any()))

    def encode_garment(self, garment: GarmentInputs) -> Shown:
        """Prepare a garment, once."""
        worn = garment.cloth_mask() if self.config.garment_photo == "worn" else None
        return shown_garment(garment.cloth(), self.canvas, worn)

    @torch.inference_mode()
    def dress(self, items: Sequence[TryOnItem]) -> list[DressedPerson]:
        """Dress, in batches that fit the memory."""
        with fp32_products(exact=self.config.dtype == "fp32"):
            pictures = self._sampler.run(items)
        return [DressedPerson(self._result(item, picture)) for item, picture in zip(items, pictures, strict=True)]

    def compile(self, graphs: bool = False) -> None:
        """Compile the network; the first call of each batch size pays for it, and says so.

        Args:
            graphs: record CUDA graphs as well.
        """
        use_plain_layers(self.network)
        self._velocity = Compiled(self.network.forward, "the network", graphs and self.network.device.type == "cuda")

    def _sample_batch(self, items: Sequence[TryOnItem]) -> list[RGB]:
        device = self.network.device
        person = torch.cat([item.person.shown.tensor() for item in items]).to(device)
        garment = torch.cat([item.garment.tensor() for item in items]).to(device)
        noise = torch.stack([SeededNoise(item.seed).draw((3, *self.canvas)) for item in items]).to(device)
        categories = [item.person.category for item in items]
        answer = GuidedVelocity(self._velocity, self._modulations, self.config.guidance_scale, person, garment, categories)
        return list(pictures_of(sample(answer, noise, self.config.steps, self.config.unguided_steps)))

    def _result(self, item: TryOnItem, picture: RGB) -> RGB:
        person: CanvasPerson = item.person
        return to_canvas(without(picture, person.shown.padding), person.canvas)
