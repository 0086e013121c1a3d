"""Model files: which exist, where they come from, what they are worth, and a verified path to each."""

from pipeline.core.weights.access import available, look, require, require_all, sha_of

__all__ = ["available", "look", "require", "require_all", "sha_of"]
