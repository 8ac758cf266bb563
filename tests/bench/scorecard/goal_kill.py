"""G2: killed at some moment; does the plain `up` after it finish? If not, another one is tried when nothing of the dead
one is left: only what that does not finish either needs a hand."""

import itertools
import random
import subprocess
import time

from chain import chain
from place import invalid, look
from tools import UP_S, finish

FORMS = ("", "IF NOT EXISTS ")
CASES = list(itertools.product(("anywhere", "in an index build"), ("program", "program and backend"), FORMS))
TRIES = 30  # to hit it at its moment
BUILD = 1 / 6  # about the part of an undisturbed run that one build takes
AT_ONCE, LATER, BY_HAND, SILENT = "at once", "at a later one", "by hand", "wrong, unnoticed"


def is_building(place, database):
    return place.admin.value("SELECT count(*) FROM pg_stat_progress_create_index WHERE command LIKE '%%CONCURRENTLY' AND datname = %s",
                             database.name) > 0


def wait_for_moment(running, place, database, moment, took, rng):
    """True when that moment came while it ran."""
    if moment == "anywhere":
        try:
            running.wait(timeout=rng.uniform(0, took))
        except subprocess.TimeoutExpired:
            pass
    else:
        build = rng.choice([1, 2])
        for number in range(build):
            while running.poll() is None and not is_building(place, database):
                time.sleep(0.001)
            while number + 1 < build and running.poll() is None and is_building(place, database):
                time.sleep(0.001)
        time.sleep(rng.uniform(0, took * BUILD))
        if not is_building(place, database):
            return False
    return running.poll() is None


def kill(tool, place, database, case, took, rng):
    """False when that moment was missed."""
    moment, victim, _ = case
    running = tool.start(place.folder, database)
    hit = wait_for_moment(running, place, database, moment, took, rng)
    if hit:
        running.kill()
        if victim == "program and backend":
            place.admin.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", database.name)
    finish(running, UP_S)
    return hit


def what_then(tool, place, database, files, expected):
    first = None
    for number in range(3):
        done = tool.up(place.folder, database)
        place.alone(database)
        first = first or done
        found, recorded = look(database, tool)
        if done.code == 0 and (found, recorded) == (expected, tool.expected(files)):
            return (LATER if number else AT_ONCE), first.said()
    if done.code == 0:
        return SILENT, f"exit 0, invalid: {invalid(found)}, recorded: {recorded}"
    return BY_HAND, done.said()


def one(tool, place, case, undisturbed, rng):
    files = chain(case[2])
    expected, took = undisturbed
    tool.write(place.folder, files)
    for _ in range(TRIES):
        with place.database() as database:
            if kill(tool, place, database, case, took, rng):
                return what_then(tool, place, database, files, expected)
    raise SystemExit(f"{tool.title}: {TRIES} times missed: {case}")


def run(tool, place, rounds, seed):
    rows, total, whole = [], 0, 0
    undisturbed = {form: place.undisturbed(tool, chain(form)) for form in FORMS}
    for case in CASES:
        rng = random.Random(f"{seed} {case}")  # drawn alike for each tool, as parts of its own time
        results = []
        for _ in range(rounds):
            result, said = one(tool, place, case, undisturbed[case[2]], rng)
            results.append(result)
            place.say(f"G2 {tool.title} {case}: {result}: {said}")
        total, whole = total + rounds, whole + results.count(AT_ONCE)
        counted = [f"{results.count(kind)} {kind}" for kind in (AT_ONCE, LATER, BY_HAND, SILENT) if kind in results]
        moment, victim, form = case
        rows.append((f"G2: {victim} killed {moment}, `{('CONCURRENTLY ' + form).strip()}`", ", ".join(counted)))
    return [(f"G2: of {total} kills, finished by the next `up`", f"{whole} of {total}"), *rows]
