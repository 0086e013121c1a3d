"""A flat garment: its outline and landmarks."""
