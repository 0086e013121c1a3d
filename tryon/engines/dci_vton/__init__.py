"""DCI-VTON: a garment warped by flow (`warp_stage.py`, `warping/`), then blended in by diffusion (`engine.py`), in two models."""
