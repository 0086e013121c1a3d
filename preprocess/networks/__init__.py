"""How a network is opened and run: what the backends of several steps share."""
