/* Chained buckets, as many as a power of two not under the capacity. */
#include "keymap.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

_Static_assert(sizeof((struct keymap *)0)->secret == crypto_shorthash_KEYBYTES, "SipHash's key");

bool keymap_init(struct keymap *map, size_t key_len, size_t capacity)
{
    size_t buckets = 16;
    while (buckets < capacity)
        buckets *= 2;
    *map = (struct keymap){.key_len = key_len, .mask = buckets - 1};
    crypto_shorthash_keygen(map->secret);
    map->buckets = calloc(buckets, sizeof(struct keymap_node *));
    return map->buckets != NULL;
}

void keymap_done(struct keymap *map)
{
    free(map->buckets);
    *map = (struct keymap){0};
}

static struct keymap_node **bucket(const struct keymap *map, const void *key)
{
    uint8_t digest[crypto_shorthash_BYTES];
    size_t number;
    (void)crypto_shorthash(digest, key, map->key_len, map->secret);
    memcpy(&number, digest, sizeof number);
    return &map->buckets[number & map->mask];
}

void keymap_add(struct keymap *map, struct keymap_node *node, const void *key)
{
    struct keymap_node **head = bucket(map, key);
    node->key = key;
    node->next = *head;
    *head = node;
    map->count++;
}

void keymap_remove(struct keymap *map, struct keymap_node *node)
{
    struct keymap_node **at = bucket(map, node->key);
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    node->next = NULL;
    map->count--;
}

static struct keymap_node *match(const struct keymap *map, struct keymap_node *node,
                                 const void *key)
{
    while (node != NULL && memcmp(node->key, key, map->key_len) != 0)
        node = node->next;
    return node;
}

struct keymap_node *keymap_find(const struct keymap *map, const void *key)
{
    return match(map, *bucket(map, key), key);
}

struct keymap_node *keymap_next(const struct keymap *map, const struct keymap_node *node)
{
    return match(map, node->next, node->key);
}
