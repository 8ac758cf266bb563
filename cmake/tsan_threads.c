/* Preset tsan only. librdkafka makes its threads with C11's thrd_create, which gcc 12's thread
 * sanitizer does not know: its runtime crashes in the first such thread (measured). Here they are
 * pthreads again. */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include <threads.h>

struct start {
    thrd_start_t run;
    void *arg;
};

static void *run(void *arg)
{
    const struct start start = *(struct start *)arg;
    free(arg);
    return (void *)(intptr_t)start.run(start.arg);
}

int thrd_create(thrd_t *ret_thread, thrd_start_t entry, void *arg)
{
    struct start *start = malloc(sizeof *start);
    if (start == NULL)
        return thrd_nomem;
    *start = (struct start){.run = entry, .arg = arg};
    if (pthread_create(ret_thread, NULL, run, start) == 0)
        return thrd_success;
    free(start);
    return thrd_error;
}

int thrd_join(thrd_t thread, int *ret_result)
{
    void *result = NULL;
    if (pthread_join(thread, &result) != 0)
        return thrd_error;
    if (ret_result != NULL)
        *ret_result = (int)(intptr_t)result;
    return thrd_success;
}
