"""Dressed person to finished picture: into the photo, and onto new backgrounds."""
