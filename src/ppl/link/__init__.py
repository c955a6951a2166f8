"""The link between listener and server: messages and the two ways to carry them."""
