"""A StableVITON with a fifth of the channels, filled with the recorded weights or with random ones."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from named_weights import weights_module

torch = pytest.importorskip("torch")

from benchmarks.generated import TINY  # noqa: E402
from tryon.engines.stableviton import keys  # noqa: E402
from tryon.engines.stableviton.architecture import Architecture  # noqa: E402
from tryon.engines.stableviton.network import StableViton  # noqa: E402
from tryon.networks import compvis_names  # noqa: E402
from tryon.networks.savings.switches import ALL, OFFICIAL, Savings  # noqa: E402


class Recorded:
    """Tensors recorded from the official code: `recorded("eps/x_t")`."""

    def __init__(self, path: Path) -> None:
        self._arrays = np.load(path)

    def __call__(self, name: str) -> torch.Tensor:
        return torch.from_numpy(self._arrays[name])

    def array(self, name: str) -> np.ndarray:
        return self._arrays[name]


@pytest.fixture(autouse=True)
def _one_thread():
    """The networks are tiny: threads wait for each other, above all when other tests run beside. numba starts more for all."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


@pytest.fixture(scope="session")
def viton_fixtures(fixtures_root) -> Path:
    return fixtures_root / "stableviton"


@pytest.fixture(scope="session")
def recorded(viton_fixtures) -> Recorded:
    return Recorded(viton_fixtures / "public" / "core.npz")


@pytest.fixture(scope="session")
def key_list(fixtures_root) -> dict:
    """Every checkpoint key of the published network with its shape."""
    return json.loads((fixtures_root.parent / "spec" / "stableviton_keys.json").read_text())


@pytest.fixture(scope="session")
def generator(viton_fixtures) -> ModuleType:
    """The module that makes weights from key names."""
    return weights_module(viton_fixtures)


@pytest.fixture(scope="session")
def official_state(key_list, generator) -> dict[str, torch.Tensor]:
    """A checkpoint of the tiny network in the published layout, schedule buffers and all."""
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in StableViton(TINY, OFFICIAL).state_dict().items()}
    state = {}
    for key, entry in key_list["full_model"].items():
        shape = entry["shape"]
        if keys.drop_reason(key) is None:
            if keys.our_name(key) not in shapes:
                continue  # CLIP has three layers here
            shape = [*shapes[keys.our_name(key)], 1, 1][: len(shape)]
        weight = generator.weight("public-1", key, shape)
        state[key] = torch.zeros(shape) if weight is None else torch.from_numpy(weight)
    return state


@pytest.fixture(scope="session")
def tiny() -> Architecture:
    return TINY


@pytest.fixture(scope="session")
def build(official_state) -> Callable[[Savings], StableViton]:
    """The tiny network with the recorded weights and the given savings."""

    @functools.cache
    def filled(savings: Savings) -> StableViton:
        network = StableViton(TINY, savings).eval()
        wanted = set(network.state_dict())
        named = {keys.our_name(key): tensor for key, tensor in official_state.items() if keys.drop_reason(key) is None}
        all_weights = compvis_names.with_values({name: compvis_names.our_tensor(name, tensor) for name, tensor in named.items()})
        network.load_state_dict({name: tensor for name, tensor in all_weights.items() if name in wanted})
        return network

    return filled


@pytest.fixture(scope="session")
def network(build) -> StableViton:
    """With every exact saving, as the engine uses it."""
    return build(ALL)


@pytest.fixture(scope="session")
def official_network(build) -> StableViton:
    """With every saving off, as the official code computes."""
    return build(OFFICIAL)


@pytest.fixture(scope="session")
def random_network() -> StableViton:
    """Weights that need no fixtures."""
    torch.manual_seed(0)
    return StableViton(TINY).eval()
