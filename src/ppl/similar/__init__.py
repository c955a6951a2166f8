"""Groups of similar lines: what a line's shape is, and a process beside the server that counts shapes."""
