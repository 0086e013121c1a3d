"""How a hand LoRA is trained: what `train hand-lora` stands on."""
