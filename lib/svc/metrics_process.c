/* The process_* metrics that every Prometheus client library has, read from /proc when they are
 * asked for. */
#include "metrics_internal.h"

#include "svc/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Read a small file of /proc as text; false: this system does not have it. */
static bool read_proc(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t len = read(fd, text, size - 1);
    (void)close(fd);
    text[len > 0 ? len : 0] = '\0';
    return len > 0;
}

/* The `index`-th (from 0) number among words separated by spaces; 0 when there is none. */
static uint64_t nth_number(const char *text, int index)
{
    for (; index > 0 && text; index--) {
        text = strchr(text, ' ');
        text = text ? text + 1 : NULL;
    }
    char word[24];
    uint64_t value = 0;
    if (!text)
        return 0;
    (void)snprintf(word, sizeof word, "%.*s", (int)strcspn(text, " \n"), text);
    return svc_parse_u64(word, 0, UINT64_MAX, &value) == 0 ? value : 0;
}

static uint64_t resident_bytes(void)
{
    char text[256];
    if (!read_proc("/proc/self/statm", text, sizeof text))
        return 0;
    return nth_number(text, 1) * (uint64_t)sysconf(_SC_PAGESIZE); /* proc(5): size resident … */
}

static unsigned open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;
    if (!dir)
        return 0;
    while (readdir(dir)) /* NOLINT(concurrency-mt-unsafe): the stream is ours alone */
        count++;
    (void)closedir(dir);
    return count > 3 ? count - 3 : 0; /* ".", ".." and the folder itself */
}

static double cpu_seconds(void)
{
    struct timespec used;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* proc(5): field 22 of stat is the start in clock ticks since boot. The command (field 2) is in
 * brackets and may hold anything, so fields are counted from its end. */
static double start_seconds(void)
{
    char text[1024];
    struct timespec unix_now, boot_now;
    if (!read_proc("/proc/self/stat", text, sizeof text))
        return 0;
    const char *behind = strrchr(text, ')');
    uint64_t ticks = behind ? nth_number(behind + 1, 20) : 0;
    (void)clock_gettime(CLOCK_REALTIME, &unix_now);
    (void)clock_gettime(CLOCK_BOOTTIME, &boot_now);
    double boot = (double)(unix_now.tv_sec - boot_now.tv_sec) +
                  (double)(unix_now.tv_nsec - boot_now.tv_nsec) / 1e9;
    return boot + (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

void metrics_print_process(struct svc_buffer *out)
{
    svc_buffer_printf(out,
                      "# HELP process_resident_memory_bytes Resident memory size in bytes.\n"
                      "# TYPE process_resident_memory_bytes gauge\n"
                      "process_resident_memory_bytes %" PRIu64 "\n",
                      resident_bytes());
    svc_buffer_printf(out,
                      "# HELP process_open_fds Number of open file descriptors.\n"
                      "# TYPE process_open_fds gauge\n"
                      "process_open_fds %u\n",
                      open_fds());
    svc_buffer_printf(out,
                      "# HELP process_cpu_seconds_total User and system CPU time in seconds.\n"
                      "# TYPE process_cpu_seconds_total counter\n"
                      "process_cpu_seconds_total %.6f\n",
                      cpu_seconds());
    svc_buffer_printf(out,
                      "# HELP process_start_time_seconds Start of the process, Unix time.\n"
                      "# TYPE process_start_time_seconds gauge\n"
                      "process_start_time_seconds %.3f\n",
                      start_seconds());
}
