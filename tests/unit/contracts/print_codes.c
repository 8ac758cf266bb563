/* Prints docs/codes.md from the one table of codes; a test compares the two. */
#include "contracts/codes.h"

#include <stdio.h>

int main(void)
{
    puts("# Codes\n\n"
         "Every refusal and failure begins with one of these, then `: ` and a text. This page is "
         "printed from\n"
         "`lib/contracts/codes.def` (`build/dev/tests/print_codes > docs/codes.md`); a test "
         "compares the two.\n\n"
         "| code | what it means | what you can do |\n| --- | --- | --- |");
    for (int i = 0; i < CODE_COUNT; i++) {
        const struct code_entry *entry = code_entry((enum code)i);
        printf("| `%s` | %s | %s |\n", entry->name, entry->meaning, entry->remedy);
    }
    return 0;
}
