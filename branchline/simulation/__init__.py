"""A chain's tills without the salons: they sell, fail, come back, and tell at the end whether the books are right."""
