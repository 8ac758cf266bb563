/* Any bytes as a webhook's body: never a crash, and whatever the verdict, the signal is one that
 * the dispatcher takes, and holds no secret. */
#include "verify.h"

#include <stdlib.h>
#include <string.h>

#define SECRET "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

extern const char *const fuzz_seeds[];
const char *const fuzz_seeds[] = {
    "{\"symbol\":\"OANDA:EUR/USD\",\"action\":\"buy\",\"volume\":\"0.10\",\"sl\":1.07,\"tp\":1.09,"
    "\"timenow\":\"2026-01-30T12:34:56Z\",\"alert_id\":\"a-1\"}",
    "{\"secret\":\"" SECRET "\",\"Symbol\":\"X\",\"ACTION\":\"close\",\"timenow\":1769776496123}",
    "\xef\xbb\xbf [{\"a\":[1,2.5e-3,{\"token\":\"\\u0041\\ud83d\\ude00\"}]}] ",
    "{\"a\":\"" SECRET "\",\"b\":{\"" SECRET "\":null}}",
    "{\"a\":\"\\u0030"
    "0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"}",
    "{\"symbol\":\"" SECRET "\",\"action\":\"sell\"}",
    "buy " SECRET " 0.1",
    NULL,
};

extern const char fuzz_alphabet[];
const char fuzz_alphabet[] = "{}[]\",:\\u0eE.-+tfn \n";

/* A backslash that begins an escape: it is not escaped itself. */
static bool begins_escape(const struct svc_buffer *packed, const char *backslash)
{
    size_t before = 0;
    while (backslash - before > packed->bytes && backslash[-1 - (ptrdiff_t)before] == '\\')
        before++;
    return before % 2 == 0;
}

/* The last digits of an escape that _text needs (\u0011 for a control character) may happen to
 * complete the rest of a secret; the sender did not send it, and nothing is given away. */
static bool is_accident(const struct svc_buffer *packed, const char *found)
{
    static const char escape[] = "\\u00";
    for (ptrdiff_t before = 2; before <= 5 && found - packed->bytes >= before; before++)
        if (memcmp(found - before, escape, sizeof escape - 1) == 0)
            return begins_escape(packed, found - before);
    return false;
}

static bool holds_secret(const struct svc_buffer *packed)
{
    const char *end = packed->bytes + packed->len, *at = packed->bytes;
    while ((at = memmem(at, (size_t)(end - at), SECRET, sizeof SECRET - 1)) != NULL) {
        if (!is_accident(packed, at))
            return true;
        at++;
    }
    return false;
}

static void check(const struct verify *verify, unsigned status)
{
    struct svc_buffer packed = {.bytes = NULL};
    struct svc_error err = {.rc = SVC_OK};
    Tradewire__V1__Signal *signal = NULL;
    struct svc_arena arena;
    svc_arena_init(&arena, 4096);
    contracts_pack(&verify->signal.base, &packed);
    if (holds_secret(&packed))
        abort();
    if (contracts_unpack_signal(&arena, packed.bytes, packed.len, &signal, &err) != SVC_OK)
        abort();
    if ((status == 202) != (signal->refusal_code == NULL))
        abort();
    svc_buffer_done(&packed);
    svc_arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct verify *verify;
    static const struct strategy strategy = {.id = "11111111-1111-4111-8111-111111111111",
                                             .user_id = "22222222-2222-4222-8222-222222222222"};
    static const struct raw_secret secret = {.text = SECRET, .len = sizeof SECRET - 1};
    const struct verify_body body = {.bytes = bytes,
                                     .len = len < JSON_TEXT_MAX ? len : JSON_TEXT_MAX,
                                     .too_large = len > JSON_TEXT_MAX,
                                     .content_type = "text/plain"};
    if (verify == NULL)
        verify = verify_new();
    if (verify == NULL)
        return 0;
    verify_scan(verify, &body);
    (void)verify_secret(verify);
    check(verify, verify_signal(verify, &body, &strategy, secret, 1769776496000000));
    return 0;
}
