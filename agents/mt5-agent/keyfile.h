/* The agent's own CURVE pair, in a file of two lines (public, secret; Z85), mode 0600. */
#pragma once

#include "svc/error.h"

enum { KEY_TEXT = 41 };

struct key_pair {
    char public_key[KEY_TEXT], secret_key[KEY_TEXT];
};

/* Read the file, or make it. SVC_REJECT code key_file: readable by others, or not a pair.
 * SVC_FATAL: cannot be read or written. Wipe the pair with sodium_memzero. */
enum svc_rc keyfile_load(const char *path, struct key_pair *ret, struct svc_error *err) SVC_CHECK;
