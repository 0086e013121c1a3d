"""Training pairs: published trees, checks before the first step, augmentation, and sheets that show them."""
