"""The headquarters page: what it shows, in which words, how it stays live, and the state of the machine behind it."""
