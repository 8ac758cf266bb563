"""The four programs: how each is built, called, and asked what it has recorded."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import chain

GO_MINOR_MIN = 21  # older ones, Debian 12's too, cannot read these modules' go.mod
SAID_MAX = 80
UP_S = 60  # an `up` that takes longer hangs: undisturbed it takes about a second


@dataclass
class Done:
    code: object  # the exit code, or "hung"
    output: str

    def said(self):
        """What went wrong, in the tool's own words: the first line that names an error, without the time of day, cut off."""
        lines = [re.sub(r"^\S*\d{2}:\d{2}:\d{2}\S*\s+|^\d{4}/\d\d/\d\d \S+\s+", "", line).strip() for line in self.output.splitlines()]
        named = [line for line in lines if re.search(r"error|fail|dirty|missing|refus", line, re.I)]
        text = (named or [line for line in lines if line] or ["nothing"])[0]
        text = re.split(r"(?<=\S)(?=error: )", text)[0]  # golang-migrate says it twice, on one line
        return text if len(text) <= SAID_MAX else text[:SAID_MAX] + "…"


@dataclass
class Tool:
    name: str
    version: str
    write_file: object
    recorded: str  # SQL: the versions that count as applied
    last_only: bool = False  # it records no more than the newest version
    module: str = ""  # none: it is ours
    package: str = ""
    tags: str = ""
    strict: list = field(default_factory=list)  # the option that makes it look at the order, where that is not the default
    program: Path = None

    @property
    def title(self):
        return f"{self.name} {self.version}"

    def write(self, folder, files):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for file in files:
            self.write_file(folder, file)

    def expected(self, files):
        versions = [file.version for file in files]
        return versions[-1:] if self.last_only else versions

    def command(self, folder, url, strict):
        calls = {
            "tradewire": ["up", "--dir", folder],
            "golang-migrate": ["-path", folder, "-database", url, "up"],
            "goose": ["-dir", folder, "postgres", url, "up"],
            # Without the option it runs pg_dump after each `up`.
            "dbmate": ["--no-dump-schema", "--migrations-dir", folder, "up", *(self.strict if strict else [])],
        }
        return [str(word) for word in (self.program, *calls[self.name])]

    def start(self, folder, database, options="", strict=False):
        """An `up` in the background. options: for the server, through the connection string."""
        url = f"{database.url}?sslmode=disable" + (f"&options={options}" if options else "")
        return subprocess.Popen(self.command(folder, url, strict), cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, env={"PATH": os.environ["PATH"], "DATABASE_URL": url})

    def up(self, folder, database, options="", strict=False):
        return finish(self.start(folder, database, options, strict), UP_S)


def finish(process, seconds):
    try:
        output, _ = process.communicate(timeout=max(0.01, seconds))
        return Done(process.returncode, output)
    except subprocess.TimeoutExpired:
        process.kill()
        return Done("hung", process.communicate()[0])


def all_tools():
    return [
        Tool("tradewire", "", chain.write_tradewire,
             "SELECT version::text FROM tradewire_migrations WHERE state = 'applied' ORDER BY version"),
        Tool("golang-migrate", "v4.20.1", chain.write_golang_migrate,
             "SELECT version::text FROM schema_migrations WHERE NOT dirty ORDER BY version", last_only=True,
             module="github.com/golang-migrate/migrate/v4", package="github.com/golang-migrate/migrate/v4/cmd/migrate", tags="postgres"),
        Tool("goose", "v3.29.0", chain.write_goose,
             "SELECT version_id::text AS version FROM goose_db_version WHERE version_id > 0 AND is_applied ORDER BY version_id",
             module="github.com/pressly/goose/v3", package="github.com/pressly/goose/v3/cmd/goose",
             tags="no_clickhouse,no_libsql,no_mssql,no_mysql,no_sqlite3,no_vertica,no_ydb"),
        Tool("dbmate", "v2.28.0", chain.write_dbmate, "SELECT version FROM schema_migrations ORDER BY version",
             module="github.com/amacneil/dbmate/v2", package="github.com/amacneil/dbmate/v2", strict=["--strict"]),
    ]


# --- building --------------------------------------------------------------------------------------------------------


def go_missing():
    """Why nothing can be built with Go here, or None."""
    go = shutil.which("go")
    if not go:
        return "there is no Go here"
    version = subprocess.run([go, "version"], capture_output=True, text=True).stdout
    minor = re.search(r"go1\.(\d+)", version)
    if not minor or int(minor[1]) < GO_MINOR_MIN:
        return f"{minor[0] if minor else version} is too old: 1.{GO_MINOR_MIN} or newer is needed"
    return None


def build(tool, folder):
    """Sets tool.program; why that was not possible, or None. From a module that requires exactly this version, as a
    project would that pins its tools: nothing is asked about other versions."""
    place = folder / f"{tool.name}-{tool.version}"
    tool.program = place / tool.name
    if tool.program.exists():
        return None
    place.mkdir(parents=True, exist_ok=True)
    (place / "go.mod").write_text(f"module scorecard\n\ngo 1.{GO_MINOR_MIN}\n\nrequire {tool.module} {tool.version}\n")
    # GOTOOLCHAIN: a module that wants a newer Go is skipped; none is fetched behind anybody's back.
    done = subprocess.run(["go", "build", "-mod=mod", "-tags", tool.tags, "-o", tool.program, tool.package], cwd=place,
                          capture_output=True, text=True, env={**os.environ, "GOTOOLCHAIN": "local"})
    return (done.stderr.strip().splitlines() or ["go build failed"])[-1] if done.returncode else None


def ready_tools(migrate, folder, say):
    """Those that can be run; the others are named with the reason."""
    ready, no_go = [], go_missing()
    for tool in all_tools():
        if tool.module:
            say(f"{tool.title}: building")
            reason = no_go or build(tool, folder)
        else:
            tool.program = Path(migrate).resolve()
            words = subprocess.run([tool.program, "--version"], capture_output=True, text=True, check=True).stdout.split()
            tool.version, reason = words[-1], None
        if reason:
            print(f"SKIP {tool.title}: {reason}", flush=True)
        else:
            ready.append(tool)
    return ready
