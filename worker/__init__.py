"""Worker: the network, the clock, files, processes and people."""
