/* A slot is emptied when its tick is over. The wheel may stand still for any time (nobody waits, or
 * the process was stopped), so a slot may hold deadlines that lie ahead of it by more than a turn:
 * those are set again. */
#include "deadlines.h"

#include <stddef.h>

static struct deadline *slot_of(struct deadlines *deadlines, int64_t tick)
{
    return &deadlines->slots[(uint64_t)tick % DEADLINE_SLOTS];
}

void deadlines_init(struct deadlines *deadlines, int64_t now_mono_us)
{
    for (int i = 0; i < DEADLINE_SLOTS; i++) {
        struct deadline *head = &deadlines->slots[i];
        *head = (struct deadline){.next = head, .previous = head};
    }
    deadlines->tick = now_mono_us / DEADLINE_TICK_US;
}

void deadlines_set(struct deadlines *deadlines, struct deadline *deadline, int64_t due_mono_us)
{
    const int64_t last = deadlines->tick + DEADLINE_SLOTS - 1;
    int64_t tick = due_mono_us / DEADLINE_TICK_US;
    if (tick < deadlines->tick)
        tick = deadlines->tick;
    if (tick > last)
        tick = last;
    struct deadline *head = slot_of(deadlines, tick);
    deadline->due_mono_us = due_mono_us;
    deadline->next = head;
    deadline->previous = head->previous;
    head->previous->next = deadline;
    head->previous = deadline;
}

void deadlines_clear(struct deadline *deadline)
{
    if (deadline->next == NULL)
        return;
    deadline->previous->next = deadline->next;
    deadline->next->previous = deadline->previous;
    deadline->next = deadline->previous = NULL;
}

struct deadline *deadlines_take(struct deadlines *deadlines, int64_t now_mono_us)
{
    const int64_t now_tick = now_mono_us / DEADLINE_TICK_US;
    if (deadlines->tick < now_tick - DEADLINE_SLOTS)
        deadlines->tick = now_tick - DEADLINE_SLOTS; /* one turn meets every slot */
    for (; deadlines->tick < now_tick; deadlines->tick++) {
        const struct deadline *head = slot_of(deadlines, deadlines->tick);
        while (head->next != head) {
            struct deadline *first = head->next;
            deadlines_clear(first);
            if (first->due_mono_us <= now_mono_us)
                return first;
            deadlines_set(deadlines, first, first->due_mono_us); /* goes to a later slot */
        }
    }
    return NULL;
}
