"""Groups of similar lines: the shapes of lines, and worker processes beside the server that count shapes."""
