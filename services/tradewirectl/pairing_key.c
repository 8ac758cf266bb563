/* Making a pairing key. */
#include "pairing_key.h"

#include "svc/text.h"

#include <string.h>

#include <sodium.h>

void pairing_key_make(struct pairing_key *ret)
{
    unsigned char bytes[32], hash[crypto_hash_sha256_BYTES];
    randombytes_buf(bytes, sizeof bytes);
    (void)sodium_bin2base64(ret->key, sizeof ret->key, bytes, sizeof bytes,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    (void)crypto_hash_sha256(hash, (const unsigned char *)ret->key, strlen(ret->key));
    svc_hex(hash, sizeof hash, ret->hash);
    memcpy(ret->prefix, ret->key, sizeof ret->prefix - 1);
    ret->prefix[sizeof ret->prefix - 1] = '\0';
    sodium_memzero(bytes, sizeof bytes);
}
