"""The warping network: a flow that carries the flat garment onto the person (docs/facts/dci_vton.md#warping-network)."""
