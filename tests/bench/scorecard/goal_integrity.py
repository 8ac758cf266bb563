"""G7: applied files that are not what they were: does the next `up` notice?"""

from chain import OLDER, chain

FILE = chain()[2]
NEWEST = chain()[-1]


def change(folder):
    """One byte of an applied file's SQL."""
    changed = 0
    for path in folder.glob(f"{FILE.version}_*.sql"):
        text = path.read_text()
        if "'open'" in text:
            path.write_text(text.replace("'open'", "'oben'"))
            changed += 1
    assert changed == 1, f"{changed} files changed"


def rename(folder):
    for path in list(folder.glob(f"**/{FILE.version}_*")):
        path.rename(path.with_name(path.name.replace("_parts.", "_pieces.")))
    assert list(folder.glob(f"{FILE.version}_pieces.*"))


def remove(file):
    def do(folder):
        paths = list(folder.glob(f"**/{file.version}_*"))
        assert paths
        for path in paths:
            path.unlink()
    return do


def verdict(database, done):
    if done.code != 0:
        return f"refused, exit {done.code}: {done.said()}"
    if database.session().value("SELECT to_regclass('older') IS NOT NULL"):
        return "applied it, exit 0"
    is_named = any(file.stem in done.output for file in (FILE, NEWEST, OLDER))
    return "named, exit 0" if is_named else "not noticed, exit 0"


def one(tool, place, tamper, strict=False):
    tool.write(place.folder, chain())
    with place.database() as database:
        done = tool.up(place.folder, database)
        if done.code != 0:
            raise SystemExit(f"{tool.title}: {done.output}")
        tamper(place.folder)
        result = verdict(database, tool.up(place.folder, database, strict=strict))
    place.say(f"G7 {tool.title}{' strict' if strict else ''}: {result}")
    return result


def run(tool, place, _, __):
    def insert(folder):
        tool.write_file(folder, OLDER)
    inserted = one(tool, place, insert)
    if tool.strict:
        inserted += f" (with `{' '.join(tool.strict)}`: {one(tool, place, insert, strict=True)})"
    return [
        ("G7: one byte changed in an applied file", one(tool, place, change)),
        ("G7: an applied file renamed", one(tool, place, rename)),
        ("G7: an applied file removed, newer ones are there", one(tool, place, remove(FILE))),
        ("G7: the newest applied file removed", one(tool, place, remove(NEWEST))),
        ("G7: a file inserted before applied ones", inserted),
    ]
