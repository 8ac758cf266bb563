/* Bisecting a refused batch. */
#include "halving.h"

#include "contracts/codes.h"

#include <string.h>

void halving_begin(struct halving *halving, size_t count)
{
    *halving = (struct halving){.count = count};
}

bool halving_next(const struct halving *halving, size_t *ret_end)
{
    if (halving->at >= halving->count)
        return false;
    const size_t suspects = halving->bad_end > halving->at ? halving->bad_end - halving->at : 0;
    if (suspects == 0)
        *ret_end = halving->count;
    else
        *ret_end = halving->at + (suspects > 1 ? suspects / 2 : 1);
    return true;
}

void halving_passed(struct halving *halving, size_t end)
{
    halving->at = end;
}

/* The row that a foreign key misses. The user's: deleted, with all that is his. */
static bool user_is_gone(const struct svc_error *err)
{
    return strcmp(err->code, "23503") == 0 && strstr(err->text, "user_id_fkey") != NULL;
}

/* "code: text" as our SQL functions and triggers raise it. */
static const char *raised_code(const struct svc_error *err)
{
    const char *colon = strstr(err->text, ": ");
    for (int i = 0; colon != NULL && i < CODE_COUNT; i++) {
        const char *name = code_name((enum code)i);
        if (strlen(name) == (size_t)(colon - err->text) &&
            strncmp(name, err->text, strlen(name)) == 0)
            return name;
    }
    return NULL;
}

static bool may_pass_when_read_again(const struct svc_error *err)
{
    return strcmp(err->code, "23503") == 0 || raised_code(err) != NULL;
}

enum halving_step halving_refused(struct halving *halving, size_t end, unsigned tries,
                                  const struct svc_error *err)
{
    halving->bad_end = end;
    if (end - halving->at > 1)
        return HALVING_SMALLER;
    if (!user_is_gone(err) && may_pass_when_read_again(err) && tries < HALVING_TRIES_MAX)
        return HALVING_AGAIN;
    return HALVING_BURY;
}

const char *refusal_code(const struct svc_error *err)
{
    if (user_is_gone(err))
        return code_name(CODE_USER_DELETED);
    const char *raised = raised_code(err);
    return raised != NULL ? raised : code_name(CODE_UNPROCESSABLE);
}
