"""A statement of points that a customer can read, on paper too: what came and went in a period, and what is left."""
