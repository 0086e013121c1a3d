"""Model files: the table of known ones, their download, their verification, and the path to each."""

from pipeline.core.weights.access import available, require, require_all, sha_of, status_of

__all__ = ["available", "require", "require_all", "sha_of", "status_of"]
