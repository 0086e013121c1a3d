"""FASHN VTON 1.5: a transformer that dresses without a mask; Apache-2.0 code and weights (docs/facts/fashn_vton.md)."""
