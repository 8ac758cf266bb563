/* The queue of hellos. */
#include "hellos.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

bool hellos_init(struct hellos *hellos, uint32_t max)
{
    *hellos = (struct hellos){.max = max};
    list_init(&hellos->waiting);
    list_init(&hellos->asked);
    return keymap_init(&hellos->routings, PEER_ROUTING_LEN, max);
}

void hellos_done(struct hellos *hellos)
{
    if (hellos->waiting.next == NULL)
        return;
    while (!list_alone(&hellos->waiting))
        hellos_drop(hellos, list_owner(hellos->waiting.next, struct hello, queue));
    while (!list_alone(&hellos->asked))
        hellos_drop(hellos, list_owner(hellos->asked.next, struct hello, queue));
    keymap_done(&hellos->routings);
}

size_t hellos_count(const struct hellos *hellos)
{
    return hellos->routings.count;
}

static void lower_uuid(const char *text, char ret[SVC_UUID_TEXT])
{
    for (size_t i = 0; i < SVC_UUID_TEXT; i++)
        ret[i] = (char)tolower((unsigned char)text[i]);
}

/* Lengths were checked when the message was unpacked. */
static void copy(char *to, size_t size, const void *from, size_t len)
{
    const size_t kept = len < size ? len : size - 1;
    if (kept > 0)
        memcpy(to, from, kept);
    to[kept] = '\0';
}

void account_copy(const Tradewire__V1__Account *from, struct account *ret)
{
    *ret = (struct account){.present = from != NULL};
    if (from == NULL)
        return;
    copy(ret->server, sizeof ret->server, from->server.data, from->server.len);
    copy(ret->login, sizeof ret->login, from->login.data, from->login.len);
    copy(ret->currency, sizeof ret->currency, from->currency, strlen(from->currency));
    copy(ret->margin_mode, sizeof ret->margin_mode, from->margin_mode, strlen(from->margin_mode));
    ret->is_real = from->is_real;
    if (from->balance != NULL)
        copy(ret->balance, sizeof ret->balance, from->balance, strlen(from->balance));
    ret->leverage = from->leverage;
}

static void fill(struct hello *hello, const Tradewire__V1__Hello *message, int64_t now_mono_us)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    (void)crypto_hash_sha256(hash, message->pairing_key.data, message->pairing_key.len);
    svc_hex(hash, sizeof hash, hello->key_hash);
    lower_uuid(message->agent_id, hello->agent_id);
    lower_uuid(message->journal_id, hello->journal_id);
    hello->journal_seq = message->journal_seq;
    hello->sent_unix_us = message->sent_unix_us;
    hello->heard_mono_us = now_mono_us;
    const char *version = message->agent_version != NULL ? message->agent_version : "";
    copy(hello->agent_version, sizeof hello->agent_version, version, strlen(version));
    account_copy(message->account, &hello->account);
}

static struct hello *find(const struct hellos *hellos, const struct peer *peer)
{
    struct keymap_node *node = keymap_find(&hellos->routings, peer->routing);
    return node != NULL ? list_owner(node, struct hello, by_routing) : NULL;
}

/* The routing id of a peer that left may come back under another key: that is another peer. */
static bool same_peer(const struct hello *hello, const struct peer *peer)
{
    return strcmp(hello->peer.user_id, peer->user_id) == 0;
}

enum hello_verdict hellos_take(struct hellos *hellos, const struct peer *peer,
                               const Tradewire__V1__Hello *message, int64_t now_mono_us)
{
    struct hello *hello = find(hellos, peer);
    if (hello != NULL && hello->asked)
        return HELLO_REPEATED;
    if (hello != NULL) {
        hello->peer = *peer;
        fill(hello, message, now_mono_us);
        return HELLO_WAITS;
    }
    hello = hellos_count(hellos) < hellos->max ? calloc(1, sizeof *hello) : NULL;
    if (hello == NULL)
        return HELLO_FULL;
    hello->peer = *peer;
    fill(hello, message, now_mono_us);
    keymap_add(&hellos->routings, &hello->by_routing, hello->peer.routing);
    list_init(&hello->queue);
    list_append(&hellos->waiting, &hello->queue);
    return HELLO_WAITS;
}

bool hellos_of_peer(const struct hellos *hellos, const struct peer *peer)
{
    const struct hello *hello = find(hellos, peer);
    return hello != NULL && same_peer(hello, peer);
}

struct hello *hellos_next(const struct hellos *hellos)
{
    if (list_alone(&hellos->waiting))
        return NULL;
    return list_owner(hellos->waiting.next, struct hello, queue);
}

void hellos_asked(struct hellos *hellos, struct hello *hello)
{
    hello->asked = true;
    list_append(&hellos->asked, &hello->queue);
}

void hellos_again(struct hellos *hellos, struct hello *hello)
{
    hello->asked = false;
    /* To append to the first member is to be in front of it. */
    list_append(hellos->waiting.next, &hello->queue);
}

void hellos_drop(struct hellos *hellos, struct hello *hello)
{
    keymap_remove(&hellos->routings, &hello->by_routing);
    list_remove(&hello->queue);
    free(hello);
}

void hellos_expire(struct hellos *hellos, int64_t now_mono_us)
{
    struct hello *hello = hellos_next(hellos);
    while (hello != NULL && now_mono_us - hello->heard_mono_us >= (int64_t)HELLO_WAIT_MS * 1000) {
        hellos_drop(hellos, hello);
        hello = hellos_next(hellos);
    }
}
