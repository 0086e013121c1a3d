"""The flags of the published training scripts, with their meaning there."""

from __future__ import annotations

from tryon.training.published_flags import PublishedFlags, epochs_of_two_phases

_TORCHRUN = "torchrun decides: torchrun --nproc-per-node N run.py train …"

VTON_FLAGS = PublishedFlags(
    numbers={"--seed": "loop.seed", "-s": "loop.seed"},
    elsewhere={
        "--base": "the network is the published one; presets name what differs: --preset v1 or v2",
        "--scale_lr": "give the rate as --set optimiser.learning_rate=RATE",
        "--pretrained_model": "give it as --start FILE",
        "--resume": "the same command again goes on by itself",
        "--logdir": "give it as --runs DIR",
        "--name": "give it as --run NAME",
        "--train": "say so once: train dci-vton",
        "--gpus": _TORCHRUN,
        "--num_nodes": _TORCHRUN,
    },
)

WARP_FLAGS = PublishedFlags(
    numbers={
        "--lr": "optimiser.learning_rate",
        "--batchSize": "loop.batch",
    },
    lists=epochs_of_two_phases(50, 50),
    elsewhere={
        "--name": "give it as --run NAME",
        "--dataroot": "give it as --data DIR",
        "--checkpoints_dir": "give it as --runs DIR",
        "--label_nc": "the network sees 13 label groups",
        "--resize_or_crop": "pictures are always resized whole",
        "--verbose": "the plan is always printed",
        "--tf_log": "events for TensorBoard are always written",
        "--save_epoch_freq": "give it as --set loop.save_every=STEPS; the plan says how many steps an epoch has",
        "--gpu_ids": _TORCHRUN,
        "--local_rank": _TORCHRUN,
        "--num_gpus": _TORCHRUN,
    },
)
