"""The inputs folder: its pictures, their ids, and the pairs of people and garments."""
