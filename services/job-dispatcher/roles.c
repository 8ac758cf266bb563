/* Names of roles. */
#include "roles.h"

#include <string.h>

static const char *const names[ROLE_COUNT] = {
    [ROLE_RESULTS] = "results",
    [ROLE_SIGNALS] = "signals",
    [ROLE_MAINTENANCE] = "maintenance",
};

const char *role_name(enum role_id id)
{
    return names[id];
}

static bool find(const char *name, size_t len, enum role_id *ret)
{
    for (int i = 0; i < ROLE_COUNT; i++) {
        if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0) {
            *ret = (enum role_id)i;
            return true;
        }
    }
    return false;
}

enum svc_rc roles_parse(const char *text, bool ret_roles[ROLE_COUNT], struct svc_error *err)
{
    bool roles[ROLE_COUNT] = {false}, any = false;
    for (const char *at = text; *at != '\0';) {
        at += strspn(at, ", ");
        const size_t len = strcspn(at, ", ");
        enum role_id id;
        if (len == 0)
            break;
        if (!find(at, len, &id))
            return svc_fail(err, SVC_FATAL, "config",
                            "DISPATCHER_ROLES: no role \"%.*s\"; this version has signals, "
                            "results and maintenance",
                            len > 64 ? 64 : (int)len, at);
        roles[id] = any = true;
        at += len;
    }
    if (!any)
        return svc_fail(err, SVC_FATAL, "config", "DISPATCHER_ROLES names no role");
    memcpy(ret_roles, roles, sizeof roles);
    return SVC_OK;
}
