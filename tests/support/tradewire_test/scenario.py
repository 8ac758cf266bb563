"""What the integration scenarios do to a stack and ask of it."""

import json
import secrets
import socket
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import psycopg2

from tradewire_stack import servers


def until(condition, seconds=30, what="the condition"):
    """The condition's first true value; fails with `what` when it does not come true in time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.02)


class Answer:
    def __init__(self, status, body, headers):
        self.status, self.body, self.headers = status, body, headers

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:200]!r}"


class Scenario:
    def __init__(self, stack):
        self.stack = stack

    # --- the world -----------------------------------------------------------------------------------------------

    def bring_up(self):
        for server in (servers.POSTGRES, servers.KAFKA):
            if not server.is_running():
                server.start()
        for program in self.stack.programs:
            if not program.is_running():
                program.start()
        for program in self.stack.programs:
            program.wait_ready(60)
        self.wait_connected()

    def wait_connected(self, agents=None):
        wanted = len([a for a in self.stack.accounts if a.agent]) if agents is None else agents
        until(lambda: self.sql("SELECT count(*) FROM mt5_agents WHERE is_connected")[0][0] >= wanted, 60,
              f"{wanted} agents connected")

    def sql(self, statement, *values):
        """Rows, as the superuser; None while Postgres cannot be asked."""
        try:
            connection = psycopg2.connect(self.stack.admin_url, connect_timeout=5)
        except psycopg2.OperationalError:
            return None
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement, values)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    # --- alerts --------------------------------------------------------------------------------------------------

    def post(self, path, body, content_type="application/json", timeout=10, headers=()):
        """POST bytes, text or an object; the answer whatever its status."""
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        request = urllib.request.Request(self.stack.public_url() + path, data=body, method="POST",
                                         headers={"Content-Type": content_type, **dict(headers)})
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return Answer(answer.status, answer.read(), answer.headers)
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read(), error.headers)

    def alert(self, strategy, body=None, **members):
        """An alert to the strategy's URL; unique unless the members say otherwise."""
        if body is None:
            body = {"symbol": "EURUSD", "action": "buy", "volume": 0.01, "alert_id": secrets.token_hex(8), **members}
            body = {key: value for key, value in body.items() if value is not None}
        return self.post(f"/webhook/tradingview/{strategy.secret}", body)

    def socket(self):
        """A bare connection to the ingester."""
        address = urlsplit(self.stack.public_url())
        made = socket.create_connection((address.hostname, address.port), timeout=10)
        return made

    # --- what became of it -----------------------------------------------------------------------------------------

    def signal(self, signal_id):
        rows = self.sql("SELECT status, error_message, fill_price, broker_order_id, raw_payload FROM tv_signals WHERE id = %s",
                        signal_id)
        if not rows:
            return None
        return dict(zip(("status", "error", "price", "ticket", "raw"), rows[0]))

    def ended(self, signal_id, seconds=60):
        """The signal's row once it is at its end."""
        return until(lambda: (row := self.signal(signal_id)) and row["status"] != "pending" and row, seconds,
                     f"signal {signal_id} at its end: {self.signal(signal_id)}")

    def orders(self, account):
        try:
            return [json.loads(line) for line in open(account.ledger) if line.endswith("\n")]
        except FileNotFoundError:
            return []
