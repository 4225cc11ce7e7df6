"""What services say to each other: one module a speaker. Pure; a published form never changes, it gets a successor."""
