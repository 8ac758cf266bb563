/* The admin interface of a service: /healthz (the loop turns; asks no dependency), /readyz (200
 * when every check is good, else 503; JSON with each check), /metrics. Checks may be set from any
 * thread. */
#pragma once

#include "svc/loop.h"
#include "svc/metrics.h"

enum { SVC_HEALTH_CHECKS_MAX = 8 };
struct svc_health; /* owned by the admin interface */
struct svc_admin;

/* checks: names, NULL-terminated, all bad at first ("starting"). */
enum svc_rc svc_admin_open(struct svc_loop *loop, const char *listen, struct svc_metrics *metrics,
                           const char *const *checks, struct svc_admin **ret_admin,
                           struct svc_error *err) SVC_CHECK;
void svc_admin_close(struct svc_admin **admin);
/* check: index into checks. While draining everything is not ready. A change is logged at info. */
void svc_admin_check(struct svc_admin *admin, unsigned check, bool good, const char *detail);
void svc_admin_draining(struct svc_admin *admin);
/* Called before /metrics is printed, to set gauges that are read rather than kept; may be NULL. */
void svc_admin_on_scrape(struct svc_admin *admin, void (*scrape)(void *arg), void *arg);
