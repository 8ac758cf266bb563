/* Cleanup attributes: `SVC_CLEANUP(svc_pg_close) struct svc_pg *pg = NULL;` closes when the scope
 * ends. Closers take a pointer to the handle, accept NULL in it, and null it. Hand a handle over by
 * copying it out and setting the local to NULL. */
#pragma once

#include <stdlib.h>

#define SVC_CLEANUP(fn) __attribute__((cleanup(fn)))

static inline void svc_cleanup_free(void *p)
{
    void **pointer = p;
    free(*pointer);
    *pointer = NULL;
}
#define SVC_FREE SVC_CLEANUP(svc_cleanup_free)
