"""DCI-VTON: a garment warped by flow, then blended in by diffusion."""
