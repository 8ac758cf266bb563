#include "requests.h"

#include <assert.h>
#include <stdlib.h>

bool requests_init(struct requests *requests, uint32_t max)
{
    *requests = (struct requests){.all = calloc(max, sizeof *requests->all), .max = max};
    return requests->all != NULL;
}

void requests_done(struct requests *requests)
{
    free(requests->all);
    *requests = (struct requests){.all = NULL};
}

/* The last one given back comes first: its memory is still in the cache. */
struct request *requests_take(struct requests *requests)
{
    struct request *request = requests->free;
    if (request != NULL)
        requests->free = request->next_free;
    else if (requests->used < requests->max)
        request = &requests->all[requests->used++];
    return request;
}

void requests_give_back(struct requests *requests, struct request *request)
{
    assert(request->client == NULL && request->deadline.next == NULL);
    request->next_free = requests->free;
    requests->free = request;
}
