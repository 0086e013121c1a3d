"""Randomness as a function of seed, step and sample, never as a state.

So a checkpoint holds no generator, and the numbers depend neither on workers nor on how a batch is split over processes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

Word = int | str


def seed_of(*words: Word) -> int:
    """An integer in [0, 2**63): BLAKE2b of the words as JSON."""
    content = json.dumps(words, ensure_ascii=True).encode("ascii")
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big") >> 1


def numpy_stream(*words: Word) -> np.random.Generator:
    """A generator that only its words decide."""
    return np.random.Generator(np.random.Philox(key=seed_of(*words)))


def order(seed: int, epoch: int, count: int) -> list[int]:
    """The order of `count` samples in an epoch."""
    return [int(place) for place in numpy_stream("order", seed, epoch).permutation(count)]


@dataclass(frozen=True)
class SampleDraws:
    """What is drawn for one sample in one step.

    Args:
        seed: of the run.
        step: optimiser step, from 0.
        sample: the sample's id.
    """

    seed: int
    step: int
    sample: str

    def normal(self, what: str, shape: tuple[int, ...]) -> Tensor:
        """Standard normal numbers, fp32 on the CPU."""
        generator = torch.Generator("cpu").manual_seed(seed_of("normal", what, self.seed, self.step, self.sample))
        return torch.randn(shape, generator=generator)

    def happens(self, probability: float, what: str, shape: tuple[int, ...]) -> Tensor:
        """Bool of a shape on the CPU: whether something of a probability happens, place by place."""
        generator = torch.Generator("cpu").manual_seed(self.seed_of("happens", what))
        return torch.rand(shape, generator=generator) < probability

    def seed_of(self, *what: Word) -> int:
        """A seed of a stream of its own."""
        return seed_of(*what, self.seed, self.step, self.sample)

    def uniform(self, *what: Word) -> float:
        """Uniform in [0, 1)."""
        return float(numpy_stream("uniform", *what, self.seed, self.step, self.sample).random(dtype=np.float32))

    def timestep(self, count: int) -> int:
        """Uniform in [0, count)."""
        return int(numpy_stream("timestep", self.seed, self.step, self.sample).integers(count))


def happens(probability: float, *words: Word) -> bool:
    """Whether something of a probability happens, decided by words."""
    return bool(numpy_stream("happens", *words).random() < probability)
