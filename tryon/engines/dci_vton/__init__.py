"""DCI-VTON: a garment warped by flow, then blended in by diffusion.

Both networks are here, exact and under test: `warping/`, and `network.py` with `sampling.py`. The engine that joins them behind
the protocol does not exist yet.
"""
