"""Samplers that diffusers' schedulers do not already give."""
