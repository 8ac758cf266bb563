/* User tokens for plain Postgres and tests: HS256, sub, aud, role, exp (design.md section 3). On
 * Supabase its own sign-in gives them. */
#pragma once

#include "svc/error.h"

#include <stdint.h>

enum { TOKEN_SECRET_BYTES_MIN = 32 };

/* ret_token is the caller's to free. SVC_REJECT bad_config when the key is too short. */
enum svc_rc token_make(const char *secret, const char *user_id, int64_t now_unix_s, int64_t ttl_s,
                       char **ret_token, struct svc_error *err) SVC_CHECK;
