/* A doubly linked list whose links live inside its members: adding and removing never allocates,
 * and removing a member that is in no list does nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *prev, *next; /* of a list without members and of a member without a list: itself */
};

#define list_owner(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void list_init(struct list *link)
{
    link->prev = link->next = link;
}

static inline bool list_alone(const struct list *link)
{
    return link->next == link;
}

static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

/* Put link at the end, wherever it was before. */
static inline void list_append(struct list *list, struct list *link)
{
    list_remove(link);
    link->prev = list->prev;
    link->next = list;
    list->prev->next = link;
    list->prev = link;
}
