/* Deadlines of many requests at constant cost: a wheel of slots, DEADLINE_TICK_US wide. A deadline
 * is seen one slot late at most, never early. Core: the time comes in. */
#pragma once

#include <stdint.h>

enum { DEADLINE_TICK_US = 16 * 1000, DEADLINE_SLOTS = 256 };

struct deadline {                     /* embedded by its owner; zero it first */
    struct deadline *next, *previous; /* NULL: not set */
    int64_t due_mono_us;
    void *owner;
};

struct deadlines {
    struct deadline slots[DEADLINE_SLOTS]; /* list heads */
    int64_t tick;                          /* the oldest slot not yet emptied */
};

void deadlines_init(struct deadlines *deadlines, int64_t now_mono_us);
void deadlines_set(struct deadlines *deadlines, struct deadline *deadline, int64_t due_mono_us);
void deadlines_clear(struct deadline *deadline); /* also when not set */
/* One that has passed, cleared; NULL: no more. */
struct deadline *deadlines_take(struct deadlines *deadlines, int64_t now_mono_us);
