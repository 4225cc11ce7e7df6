"""The tills: where each stands, what is missing of what it sent, and what of it was set aside."""
