/* The file under the journal. */
#include "journal_file.h"

#include "journal.h"

#include "svc/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static enum svc_rc io_fault(struct svc_error *err, const char *what)
{
    return svc_fail(err, SVC_FATAL, "journal_io", "journal: %s: %s", what, strerrordesc_np(errno));
}

void journal_file_close(struct journal_file *file)
{
    if (file->fd >= 0)
        (void)close(file->fd);
    file->fd = -1;
}

enum svc_rc journal_file_write(struct journal_file *file, size_t at, const void *bytes, size_t len,
                               struct svc_error *err)
{
    const char *from = bytes;
    while (len > 0) {
        ssize_t written = pwrite(file->fd, from, len, (off_t)at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return io_fault(err, "write");
        from += written;
        at += (size_t)written;
        len -= (size_t)written;
    }
    return SVC_OK;
}

enum svc_rc journal_file_flush(struct journal_file *file, struct svc_error *err)
{
    return fdatasync(file->fd) == 0 ? SVC_OK : io_fault(err, "flush");
}

static enum svc_rc write_zeros(struct journal_file *file, size_t from, size_t until,
                               struct svc_error *err)
{
    static const char zeros[64 * 1024];
    while (from < until) {
        size_t len = until - from < sizeof zeros ? until - from : sizeof zeros;
        if (journal_file_write(file, from, zeros, len, err) != SVC_OK)
            return err->rc;
        from += len;
    }
    return SVC_OK;
}

/* Real zeros and not fallocate: a first write into an unwritten extent would make every flush wait
 * for the file system's own journal. */
enum svc_rc journal_file_grow(struct journal_file *file, size_t need_until, struct svc_error *err)
{
    size_t size = file->size;
    while (size < need_until)
        size += JOURNAL_STEP_BYTES - size % JOURNAL_STEP_BYTES;
    if (size > JOURNAL_BYTES_MAX)
        return svc_fail(err, SVC_FATAL, "journal_full", "journal: more than %d bytes",
                        JOURNAL_BYTES_MAX);
    if (size == file->size)
        return SVC_OK;
    if (write_zeros(file, file->size, size, err) != SVC_OK)
        return err->rc;
    file->size = size;
    return fsync(file->fd) == 0 ? SVC_OK : io_fault(err, "flush");
}

enum svc_rc journal_file_clear(struct journal_file *file, size_t from, struct svc_error *err)
{
    if (ftruncate(file->fd, (off_t)from) != 0)
        return io_fault(err, "cut");
    file->size = from;
    return journal_file_grow(file, from + 1, err);
}

static enum svc_rc lock(int fd, struct svc_error *err)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return SVC_OK;
    if (errno == EWOULDBLOCK)
        return svc_fail(err, SVC_AGAIN, "journal_locked", "journal: another agent has it");
    return io_fault(err, "lock");
}

/* Is the file that was locked still the one of this name? A compaction may have replaced it between
 * open and lock. */
static bool is_current(int fd, const char *path, size_t *ret_size)
{
    struct stat mine, named;
    if (fstat(fd, &mine) != 0 || stat(path, &named) != 0)
        return false;
    *ret_size = (size_t)mine.st_size;
    return mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
}

enum svc_rc journal_file_open(const char *path, struct journal_file *ret, struct svc_error *err)
{
    for (;;) {
        struct journal_file file = {.fd = open(path, O_RDWR | O_CLOEXEC)};
        *ret = file;
        if (file.fd < 0 && errno == ENOENT)
            return SVC_OK;
        if (file.fd < 0)
            return io_fault(err, path);
        if (lock(file.fd, err) != SVC_OK) {
            journal_file_close(&file);
            return err->rc;
        }
        if (is_current(file.fd, path, &file.size)) {
            *ret = file;
            return SVC_OK;
        }
        journal_file_close(&file);
    }
}

static enum svc_rc flush_folder(const char *path, struct svc_error *err)
{
    const char *slash = strrchr(path, '/');
    SVC_FREE char *folder = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
    if (folder == NULL)
        return svc_fail(err, SVC_FATAL, "out_of_memory", "journal: out of memory");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return io_fault(err, "open its folder");
    int failed = fsync(fd);
    (void)close(fd);
    return failed == 0 ? SVC_OK : io_fault(err, "flush its folder");
}

static enum svc_rc fill(struct journal_file *file, const void *bytes, size_t len,
                        struct svc_error *err)
{
    if (lock(file->fd, err) != SVC_OK || journal_file_write(file, 0, bytes, len, err) != SVC_OK)
        return err->rc;
    file->size = len;
    return journal_file_grow(file, len + 1, err); /* flushes */
}

enum svc_rc journal_file_replace(const char *path, const void *bytes, size_t len,
                                 struct journal_file *ret, struct svc_error *err)
{
    SVC_FREE char *temporary = NULL;
    if (asprintf(&temporary, "%s.new", path) < 0)
        return svc_fail(err, SVC_FATAL, "out_of_memory", "journal: out of memory");
    struct journal_file file = {.fd =
                                    open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    if (file.fd < 0)
        return io_fault(err, temporary);
    enum svc_rc rc = fill(&file, bytes, len, err);
    if (rc == SVC_OK && rename(temporary, path) != 0)
        rc = io_fault(err, "rename");
    if (rc == SVC_OK)
        rc = flush_folder(path, err);
    if (rc != SVC_OK) {
        journal_file_close(&file);
        return rc;
    }
    *ret = file;
    return SVC_OK;
}

enum svc_rc journal_file_map(const struct journal_file *file, char **ret, struct svc_error *err)
{
    *ret = NULL;
    if (file->size == 0)
        return SVC_OK;
    void *bytes = mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, file->fd, 0);
    if (bytes == MAP_FAILED)
        return io_fault(err, "read");
    *ret = bytes;
    return SVC_OK;
}
