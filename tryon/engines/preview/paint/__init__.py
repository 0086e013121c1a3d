"""Pixels: warped cloth, light, skin, what is under the old garment."""
