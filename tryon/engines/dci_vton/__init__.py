"""DCI-VTON: a garment warped by flow, then blended in by diffusion.

`warping/` is the first of its two networks. The second one, and with it the engine, does not exist yet: `conditions.py` holds its
inputs, under test, and waits for it.
"""
