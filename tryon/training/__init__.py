"""The training room: data, randomness, loop, checkpoints and what is shown of them, for any engine that can be trained."""
