"""Evaluation: how good results are, in numbers that carry their convention in their name."""
