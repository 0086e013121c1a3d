"""Pixels: warped cloth, light and shadow, bare skin, and the photo without the worn garment."""
