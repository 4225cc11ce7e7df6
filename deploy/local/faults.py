"""The one way in which a run does not start."""


class Failed(Exception):
    """The run cannot start; the sentence says why."""
