"""The flags of the seed's training program, with their meaning there.

The command itself knows `--train_model` and `--continue_train`.
"""

from __future__ import annotations

from tryon.engines.viton_hd.training.config import DECAY, NITER
from tryon.training.published_flags import PublishedFlags, epochs_of_two_phases

FLAGS = PublishedFlags(lists=epochs_of_two_phases(NITER, DECAY), elsewhere={"--name": "give it as --run NAME"})
