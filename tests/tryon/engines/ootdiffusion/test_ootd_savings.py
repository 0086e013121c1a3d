"""All exact savings together against none, and what is kept between pictures."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from pipeline.core.engine import TryOnItem
from pipeline.core.labels import Category
from pipeline.core.machine.device import CPU
from tryon.batching import Limits
from tryon.engines.ootdiffusion import runtime as runtimes
from tryon.engines.ootdiffusion.encoding import EncodedGarment, EncodedPerson, prepare_person
from tryon.engines.ootdiffusion.network import OotDiffusion
from tryon.engines.ootdiffusion.presets import BALANCED
from tryon.engines.ootdiffusion.runtime import CanvasGarment, CanvasPerson, Runtime
from tryon.engines.ootdiffusion.sampling import Batch, sample, show_garment
from tryon.engines.ootdiffusion.words import HALF_BODY
from tryon.networks.savings.switches import ALL
from tryon.networks.savings.time_table import TimeTable
from tryon.noise import SeededNoise

BOUND = 1e-5
"""Largest difference, as a share of the largest value."""
SIZE = (128, 64)


def difference(ours: torch.Tensor, official: torch.Tensor) -> float:
    return float((ours.double() - official.double()).abs().max() / official.abs().max())


def parts(records) -> tuple[EncodedPerson, EncodedGarment]:
    height, width = records.meta["latent_hw"]
    area = torch.zeros(1, 1, height, width)
    area[..., height // 4 : height // 2, :] = 1
    masked, known, garment = (records.data(name, 1, 4, height, width) for name in ("masked", "known", "garment"))
    context = records.data("context", 1, 2, records.meta["unet"]["cross_attention_dim"])
    person = EncodedPerson(pictures=None, masked=masked * 4, known=known, repaint=area)  # type: ignore[arg-type]
    return person, EncodedGarment(latent=garment * 4, context=context)


def test_all_savings_change_neither_the_noise_nor_a_whole_sample(records, both_networks: dict[str, OotDiffusion]):
    person, garment = parts(records)
    made, config = {}, replace(BALANCED, steps=3)
    for name, network in both_networks.items():
        seen: list[torch.Tensor] = []
        with torch.inference_mode():
            batch = Batch([person], [garment], [show_garment(network, garment, guided=True)], [SeededNoise(3)])
            latents = sample(network, batch, config, TimeTable(network), watch=lambda _, noise, seen=seen: seen.append(noise))
        made[name] = [*seen, latents]
    for ours, official in zip(made["all"], made["official"], strict=True):
        assert difference(ours, official) <= BOUND


def test_a_batch_gives_what_its_pictures_give_alone(records, both_networks: dict[str, OotDiffusion]):
    network, (person, garment) = both_networks["all"], parts(records)
    other = replace(garment, latent=garment.latent.flip(-1), context=garment.context.flip(1))
    config, garments = replace(BALANCED, steps=2), [garment, other]
    with torch.inference_mode():
        shown = [show_garment(network, each, guided=True) for each in garments]
        both = sample(
            network, Batch([person, person], garments, shown, [SeededNoise(1), SeededNoise(2)]), config, TimeTable(network)
        )
        for row, (each, tokens) in enumerate(zip(garments, shown, strict=True)):
            alone = sample(network, Batch([person], [each], [tokens], [SeededNoise(row + 1)]), config, TimeTable(network))
            assert difference(both[row : row + 1], alone) <= BOUND


def canvases(records) -> tuple[list[CanvasPerson], list[CanvasGarment]]:
    def picture(name: str):
        return records.make.image_for(name, *SIZE, records.salt)

    mask = picture("mask")[..., 0] > 127
    persons = [CanvasPerson(prepare_person(picture(name), mask, SIZE), SIZE) for name in ("ann", "bea")]
    return persons, [CanvasGarment(picture(name), Category.UPPER) for name in ("tee", "shirt")]


@pytest.mark.slow
def test_a_garment_is_shown_to_its_network_once_however_many_persons_wear_it(records, architecture, monkeypatch):
    """N + M passes: two garments, two persons, four pictures."""
    shown, plain = [], runtimes.show_garment
    monkeypatch.setattr(runtimes, "show_garment", lambda *given, **named: shown.append(1) or plain(*given, **named))
    runtime = Runtime(records.network(architecture, ALL), HALF_BODY, replace(BALANCED, steps=2, dtype="fp32"), SIZE, Limits(CPU))
    persons, garments = canvases(records)
    for person in persons:
        for garment in garments:
            runtime.dress([TryOnItem(person, garment, 0)])
    assert len(shown) == 2


@pytest.mark.slow
def test_samples_differ_in_their_start_noise_and_the_first_is_the_picture_of_one(records, architecture):
    network, (persons, garments) = records.network(architecture, ALL), canvases(records)
    item = TryOnItem(persons[0], garments[0], 5)
    config = replace(BALANCED, steps=2, dtype="fp32")
    (one,) = Runtime(network, HALF_BODY, config, SIZE, Limits(CPU)).dress([item])
    (three,) = Runtime(network, HALF_BODY, replace(config, samples=3), SIZE, Limits(CPU)).dress([item])
    (strip,) = three.extra.values()
    assert (three.picture == one.picture).all()
    assert strip.shape == (SIZE[0], 3 * SIZE[1], 3)
    first, second, third = strip.reshape(SIZE[0], 3, SIZE[1], 3).swapaxes(0, 1)
    assert (first == one.picture).all()
    assert (first != second).any() and (second != third).any()
