/* Two chained hash tables over the same entries: by secret and by id. */
#include "strategies.h"

#include "svc/config.h"
#include "svc/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

enum { BUCKETS_FIRST = 256 };

struct strategies {
    struct strategy **by_secret, **by_id;
    size_t buckets, count; /* buckets: a power of two */
    uint32_t load;
};

static void *must(void *memory)
{
    if (memory == NULL) {
        svc_alert("memory_exhausted", SVC_T("err", "no memory for the strategies"));
        _exit(SVC_EXIT_SOFTWARE);
    }
    return memory;
}

struct strategies *strategies_new(void)
{
    struct strategies *s = must(calloc(1, sizeof *s));
    s->buckets = BUCKETS_FIRST;
    s->by_secret = must(calloc(s->buckets, sizeof(struct strategy *)));
    s->by_id = must(calloc(s->buckets, sizeof(struct strategy *)));
    return s;
}

/* A digest's first bytes are as good as any hash. */
static size_t secret_bucket(const struct strategies *s, const uint8_t hash[SECRET_HASH_BYTES])
{
    uint32_t word;
    memcpy(&word, hash, sizeof word);
    return word & (s->buckets - 1);
}

/* Ids come from Postgres, so nobody chooses them to collide: FNV-1a. */
static size_t id_bucket(const struct strategies *s, const char *id)
{
    uint32_t hash = 2166136261U;
    for (; *id != '\0'; id++)
        hash = (hash ^ (uint8_t)*id) * 16777619U;
    return hash & (s->buckets - 1);
}

static void link_secret(struct strategies *s, struct strategy *entry)
{
    struct strategy **bucket = &s->by_secret[secret_bucket(s, entry->secret_hash)];
    entry->next_by_secret = *bucket;
    *bucket = entry;
}

static void unlink_secret(struct strategies *s, struct strategy *entry)
{
    struct strategy **at = &s->by_secret[secret_bucket(s, entry->secret_hash)];
    while (*at != entry)
        at = &(*at)->next_by_secret;
    *at = entry->next_by_secret;
}

static void link_id(struct strategies *s, struct strategy *entry)
{
    struct strategy **bucket = &s->by_id[id_bucket(s, entry->id)];
    entry->next_by_id = *bucket;
    *bucket = entry;
}

void strategies_free(struct strategies **strategies)
{
    struct strategies *s = *strategies;
    for (size_t i = 0; s != NULL && i < s->buckets; i++) {
        for (struct strategy *entry = s->by_id[i], *next; entry != NULL; entry = next) {
            next = entry->next_by_id;
            free(entry);
        }
    }
    if (s != NULL) {
        free(s->by_secret);
        free(s->by_id);
    }
    free(s);
    *strategies = NULL;
}

static void grow(struct strategies *s)
{
    struct strategy **old = s->by_id;
    const size_t old_buckets = s->buckets;
    s->buckets *= 2;
    free(s->by_secret);
    s->by_secret = must(calloc(s->buckets, sizeof(struct strategy *)));
    s->by_id = must(calloc(s->buckets, sizeof(struct strategy *)));
    for (size_t i = 0; i < old_buckets; i++) {
        for (struct strategy *entry = old[i], *next; entry != NULL; entry = next) {
            next = entry->next_by_id;
            link_secret(s, entry);
            link_id(s, entry);
        }
    }
    free(old);
}

const struct strategy *strategies_find(const struct strategies *s,
                                       const uint8_t secret_hash[SECRET_HASH_BYTES])
{
    const struct strategy *entry = s->by_secret[secret_bucket(s, secret_hash)];
    while (entry != NULL && sodium_memcmp(entry->secret_hash, secret_hash, SECRET_HASH_BYTES) != 0)
        entry = entry->next_by_secret;
    return entry;
}

static struct strategy *find_id(const struct strategies *s, const char *id)
{
    struct strategy *entry = s->by_id[id_bucket(s, id)];
    while (entry != NULL && strcmp(entry->id, id) != 0)
        entry = entry->next_by_id;
    return entry;
}

static struct strategy *add(struct strategies *s, const char *id)
{
    if (s->count >= s->buckets)
        grow(s);
    struct strategy *entry = must(calloc(1, sizeof *entry));
    (void)snprintf(entry->id, sizeof entry->id, "%s", id);
    link_id(s, entry);
    s->count++;
    return entry;
}

const struct strategy *strategies_put(struct strategies *s, const char *id, const char *user_id,
                                      const uint8_t secret_hash[SECRET_HASH_BYTES])
{
    struct strategy *entry = find_id(s, id);
    if (entry != NULL)
        unlink_secret(s, entry);
    else
        entry = add(s, id);
    memcpy(entry->secret_hash, secret_hash, SECRET_HASH_BYTES);
    (void)snprintf(entry->user_id, sizeof entry->user_id, "%s", user_id);
    entry->load = s->load;
    link_secret(s, entry);
    return entry;
}

void strategies_load_begin(struct strategies *s)
{
    s->load++;
}

void strategies_load_end(struct strategies *s)
{
    for (size_t i = 0; i < s->buckets; i++) {
        for (struct strategy **at = &s->by_id[i]; *at != NULL;) {
            struct strategy *entry = *at;
            if (entry->load == s->load) {
                at = &entry->next_by_id;
                continue;
            }
            *at = entry->next_by_id;
            unlink_secret(s, entry);
            free(entry);
            s->count--;
        }
    }
}

size_t strategies_count(const struct strategies *s)
{
    return s->count;
}

void strategies_hash_secret(const char *secret, size_t len, uint8_t ret[SECRET_HASH_BYTES])
{
    (void)crypto_hash_sha256(ret, (const uint8_t *)secret, len);
}
