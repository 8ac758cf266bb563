/* mt5-agent-gateway: agents on one side, Postgres and Kafka on the other. See README.md. */
#include "gateway.h"

#include "svc/cleanup.h"

int main(int argc, char **argv)
{
    struct config config = {.curve_secret = NULL};
    const enum svc_exit early = svc_start(argc, argv, &gateway_program, &config);
    /* --check-config, too, has read the settings; --help has not. */
    const bool loaded = (early == SVC_EXIT_RUN || early == SVC_EXIT_OK) && config.curve_secret;
    if (loaded && config_check(&config) != SVC_EXIT_RUN)
        return SVC_EXIT_CONFIG;
    if (early != SVC_EXIT_RUN)
        return early;
    SVC_CLEANUP(gateway_close) struct gateway *gateway = NULL;
    struct svc_error err = {.rc = SVC_OK};
    if (gateway_open(&config, &gateway, &err) != SVC_OK) {
        svc_alert("service_failed", SVC_ERR(&err));
        return SVC_EXIT_SOFTWARE;
    }
    const struct svc_lifecycle life = gateway_lifecycle(gateway);
    const enum svc_exit code = svc_run(gateway->loop, &life, config.svc.drain_timeout_ms);
    svc_info("service_stopped", SVC_N("code", code));
    return code;
}
