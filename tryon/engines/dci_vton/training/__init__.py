"""DCI-VTON in the training room: the warping network (`warp_*`) and the diffusion network."""
