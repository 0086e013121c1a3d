"""OOTDiffusion (arXiv 2403.01779): two Stable Diffusion 1.5 U-Nets, one looking at the other's tokens."""
