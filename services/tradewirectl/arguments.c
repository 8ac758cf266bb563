/* `--name value` pairs, one positional argument, and --json. */
#include "arguments.h"

#include "commands.h"
#include "contracts/codes.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static int option_index(const struct ctl_command *command, const char *name)
{
    for (int i = 0; command->options[i].name != NULL; i++)
        if (strcmp(command->options[i].name, name) == 0)
            return i;
    return -1;
}

static enum svc_exit usage(const struct ctl_command *command, const char *what, const char *name)
{
    fprintf(stderr, "%s: %s%s\nusage: tradewirectl %s %s %s\n", code_name(CODE_BAD_ARGUMENT), what,
            name, command->noun, command->verb, command->usage);
    return SVC_EXIT_USAGE;
}

static enum svc_exit take(struct arguments *args, int index, const char *value)
{
    if (args->command->options[index].repeated) {
        if (args->repeat_count == ARGUMENTS_REPEATS_MAX)
            return usage(args->command, "too many of --", args->command->options[index].name);
        args->repeats[args->repeat_count++] = value;
        return SVC_EXIT_RUN;
    }
    if (args->values[index] != NULL)
        return usage(args->command, "given twice: --", args->command->options[index].name);
    args->values[index] = value;
    return SVC_EXIT_RUN;
}

static enum svc_exit require_all(const struct arguments *args)
{
    for (int i = 0; args->command->options[i].name != NULL; i++) {
        const struct ctl_option *option = &args->command->options[i];
        if (option->required && args->values[i] == NULL)
            return usage(args->command, option->name[0] != '\0' ? "missing --" : "missing argument",
                         option->name);
    }
    return SVC_EXIT_RUN;
}

enum svc_exit arguments_parse(const struct ctl_command *command, int argc, char **argv,
                              struct arguments *ret)
{
    ret->command = command;
    for (int i = command->words + 1; i < argc; i++) {
        const bool named = strncmp(argv[i], "--", 2) == 0;
        if (strcmp(argv[i], "--json") == 0) {
            ret->json = true;
            continue;
        }
        const int index = option_index(command, named ? argv[i] + 2 : "");
        if (index < 0)
            return usage(command, "unexpected ", argv[i]);
        if (named && i + 1 == argc)
            return usage(command, "no value for ", argv[i]);
        const enum svc_exit rc = take(ret, index, named ? argv[++i] : argv[i]);
        if (rc != SVC_EXIT_RUN)
            return rc;
    }
    return require_all(ret);
}

const char *arguments_get(const struct arguments *args, const char *name)
{
    const int index = option_index(args->command, name);
    assert(index >= 0);
    return args->values[index];
}
