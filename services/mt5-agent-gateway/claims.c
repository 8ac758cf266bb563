/* The wanting set. */
#include "claims.h"

#include <string.h>

enum { UNSENT_WAIT_US = 50 * 1000, FAILED_WAIT_US = 250 * 1000 };

void claims_init(struct claims *claims)
{
    list_init(&claims->wanting);
    list_init(&claims->to_ask);
    struct batch *batches[] = {&claims->claim, &claims->question};
    for (unsigned i = 0; i < 2; i++) {
        batches[i]->in_flight = false;
        batches[i]->limit = BATCH_AGENTS_MAX;
        batches[i]->not_before_mono_us = 0;
    }
}

/* Who waits already keeps its place. */
static void join(struct list *queue, struct list *link)
{
    if (list_alone(link))
        list_append(queue, link);
}

void claims_want(struct claims *claims, struct session *session)
{
    join(&claims->wanting, &session->want);
}

void claims_ask(struct claims *claims, struct session *session)
{
    join(&claims->to_ask, &session->ask);
}

void claims_want_all(struct claims *claims, const struct sessions *sessions)
{
    for (struct session *s = sessions_next(sessions, NULL); s; s = sessions_next(sessions, s))
        claims_want(claims, s);
}

void claims_ask_all(struct claims *claims, const struct sessions *sessions)
{
    for (struct session *s = sessions_next(sessions, NULL); s; s = sessions_next(sessions, s))
        claims_ask(claims, s);
}

static bool begin(struct batch *batch, int64_t now_unix_us, int64_t now_mono_us)
{
    if (batch->in_flight || now_mono_us < batch->not_before_mono_us)
        return false;
    batch->count = batch->jobs = 0;
    batch->asked_unix_us = now_unix_us;
    batch->asked_mono_us = now_mono_us;
    return true;
}

static struct batch_entry *add(struct batch *batch, const struct session *session)
{
    struct batch_entry *entry = &batch->entries[batch->count++];
    *entry = (struct batch_entry){.name.session_no = session->session_no};
    memcpy(entry->name.agent_id, session->agent_id, SVC_UUID_TEXT);
    return entry;
}

bool claims_next_question(struct claims *claims, int64_t now_unix_us, int64_t now_mono_us)
{
    struct batch *batch = &claims->question;
    if (!begin(batch, now_unix_us, now_mono_us))
        return false;
    while (!list_alone(&claims->to_ask) && batch->count < batch->limit) {
        struct session *session = list_owner(claims->to_ask.next, struct session, ask);
        list_remove(&session->ask);
        session->asked = true;
        (void)add(batch, session);
    }
    batch->in_flight = batch->count > 0;
    return batch->in_flight;
}

/* How many jobs of each lane; false: none. What there is no room for now is remembered in `more`.
 */
static bool room(struct session *session, int64_t now_mono_us, uint16_t ret_slots[LANE_COUNT])
{
    bool any = false;
    for (enum lane lane = 0; lane < LANE_COUNT; lane++) {
        const bool closed = lane == LANE_EFFECTS && !session->terminal_ready;
        ret_slots[lane] = closed ? 0 : (uint16_t)session_free_slots(session, lane, now_mono_us);
        session->more[lane] = ret_slots[lane] == 0;
        session->wanted[lane] = ret_slots[lane];
        session->received[lane] = 0;
        any = any || ret_slots[lane] > 0;
    }
    return any;
}

static void gather(struct claims *claims, struct list *unasked, int64_t now_mono_us)
{
    struct batch *batch = &claims->claim;
    while (!list_alone(&claims->wanting) && batch->count < batch->limit) {
        struct session *session = list_owner(claims->wanting.next, struct session, want);
        uint16_t slots[LANE_COUNT];
        list_remove(&session->want);
        if (!session->asked)
            list_append(unasked, &session->want);
        else if (room(session, now_mono_us, slots))
            memcpy(add(batch, session)->slots, slots, sizeof slots);
    }
}

bool claims_next_claim(struct claims *claims, int64_t now_unix_us, int64_t now_mono_us)
{
    struct batch *batch = &claims->claim;
    struct list unasked;
    if (!begin(batch, now_unix_us, now_mono_us))
        return false;
    list_init(&unasked);
    gather(claims, &unasked, now_mono_us);
    while (!list_alone(&unasked))
        list_append(&claims->wanting, unasked.next);
    batch->in_flight = batch->count > 0;
    return batch->in_flight;
}

static void put_back(struct claims *claims, struct sessions *sessions, const struct batch *batch,
                     bool join_again)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct session_name *name = &batch->entries[i].name;
        struct session *session = sessions_named(sessions, name->agent_id, name->session_no);
        if (session == NULL)
            continue;
        if (batch == &claims->question)
            session->asked = false; /* and so it claims nothing until it was asked */
        if (batch == &claims->question && join_again)
            claims_ask(claims, session);
        else if (join_again)
            claims_want(claims, session);
    }
}

void claims_unsent(struct claims *claims, struct sessions *sessions, struct batch *batch,
                   int64_t now_mono_us)
{
    batch->in_flight = false;
    batch->not_before_mono_us = now_mono_us + UNSENT_WAIT_US;
    put_back(claims, sessions, batch, true);
}

void claims_failed(struct claims *claims, struct sessions *sessions, struct batch *batch,
                   int64_t now_mono_us)
{
    batch->in_flight = false;
    batch->not_before_mono_us = now_mono_us + FAILED_WAIT_US;
    batch->limit = batch->count > 1 ? batch->count / 2 : 1;
    put_back(claims, sessions, batch, batch->count > 1);
}

void claims_received(struct session *session, enum lane lane)
{
    session->received[lane]++;
}

/* A full answer means that more may wait; if a slot became free meanwhile, there is room for it. */
static void learn(struct claims *claims, struct session *session, int64_t now_mono_us)
{
    for (enum lane lane = 0; lane < LANE_COUNT; lane++) {
        if (session->wanted[lane] == 0)
            continue;
        session->more[lane] = session->received[lane] >= session->wanted[lane];
        if (session->more[lane] && session_free_slots(session, lane, now_mono_us) > 0)
            claims_want(claims, session);
    }
}

void claims_finished(struct claims *claims, const struct sessions *sessions, struct batch *batch,
                     int64_t now_mono_us)
{
    batch->in_flight = false;
    batch->limit = batch->limit * 2 < BATCH_AGENTS_MAX ? batch->limit * 2 : BATCH_AGENTS_MAX;
    for (size_t i = 0; batch == &claims->claim && i < batch->count; i++) {
        const struct session_name *name = &batch->entries[i].name;
        struct session *session = sessions_named(sessions, name->agent_id, name->session_no);
        if (session != NULL)
            learn(claims, session, now_mono_us);
    }
}

void claims_slot_freed(struct claims *claims, struct session *session, enum lane lane)
{
    if (session->more[lane])
        claims_want(claims, session);
}

void claims_terminal_ready(struct claims *claims, struct session *session, bool ready)
{
    const bool came = ready && !session->terminal_ready;
    session->terminal_ready = ready;
    if (came)
        claims_want(claims, session);
}
