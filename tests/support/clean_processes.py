"""Processes forked from a clean server that has the tests' heavy modules loaded: begun at once, and none inherits a lock.

A process forked from the tests themselves inherits the locks of threads that it does not have (those of torch among them) and
may wait for ever.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from unittest import mock

# Modules that are absent where an extra is missing are left out by the server.
LOADED = ("small_steps", "killable", "pipeline.executors.pool", "training_runs", "toy_training", "tiny_ootd_training")


def clean_processes() -> ForkServerContext:
    """The context to begin them from; bodies are functions of a module, and what they are given can be pickled."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(LOADED))
    # The server of Python 3.11 leaves out, without a word, what it does not find by its environment.
    with mock.patch.dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path))):
        forkserver.ensure_running()
    return context
