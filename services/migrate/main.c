/* migrate: files in, schema out.
 *
 *   config → files → connect → lock → history → plan → each pending file → report
 *
 * That is `up`; each command goes the part of this way that it needs. The steps are migrate.c's, a
 * command is one function in command_<name>.c, plan.c decides. */
#include "commands.h"
#include "connect.h"
#include "interrupt.h"

#include "svc/cleanup.h"

#include <signal.h>

static command_function *const commands[COMMAND_COUNT] = {
    [COMMAND_UP] = command_up,         [COMMAND_DOWN] = command_down,
    [COMMAND_STATUS] = command_status, [COMMAND_VERIFY] = command_verify,
    [COMMAND_PLAN] = command_plan,     [COMMAND_BASELINE] = command_baseline,
    [COMMAND_REPAIR] = command_repair, [COMMAND_LINT] = command_lint,
    [COMMAND_NEW] = command_new,
};

int main(int argc, char **argv)
{
    struct config config;
    enum migrate_exit rc;
    if (!config_load(argc, argv, &config, &rc))
        return (int)rc;
    (void)signal(SIGPIPE, SIG_IGN); /* a reader that goes away is no reason to stop half-way */
    interrupt_begin();
    SVC_CLEANUP(svc_arena_done) struct svc_arena arena;
    svc_arena_init(&arena, 1024 * 1024);
    SVC_CLEANUP(migrate_done) struct migrate m;
    migrate_init(&m, &config, &arena);
    struct fault fault = {0};
    rc = commands[config.command](&m, &fault);
    connect_close(&m.conn); /* before anything is said: then the lock is free */
    report_end(&m.report, &fault);
    return (int)rc;
}
