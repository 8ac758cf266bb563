/* Every message that crosses a program's edge: unpacked into an arena and checked, or packed.
 *
 * protobuf-c checks neither UTF-8 nor NUL nor ranges nor enum values, and has no limit of depth (no
 * message of ours is recursive); the checks are in message_checks.c, one function per message. All
 * memory of an unpacked message lives in the arena.
 *
 * SVC_REJECT  code undecodable: not this message; bad_message: a field is out of its range (err
 * names it). */
#pragma once

#include "tradewire/v1/agent.pb-c.h"
#include "tradewire/v1/job.pb-c.h"
#include "tradewire/v1/result.pb-c.h"
#include "tradewire/v1/signal.pb-c.h"

#include "svc/arena.h"
#include "svc/buffer.h"
#include "svc/error.h"

enum {
    MESSAGE_SYMBOL_BYTES_MAX = 64,
    MESSAGE_RAW_BYTES_MAX = 128 * 1024,
    MESSAGE_TEXT_BYTES_MAX = 512,
    MESSAGE_FILLS_MAX = 64,
    MESSAGE_SYMBOLS_MAX = 100, /* in a page */
    MESSAGE_SYMBOL_PAGES_MAX = 10000,
    MESSAGE_CURRENCY_BYTES_MAX = 16, /* of a symbol's */
    MESSAGE_DIGITS_MAX = 16,
    MESSAGE_TRADE_MODE_MAX = 4,   /* ENUM_SYMBOL_TRADE_MODE ends there */
    MESSAGE_FILLING_MODE_MAX = 7, /* three bits */
    MESSAGE_CALC_MODE_MAX = 255,  /* ENUM_SYMBOL_CALC_MODE grows now and then */
    MESSAGE_OUTPUT_BYTES_MAX = 1024 * 1024,
    MESSAGE_ENVELOPE_BYTES_MAX = 1024 * 1024, /* after Welcome */
    MESSAGE_HELLO_BYTES_MAX = 4 * 1024,       /* before it */
    MESSAGE_VERSION = 1,
};

#define CONTRACTS_UNPACK(name, type)                                                               \
    enum svc_rc contracts_unpack_##name(struct svc_arena *arena, const void *bytes, size_t len,    \
                                        type **ret, struct svc_error *err) SVC_CHECK

CONTRACTS_UNPACK(signal, Tradewire__V1__Signal);
CONTRACTS_UNPACK(job_requested, Tradewire__V1__JobRequested);
CONTRACTS_UNPACK(job_ready, Tradewire__V1__JobReady);
CONTRACTS_UNPACK(job_finished, Tradewire__V1__JobFinished);
CONTRACTS_UNPACK(job_result, Tradewire__V1__JobResult);
CONTRACTS_UNPACK(envelope, Tradewire__V1__Envelope);
CONTRACTS_UNPACK(agent_event, Tradewire__V1__AgentEvent);
CONTRACTS_UNPACK(sync_requested, Tradewire__V1__SyncRequested);

/* An allocator for protobuf-c that takes from the arena and frees nothing. */
ProtobufCAllocator contracts_allocator(struct svc_arena *arena);

/* Resets ret_buffer and fills it with the packed message. */
void contracts_pack(const ProtobufCMessage *message, struct svc_buffer *ret_buffer);
