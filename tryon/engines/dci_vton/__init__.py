"""DCI-VTON: a garment warped by flow, then blended in by diffusion.

The engine does not exist yet: these files hold the inputs of its two networks, under test, and wait for it.
"""
