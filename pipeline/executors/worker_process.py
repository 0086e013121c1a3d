"""The parent's end of a worker process: starts it when it is first needed, sends orders, waits for the answers.

A worker is a fresh interpreter that imports `pipeline.executors.worker` and nothing of the program that runs, so it does not
matter what the main module of that program is.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import IO

from pipeline.core.items import Item
from pipeline.core.step import Stage
from pipeline.executors.worker import CAUSE_LINES, Reply, WorkerStartError, WorkOrder
from pipeline.executors.worker_log import LogLine, LogReceiver

START_TRIES = 3
"""So many failed starts in a row, over all workers, end the run."""
PROBE_SECONDS = 60.0
"""So long the probe of a start may take on a busy machine."""
END_SECONDS = 1.0
"""So long a worker may take to end by itself."""
COMMAND: Sequence[str] = (sys.executable, "-P", "-c", "from pipeline.executors.worker import main; main()")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class StartCount:
    """Failed starts of a pool's workers since one of them last got to work."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._failed = 0

    def succeeded(self) -> None:
        """A worker has loaded its step."""
        with self._guard:
            self._failed = 0

    def failed(self, cause: str, lines: Sequence[str]) -> None:
        """A worker ended before it had loaded its step.

        Raises:
            WorkerStartError: it was one too many.
        """
        with self._guard:
            self._failed += 1
            if self._failed >= START_TRIES:
                raise WorkerStartError.because(f"{self._failed} in a row ended before their first item, {cause}", lines)


def _environment(threads: int) -> dict[str, str]:
    """A worker's variables: it finds every module that this process finds."""
    own = dict.fromkeys(THREAD_VARIABLES, str(threads))
    return os.environ | own | {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}


def start_problem(seconds: float = PROBE_SECONDS) -> str:
    """Why a worker process does not start on this machine, or empty: one is started without orders, and ends by itself.

    Args:
        seconds: so long it may take.
    """
    try:
        done = subprocess.run(
            COMMAND, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=_environment(1), timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return f"not ready after {seconds:.0f} s"
    except OSError as problem:
        return str(problem.strerror or problem)
    last = (done.stderr.strip().splitlines() or [""])[-1]
    return "" if done.returncode == 0 else f"exit code {done.returncode} {last}".strip()


class WorkerProcess:
    """One worker.

    Args:
        number: tells the workers of a pool apart.
        threads: processor threads it may use.
        starts: shared by the pool's workers.
        log: where its log lines go, shared likewise.
    """

    def __init__(self, number: int, threads: int, starts: StartCount, log: LogReceiver) -> None:
        self._number = number
        self._threads = threads
        self._starts = starts
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: _ErrorLines | None = None
        self._stage = -1
        self._killed = False

    def ask(self, number: int, stage: Stage, items: Sequence[Item]) -> Reply | None:
        """Have a batch worked on.

        Args:
            number: tells the stages of a run apart.
            stage: what the items belong to.
            items: the batch.

        Returns:
            The answer; None when the process died over the batch, or was killed.

        Raises:
            WorkerStartError: no worker can start.
        """
        while self._stage != number and not self._killed:
            reply = self._exchange(WorkOrder(stage.build))
            if reply is None and not self._killed:
                self._starts.failed(*self.stop())
            elif reply is not None and reply.hopeless is not None:
                return reply
            elif reply is not None:
                self._loaded(number)
        reply = None if self._killed else self._exchange(WorkOrder(items=items))
        if reply is None:
            self.stop()
        return reply

    def _loaded(self, number: int) -> None:
        self._stage = number
        self._starts.succeeded()
        if self._errors is not None:
            self._errors.show()

    def _exchange(self, order: WorkOrder) -> Reply | None:
        """Send an order and wait for the answer; None when the process ended instead."""
        data = pickle.dumps(order, pickle.HIGHEST_PROTOCOL)
        process = self._process or self._start()
        assert process.stdin is not None and process.stdout is not None
        try:
            pickle.dump(data, process.stdin, pickle.HIGHEST_PROTOCOL)
            process.stdin.flush()
            while isinstance(answer := pickle.load(process.stdout), LogLine):
                self._log.log(self._number, answer)
        except (EOFError, OSError, pickle.UnpicklingError):
            return None
        assert isinstance(answer, Reply)
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        process = subprocess.Popen(COMMAND, stdin=pipe, stdout=pipe, stderr=pipe, env=_environment(self._threads))
        assert process.stderr is not None
        self._errors = _ErrorLines(process.stderr)
        self._errors.start()
        self._process = process
        if self._killed:  # meanwhile, by another thread
            process.kill()
        return process

    def kill(self) -> None:
        """End the process at once and for good; whoever waits for its answer gets none."""
        self._killed = True
        process = self._process
        if process is not None:
            process.kill()

    def stop(self) -> tuple[str, Sequence[str]]:
        """End the process: by asking if it is idle, otherwise by force.

        Returns:
            How it ended, in a few words, and the last lines that it wrote to standard error.
        """
        process, errors = self._process, self._errors
        self._process, self._errors, self._stage = None, None, -1
        if process is None or errors is None:
            return "", ()
        assert process.stdin is not None and process.stdout is not None
        with suppress(OSError):
            process.stdin.close()
        try:
            code = process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        process.stdout.close()
        errors.join()
        return f"exit code {code}" if code >= 0 else f"killed by signal {-code} (out of memory?)", errors.lines


class _ErrorLines(threading.Thread):
    """Follows what a worker writes to standard error: keeps the last lines, and passes all on once it has got to work."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(name="errors", daemon=True)
        self._stream = stream
        self._kept: deque[str] = deque(maxlen=CAUSE_LINES)
        self._shown = False

    @property
    def lines(self) -> Sequence[str]:
        """The last ones."""
        return tuple(self._kept)

    def show(self) -> None:
        """Pass on what was written so far, and from now on everything."""
        if not self._shown:
            self._shown = True
            sys.stderr.writelines(self.lines)

    def run(self) -> None:
        """Until the worker has ended."""
        with self._stream:
            for line in self._stream:
                text = line.decode("utf-8", "replace")
                self._kept.append(text)
                if self._shown:
                    sys.stderr.write(text)
