"""One model, one file: the only place of this package that imports a heavy library."""
