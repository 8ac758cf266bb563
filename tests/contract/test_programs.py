"""What every program promises alike: --help, --version, --check-config, and settings that are documented."""

import os
import re
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ["TRADEWIRE_BIN"])
SERVICES = {
    "webhook-ingester": "services/webhook-ingester", "job-dispatcher": "services/job-dispatcher",
    "mt5-agent-gateway": "services/mt5-agent-gateway", "mt5-agent": "agents/mt5-agent", "mt5-sim": "agents/mt5-sim",
}
PROGRAMS = [*SERVICES, "migrate", "tradewirectl", "loadgen"]


def run(program, *arguments, **environment):
    return subprocess.run([str(BIN / program), *arguments], capture_output=True, text=True, timeout=20,
                          env={"PATH": os.environ["PATH"], **environment})


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_and_version_need_nothing(program):
    shown = run(program, "--help")
    assert shown.returncode == 0 and program in shown.stdout
    shown = run(program, "--version")
    assert shown.returncode == 0 and re.fullmatch(rf"{program} \d+\.\d+\.\d+\n", shown.stdout)


@pytest.mark.parametrize("program", SERVICES)
def test_missing_settings_are_all_named_at_once(program):
    done = run(program, "--check-config")
    assert done.returncode == 78
    required = re.findall(r"^\s*([A-Z][A-Z0-9_]+)\b.*required", run(program, "--help").stdout, re.M)
    assert required
    assert [name for name in required if name not in done.stderr] == []


def test_loadgen_checks_its_options_and_sends_nothing(tmp_path):
    secrets = tmp_path / "secrets"
    secrets.write_text("0123456789abcdef\n")
    good = ["--check-config", "--url", "http://127.0.0.1:1", "--secrets", str(secrets), "--rate", "1", "--count", "1"]
    assert run("loadgen", *good).returncode == 0
    assert run("loadgen", *good, "--closes", "101").returncode == 64
    secrets.write_text("not a secret\n")
    assert run("loadgen", *good).returncode == 69
    assert run("loadgen", "--check-config").returncode == 64


@pytest.mark.parametrize("program", SERVICES)
def test_an_unknown_argument_is_a_usage_error(program):
    assert run(program, "--no-such-option").returncode == 64


@pytest.mark.parametrize("program, folder", SERVICES.items())
def test_every_setting_is_in_the_programs_page_or_among_the_shared_ones(program, folder):
    page = (CHECKOUT / folder / "README.md").read_text() + (CHECKOUT / "docs/settings.md").read_text()
    settings = set(re.findall(r"^\s{2,}([A-Z][A-Z0-9]*_[A-Z0-9_]+)\b", run(program, "--help").stdout, re.M))
    assert settings
    assert {name for name in settings if name not in page} == set()


MARK = "hunter2"
SECRETS = {
    "DATABASE_URL": f"postgresql://u:{MARK}@127.0.0.1:1/none", "KAFKA_OPTIONS": f"sasl.password={MARK}",
    "GATEWAY_CURVE_SECRET": (MARK * 6)[:40], "AGENT_KEY": MARK, "TERMINAL_TOKEN": MARK, "SIM_TOKEN": MARK,
}


def settings_of(program, folder):
    """All that is required, and nothing that lets it run: an address that is none."""
    return {"KAFKA_BROKERS": "127.0.0.1:1", "AGENT_ID": "00000000-0000-4000-8000-000000000001",
            "GATEWAY_CURVE_PUBLIC": "a" * 40, "AGENT_JOURNAL": f"{folder}/journal", "AGENT_KEYFILE": f"{folder}/key",
            "SIM_LEDGER": f"{folder}/ledger", "LOG_LEVEL": "debug",
            {"mt5-agent": "TERMINAL_LISTEN", "mt5-sim": "SIM_CONNECT"}.get(program, "ADMIN_LISTEN"): "not an address"}


@pytest.mark.parametrize("by_file", [False, True], ids=["value", "file"])
@pytest.mark.parametrize("program", SERVICES)
def test_a_secret_is_never_printed(program, by_file, tmp_path):
    """At debug a program shows every value it was given: of its secrets, three stars."""
    secrets = {name: SECRETS[name] for name in re.findall(r"^\s+([A-Z_]+) .*; secret", run(program, "--help").stdout, re.M)}
    assert secrets
    given = settings_of(program, tmp_path)
    for name, value in secrets.items():
        if by_file:
            (tmp_path / name).write_text(value)
        given.update({f"{name}_FILE": str(tmp_path / name)} if by_file else {name: value})
    done = run(program, **given)
    assert done.returncode in (70, 78), done.stderr
    shown = dict(re.findall(r"event=config_value name=(\w+) value=(\S+)", done.stderr))
    assert {shown[name] for name in secrets} == {"***"}
    assert MARK not in done.stdout + done.stderr


@pytest.mark.parametrize("program, folder", SERVICES.items())
def test_every_metric_is_in_the_programs_page(program, folder):
    source = "".join(path.read_text() for path in sorted((CHECKOUT / folder).glob("*.c")))
    made = re.findall(r"\bsvc_(?:counter|gauge|histogram)_new\(", source)
    metrics = re.findall(r"\bsvc_(?:counter|gauge|histogram)_new\(\s*\w+,\s*\"(\w+)\"", source)
    assert len(metrics) == len(made)
    page = (CHECKOUT / folder / "README.md").read_text()
    assert {name for name in metrics if name not in page} == set()
