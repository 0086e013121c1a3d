"""How OOTDiffusion is trained: what its authors described and did not publish, and what its users asked for."""
