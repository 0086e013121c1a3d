"""Where a garment lands on a body."""
