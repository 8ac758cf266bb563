#!/usr/bin/env python3
"""The same chain of files and the same faults for each tool; one table on stdout, progress on stderr.

    scorecard.py MIGRATE TOOLS_FOLDER [--short] [--seed N] [--goals G1,G2,G5,G7]
"""

import argparse
import secrets
import sys
import time
from pathlib import Path

import goal_integrity
import goal_kill
import goal_lock
import goal_race
from place import Place
from tools import ready_tools

# Rounds, in short form and else; for G2 of each of its cases.
GOALS = {"G1": (goal_race.run, 2, 10), "G2": (goal_kill.run, 1, 3), "G5": (goal_lock.run, 1, 3), "G7": (goal_integrity.run, 1, 1)}


def say(text):
    print(text, file=sys.stderr, flush=True)


def cell(text):
    return text.replace("|", "\\|")


def main():
    arguments = argparse.ArgumentParser(usage=__doc__)
    arguments.add_argument("migrate")
    arguments.add_argument("tools", type=Path)
    arguments.add_argument("--short", action="store_true")
    arguments.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    arguments.add_argument("--goals", default=",".join(GOALS))
    given = arguments.parse_args()
    begun = time.monotonic()
    tools = ready_tools(given.migrate, given.tools, say)
    place = Place(say)
    print(f"seed {given.seed}, {place.admin.value('SHOW server_version')}", flush=True)
    built = time.monotonic()
    columns = []
    for tool in tools:
        rows = []
        for name in given.goals.split(","):
            goal, short, full = GOALS[name]
            rows += goal(tool, place, short if given.short else full, given.seed)
        columns.append(rows)
    print("| | " + " | ".join(tool.title for tool in tools) + " |\n| --- |" + " --- |" * len(tools))
    for rows in zip(*columns):
        print("| " + " | ".join([cell(rows[0][0]), *(cell(text) for _, text in rows)]) + " |")
    print(f"{built - begun:.0f} s to build, {time.monotonic() - built:.0f} s to try")


if __name__ == "__main__":
    main()
