/* Unpack and pack. */
#include "contracts/messages.h"

#include "contracts/codes.h"
#include "contracts/message_checks.h"

static void *arena_alloc(void *data, size_t size)
{
    return svc_arena_alloc(data, size);
}

static void arena_keep(void *data, void *pointer)
{
    (void)data;
    (void)pointer;
}

ProtobufCAllocator contracts_allocator(struct svc_arena *arena)
{
    return (ProtobufCAllocator){.alloc = arena_alloc, .free = arena_keep, .allocator_data = arena};
}

static enum svc_rc unpack(const ProtobufCMessageDescriptor *type, struct svc_arena *arena,
                          const void *bytes, size_t len, ProtobufCMessage **ret,
                          struct svc_error *err)
{
    static const uint8_t nothing[1];
    ProtobufCAllocator allocator = contracts_allocator(arena);
    *ret = protobuf_c_message_unpack(type, &allocator, len, bytes != NULL ? bytes : nothing);
    if (*ret == NULL)
        return svc_fail(err, SVC_REJECT, code_name(CODE_UNDECODABLE), "not a %s (%zu bytes)",
                        type->name, len);
    return SVC_OK;
}

#define DEFINE_UNPACK(name, type, descriptor)                                                      \
    enum svc_rc contracts_unpack_##name(struct svc_arena *arena, const void *bytes, size_t len,    \
                                        type **ret, struct svc_error *err)                         \
    {                                                                                              \
        ProtobufCMessage *message = NULL;                                                          \
        enum svc_rc rc = unpack(&descriptor, arena, bytes, len, &message, err);                    \
        if (rc == SVC_OK)                                                                          \
            rc = check_##name((const type *)message, err);                                         \
        if (rc == SVC_OK)                                                                          \
            *ret = (type *)message;                                                                \
        return rc;                                                                                 \
    }

DEFINE_UNPACK(signal, Tradewire__V1__Signal, tradewire__v1__signal__descriptor)
DEFINE_UNPACK(job_requested, Tradewire__V1__JobRequested, tradewire__v1__job_requested__descriptor)
DEFINE_UNPACK(job_ready, Tradewire__V1__JobReady, tradewire__v1__job_ready__descriptor)
DEFINE_UNPACK(job_finished, Tradewire__V1__JobFinished, tradewire__v1__job_finished__descriptor)
DEFINE_UNPACK(job_result, Tradewire__V1__JobResult, tradewire__v1__job_result__descriptor)
DEFINE_UNPACK(envelope, Tradewire__V1__Envelope, tradewire__v1__envelope__descriptor)
DEFINE_UNPACK(agent_event, Tradewire__V1__AgentEvent, tradewire__v1__agent_event__descriptor)
DEFINE_UNPACK(sync_requested, Tradewire__V1__SyncRequested,
              tradewire__v1__sync_requested__descriptor)

struct buffer_sink {
    ProtobufCBuffer base;
    struct svc_buffer *buffer;
};

static void append(ProtobufCBuffer *base, size_t len, const uint8_t *bytes)
{
    svc_buffer_add(((struct buffer_sink *)(void *)base)->buffer, bytes, len);
}

void contracts_pack(const ProtobufCMessage *message, struct svc_buffer *ret_buffer)
{
    svc_buffer_reset(ret_buffer);
    struct buffer_sink sink = {.base = {.append = append}, .buffer = ret_buffer};
    (void)protobuf_c_message_pack_to_buffer(message, &sink.base);
}
