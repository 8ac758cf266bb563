/* Copying with edits; see raw.h. */
#include "raw.h"

#include "svc/text.h"

#include <string.h>

#include <sodium.h>

/* Longest `_text` before escaping that cannot pass RAW_BYTES_MAX: an escape takes up to 6 bytes
 * ("\u0001"). */
enum { ESCAPED_BYTES_MAX = RAW_BYTES_MAX - 256, CONTENT_TYPE_MAX = 64 };

/* --- JSON ------------------------------------------------------------------------------------ */

static bool names_a_secret(const struct json_node *key)
{
    static const char *const names[] = {"secret",  "token",    "key",      "password",
                                        "license", "auth_key", "api_token"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (json_is_word(key, names[i]))
            return true;
    return false;
}

static bool has(const char *text, size_t len, struct raw_secret secret)
{
    return memmem(text, len, secret.text, secret.len) != NULL;
}

/* With and without its escapes: however it is spelled, it does not get through. */
static bool holds_secret(const struct json *json, const struct json_node *node,
                         struct raw_secret secret)
{
    if (node->text == NULL || secret.len == 0)
        return false;
    return has(node->text, node->len, secret) ||
           (node->escaped && has(json->source + node->start, node->end - node->start, secret));
}

struct edit {
    const struct json *json;
    struct raw_secret secret;
    struct svc_buffer *out;
    size_t copied; /* of the source */
};

static void replace(struct edit *edit, const struct json_node *node)
{
    svc_buffer_add(edit->out, edit->json->source + edit->copied, node->start - edit->copied);
    svc_buffer_text(edit->out, "\"***\"");
    edit->copied = node->end;
}

static void edit_node(struct edit *edit, uint32_t index);

static void edit_object(struct edit *edit, uint32_t object)
{
    const struct json *json = edit->json;
    for (uint32_t key = json_first(object); json_has(json, object, key);
         key = json_next(json, key)) {
        if (holds_secret(json, &json->nodes[key], edit->secret))
            replace(edit, &json->nodes[key]);
        if (names_a_secret(&json->nodes[key]))
            replace(edit, &json->nodes[key + 1]);
        else
            edit_node(edit, key + 1);
    }
}

static void edit_node(struct edit *edit, uint32_t index)
{
    const struct json_node *node = &edit->json->nodes[index];
    if (node->type == JSON_IS_OBJECT)
        edit_object(edit, index);
    else if (node->type == JSON_IS_ARRAY)
        for (uint32_t i = index + 1; i < node->next; i = edit->json->nodes[i].next)
            edit_node(edit, i);
    else if (holds_secret(edit->json, node, edit->secret))
        replace(edit, node);
}

void raw_json(const struct json *json, struct raw_secret secret, struct svc_buffer *ret)
{
    struct edit edit = {.json = json, .secret = secret, .out = ret};
    svc_buffer_reset(ret);
    edit_node(&edit, 0);
    svc_buffer_add(ret, json->source + edit.copied, json->source_len - edit.copied);
}

/* --- other bodies ---------------------------------------------------------------------------- */

static void overwrite(char *bytes, size_t len, struct raw_secret secret)
{
    char *at = bytes;
    if (secret.len == 0)
        return;
    while ((at = memmem(at, len - (size_t)(at - bytes), secret.text, secret.len)) != NULL) {
        memset(at, '*', secret.len);
        at += secret.len;
    }
}

/* len or a little less: so that valid text is not cut inside a character. */
static size_t whole_characters(const char *bytes, size_t len, size_t cut)
{
    size_t at = cut < len ? cut : len;
    while (at < len && at > 0 && ((uint8_t)bytes[at] & 0xc0) == 0x80)
        at--;
    return at;
}

/* How many bytes of a text have an escaped form of at most room bytes. */
static size_t that_fits(const char *text, size_t len, size_t room)
{
    size_t at = 0, escaped = 0;
    for (; at < len; at++) {
        const uint8_t c = (uint8_t)text[at];
        escaped += c < 0x20 ? 6 : c == '"' || c == '\\' ? 2 : 1;
        if (escaped > room)
            break;
    }
    return whole_characters(text, len, at);
}

/* Only what is a media type is kept of the header: it is a stranger's text. */
static void add_content_type(const char *content_type, struct svc_buffer *ret)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/+-._";
    const size_t len = content_type != NULL ? strspn(content_type, allowed) : 0;
    if (len == 0 || len > CONTENT_TYPE_MAX)
        return;
    svc_buffer_text(ret, ", \"_ct\": ");
    svc_buffer_json(ret, content_type, len);
}

static void add_base64(const void *bytes, size_t len, struct svc_buffer *ret)
{
    /* In pieces of a multiple of 3, so that no padding stands in the middle. */
    enum { PIECE = 3 * 256 };
    char text[sodium_base64_ENCODED_LEN(PIECE, sodium_base64_VARIANT_ORIGINAL)];
    const unsigned char *at = bytes;
    for (; len > 0; at += PIECE, len -= len < PIECE ? len : PIECE) {
        const size_t piece = len < PIECE ? len : PIECE;
        svc_buffer_text(
            ret, sodium_bin2base64(text, sizeof text, at, piece, sodium_base64_VARIANT_ORIGINAL));
    }
}

void raw_body(const void *bytes, size_t len, size_t keep, const char *content_type,
              struct raw_secret secret, struct svc_buffer *scratch, struct svc_buffer *ret)
{
    /* Masked whole, then cut: a cut first could leave half a secret. */
    svc_buffer_reset(scratch);
    svc_buffer_add(scratch, bytes, len);
    overwrite(scratch->bytes, scratch->len, secret);
    const char *masked = scratch->bytes;
    size_t kept = whole_characters(masked, len, keep);
    svc_buffer_reset(ret);
    if (svc_utf8_valid(masked, kept)) {
        kept = that_fits(masked, kept, ESCAPED_BYTES_MAX);
        svc_buffer_text(ret, "{\"_text\": ");
        svc_buffer_json(ret, masked, kept);
    } else {
        svc_buffer_text(ret, "{\"_b64\": \"");
        add_base64(masked, kept, ret);
        svc_buffer_text(ret, "\"");
    }
    const size_t type_at = ret->len;
    add_content_type(content_type, ret);
    overwrite(ret->bytes + type_at, ret->len - type_at, secret);
    svc_buffer_text(ret, kept < len ? ", \"_truncated\": true}" : "}");
}
