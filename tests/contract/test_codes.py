"""Codes are written in one table: whatever SQL or C produces as "code: text" is in docs/codes.md."""

import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
KNOWN = set(re.findall(r"^\| `([a-z_]+)`", (CHECKOUT / "docs/codes.md").read_text(), re.M))


def test_the_page_was_read():
    assert {"stale", "duplicate", "unknown_outcome"} <= KNOWN


def produced_by_sql():
    """'code: …' at the begin of a string literal, and codes that functions return alone."""
    for path in sorted((CHECKOUT / "migrations").glob("*.sql")):
        text = re.sub(r"--.*", "", path.read_text())
        text = re.sub(r"COMMENT ON.*?;", "", text, flags=re.S)
        for code in re.findall(r"'([a-z]+(?:_[a-z]+)*): ", text):
            yield path.name, code


def test_every_code_in_sql_is_in_the_table():
    found = list(produced_by_sql())
    assert found
    assert {(file, code) for file, code in found if code not in KNOWN} == set()


WORD = r'"([a-z]+(?:_[a-z]+)*)"'
# What makes a report or a refusal that leaves the program, and how many arguments stand before its code. A code that
# the table lacks would be dropped by the gateway as bad_message: never acknowledged, and repeated for ever.
TELLS = {"book_fail": 2, "book_void": 2, "book_refuse_step": 4, "end_unsent": 3, "refuse": 2}


def arguments(text, at):
    """Those of the call whose parenthesis is at text[at]; commas in strings and inner parentheses divide nothing."""
    depth, found, begin = 0, [], at + 1
    for part in re.finditer(r'"(?:[^"\\]|\\.)*"|[(),]', text[at:]):
        place, sign = at + part.start(), part.group()
        depth += (sign == "(") - (sign == ")")
        if depth == 0 or (depth == 1 and sign == ","):
            found.append(text[begin:place])
            begin = place + 1
        if depth == 0:
            return found
    raise AssertionError("unbalanced")


def told_by(path):
    """Literals in the place of a code: of the calls above, of members and variables called code, and "code: text"."""
    text = re.sub(r"/\*.*?\*/|\bstrcmp\([^)]*\)", "", path.read_text(), flags=re.S)
    for call in re.finditer(rf"\b({'|'.join(TELLS)})\(", text):
        yield from re.findall(WORD, arguments(text, call.end() - 1)[TELLS[call.group(1)]])
    for value in re.findall(r"\bcode =(?!=)([^;{},]*)[;,}]", text):
        yield from re.findall(WORD, value)
    yield from (code for code in re.findall(r'"([a-z]+(?:_[a-z]+)+): ', text) if code in KNOWN)


def sources(*folders):
    return [path for folder in folders for path in sorted((CHECKOUT / folder).glob("*.c"))]


def test_every_code_that_an_agent_tells_comes_from_the_table():
    """Its book takes codes as constants, so one that the table lacks does not compile; a literal would escape that."""
    assert {(path.name, code) for path in sources("agents/mt5-agent") for code in told_by(path) if code in KNOWN} == set()
    declared = re.sub(r"\s+", " ", (CHECKOUT / "agents/mt5-agent/book_internal.h").read_text())
    for function in ("book_fail", "book_void", "book_refuse_step"):
        assert re.search(rf"void {function}\([^)]*enum code code", declared), function


def test_every_code_in_a_service_comes_from_the_table():
    """A service names codes by their constant; a literal would escape the table."""
    by_hand = [(path.name, code) for path in sources("services/mt5-agent-gateway") for code in told_by(path)]
    literal = re.compile(r'"([a-z]+(?:_[a-z]+)*): ')
    for path in sources("services/job-dispatcher", "services/webhook-ingester", "services/mt5-agent-gateway"):
        by_hand += [(path.name, code) for code in literal.findall(path.read_text()) if code in KNOWN]
    assert by_hand == []


def test_tradewirectl_takes_every_code_from_the_table():
    """What its libraries say (an SQLSTATE, librdkafka's name) is translated, and no literal stands where a code does."""
    calls = [(path.name, call.start(), arguments(path.read_text(), call.end() - 1))
             for path in sources("services/tradewirectl")
             for call in re.finditer(r"\b(?:svc|output)_fail\(", path.read_text())]
    assert len(calls) > 10
    assert [(name, found) for name, _, found in calls if len(found) > 2 and re.search(WORD, found[2])] == []


def test_the_scan_sees_what_is_not_in_the_table(tmp_path):
    made = tmp_path / "made.c"
    made.write_text("""void f(void) {
        book_fail(book, job, strcmp(m->error, "not_this") == 0 ? "made_up" : "as_well", "some, (text", now);
        end_unsent(book, job, BOOK_REFUSED,
                   "over_lines", "text", now);
        ret->report.code = is_late ? "by_member" : NULL;
        const char *code = strcmp(m->error, "not_this") == 0 ? "by_name" : m->error;
        const struct refusal refusal = {.code = "in_braces", .text = "not_this"};
        refuse(gateway, peer, code_name(CODE_NO_SESSION), "not_this", 0);
    }""")
    assert set(told_by(made)) == {"made_up", "as_well", "over_lines", "by_member", "by_name", "in_braces"}
