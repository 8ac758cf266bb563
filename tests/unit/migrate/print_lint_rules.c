/* Prints docs/migrate-lint.md from the one table of rules; a test compares the two. */
#include "lint.h"

#include <stdio.h>

static void print_kinds(unsigned kinds)
{
    static const char *const names[] = {
        [FILE_UP] = "up", [FILE_DOWN] = "down", [FILE_VERIFY] = "verify"};
    const char *comma = "";
    for (unsigned kind = FILE_UP; kind <= FILE_VERIFY; kind++)
        if (kinds & (1U << kind)) {
            printf("%s%s", comma, names[kind]);
            comma = ", ";
        }
}

int main(void)
{
    puts("# Rules of `migrate lint`\n\n"
         "`migrate lint` reads every file of the program (or of `--dir`, or the FILEs that are "
         "named) and connects to nothing.\n"
         "It prints `file:line:column: rule: what it found` and the safe way, and exits 6 when it "
         "found anything. This page is\n"
         "printed from `services/migrate/lint.def` (`build/dev/tests/print_lint_rules > "
         "docs/migrate-lint.md`); a test compares\n"
         "the two. Names are those of squawk where squawk has the rule.\n");
    puts("A finding that is meant is taken back for one statement, on a line before it, with a "
         "reason; several rules\n"
         "are separated by commas:\n\n"
         "```sql\n"
         "-- migrate:ignore require-concurrent-index-creation the table has one row per gateway\n"
         "CREATE INDEX gateways_name_idx ON gateways (name);\n"
         "```\n");
    puts("| rule | files | what it finds | the safe way |\n| --- | --- | --- | --- |");
    for (size_t i = 0; i < lint_rule_count; i++) {
        const struct lint_rule *rule = &lint_rules[i];
        printf("| `%s` | ", rule->name);
        print_kinds(rule->kinds);
        printf(" | %s | %s |\n", rule->what, rule->advice);
    }
    puts("\n## What it knows, and what not\n\n"
         "- A table that the same file made is nobody's yet: the rules about locks leave it alone. "
         "`CREATE TABLE IF NOT EXISTS`\n"
         "  makes none where there is one, so its table counts as there already; only "
         "`contract-directive` leaves it alone, too.\n"
         "- Plain commands in a `DO` block are read as if they stood alone, also in `EXECUTE "
         "'…'` with one literal. Commands that\n"
         "  a block puts together (`EXECUTE format(…)`) are not read; such a block that says "
         "`ENABLE ROW LEVEL SECURITY` or\n"
         "  `COMMENT ON COLUMN` is believed to do it for all tables of the file. Conditions are "
         "not understood. Bodies of functions\n"
         "  are not read: the migration does not execute them.\n"
         "- Earlier files are known for two rules: functions that they made (`CREATE OR REPLACE` "
         "keeps comment and rights), and\n"
         "  roles whose new functions `ALTER DEFAULT PRIVILEGES` closed.\n"
         "- There is no rule require-lock-timeout: `migrate` sets `lock_timeout` itself before "
         "each file and tries again when a\n"
         "  lock is not free.\n"
         "- Functions of one name count as one, and what a new body of a function, or DELETE and "
         "UPDATE, take away is not seen.");
    return 0;
}
