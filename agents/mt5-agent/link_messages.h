/* Envelopes of the agent protocol from and to the agent's own structs. Core. */
#pragma once

#include "account.h"
#include "book.h"
#include "contracts/messages.h"
#include "symbols.h"

struct link_hello {
    const char *agent_id, *agent_key, *journal_id;
    uint64_t journal_seq;
    const struct account *account; /* NULL: no terminal yet */
    int64_t sent_unix_us;
};

/* What they point to lives in the arena or is borrowed from the arguments. */
void link_message_hello(struct svc_arena *arena, const struct link_hello *hello,
                        Tradewire__V1__Envelope *ret);
void link_message_account(struct svc_arena *arena, const struct account *account,
                          Tradewire__V1__Envelope *ret);
void link_message_symbols(struct svc_arena *arena, const struct symbols_page *page,
                          Tradewire__V1__Envelope *ret);
/* A checked offer (contracts_unpack_envelope); ret holds copies. */
void link_message_offer(const Tradewire__V1__JobOffer *m, struct book_offer *ret);
