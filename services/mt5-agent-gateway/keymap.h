/* A hash table from keys of one fixed length to nodes that live inside their owners. It never
 * grows: the capacity is the gateway's own limit, known at start. Several nodes may have the same
 * key.
 *
 * Keys come from strangers, so buckets are chosen by SipHash under a random secret. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct keymap_node {
    struct keymap_node *next;
    const void *key; /* in the owner; unchanged while the node is in the table */
};

struct keymap {
    struct keymap_node **buckets;
    size_t mask, key_len, count;
    uint8_t secret[16];
};

/* capacity: how many nodes are expected at most. False: no memory. */
bool keymap_init(struct keymap *map, size_t key_len, size_t capacity);
void keymap_done(struct keymap *map); /* the nodes are their owners' */

void keymap_add(struct keymap *map, struct keymap_node *node, const void *key);
void keymap_remove(struct keymap *map, struct keymap_node *node);
struct keymap_node *keymap_find(const struct keymap *map, const void *key);
/* The next node with the same key, or NULL. */
struct keymap_node *keymap_next(const struct keymap *map, const struct keymap_node *node);
