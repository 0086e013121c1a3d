"""Hands: repair by masked inpainting with a LoRA, the data that such a LoRA is trained on, and its training. For any engine."""
