"""The one error that the command tells its reader, without a traceback."""


class CommandFailed(Exception):
    """The command cannot do what was asked; the message is one sentence."""
