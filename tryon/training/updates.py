"""The updates of a step, each with an optimiser of its own: one for most networks, two where a discriminator takes turns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from tryon.training.moments import SEPARATOR, load_state, state_by_name
from tryon.training.optimiser import OptimiserConfig, build_optimiser
from tryon.training.protocol import TakesTurns, Trainee, Turn


@dataclass(frozen=True)
class Update:
    """A turn with what it changes.

    Args:
        turn: see there.
        parameters: by name.
        optimiser: accelerate's, over them.
    """

    turn: Turn
    parameters: Mapping[str, nn.Parameter]
    optimiser: Any

    def named(self, what: str) -> str:
        """Name of one of its figures: a later turn's carry its own name."""
        return f"{self.turn.name}_{what}" if self.turn.name else what


class Updates:
    """All turns of a step.

    Args:
        trainee: whose.
        config: of the optimiser of a trainee that takes no turns.
        accelerator: the machine.
    """

    def __init__(self, trainee: Trainee, config: OptimiserConfig, accelerator: Any) -> None:
        groups = trainee.groups()
        turns = trainee.turns() if isinstance(trainee, TakesTurns) else [Turn("", tuple(groups), config)]
        self._all = [
            Update(
                turn,
                {name: each for group in turn.groups for name, each in groups[group].items()},
                accelerator.prepare_optimizer(
                    build_optimiser({group: groups[group] for group in turn.groups}, turn.optimiser), device_placement=False
                ),
            )
            for turn in turns
        ]
        self.parameters = {name: each for update in self._all for name, each in update.parameters.items()}

    def __iter__(self) -> Iterator[Update]:
        return iter(self._all)

    def forget_gradients(self) -> None:
        """Of every turn."""
        for update in self._all:
            update.optimiser.zero_grad(set_to_none=True)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """What the optimisers know, by parameter name; see `state_by_name`."""
        tensors: dict[str, Tensor] = {}
        numbers: dict[str, Any] = {}
        for update in self._all:
            own, plain = state_by_name(update.optimiser.optimizer, update.parameters)
            tensors |= own
            numbers |= plain
        return tensors, numbers

    def load(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        """Give back what `state` took."""
        for update in self._all:
            own = {name: each for name, each in tensors.items() if _owner(name) in update.parameters}
            plain = {name: each for name, each in numbers.items() if _owner(name) in update.parameters}
            load_state(update.optimiser.optimizer, update.parameters, own, plain)


def _owner(flat: str) -> str:
    return flat.rpartition(SEPARATOR)[0]
