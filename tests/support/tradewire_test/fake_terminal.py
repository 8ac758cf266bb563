"""A terminal in a few lines that says what a test tells it to: the terminal protocol from the other side.

It answers pings truly, and everything else through `answers`: {type: function(command) -> answer, list of answers or
None}. It connects again when it is cut off, as an expert does.
"""

import json
import socket
import threading
import time


class FakeTerminal:
    def __init__(self, account, answers):
        self.host, port = account.agent.environment["TERMINAL_LISTEN"].rsplit(":", 1)
        self.port = int(port)
        self.token = (account.folder / "terminal_token").read_text()
        self.login = str(account.login)
        self.answers = answers
        self.commands = []  # (monotonic time, command), of all connections
        self.connections = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._live, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join(30)
        assert not self.thread.is_alive()

    def seen(self, kind):
        return [command for _, command in self.commands if command["type"] == kind]

    def clocks(self):
        now = time.time_ns() // 1000
        return {"clock_us": now, "server_time_us": now, "server_offset_s": 0, "trade_connected": True, "trade_allowed": True}

    def _live(self):
        while not self.over.is_set():
            try:
                with socket.create_connection((self.host, self.port), timeout=5) as connection:
                    self.connections += 1
                    self._talk(connection)
            except OSError:
                pass
            self.over.wait(0.1)

    def _talk(self, connection):
        self._send(connection, {"type": "hello", "protocol": 1, "token": self.token, "login": self.login, "server": "Sim-Demo",
                                "currency": "USD", "margin_mode": "hedging", "is_real": False, "balance": "1000.00",
                                "leverage": 100, "version": "fake", **self.clocks()})
        connection.settimeout(0.2)
        rest = b""
        while not self.over.is_set():
            try:
                more = connection.recv(65536)
            except socket.timeout:
                continue
            if not more:
                return
            *lines, rest = (rest + more).split(b"\n")
            for line in lines:
                self._take(connection, json.loads(line))

    def _take(self, connection, command):
        self.commands.append((time.monotonic(), command))
        if command["type"] == "ping":
            self._send(connection, {"type": "pong", "id": command["id"], **self.clocks()})
        elif command["type"] in self.answers:
            answer = self.answers[command["type"]](command)
            if answer is not None:
                self._send(connection, answer)

    @staticmethod
    def _send(connection, answer):
        line = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        connection.sendall(line + b"\n")
