"""Parts that every Stable Diffusion 1 engine shares: layers, attention, VAE, exact savings, precision."""
