"""One hand: its shape, finding it in a picture, holding it against another, and what became of it."""
