"""The networks of the hand repair on their device, with a prompt that was read once."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from pipeline.core.arrays import RGB
from pipeline.core.machine.device import Device
from tryon.hands.base_model import FULL, Files, Widths, open_base
from tryon.hands.config import RepairConfig
from tryon.hands.inpainting import INPAINTING_INPUTS, PLAIN_INPUTS, Canvas, Prompted, Sampling, inpaint
from tryon.lora_files import read_lora
from tryon.networks.precision import choose_dtype
from tryon.noise import SeededNoise


class Painter:
    """Paints hands.

    Args:
        files: where the networks lie.
        config: settings.
        device: where they run.
        widths: what the files must have.

    Raises:
        WeightsError: as `open_base` and `read_lora`.
    """

    def __init__(self, files: Files, config: RepairConfig, device: Device, widths: Widths = FULL) -> None:
        lora = read_lora(config.lora) if config.lora is not None else None
        inputs = INPAINTING_INPUTS if config.model == "inpainting" else PLAIN_INPUTS
        base = open_base(files, choose_dtype(config.numbers, device), lora, config.lora_strength, inputs, widths)
        text = base.encoded([config.prompt, config.negative]).to(device.name)
        self.networks = Prompted(base.unet.to(device.name), base.vae.to(device.name), text)
        self._sampling = Sampling(steps=config.steps, strength=config.strength, guidance_scale=config.guidance_scale)

    @torch.no_grad()
    def paint(self, canvas: Canvas, seeds: Sequence[int]) -> list[RGB | None]:
        """A picture per seed; one after the other, so that memory does not grow with their number."""
        return [inpaint(self.networks, canvas, self._sampling, [SeededNoise(seed)])[0] for seed in seeds]
