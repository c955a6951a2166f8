"""The listener: ports of destinations, receiving, writing."""
