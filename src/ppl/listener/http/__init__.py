"""The HTTPS drain: lines that come as uploads."""
