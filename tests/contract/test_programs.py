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


@pytest.mark.parametrize("program", SERVICES)
def test_an_unknown_argument_is_a_usage_error(program):
    assert run(program, "--no-such-option").returncode == 64


@pytest.mark.parametrize("program, folder", SERVICES.items())
def test_every_setting_is_in_the_programs_page_or_among_the_shared_ones(program, folder):
    page = (CHECKOUT / folder / "README.md").read_text() + (CHECKOUT / "docs/settings.md").read_text()
    settings = set(re.findall(r"^\s{2,}([A-Z][A-Z0-9]*_[A-Z0-9_]+)\b", run(program, "--help").stdout, re.M))
    assert settings
    assert {name for name in settings if name not in page} == set()


@pytest.mark.parametrize("program", SERVICES)
def test_a_secret_is_never_printed(program):
    done = run(program, DATABASE_URL="postgresql://u:hunter2hunter2@127.0.0.1:1/none", KAFKA_BROKERS="127.0.0.1:1",
               AGENT_KEY="hunter2hunter2", GATEWAY_CURVE_SECRET="hunter2hunter2", LOG_LEVEL="debug",
               ADMIN_LISTEN="not an address")
    assert "hunter2" not in done.stdout + done.stderr
