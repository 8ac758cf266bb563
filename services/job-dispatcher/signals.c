/* Role signals: signals.v1 → tv_signals and jobs. Two round trips per batch: begin, move the
 * positions, read and take keys; then, after the plans are made, write and commit. */
#include "consume.h"
#include "contracts/topics.h"
#include "hints.h"
#include "role.h"

#include "svc/clock.h"
#include "svc/trace.h"

#include <stdlib.h>
#include <string.h>

/* One portion under way; lives in the portion's arena until its hints are out. */
struct work {
    struct plan *plans;
    size_t count;
};

struct signals {
    struct consume *consume;
    struct work work;
};

static enum svc_rc unpack(struct svc_arena *arena, const struct svc_record *record,
                          void **ret_message, struct svc_error *err)
{
    Tradewire__V1__Signal *signal = NULL;
    const enum svc_rc rc =
        contracts_unpack_signal(arena, record->payload, record->payload_len, &signal, err);
    *ret_message = signal;
    return rc;
}

static void describe_ask(const Tradewire__V1__Signal *signal, int64_t append_unix_us,
                         struct store_signal_ask *ret)
{
    *ret = (struct store_signal_ask){
        .signal_id = signal->signal_id,
        .user_id = signal->user_id,
        .strategy_id = signal->strategy_id,
        .dedup_key = plan_takes_key(signal) ? signal->dedup_key.data : NULL,
        .key_is_body = signal->dedup_kind == TRADEWIRE__V1__DEDUP_KIND__DEDUP_KIND_BODY,
        .received_unix_us = plan_received(signal, append_unix_us),
    };
}

/* The trace that the record came with; a new one where it has none, or something else. */
static const char *trace_of(const struct svc_record *record, struct svc_arena *arena)
{
    char *traceparent = svc_arena_alloc(arena, SVC_TRACE_TEXT);
    size_t len = 0;
    const void *header = svc_record_header(record, "traceparent", &len);
    svc_trace_continue(header, len, traceparent);
    return traceparent;
}

static enum svc_rc transact(struct role *role, const struct consume_portion *portion,
                            struct svc_error *err)
{
    struct signals *signals = role->state;
    struct svc_arena *arena = portion->arena;
    const size_t room = portion->count + 1;
    struct store_signal_ask *asks = svc_arena_alloc(arena, room * sizeof *asks);
    struct plan_facts *facts = svc_arena_alloc(arena, room * sizeof *facts);
    struct plan *plans = svc_arena_alloc(arena, room * sizeof *plans);
    size_t *sources = svc_arena_alloc(arena, room * sizeof *sources), count = 0;
    for (size_t i = 0; i < portion->count; i++) {
        if (portion->messages[i] == NULL)
            continue;
        describe_ask(portion->messages[i], portion->records[i].append_unix_us, &asks[count]);
        sources[count++] = i;
    }
    const struct store_records records = {
        .consumer = portion->consumer, .records = portion->records, .count = portion->count};
    const enum svc_rc rc =
        store_signals_begin(role->store, &records, asks, count, arena, facts, err);
    if (rc != SVC_OK)
        return rc;
    const int64_t now = svc_unix_us();
    for (size_t i = 0; i < count; i++) {
        plan_job(portion->messages[sources[i]], &facts[i],
                 portion->records[sources[i]].append_unix_us, now, arena, &plans[i]);
        plans[i].traceparent = trace_of(&portion->records[sources[i]], arena);
        /* Facts were read once for the batch; what it plans itself counts for the rest of it. */
        if (plans[i].rate_full_unix_us != 0)
            facts[i].strategy->rate.full_unix_us = plans[i].rate_full_unix_us;
    }
    signals->work = (struct work){.plans = plans, .count = count};
    return store_signals_commit(role->store, plans, count, err);
}

/* After the commit */

static enum consumed outcome(const struct plan *plan)
{
    switch (plan->kind) {
    case PLAN_JOB:
        return CONSUMED_JOB;
    case PLAN_DISCARD:
        return plan->is_duplicate ? CONSUMED_DUPLICATE : CONSUMED_DISCARDED;
    case PLAN_COUNT:
        return CONSUMED_DUPLICATE;
    default:
        return CONSUMED_REPLAY;
    }
}

static void note(struct role *role, const struct plan *plan, int64_t now_unix_us)
{
    svc_counter_add(role->measures->consumed, outcome(plan), 1);
    if (plan->kind != PLAN_JOB && plan->kind != PLAN_DISCARD)
        return;
    char trace_id[SVC_TRACE_ID_TEXT];
    svc_trace_id(plan->traceparent, trace_id);
    svc_histogram_add_us(role->measures->signal_age, now_unix_us - plan->received_unix_us);
    svc_debug("signal_planned", SVC_T("signal_id", plan->signal_id), SVC_T("trace_id", trace_id),
              SVC_T("job_id", plan->kind == PLAN_JOB ? plan->job_id : NULL),
              SVC_T("job_type", plan->job_type), SVC_T("err", plan->error));
}

/* One hint per agent, not per job, with the trace of the first job that it announces. */
static void hint_agents(struct role *role, const struct plan *plans, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool is_first = plans[i].kind == PLAN_JOB;
        for (size_t j = 0; j < i && is_first; j++)
            is_first =
                plans[j].kind != PLAN_JOB || (plans[j].agent_id != plans[i].agent_id &&
                                              strcmp(plans[j].agent_id, plans[i].agent_id) != 0);
        if (is_first)
            hint_job_ready(role->producer, plans[i].agent_id, plans[i].user_id,
                           plans[i].traceparent);
    }
}

static void committed(struct role *role, const struct consume_portion *portion)
{
    const struct signals *signals = role->state;
    const struct work *work = &signals->work;
    const int64_t now = svc_unix_us();
    size_t jobs = 0;
    hint_agents(role, work->plans, work->count);
    for (size_t i = 0; i < work->count; i++) {
        note(role, &work->plans[i], now);
        jobs += work->plans[i].kind == PLAN_JOB ? 1 : 0;
    }
    svc_info("signals_committed", SVC_N("records", portion->count), SVC_N("jobs", jobs));
}

static void buried(struct role *role)
{
    svc_counter_add(role->measures->consumed, CONSUMED_DEAD_LETTER, 1);
}

/* Life */

static enum svc_rc open_signals(struct role *role, struct svc_error *err)
{
    struct signals *signals = calloc(1, sizeof *signals);
    if (signals == NULL)
        return svc_fail(err, SVC_FATAL, "out_of_memory", "signals: out of memory");
    const struct consume_options options = {.group = "job-dispatcher.signals",
                                            .topic = TOPIC_SIGNALS,
                                            .unpack = unpack,
                                            .transact = transact,
                                            .committed = committed,
                                            .buried = buried};
    role->state = signals;
    return consume_open(role, &options, &signals->consume, err);
}

/* Nobody else would notice a lost connection while no alert comes. */
static enum svc_rc tick(struct role *role, struct svc_error *err)
{
    return store_ready(role->store, err);
}

static const char *missing(const struct role *role)
{
    const struct signals *signals = role->state;
    return consume_assigned(signals->consume) ? NULL : "kafka: no partitions assigned yet";
}

static void begin_drain(struct role *role)
{
    const struct signals *signals = role->state;
    consume_pause(signals->consume);
}

static void close_signals(struct role *role)
{
    struct signals *signals = role->state;
    if (signals == NULL)
        return;
    consume_close(&signals->consume);
    free(signals);
}

const struct role_kind role_signals = {
    .application_name = "job-dispatcher/signals",
    .open = open_signals,
    .tick = tick,
    .missing = missing,
    .begin_drain = begin_drain,
    .close = close_signals,
};
