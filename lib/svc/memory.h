/* Private to lib/svc: allocation for the building blocks that have no way to report a failure. */
#pragma once

#include <stddef.h>

/* Never NULL: a failed allocation prints one line and ends the process with SVC_EXIT_SOFTWARE. */
void *svc_must_alloc(size_t bytes); /* not zeroed */
void *svc_must_zalloc(size_t bytes);
void *svc_must_realloc(void *old, size_t bytes); /* old moves in */
