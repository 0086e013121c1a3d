"""One folder per engine, each behind the same small protocol (`pipeline.core.engine`)."""
