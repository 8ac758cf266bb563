/* Signing with libjwt. */
#include "token.h"

#include "output.h"

#include <stdlib.h>
#include <string.h>

#include <jwt.h>

static int fill(jwt_t *jwt, const char *secret, const char *user_id, int64_t now_unix_s,
                int64_t ttl_s)
{
    return jwt_set_alg(jwt, JWT_ALG_HS256, (const unsigned char *)secret, (int)strlen(secret)) ||
           jwt_add_grant(jwt, "sub", user_id) || jwt_add_grant(jwt, "aud", "authenticated") ||
           jwt_add_grant(jwt, "role", "authenticated") ||
           jwt_add_grant_int(jwt, "iat", now_unix_s) ||
           jwt_add_grant_int(jwt, "exp", now_unix_s + ttl_s);
}

enum svc_rc token_make(const char *secret, const char *user_id, int64_t now_unix_s, int64_t ttl_s,
                       char **ret_token, struct svc_error *err)
{
    jwt_t *jwt = NULL;
    if (strlen(secret) < TOKEN_SECRET_BYTES_MIN)
        return output_fail(err, SVC_REJECT, CODE_BAD_CONFIG,
                           "JWT_SECRET must have at least %d bytes", TOKEN_SECRET_BYTES_MIN);
    if (jwt_new(&jwt) != 0)
        return output_fail(err, SVC_FATAL, CODE_INTERNAL_ERROR, "no memory for a token");
    char *token = fill(jwt, secret, user_id, now_unix_s, ttl_s) == 0 ? jwt_encode_str(jwt) : NULL;
    jwt_free(jwt);
    if (token == NULL)
        return output_fail(err, SVC_FATAL, CODE_INTERNAL_ERROR, "libjwt could not sign the token");
    *ret_token = token;
    return SVC_OK;
}
