"""The dressed person's outline: what the garment covers now, and what it no longer covers."""
