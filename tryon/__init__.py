"""Conditions to dressed person: the engines and the step that drives them."""
