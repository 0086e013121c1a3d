"""StableVITON (CVPR 2024, arXiv 2312.01725) assembled from diffusers and transformers parts."""
