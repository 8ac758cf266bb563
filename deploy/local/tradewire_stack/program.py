"""One process of the stack: started with its environment, watched by its exit code, ended by its id."""

import ctypes
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def die_with_parent():
    """For preexec_fn: however the parent ends, nothing stays behind."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def end_on_signals():
    """SIGTERM, and SIGHUP (a closed session; not under nohup), end us as an exception does: with every `finally`."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda got, _: sys.exit(128 + got))


class NotReady(Exception):
    """A program did not become ready; the text carries the end of its log."""


class Program:
    def __init__(self, name, binary, environment, log, admin=None, keep=False):
        """`admin` is host:port of its /readyz; `keep` lets it outlive us."""
        self.name = name
        self.binary = binary
        self.environment = environment
        self.log = log
        self.admin = admin
        self.keep = keep
        self.process = None
        self.asked_to_stop = False

    def start(self):
        """Start the process. Call it from a thread that lives as long as the process should."""
        environment = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
        environment.update({key: value for key, value in os.environ.items() if key.endswith("SAN_OPTIONS")})
        environment.update(self.environment)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(self.binary)], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=None if self.keep else die_with_parent,
            )
        self.asked_to_stop = False

    @property
    def pid(self):
        return self.process.pid if self.process else None

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def is_ready(self):
        if not self.is_running():
            return False
        if self.admin is None:
            return True
        try:
            with urllib.request.urlopen(f"http://{self.admin}/readyz", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def wait_ready(self, seconds=30):
        end = time.monotonic() + seconds
        while not self.is_ready():
            if not self.is_running():
                raise NotReady(f"{self.name} ended with {self.process.poll()}:\n{self.log_tail()}")
            if time.monotonic() > end:
                raise NotReady(f"{self.name} was not ready within {seconds} s:\n{self.log_tail()}")
            time.sleep(0.02)

    def kill(self):
        """kill -9, and collect it."""
        if self.is_running():
            self.process.kill()
        if self.process:
            self.process.wait()

    def ask_to_stop(self):
        """SIGTERM, once: a second one makes a program leave at once, with work left."""
        if self.is_running() and not self.asked_to_stop:
            self.asked_to_stop = True
            self.process.terminate()

    def terminate(self, seconds=30):
        """SIGTERM and wait: the exit code. A program that does not end in time is killed: None."""
        if self.process is None:
            return None
        self.ask_to_stop()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def metric(self, name):
        """The sum of a metric over its labels, or None when the program cannot be asked."""
        try:
            with urllib.request.urlopen(f"http://{self.admin}/metrics", timeout=2) as answer:
                lines = answer.read().decode().splitlines()
        except (urllib.error.URLError, OSError):
            return None
        values = [float(line.rsplit(" ", 1)[1]) for line in lines
                  if line.startswith(name) and line[len(name)] in " {"]
        return sum(values) if values else None

    def log_tail(self, lines=20):
        try:
            return "\n".join(open(self.log, errors="replace").read().splitlines()[-lines:])
        except OSError:
            return ""
