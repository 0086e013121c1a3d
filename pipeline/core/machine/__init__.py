"""What this machine and this process can do: processor, compiled code, start-up checks, the process itself."""
