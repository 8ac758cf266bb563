"""The stack: servers, schema, topics, accounts, programs."""

import json
import os
import secrets
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from . import servers
from .program import Program

# The login each program uses; migrations make the roles, the deployment gives them LOGIN and a password.
ROLES = ("ingester", "dispatcher", "gateway", "sync", "operator")


@dataclass
class Account:
    """An agent, its terminal and the broker connection they serve."""

    name: str
    user_id: str
    agent_id: str
    pairing_key: str
    broker_connection_id: str
    login: int
    folder: Path
    seed: int
    agent: Program = None
    sim: Program = None

    @property
    def ledger(self):
        return self.folder / "ledger.jsonl"


@dataclass
class Strategy:
    name: str
    strategy_id: str
    secret: str
    url: str
    account: Account = field(repr=False, default=None)


class ToolFailed(Exception):
    """A one-shot program said no; the text is what it said."""


def free_port(wanted=0):
    """`wanted` when it is free, else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise OSError("no free port")


class Stack:
    """`name` sets database and topic prefix apart from other stacks on the same servers."""

    def __init__(self, bin_dir, name="tradewire", keep=False, say=lambda text: None):
        self.bin = Path(bin_dir)
        self.name = name
        self.keep = keep
        self.say = say
        self.programs = []
        self.accounts = []
        self.strategies = []
        self.environment = {}

    # --- servers, schema, topics -------------------------------------------------------------------------------

    def start_servers(self):
        self.say("starting Postgres and Kafka (the first time Kafka is fetched: a minute)")
        self.say("  " + servers.POSTGRES.start())
        self.say("  " + servers.KAFKA.start())
        settings = servers.settings()
        self.state = Path(settings["TRADEWIRE_STATE"]) / self.name
        self.state.mkdir(mode=0o700, exist_ok=True)
        self.kafka_brokers = settings["KAFKA_BROKERS"]
        self.admin_url = settings["ADMIN_DATABASE_URL"].rsplit("/", 1)[0] + "/" + self.name

    def prepare(self):
        """Schema, logins and topics; safe to repeat."""
        if not servers.psql("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{self.name}'"):
            servers.psql("postgres", f'CREATE DATABASE "{self.name}"')
        self.say("migrating the database")
        self.run("migrate", "up", DATABASE_URL=self.admin_url)
        # Roles belong to the cluster, so all of its stacks share their password.
        self.password = self._secret(self.state.parent / "role_password")
        for role in ROLES:
            servers.psql(self.name, f"ALTER ROLE tradewire_{role} LOGIN PASSWORD '{self.password}'")
        self.say("making the topics")
        self.ctl("topics", "apply")

    def database_url(self, role):
        host = self.admin_url.split("@", 1)[1]
        return f"postgresql://tradewire_{role}:{self.password}@{host}"

    @staticmethod
    def _secret(path):
        """A secret kept in a file, made once."""
        if not path.exists():
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(secrets.token_hex(24))
        return path.read_text()

    # --- one-shot programs -------------------------------------------------------------------------------------

    def run(self, program, *arguments, **environment):
        """Run a tool to its end: its stdout. A failure raises with what it said."""
        done = subprocess.run(
            [str(self.bin / program), *arguments], text=True, capture_output=True, timeout=120,
            env={"PATH": os.environ["PATH"], "LOG_LEVEL": "warn",
                 **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}, **environment},
        )
        if done.returncode != 0:
            raise ToolFailed(f"{program} {' '.join(arguments)}: exit {done.returncode}\n{done.stderr}{done.stdout}")
        return done.stdout

    def ctl(self, *arguments):
        """tradewirectl … --json: its document."""
        return json.loads(self.run(
            "tradewirectl", *arguments, "--json", DATABASE_URL=self.database_url("operator"),
            KAFKA_BROKERS=self.kafka_brokers, TOPIC_PREFIX=self.topic_prefix, PUBLIC_URL=self.public_url(),
        ))

    @property
    def topic_prefix(self):
        return self.name + "."

    def public_url(self):
        return self.environment.get("PUBLIC_URL", "http://127.0.0.1:8080")

    # --- users and their accounts ------------------------------------------------------------------------------

    def add_user(self, email):
        return self.ctl("user", "add", "--email", email)["user_id"]

    def add_account(self, user_id, name, seed):
        """An agent with its connection. The agent's journal and the terminal's ledger live in its folder."""
        paired = self.ctl("agent", "pair", "--user", user_id, "--name", name)
        broker = self.ctl("broker", "add", "--user", user_id, "--agent", paired["agent_id"], "--name", name)
        folder = self.state / "accounts" / paired["agent_id"]
        folder.mkdir(parents=True, mode=0o700)
        account = Account(name, user_id, paired["agent_id"], paired["pairing_key"],
                          broker["broker_connection_id"], 100000 + seed % 900000, folder, seed)
        self.accounts.append(account)
        return account

    def add_strategy(self, account, name, **settings):
        options = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        made = self.ctl("strategy", "add", "--user", account.user_id, "--name", name,
                        "--broker", account.broker_connection_id, *options)
        strategy = Strategy(name, made["strategy_id"], made["webhook_secret"], made["webhook_url"], account)
        self.strategies.append(strategy)
        return strategy

    # --- programs ----------------------------------------------------------------------------------------------

    def _add(self, name, binary, environment, admin=None):
        logs = self.state / "log"
        logs.mkdir(exist_ok=True)
        base = {"LOG_LEVEL": os.environ.get("LOG_LEVEL", "info"), "TOPIC_PREFIX": self.topic_prefix}
        program = Program(name, self.bin / binary, {**base, **environment}, logs / f"{name}.log", admin, self.keep)
        self.programs.append(program)
        return program

    def _service(self, name, binary, role, admin_port, environment):
        admin = f"127.0.0.1:{free_port(admin_port)}"
        return self._add(name, binary, {
            "ADMIN_LISTEN": admin, "KAFKA_BROKERS": self.kafka_brokers,
            "DATABASE_URL": self.database_url(role), **environment,
        }, admin)

    def add_services(self, **overrides):
        """Ingester, dispatcher and gateway, at their usual ports where those are free."""
        listen = f"127.0.0.1:{free_port(8080)}"
        self.environment["PUBLIC_URL"] = f"http://{listen}"
        keys = self._gateway_keys()
        self.gateway_address = f"tcp://127.0.0.1:{free_port(5555)}"
        self.ingester = self._service("webhook-ingester", "webhook-ingester", "ingester", 9101,
                                      {"INGESTER_LISTEN": listen, **overrides.get("ingester", {})})
        self.dispatcher = self._service("job-dispatcher", "job-dispatcher", "dispatcher", 9102,
                                        {"CONSUMER_INSTANCE": "local-1", **overrides.get("dispatcher", {})})
        self.gateway = self._service("mt5-agent-gateway", "mt5-agent-gateway", "gateway", 9103, {
            "GATEWAY_ZMQ": self.gateway_address, "GATEWAY_CURVE_SECRET": keys["secret"],
            **overrides.get("gateway", {})})
        self.services = [self.ingester, self.dispatcher, self.gateway]

    def _gateway_keys(self):
        """The gateway's CURVE pair, made once, with the agent's own key-making."""
        path = self.state / "gateway_curve.json"
        if not path.exists():
            import zmq  # Debian's python3-zmq
            public, secret = zmq.curve_keypair()
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                json.dump({"public": public.decode(), "secret": secret.decode()}, file)
        self.curve = json.loads(path.read_text())
        return self.curve

    def add_terminal(self, account, sim=None, agent=None):
        """The agent and the simulated terminal of an account; `sim` and `agent` are settings of theirs."""
        port = free_port()
        token = account.folder / "terminal_token"
        key = account.folder / "agent_key"
        for path, text in ((token, secrets.token_hex(16)), (key, account.pairing_key)):
            if not path.exists():
                with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                    file.write(text)
        short = account.agent_id[:8]
        account.agent = self._add(f"mt5-agent-{short}", "mt5-agent", {
            "AGENT_ID": account.agent_id, "AGENT_KEY_FILE": str(key), "GATEWAY_ZMQ": self.gateway_address,
            "GATEWAY_CURVE_PUBLIC": self.curve["public"], "AGENT_JOURNAL": str(account.folder / "journal"),
            "AGENT_KEYFILE": str(account.folder / "curve_key"), "TERMINAL_LISTEN": f"127.0.0.1:{port}",
            "TERMINAL_TOKEN_FILE": str(token), **(agent or {})}, (agent or {}).get("ADMIN_LISTEN"))
        account.sim = self._add(f"mt5-sim-{short}", "mt5-sim", {
            "SIM_CONNECT": f"127.0.0.1:{port}", "SIM_TOKEN_FILE": str(token), "SIM_LEDGER": str(account.ledger),
            "SIM_SEED": str(account.seed), **(sim or {})})

    def start(self):
        for program in self.programs:
            if not program.is_running():
                program.start()
        for program in self.programs:
            program.wait_ready()

    def ledgers(self):
        """{agent id: its terminal's ledger}, of every account that ever traded here."""
        return {path.parent.name: path for path in (self.state / "accounts").glob("*/ledger.jsonl")}

    def connected_agents(self):
        return int(self.ctl("status")["agents_connected"])

    def stop(self):
        """SIGTERM for all, agents first; {name: exit code}. Kafka and Postgres stay."""
        for program in reversed(self.programs):
            program.ask_to_stop()
        return {program.name: program.terminate() for program in self.programs if program.process}
