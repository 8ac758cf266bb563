/* The scanner: recursive descent, at most JSON_DEPTH_MAX levels. Every function leaves `at` behind
 * what it took, or sets the fault and returns false. */
#include "json.h"

#include "hex.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

struct scan {
    struct json *json;
    struct json_fault *fault;
    enum json_verdict verdict;
    const char *text;
    size_t len, at;
    unsigned depth;
};

static bool fail(struct scan *s, enum json_verdict verdict, const char *what)
{
    s->verdict = verdict;
    *s->fault = (struct json_fault){.what = what, .at = s->at};
    return false;
}

static bool broken(struct scan *s, const char *what)
{
    return fail(s, JSON_BROKEN, what);
}

/* The byte at `at`; 0 at the end, which no rule expects. */
static unsigned char peek(const struct scan *s)
{
    return s->at < s->len ? (unsigned char)s->text[s->at] : 0;
}

static unsigned char after_space(struct scan *s)
{
    while (peek(s) == ' ' || peek(s) == '\n' || peek(s) == '\r' || peek(s) == '\t')
        s->at++;
    return peek(s);
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static struct json_node *add_node(struct scan *s, enum json_type type, size_t start)
{
    struct json *json = s->json;
    assert(json->count < JSON_NODES_MAX); /* see its comment: two bytes per value */
    struct json_node *node = &json->nodes[json->count++];
    *node = (struct json_node){.type = type, .start = (uint32_t)start, .end = (uint32_t)s->at};
    node->next = json->count;
    return node;
}

/* --- strings --------------------------------------------------------------------------------- */

/* Four hex digits at `at`. */
static bool take_hex4(struct scan *s, uint32_t *ret)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++, s->at++) {
        const int digit = hex_value((char)peek(s));
        if (digit < 0)
            return broken(s, "\\u without four hex digits");
        value = value << 4 | (uint32_t)digit;
    }
    *ret = value;
    return true;
}

/* Behind "\u": one character, which takes a pair of escapes past U+FFFF. */
static bool take_unicode(struct scan *s, uint32_t *ret)
{
    uint32_t high, low;
    if (!take_hex4(s, &high))
        return false;
    *ret = high;
    if (high == 0)
        return broken(s, "\\u0000 cannot be stored");
    if (high < 0xd800 || high > 0xdfff)
        return true;
    if (high > 0xdbff || s->len - s->at < 2 || memcmp(s->text + s->at, "\\u", 2) != 0)
        return broken(s, "half of a surrogate pair");
    s->at += 2;
    if (!take_hex4(s, &low))
        return false;
    if (low < 0xdc00 || low > 0xdfff)
        return broken(s, "half of a surrogate pair");
    *ret = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

static size_t encode_utf8(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    const size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(lead[len] | c);
    return len;
}

/* Behind a backslash: appends the character to json->decoded. The escape is never shorter than what
 * it stands for, so decoded cannot overflow. */
static bool take_escape(struct scan *s)
{
    static const char names[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    const unsigned char name = peek(s);
    uint32_t c = 0;
    if (name == 'u') {
        s->at++;
        if (!take_unicode(s, &c))
            return false;
    } else {
        const char *found = name != 0 ? strchr(names, name) : NULL;
        while (found != NULL && (found - names) % 2 != 0) /* it is a meaning, not a name */
            found = strchr(found + 1, name);
        if (found == NULL)
            return broken(s, "an unknown escape");
        s->at++;
        c = (unsigned char)found[1];
    }
    s->json->decoded_len += encode_utf8(c, s->json->decoded + s->json->decoded_len);
    return true;
}

/* From the first escape on, the string is built in json->decoded. */
static bool take_escaped(struct scan *s, size_t begin)
{
    struct json *json = s->json;
    size_t plain = begin;
    for (;; s->at++) {
        const unsigned char c = peek(s);
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        if (c != '"' && c != '\\')
            return broken(s, s->at < s->len ? "a control character in a string"
                                            : "a string without its end");
        memcpy(json->decoded + json->decoded_len, s->text + plain, s->at - plain);
        json->decoded_len += s->at - plain;
        if (c == '"')
            return true;
        s->at++;
        if (!take_escape(s))
            return false;
        plain = s->at--;
    }
}

static bool take_string(struct scan *s)
{
    const size_t start = s->at++, decoded = s->json->decoded_len;
    while (peek(s) >= 0x20 && peek(s) != '"' && peek(s) != '\\')
        s->at++;
    const bool escaped = peek(s) != '"';
    if (escaped && !take_escaped(s, start + 1))
        return false;
    const size_t len = escaped ? s->json->decoded_len - decoded : s->at - start - 1;
    if (len > JSON_STRING_MAX)
        return broken(s, "a string of more than 1024 bytes");
    s->at++;
    struct json_node *node = add_node(s, JSON_IS_STRING, start);
    node->text = escaped ? s->json->decoded + decoded : s->text + start + 1;
    node->len = (uint32_t)len;
    node->escaped = escaped;
    return true;
}

/* --- numbers and words ----------------------------------------------------------------------- */

static bool take_digits(struct scan *s)
{
    const size_t start = s->at;
    while (is_digit(peek(s)))
        s->at++;
    return s->at > start;
}

static bool take_exponent(struct scan *s, bool *ret_in_range)
{
    s->at++;
    if (peek(s) == '-' || peek(s) == '+')
        s->at++;
    unsigned value = 0;
    if (!is_digit(peek(s)))
        return false;
    for (; is_digit(peek(s)); s->at++)
        if (value <= JSON_EXPONENT_MAX)
            value = value * 10 + (peek(s) - '0');
    *ret_in_range = value <= JSON_EXPONENT_MAX;
    return true;
}

static bool take_number(struct scan *s)
{
    static const char not_a_number[] = "not a number as JSON writes it";
    const size_t start = s->at;
    bool in_range = true;
    if (peek(s) == '-')
        s->at++;
    if (peek(s) == '0')
        s->at++;
    else if (!take_digits(s))
        return broken(s, not_a_number);
    if (peek(s) == '.') {
        s->at++;
        if (!take_digits(s))
            return broken(s, not_a_number);
    }
    if ((peek(s) | 0x20) == 'e' && !take_exponent(s, &in_range))
        return broken(s, not_a_number);
    if (!in_range)
        return fail(s, JSON_BAD_NUMBER, "a number with an exponent beyond 30");
    if (s->at - start > JSON_NUMBER_MAX)
        return fail(s, JSON_BAD_NUMBER, "a number of more than 40 characters");
    struct json_node *node = add_node(s, JSON_IS_NUMBER, start);
    node->text = s->text + start;
    node->len = (uint32_t)(s->at - start);
    return true;
}

static bool take_word(struct scan *s, const char *word, enum json_type type)
{
    const size_t start = s->at, len = strlen(word);
    if (s->len - s->at < len || memcmp(s->text + s->at, word, len) != 0)
        return broken(s, "a value was expected");
    s->at += len;
    (void)add_node(s, type, start);
    return true;
}

/* --- containers ------------------------------------------------------------------------------ */

static bool take_value(struct scan *s);

static bool key_is_new(const struct json *json, uint32_t object, uint32_t key)
{
    const struct json_node *k = &json->nodes[key];
    for (uint32_t other = json_first(object); other < key; other = json_next(json, other)) {
        const struct json_node *o = &json->nodes[other];
        if (o->len == k->len && memcmp(o->text, k->text, k->len) == 0)
            return false;
    }
    return true;
}

static bool take_member(struct scan *s, uint32_t object)
{
    const uint32_t key = s->json->count;
    if (after_space(s) != '"')
        return broken(s, "a member's name in quotes was expected");
    if (++s->json->key_count > JSON_KEYS_MAX)
        return broken(s, "more than 128 members");
    if (!take_string(s))
        return false;
    if (!key_is_new(s->json, object, key))
        return broken(s, "a member is given twice");
    if (after_space(s) != ':')
        return broken(s, "a colon was expected");
    s->at++;
    return take_value(s);
}

/* What is between the brackets, and the closing one. */
static bool take_content(struct scan *s, uint32_t container, bool is_object)
{
    const unsigned char closing = is_object ? '}' : ']';
    if (after_space(s) == closing) {
        s->at++;
        return true;
    }
    for (;;) {
        if (is_object ? !take_member(s, container) : !take_value(s))
            return false;
        const unsigned char c = after_space(s);
        if (c != ',' && c != closing)
            return broken(s, is_object ? "a comma or } was expected" : "a comma or ] was expected");
        s->at++;
        if (c == closing)
            return true;
    }
}

static bool take_container(struct scan *s, bool is_object)
{
    if (s->depth == JSON_DEPTH_MAX)
        return broken(s, "deeper than 8 levels");
    s->depth++;
    const uint32_t me = s->json->count;
    const size_t start = s->at++;
    (void)add_node(s, is_object ? JSON_IS_OBJECT : JSON_IS_ARRAY, start);
    const bool good = take_content(s, me, is_object);
    s->json->nodes[me].end = (uint32_t)s->at;
    s->json->nodes[me].next = s->json->count; /* also at a fault: see json_scan */
    s->depth--;
    return good;
}

static bool take_value(struct scan *s)
{
    switch (after_space(s)) {
    case '{':
        return take_container(s, true);
    case '[':
        return take_container(s, false);
    case '"':
        return take_string(s);
    case 't':
        return take_word(s, "true", JSON_IS_TRUE);
    case 'f':
        return take_word(s, "false", JSON_IS_FALSE);
    case 'n':
        return take_word(s, "null", JSON_IS_NULL);
    default:
        if (peek(s) == '-' || is_digit(peek(s)))
            return take_number(s);
        return broken(s, "a value was expected");
    }
}

enum json_verdict json_scan(struct json *json, const char *text, size_t len,
                            struct json_fault *fault)
{
    struct scan s = {.json = json, .fault = fault, .text = text, .len = len};
    json->source = text;
    json->source_len = len;
    json->count = json->key_count = 0;
    json->decoded_len = 0;
    assert(len <= JSON_TEXT_MAX);
    const unsigned char first = after_space(&s);
    if (first != '{' && first != '[')
        (void)broken(&s, "neither an object nor an array");
    else if (take_value(&s) && (after_space(&s) != 0 || s.at < len))
        (void)broken(&s, "something follows the end");
    return s.verdict;
}

bool json_is_word(const struct json_node *node, const char *word)
{
    return node->len == strlen(word) && strncasecmp(node->text, word, node->len) == 0;
}
