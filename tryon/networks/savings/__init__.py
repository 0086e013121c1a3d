"""Work and memory that are saved: exactly, or, where asked for, approximately."""
