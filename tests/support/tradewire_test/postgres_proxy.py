"""A proxy in front of a Postgres that cuts connections at a chosen statement: before it arrives, or after it was done
and before its answer arrives. Later connections pass through. `version` makes the server say that it is another one."""

import socket
import struct
import threading
from urllib.parse import urlsplit, urlunsplit

SSL_REQUEST, GSS_REQUEST = 80877103, 80877104


class Proxy:
    def __init__(self, url):
        parts = urlsplit(url)
        self.server = (parts.hostname, parts.port or 5432)
        self.listener = socket.create_server(("127.0.0.1", 0))
        host = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[0] + "@" + host))
        self.decide, self.version = lambda number, text: None, None
        self.statements, self.cuts, self.lock = [], 0, threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, decide):
        """decide(number, text) is asked about each statement: None, "before" or "after"."""
        self.decide = decide

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=_Connection(self, client).run, daemon=True).start()

    def _ask(self, text):
        with self.lock:
            self.statements.append(text)
            verdict = self.decide(len(self.statements), text)
            self.cuts += verdict is not None
            return verdict


class _Connection:
    def __init__(self, proxy, client):
        self.proxy, self.client = proxy, client
        self.server = socket.create_connection(proxy.server)
        for sock in (self.client, self.server):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.swallow = False

    def run(self):
        try:
            self._log_in()
            answers = threading.Thread(target=self._answers, daemon=True)
            answers.start()
            while True:
                kind, body = self._message(self.client)
                verdict = self.proxy._ask(_statement(kind, body)) if kind in b"QP" else None
                if verdict == "before":
                    break
                self.swallow = self.swallow or verdict == "after"
                self.server.sendall(kind + struct.pack("!i", len(body) + 4) + body)
        except (OSError, EOFError):
            pass
        self._close()

    def _log_in(self):
        """Whatever comes before the messages with a type."""
        while True:
            head = self._exactly(self.client, 8)
            length, code = struct.unpack("!ii", head)
            self.server.sendall(head + self._exactly(self.client, length - 8))
            if code not in (SSL_REQUEST, GSS_REQUEST):
                return
            self.client.sendall(self._exactly(self.server, 1))

    def _answers(self):
        try:
            while True:
                kind, body = self._message(self.server)
                if self.proxy.version and kind == b"S" and body.startswith(b"server_version\0"):
                    body = b"server_version\0" + self.proxy.version.encode() + b"\0"
                if not self.swallow:
                    self.client.sendall(kind + struct.pack("!i", len(body) + 4) + body)
                elif kind == b"Z":
                    break
        except (OSError, EOFError):
            pass
        self._close()

    def _message(self, sock):
        head = self._exactly(sock, 5)
        return head[:1], self._exactly(sock, struct.unpack("!i", head[1:])[0] - 4)

    @staticmethod
    def _exactly(sock, count):
        got = bytearray()
        while len(got) < count:
            part = sock.recv(count - len(got))
            if not part:
                raise EOFError
            got += part
        return bytes(got)

    def _close(self):
        for sock in (self.client, self.server):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()


def _statement(kind, body):
    """Of Query: the text; of Parse: a name, the text, parameter types."""
    return (body if kind == b"Q" else body.partition(b"\0")[2]).partition(b"\0")[0].decode()
