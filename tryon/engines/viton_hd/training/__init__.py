"""Training of the three networks (docs/facts/viton_hd.md#training)."""
