"""Landmarks of a flat garment."""
