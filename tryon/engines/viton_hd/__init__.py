"""VITON-HD, and GS-VITON's variant of it: three feed-forward networks, one pass each (docs/facts/viton_hd.md)."""
