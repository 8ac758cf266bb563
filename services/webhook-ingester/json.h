/* A strict JSON scanner (RFC 8259) for alerts, our own because prices and volumes must stay the
 * text that was sent: jansson turns every number into a double, and 1.10 prints back
 * as 1.1000000000000001 (measured).
 *
 * It makes a flat list of nodes in the order of the text: a container is followed by its content, a
 * key by its value. Escapes are resolved while scanning. Core: no I/O, no allocation; a struct json
 * is made once and used for one body after the other. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    JSON_TEXT_MAX = 64 * 1024,
    JSON_DEPTH_MAX = 8,     /* containers inside each other, the outermost counts */
    JSON_KEYS_MAX = 128,    /* in the whole text */
    JSON_STRING_MAX = 1024, /* bytes of one string or key, escapes resolved */
    JSON_NUMBER_MAX = 40,   /* characters */
    JSON_EXPONENT_MAX = 30, /* either way */
    /* Every value takes two bytes at least ("0,"), so this many nodes are always enough. */
    JSON_NODES_MAX = JSON_TEXT_MAX / 2 + 2,
};

enum json_type {
    JSON_IS_OBJECT,
    JSON_IS_ARRAY,
    JSON_IS_STRING,
    JSON_IS_NUMBER,
    JSON_IS_TRUE,
    JSON_IS_FALSE,
    JSON_IS_NULL,
};

struct json_node {
    const char *text;    /* strings: without quotes and escapes; numbers: as written; else NULL */
    uint32_t len;        /* of text; a string may hold any character but NUL */
    uint32_t start, end; /* where the value stands in the source, quotes included */
    uint32_t next;       /* index of the node behind this one and its content */
    enum json_type type;
    bool escaped; /* a string whose source has escapes */
};

struct json {
    const char *source; /* borrowed: nodes point into it */
    size_t source_len;
    uint32_t count; /* of nodes; node 0 is the outermost container */
    uint32_t key_count;
    size_t decoded_len;
    char decoded[JSON_TEXT_MAX]; /* strings that had escapes */
    struct json_node nodes[JSON_NODES_MAX];
};

enum json_verdict {
    JSON_GOOD,
    JSON_BROKEN,     /* not JSON, or past a limit other than a number's */
    JSON_BAD_NUMBER, /* JSON, with a number past JSON_NUMBER_MAX or JSON_EXPONENT_MAX */
};

struct json_fault {
    const char *what; /* constant text for people; never part of the source */
    size_t at;        /* byte of the source */
};

/* text   valid UTF-8 (svc_utf8_valid), at most JSON_TEXT_MAX bytes, an object or an array; borrowed
 * as long as the nodes are used. fault  set unless JSON_GOOD. What was complete before the fault
 * stays readable: open containers end there. */
enum json_verdict json_scan(struct json *json, const char *text, size_t len,
                            struct json_fault *fault);

/* The members of an object, in the order of the text:
 *     for (uint32_t key = json_first(object); json_has(json, object, key); key = json_next(json,
 * key)) the value of `key` is the node key + 1. */
static inline uint32_t json_first(uint32_t container)
{
    return container + 1;
}
static inline bool json_has(const struct json *json, uint32_t object, uint32_t key)
{
    return key + 1 < json->nodes[object].next;
}
static inline uint32_t json_next(const struct json *json, uint32_t key)
{
    return json->nodes[key + 1].next;
}

/* Is this string node the given ASCII word, upper and lower case taken as one? */
bool json_is_word(const struct json_node *node, const char *word);
