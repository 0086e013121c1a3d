"""The training loop: one step after the other, and what is kept, shown and checked between them.

Nothing random is kept between two steps (`tryon/training/randomness.py`), so a run that is killed at any moment goes on with the
same bits from its last checkpoint, on the same kind of machine with the same number of processes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pipeline.core.records.whole_file import write_whole
from tryon.training import checkpoint as checkpoints
from tryon.training.config import (
    DataConfig,
    LoopConfig,
    PrecisionConfig,
    Settings,
    as_facts,
    refuse_other_settings,
    section_of,
    with_steps,
)
from tryon.training.data.ahead import ReadAhead
from tryon.training.data.augment import AugmentConfig, apply, decide
from tryon.training.data.items import Item, read_item
from tryon.training.data.sheet import contact_sheet
from tryon.training.data.tree import TrainingPair
from tryon.training.ema import MovingAverage
from tryon.training.logs.curves import draw_curves
from tryon.training.logs.run_logs import RunLogs
from tryon.training.machine import freeze_all_but, peak_megabytes, shrink_frozen
from tryon.training.optimiser import OptimiserConfig
from tryon.training.protocol import Trainee
from tryon.training.randomness import SampleDraws, seed_of
from tryon.training.schedule import Schedule
from tryon.training.stopping import Overflows, Stops, check_finite
from tryon.training.updates import Update, Updates

VALIDATED = (50, 250, 500, 750, 950)
"""Timesteps of the validation loss."""

PICTURES, CURVES = "pictures", "curves.png"
SHOWN_SMOOTHING = 0.98


@dataclass(frozen=True)
class Job:
    """What is trained on what.

    Args:
        folder: of the run; it is there.
        pairs: of the training set.
        held_out: pairs that are drawn and validated, never trained.
        settings: all sections.
        facts: JSON values that must be the same when the run goes on: data, start weights.
        say: shows a line.
        changed: go on although settings or data differ from the checkpoint's.
        measured: pairs whose pictures are measured, each person in the garment worn; never trained.
        weights: folder of the networks that measure.
        read: a pair as the trainee wants it, at (height, width).
    """

    folder: Path
    pairs: Sequence[TrainingPair]
    held_out: Sequence[TrainingPair]
    settings: Settings
    facts: Mapping[str, Any] = field(default_factory=dict)
    say: Callable[[str], None] = lambda line: None
    changed: bool = False
    measured: Sequence[TrainingPair] = ()
    weights: Path = Path("weights")
    read: Callable[[TrainingPair, tuple[int, int]], Item] = read_item

    @property
    def data(self) -> DataConfig:
        """Section `data`."""
        return section_of(self.settings, "data", DataConfig)

    @property
    def augment(self) -> AugmentConfig:
        """Section `augment`."""
        return section_of(self.settings, "augment", AugmentConfig)

    @property
    def loop(self) -> LoopConfig:
        """Section `loop`."""
        return section_of(self.settings, "loop", LoopConfig)

    @property
    def precision(self) -> PrecisionConfig:
        """Section `precision`."""
        return section_of(self.settings, "precision", PrecisionConfig)

    @property
    def optimiser(self) -> OptimiserConfig:
        """Section `optimiser`."""
        return section_of(self.settings, "optimiser", OptimiserConfig)


class Trainer:
    """One start of a run.

    Args:
        trainee: the network, on the CPU.
        job: what is trained on what.
        accelerator: what `machine.make_accelerator` made.
    """

    def __init__(self, trainee: Trainee, job: Job, accelerator: Any) -> None:
        self.trainee, self.accelerator = trainee, accelerator
        self.parameters = {name: each for group in trainee.groups().values() for name, each in group.items()}
        freeze_all_but(trainee.module, {id(each) for each in self.parameters.values()})
        shrink_frozen(trainee.module, job.precision)
        trainee.module.to(accelerator.device)
        if job.precision.compile:
            trainee.module.compile()
        self.updates = Updates(trainee, job.optimiser, accelerator)
        self.module = accelerator.prepare_model(trainee.module)
        self.kept: dict[str, Tensor] = {**self.parameters, **trainee.buffers()}  # here: the line above moves buffers once more
        self.average = MovingAverage(self.kept, job.loop.ema_decay)
        batch = job.loop.batch
        assert batch != "auto", "resolved before the loop begins"
        self.schedule = Schedule(
            len(job.pairs), batch, job.loop.accumulation, accelerator.num_processes, job.loop.seed, job.loop.in_order
        )
        self.job = replace(job, settings=with_steps(job.settings, self.schedule.steps_per_epoch))
        self.step = 0
        self._overflows = Overflows(job.loop.overflows)
        self._smooth: float | None = None
        self._fixed: list[Item] | None = None
        self._measured: list[Item] | None = None

    def try_once(self) -> None:
        """One micro-batch forward and back, of which nothing stays: does the batch fit?"""
        request = next(self.schedule.from_step(0, 1, self.accelerator.process_index))
        batch, _ = self._read(request)
        before = {name: tensor.clone() for name, tensor in self.trainee.buffers().items()}
        try:
            self.module(self.trainee.moved(batch, self.accelerator.device))["loss"].backward()
        finally:
            self.updates.forget_gradients()
            for name, tensor in self.trainee.buffers().items():
                tensor.copy_(before[name])

    def resume(self) -> int:
        """Take up the newest whole checkpoint; the number of steps done, 0 where there is none.

        Raises:
            UsageError: it was made with other settings or data, and `changed` was not said.
        """
        folder, damaged = self.job.folder / checkpoints.FOLDER, list[str]()
        checkpoints.clear_parts(folder)
        found = checkpoints.newest(folder, damaged)
        for line in damaged:
            self.job.say(f"passed over: {line}")
        if found is None:
            return 0
        if not self.job.changed:
            refuse_other_settings(found.state["facts"], self._facts(), found.path)
        self._load(found)
        self.step = found.step
        return found.step

    def run(self) -> int:
        """Train to the end, or until somebody stops it; the exit code.

        Raises:
            NotANumberError: a loss or gradient is not finite.
            OutputError: a checkpoint cannot be written.
        """
        begun, loop = self.step, self.job.loop
        copied = as_facts(self.job.settings) if loop.wandb else None
        with Stops(self.job.folder) as stops, RunLogs(self.job.folder, begun, self._main, copied) as logs:
            code: int | None = None
            for measured in self.steps(loop.steps):
                logs.add(self.step, measured)
                self._show(measured)
                code = self._stop_code(stops)
                if code is None and loop.validate_every and self.step % loop.validate_every == 0:
                    logs.validate(self.step, self.validate())
                if code is None and loop.measure_every and self.step % loop.measure_every == 0:
                    logs.measure(self.step, self.measure())
                if code is not None or self.step % loop.save_every == 0 or self.step == loop.steps:
                    self.save()
                if code is not None:
                    break
                if loop.draw_every and self.step % loop.draw_every == 0:
                    self.draw()
            if self._main and (curves := draw_curves(self.job.folder)) is not None:
                write_whole(self.job.folder / CURVES, curves)
        if code is not None:
            self.job.say(f"stopped at step {self.step}; the same command goes on from there")
        return code or 0

    def steps(self, last: int) -> Any:
        """Do steps up to a number, and give what was measured of each."""
        process = self.accelerator.process_index
        requests = self.schedule.from_step(self.step, last, process)
        depth = 2 * self.schedule.accumulation
        ahead = ReadAhead(self._read, requests, self.job.data.threads, depth)
        batches = iter(ahead)
        try:
            while self.step < last:
                yield self._one_step(batches)
        finally:
            ahead.close()

    def save(self) -> None:
        """Write a checkpoint and let old ones go."""
        loop = self.job.loop
        if self._main:
            tensors, numbers = self.updates.state()
            scaler = self.accelerator.scaler
            state = {
                "step": self.step,
                "facts": self._facts(),
                "numbers": numbers,
                "scaler": scaler.state_dict() if scaler is not None else None,
                "torch": torch.__version__,
            }
            groups: dict[str, Mapping[str, Tensor]] = {"weights": self.kept, "optimiser": tensors}
            if self.average.average:
                groups["ema"] = self.average.average
            checkpoints.write(self.job.folder / checkpoints.FOLDER, self.step, groups, state)
            checkpoints.rotate(self.job.folder / checkpoints.FOLDER, loop.keep_last, loop.keep_every)
        self.accelerator.wait_for_everyone()

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """The loss of the held-out pairs at fixed timesteps with fixed noise: far less noisy than the training loss."""
        found = {}
        if self._main:
            for timestep in VALIDATED:
                batch = self.trainee.validation_batch(self._held_out(), timestep)
                with self.accelerator.autocast():
                    losses = self.trainee.module(self.trainee.moved(batch, self.accelerator.device))
                found[f"t{timestep}"] = float(losses["loss"])
        self.accelerator.wait_for_everyone()
        return found

    def measure(self) -> dict[str, float]:
        """Measures of the measured pairs, drawn by the inference engine with the weights and with their average."""
        found: dict[str, float] = {}
        if self._main and self.job.measured:
            from tryon.evaluation.networks import Networks
            from tryon.training.judges.metrics import AVERAGE, mean_measures

            if self._measured is None:
                self._measured = self._items(self.job.measured[: self.job.loop.measure_pairs])
            seed, networks = seed_of("measure", self.job.loop.seed), Networks(self.job.weights)
            wanted = [replace(item, image=self.trainee.target(item)) for item in self._measured]
            for prefix, weights in (("", self.kept), (AVERAGE, self._averaged())):
                drawn = self.trainee.draw(weights, self._measured, seed) if weights else []
                values = mean_measures(wanted, drawn, networks) if drawn else {}
                found |= {prefix + name: value for name, value in values.items()}
        self.accelerator.wait_for_everyone()
        return found

    def draw(self) -> Path | None:
        """Draw the held-out pairs with the inference engine, by the weights and by their average, onto a sheet."""
        path = None
        if self._main:
            items, seed = self._held_out(), seed_of("draw", self.job.loop.seed)
            columns: dict[str, list[Any]] = {"person": [i.image for i in items], "garment": [i.cloth for i in items]}
            columns["weights"] = self.trainee.draw(self.kept, items, seed)
            if averaged := self._averaged():
                columns["average"] = self.trainee.draw(averaged, items, seed)
            from pipeline.core import images

            path = self.job.folder / PICTURES / f"step-{self.step:09}.png"
            write_whole(path, images.png(contact_sheet(list(columns), list(zip(*columns.values(), strict=True)))))
        self.accelerator.wait_for_everyone()
        return path

    def checkpoint_bytes(self) -> int:
        """What one checkpoint needs on the disk: weights and two moments in fp32, and the average."""
        values = sum(each.numel() for each in self.parameters.values())
        return 4 * values * (4 if self.average.average else 3)

    def _averaged(self) -> dict[str, Tensor]:
        """The average, and what is counted instead of averaged; nothing where there is no average."""
        return {**self.kept, **self.average.average} if self.average.average else {}

    @property
    def _main(self) -> bool:
        return bool(self.accelerator.is_main_process)

    def _one_step(self, batches: Any) -> dict[str, float]:
        begun = time.perf_counter()
        read = [next(batches) for _ in range(self.schedule.accumulation)]
        samples = [name for _, ids in read for name in ids]
        total: dict[str, float] = {}
        for update in self.updates:
            total |= self._update(update, [batch for batch, _ in read], samples)
        self.average.update(self.step)
        self.step += 1
        return total | {"seconds": time.perf_counter() - begun}

    def _update(self, update: Update, read: Sequence[Any], samples: list[str]) -> dict[str, float]:
        """One turn on a step's micro-batches; the mean of what was measured."""
        turn, optimiser = update.turn, update.optimiser
        for group in optimiser.param_groups:
            group["lr"] = turn.optimiser.rate(self.step, self.schedule.steps_per_epoch)
        called_with = (turn.name,) if turn.name else ()
        total: dict[str, float] = {}
        for number, batch in enumerate(read, 1):
            with self.accelerator.no_sync(self.module) if number < len(read) else _nothing():
                losses = self.module(self.trainee.moved(batch, self.accelerator.device), *called_with)
                self.accelerator.backward(losses["loss"] / len(read))
            for name, value in losses.items():
                total[name] = total.get(name, 0.0) + float(value.detach()) / len(read)
        check_finite(total, self.step, samples)
        norm = self._clip(update)
        if self.accelerator.scaler is None:
            check_finite({"gradient": norm}, self.step, samples)
        optimiser.step()
        self._overflows.count(bool(self.accelerator.optimizer_step_was_skipped), self.step, samples)
        optimiser.zero_grad(set_to_none=True)
        measured = self._mean(total) | {"gradient": norm, "rate": optimiser.param_groups[0]["lr"]}
        return {update.named(name): value for name, value in measured.items()}

    def _clip(self, update: Update) -> float:
        """The gradients' norm, after scaling them down where a largest norm is set."""
        largest = update.turn.optimiser.clip_norm or float("inf")
        return float(self.accelerator.clip_grad_norm_(list(update.parameters.values()), largest))

    def _mean(self, values: dict[str, float]) -> dict[str, float]:
        """Over all processes."""
        if self.accelerator.num_processes == 1:
            return values
        packed = torch.tensor(list(values.values()), dtype=torch.float64, device=self.accelerator.device)
        return dict(zip(values, self.accelerator.reduce(packed, "mean").tolist(), strict=True))

    def _read(self, request: tuple[int, int, list[int]]) -> tuple[Any, list[str]]:
        step, micro, places = request
        epoch, augment, seed = self.schedule.epoch(step), self.job.augment, self.job.loop.seed
        items = []
        for place in places:
            item = self.job.read(self.job.pairs[place], self.job.data.size)
            items.append(apply(item, decide(augment, seed, epoch, item.id), augment) if augment.any else item)
        draws = [SampleDraws(seed, 0 if self.job.loop.one_draw else step, item.id) for item in items]
        return self.trainee.batch(items, draws, step, micro), [item.id for item in items]

    def _held_out(self) -> list[Item]:
        if self._fixed is None:
            self._fixed = self._items(self.job.held_out[: self.job.loop.draw_pairs])
        return self._fixed

    def _items(self, pairs: Sequence[TrainingPair]) -> list[Item]:
        return [self.job.read(pair, self.job.data.size) for pair in pairs]

    def _stop_code(self, stops: Stops) -> int | None:
        """What every process agrees on."""
        code = stops.code
        if self.accelerator.num_processes == 1:
            return code
        wanted = torch.tensor([code + 1 if code is not None else 0], device=self.accelerator.device)
        largest = int(self.accelerator.gather(wanted).max())
        return largest - 1 if largest else None

    def _show(self, measured: Mapping[str, float]) -> None:
        loss = measured["loss"]
        self._smooth = loss if self._smooth is None else SHOWN_SMOOTHING * self._smooth + (1 - SHOWN_SMOOTHING) * loss
        if not self._main or (self.step % self.job.loop.log_every and self.step != self.job.loop.steps):
            return
        left = (self.job.loop.steps - self.step) * measured["seconds"]
        self.job.say(
            f"step {self.step}/{self.job.loop.steps}, epoch {self.schedule.epoch(self.step - 1) + 1}: loss {loss:.4f} "
            f"(smoothed {self._smooth:.4f}), gradient {measured['gradient']:.3f}, rate {measured['rate']:.2e}, "
            f"{1 / measured['seconds']:.2f} steps/s, {left / 3600:.1f} h left, "
            f"{peak_megabytes(self.accelerator.device):,.0f} MB at most"
        )

    def _facts(self) -> dict[str, Any]:
        return {**as_facts(self.job.settings), **self.job.facts, "processes": self.accelerator.num_processes}

    @torch.no_grad()
    def _load(self, found: checkpoints.Checkpoint) -> None:
        weights, state = found.tensors("weights"), found.state
        for name, tensor in self.kept.items():
            tensor.copy_(weights[name])
        self.average.load(found.tensors("ema"))
        self.updates.load(found.tensors("optimiser"), state["numbers"])
        if self.accelerator.scaler is not None and state["scaler"]:
            self.accelerator.scaler.load_state_dict(state["scaler"])


def _nothing() -> Any:
    from contextlib import nullcontext

    return nullcontext()
