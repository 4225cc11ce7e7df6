"""The chain's name and currency."""
