"""Where the pieces of a garment lie on a person."""
