"""Orchestration: which steps run, on what, in which order, and how the run is recorded."""
