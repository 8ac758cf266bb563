/* Pairing keys: 256 random bits, shown once; the database keeps a hash and the first 8 characters.
 * A key this random needs no slow hash (domain-trading.md section 6). */
#pragma once

enum { PAIRING_KEY_TEXT = 44, PAIRING_HASH_TEXT = 65, PAIRING_PREFIX_TEXT = 9 };

struct pairing_key {
    char key[PAIRING_KEY_TEXT];       /* URL-safe base64 without padding */
    char hash[PAIRING_HASH_TEXT];     /* hex SHA-256 of the key's text */
    char prefix[PAIRING_PREFIX_TEXT]; /* for display and look-up */
};

void pairing_key_make(struct pairing_key *ret);
