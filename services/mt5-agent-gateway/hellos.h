/* Hellos that Postgres has not answered yet: the states "waiting" and "asked" of a peer before its
 * session.
 *
 * At most one per peer, first come, first asked. A hello that is repeated while it waits takes the
 * place of the older one; while it is being asked, the repeat is dropped: the answer is on its way.
 * Core. */
#pragma once

#include "contracts/decimal.h"
#include "contracts/messages.h"
#include "sessions.h"

enum { HELLO_NAME_MAX = 128, HELLO_WORD_MAX = 64, HELLO_WAIT_MS = 15000 };

/* The account as a terminal said it. */
struct account {
    bool present;
    char server[HELLO_NAME_MAX + 1], login[HELLO_WORD_MAX + 1];
    char currency[HELLO_WORD_MAX + 1], margin_mode[HELLO_WORD_MAX + 1];
    bool is_real;
    char balance[DECIMAL_TEXT_MAX + 1]; /* "": not said */
    uint32_t leverage;
};

struct hello {
    struct keymap_node by_routing;
    struct list queue; /* waiting, or asked */
    bool asked;
    struct peer peer;
    char agent_id[SVC_UUID_TEXT], journal_id[SVC_UUID_TEXT]; /* lower case */
    char key_hash[65]; /* hex SHA-256 of the pairing key; the key itself is not kept */
    char agent_version[HELLO_WORD_MAX + 1];
    uint64_t journal_seq;
    struct account account;
    int64_t sent_unix_us, heard_mono_us;
};

struct hellos {
    struct keymap routings;
    struct list waiting, asked;
    uint32_t max;
};

void account_copy(const Tradewire__V1__Account *from, struct account *ret); /* NULL: not present */

bool hellos_init(struct hellos *hellos, uint32_t max);
void hellos_done(struct hellos *hellos);
size_t hellos_count(const struct hellos *hellos);

enum hello_verdict { HELLO_WAITS, HELLO_REPEATED, HELLO_FULL };
/* message was checked by contracts_unpack_envelope. */
enum hello_verdict hellos_take(struct hellos *hellos, const struct peer *peer,
                               const Tradewire__V1__Hello *message, int64_t now_mono_us);
/* Does this peer wait for its answer? */
bool hellos_of_peer(const struct hellos *hellos, const struct peer *peer);
/* The hello to ask Postgres about next, or NULL. Stays where it is until hellos_asked(). */
struct hello *hellos_next(const struct hellos *hellos);
void hellos_asked(struct hellos *hellos, struct hello *hello);
/* The answer was lost with the connection: ask again, before all others. */
void hellos_again(struct hellos *hellos, struct hello *hello);
/* Answered: forget it. */
void hellos_drop(struct hellos *hellos, struct hello *hello);
/* Forget those that have waited too long: their agents say hello again. */
void hellos_expire(struct hellos *hellos, int64_t now_mono_us);
