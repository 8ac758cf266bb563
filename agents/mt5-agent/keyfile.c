#include "keyfile.h"

#include "svc/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>
#include <zmq.h>

enum { PAIR_BYTES = 2 * KEY_TEXT }; /* each key and its line end */

static enum svc_rc io_fault(struct svc_error *err, const char *what)
{
    return svc_fail(err, SVC_FATAL, "key_file", "key file: %s: %s", what, strerrordesc_np(errno));
}

static bool is_key(const char *text)
{
    uint8_t raw[32];
    bool good = strlen(text) == KEY_TEXT - 1 && zmq_z85_decode(raw, text) != NULL;
    sodium_memzero(raw, sizeof raw);
    return good;
}

static enum svc_rc read_pair(int fd, struct key_pair *ret, struct svc_error *err)
{
    char text[PAIR_BYTES + 1] = {0};
    struct stat info;
    if (fstat(fd, &info) != 0 || read(fd, text, PAIR_BYTES) < 0)
        return io_fault(err, "read");
    if ((info.st_mode & 077) != 0)
        return svc_fail(err, SVC_REJECT, "key_file",
                        "key file: readable by others; its mode must be 0600");
    memcpy(ret->public_key, text, KEY_TEXT - 1);
    memcpy(ret->secret_key, text + KEY_TEXT, KEY_TEXT - 1);
    ret->public_key[KEY_TEXT - 1] = ret->secret_key[KEY_TEXT - 1] = '\0';
    bool whole = info.st_size == PAIR_BYTES && text[KEY_TEXT - 1] == '\n';
    sodium_memzero(text, sizeof text);
    /* The pair must fit: a public key of another file would be refused far away and late. */
    char derived[KEY_TEXT] = "";
    if (whole && is_key(ret->public_key) && is_key(ret->secret_key) &&
        zmq_curve_public(derived, ret->secret_key) == 0 && strcmp(derived, ret->public_key) == 0)
        return SVC_OK;
    return svc_fail(err, SVC_REJECT, "key_file", "key file: does not hold a pair of keys");
}

static enum svc_rc write_pair(int fd, const struct key_pair *pair, struct svc_error *err)
{
    char text[PAIR_BYTES + 1];
    (void)snprintf(text, sizeof text, "%s\n%s\n", pair->public_key, pair->secret_key);
    bool good = write(fd, text, PAIR_BYTES) == PAIR_BYTES && fsync(fd) == 0;
    sodium_memzero(text, sizeof text);
    return good ? SVC_OK : io_fault(err, "write");
}

/* Under another name first: a half-written key file would lock the agent out of its gateway. */
static enum svc_rc make_pair(const char *path, struct key_pair *ret, struct svc_error *err)
{
    SVC_FREE char *temporary = NULL;
    if (asprintf(&temporary, "%s.new", path) < 0)
        return svc_fail(err, SVC_FATAL, "out_of_memory", "key file: out of memory");
    if (zmq_curve_keypair(ret->public_key, ret->secret_key) != 0)
        return svc_fail(err, SVC_FATAL, "key_file", "key file: this libzmq has no CURVE");
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return io_fault(err, temporary);
    enum svc_rc rc = write_pair(fd, ret, err);
    (void)close(fd);
    if (rc == SVC_OK && link(temporary, path) != 0) /* never over a pair that appeared meanwhile */
        rc = io_fault(err, path);
    (void)unlink(temporary);
    return rc;
}

enum svc_rc keyfile_load(const char *path, struct key_pair *ret, struct svc_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return make_pair(path, ret, err);
    if (fd < 0)
        return io_fault(err, path);
    enum svc_rc rc = read_pair(fd, ret, err);
    (void)close(fd);
    return rc;
}
