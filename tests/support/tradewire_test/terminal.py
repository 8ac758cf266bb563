"""How a command starts that somebody types."""

import signal


def as_typed():
    """For preexec_fn: signals end it. Under nohup, or behind a shell's &, we ignore some of them, and a child would too."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
