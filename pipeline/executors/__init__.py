"""Where work happens: in this process, in worker processes, later on a cluster."""
