"""The chain's branches."""
