/* Configuration from the environment. An empty variable counts as not set, because that is what
 * `NAME=${NAME:-}` in a compose file or a manifest makes of a missing one. */
#include "svc/config.h"

#include "config_values.h"
#include "memory.h"

#include "svc/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECRET_FILE_MAX = 64 * 1024 };

/* Texts read from files stay until the process ends; the list keeps them reachable. */
struct kept_text {
    struct kept_text *next;
    char text[];
};
static struct kept_text *kept_texts;

static const char *env_text(const char *name)
{
    const char *text = getenv(name); /* NOLINT(concurrency-mt-unsafe): before any thread starts */
    return text && *text ? text : NULL;
}

static void print_fault(const struct svc_program *program, const char *name, const char *fault)
{
    (void)fprintf(stderr, "%s: %s: %s\n", program->name, name, fault);
}

/* Read at most `max` bytes; -1 with errno, or the number read. */
static ssize_t read_up_to(const char *path, char *bytes, size_t max)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    size_t len = 0;
    ssize_t got = 1;
    while (len < max && (got = read(fd, bytes + len, max - len)) > 0)
        len += (size_t)got;
    int failed = errno;
    (void)close(fd);
    errno = failed;
    return got < 0 ? -1 : (ssize_t)len;
}

/* The secret in a file without its one trailing line end; NULL with the reason in fault. */
static const char *read_secret(const char *path, char fault[CFG_TEXT_MAX])
{
    struct kept_text *kept = svc_must_alloc(sizeof *kept + SECRET_FILE_MAX + 2);
    ssize_t got = read_up_to(path, kept->text, SECRET_FILE_MAX + 1);
    size_t len = got > 0 ? (size_t)got : 0;
    if (got < 0)
        (void)snprintf(fault, CFG_TEXT_MAX, "%.70s: %s", path, strerrordesc_np(errno));
    else if (len > SECRET_FILE_MAX)
        (void)snprintf(fault, CFG_TEXT_MAX, "%.70s: more than %d bytes", path, SECRET_FILE_MAX);
    else if (memchr(kept->text, '\0', len))
        (void)snprintf(fault, CFG_TEXT_MAX, "%.70s: holds a NUL byte", path);
    else {
        len -= len > 0 && kept->text[len - 1] == '\n';
        len -= len > 0 && kept->text[len - 1] == '\r';
        kept->text[len] = '\0';
        kept = svc_must_realloc(kept, sizeof *kept + len + 1);
        kept->next = kept_texts;
        kept_texts = kept;
        return kept->text;
    }
    free(kept);
    return NULL;
}

/* A secret from NAME or NAME_FILE. NULL: neither is set, or *ret_fault. */
static const char *secret_text(const struct svc_program *program, const char *name, bool *ret_fault)
{
    char file_name[CFG_TEXT_MAX], fault[CFG_TEXT_MAX];
    (void)snprintf(file_name, sizeof file_name, "%s_FILE", name);
    const char *text = env_text(name), *path = env_text(file_name), *read = NULL;
    *ret_fault = false;
    if (!path)
        return text;
    if (text)
        print_fault(program, name, "is set, and so is its _FILE form; set one of them");
    else if ((read = read_secret(path, fault)) == NULL)
        print_fault(program, file_name, fault);
    *ret_fault = read == NULL;
    return read && *read ? read : NULL;
}

static bool load_item(const struct svc_program *program, const struct svc_cfg_item *item,
                      void *config)
{
    bool bad = false;
    char fault[CFG_TEXT_MAX];
    const char *text =
        item->type == CFG_SECRET ? secret_text(program, item->name, &bad) : env_text(item->name);
    if (bad)
        return false;
    if (!text)
        text = item->fallback;
    if (!text)
        (void)snprintf(fault, sizeof fault, "is required (%.90s)", item->help);
    else if (cfg_parse(item, text, config, fault) == 0)
        return true;
    print_fault(program, item->name, fault);
    return false;
}

enum svc_exit svc_config_load(const struct svc_program *program, void *config)
{
    bool good = true;
    for (const struct svc_cfg_item *item = program->items; item->name; item++)
        good = load_item(program, item, config) && good;
    return good ? SVC_EXIT_RUN : SVC_EXIT_CONFIG;
}

void svc_config_print_help(const struct svc_program *program)
{
    (void)puts("Settings, from the environment (an empty variable counts as not set):");
    for (const struct svc_cfg_item *item = program->items; item->name; item++) {
        char accepted[CFG_TEXT_MAX];
        (void)printf("  %-30s %s", item->name, item->help);
        if (*cfg_accepts(item, accepted))
            (void)printf("; %s", accepted);
        if (item->type == CFG_SECRET)
            (void)printf("; secret, also from the file %s_FILE", item->name);
        if (!item->fallback)
            (void)puts(" (required)");
        else
            (void)printf(" (default: %s)\n", *item->fallback ? item->fallback : "empty");
    }
}

static enum svc_exit print_help(const struct svc_program *program)
{
    (void)printf("%s: %s\n\nUsage: %s [--help | --version | --check-config]\n\n", program->name,
                 program->summary, program->name);
    svc_config_print_help(program);
    (void)puts("\nExit codes: 0 stopped cleanly, 64 usage, 70 fatal error, 75 work left at the\n"
               "end of DRAIN_TIMEOUT_MS, 78 bad configuration.");
    return SVC_EXIT_OK;
}

static const struct svc_cfg_item *find_item(const struct svc_program *program, const char *name)
{
    const struct svc_cfg_item *item = program->items;
    while (item->name && strcmp(item->name, name) != 0)
        item++;
    assert(item->name && item->type == CFG_CHOICE); /* LOG_LEVEL and LOG_FORMAT: SVC_CFG_LOG */
    return item;
}

static uint32_t choice_value(const struct svc_program *program, const char *name,
                             const void *config)
{
    const void *member = (const char *)config + find_item(program, name)->offset;
    return *(const uint32_t *)member;
}

static void set_up_logging(const struct svc_program *program, const void *config)
{
    svc_log_setup(program->name, choice_value(program, "LOG_LEVEL", config),
                  choice_value(program, "LOG_FORMAT", config));
    svc_info("service_starting", SVC_T("version", TRADEWIRE_VERSION), SVC_N("pid", getpid()));
    for (const struct svc_cfg_item *item = program->items; item->name; item++) {
        char shown[CFG_TEXT_MAX];
        svc_debug("config_value", SVC_T("name", item->name),
                  SVC_T("value", cfg_show(item, config, shown)));
    }
}

/* From here on SIGTERM and SIGINT wait for svc_run's signalfd. Threads inherit the mask, so
 * libraries' threads made before svc_run never take a signal, which would end the process without a
 * drain. */
static void hold_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

enum svc_exit svc_start(int argc, char **argv, const struct svc_program *program, void *config)
{
    const char *argument = argc == 2 ? argv[1] : "";
    bool check_only = strcmp(argument, "--check-config") == 0;
    if (strcmp(argument, "--help") == 0)
        return print_help(program);
    if (strcmp(argument, "--version") == 0) {
        (void)printf("%s %s\n", program->name, TRADEWIRE_VERSION);
        return SVC_EXIT_OK;
    }
    if (argc > 1 && !check_only) {
        (void)fprintf(stderr, "%s: unknown argument \"%s\"; see --help\n", program->name,
                      argv[argc > 2 ? 2 : 1]);
        return SVC_EXIT_USAGE;
    }
    enum svc_exit loaded = svc_config_load(program, config);
    if (loaded != SVC_EXIT_RUN)
        return loaded;
    if (check_only)
        return SVC_EXIT_OK;
    hold_signals();
    set_up_logging(program, config);
    return SVC_EXIT_RUN;
}
