/* Allocation that cannot fail for its caller. A service of bounded loops that cannot get a few
 * kilobytes cannot work at all: it ends, and whatever it held is redelivered to the next process.
 */
#include "memory.h"

#include "svc/config.h"

#include <stdlib.h>
#include <unistd.h>

static void *checked(void *memory)
{
    static const char line[] = "out of memory\n";
    if (memory)
        return memory;
    /* No logging here: it would be the next thing that wants memory. */
    if (write(STDERR_FILENO, line, sizeof line - 1) < 0)
        _exit(SVC_EXIT_SOFTWARE);
    _exit(SVC_EXIT_SOFTWARE);
}

void *svc_must_alloc(size_t bytes)
{
    return checked(malloc(bytes ? bytes : 1));
}

void *svc_must_zalloc(size_t bytes)
{
    return checked(calloc(1, bytes ? bytes : 1));
}

void *svc_must_realloc(void *old, size_t bytes)
{
    return checked(realloc(old, bytes ? bytes : 1));
}
