"""Is this machine ready? Facts, checks, remedies."""
