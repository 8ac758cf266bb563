/* Derived identities. */
#include "contracts/identity.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

static void digest_text(const char *text, uint8_t ret[crypto_hash_sha256_BYTES])
{
    (void)crypto_hash_sha256(ret, (const unsigned char *)text, strlen(text));
}

/* Crockford's alphabet leaves out I, L, O and U. Most significant bits first; the last character of
 * 13 carries the 64th bit and four zero bits. */
static void crockford(const uint8_t bytes[8], char ret[14])
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | bytes[i];
    for (int i = 0; i < 12; i++)
        ret[i] = alphabet[value >> (59 - 5 * i) & 31];
    ret[12] = alphabet[value << 1 & 31];
    ret[13] = '\0';
}

void order_identity(const char *job_id, uint32_t step, uint32_t magic_tag,
                    struct order_identity *ret)
{
    char text[SVC_UUID_TEXT + 12];
    (void)snprintf(text, sizeof text, "%s:%u", job_id, step);
    for (char *c = text; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'F')
            *c = (char)(*c - 'A' + 'a');
    uint8_t h[crypto_hash_sha256_BYTES];
    digest_text(text, h);
    crockford(h, ret->token);
    ret->hash32 = (uint32_t)h[8] << 24 | (uint32_t)h[9] << 16 | (uint32_t)h[10] << 8 | h[11];
    ret->magic = (uint64_t)(magic_tag & MAGIC_TAG_MAX) << 32 | ret->hash32;
}

uint32_t magic_tag_of(uint64_t magic)
{
    return (uint32_t)(magic >> 32 & MAGIC_TAG_MAX);
}

void signal_job_id(const char *signal_id, const char *connection_id, uint32_t leg,
                   char ret[SVC_UUID_TEXT])
{
    char text[2 * SVC_UUID_TEXT + 24];
    (void)snprintf(text, sizeof text, "job:%s:%s:%u", signal_id, connection_id, leg);
    uint8_t h[crypto_hash_sha256_BYTES];
    digest_text(text, h);
    svc_uuid_from_digest(h, ret);
}
