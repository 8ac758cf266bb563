/* The journal. */
#include "journal.h"

#include "journal_file.h"

#include "svc/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct journal {
    char *path; /* owned */
    struct journal_file file;
    char id[SVC_UUID_TEXT];
    size_t end; /* of what was written */
    uint64_t last_seq, flushed_seq;
    struct svc_buffer pending; /* appended, not yet written */
    bool unflushed;            /* written since the last flush */
};

/* Does anything behind `from` say that a record after `last_seq` had reached the disk? Every byte
 * may begin a line: what is damaged may be the end of the line before. */
static bool says_flushed(const char *bytes, size_t len, size_t from, uint64_t last_seq)
{
    for (size_t at = from + 1; at < len; at++) {
        struct record record;
        uint64_t flushed;
        if (record_parse(bytes + at, len - at, &record, &flushed) > 0 && flushed > last_seq)
            return true;
    }
    return false;
}

static size_t without_zeros(const char *bytes, size_t len)
{
    while (len > 0 && bytes[len - 1] == '\0')
        len--;
    return len;
}

enum journal_verdict journal_scan(const char *bytes, size_t len,
                                  void (*each)(void *arg, const struct record *record), void *arg,
                                  struct journal_scan *ret)
{
    struct record record;
    uint64_t flushed;
    size_t used = without_zeros(bytes, len), at = record_parse(bytes, used, &record, &flushed);
    *ret = (struct journal_scan){.end = at};
    if (at == 0 || record.kind != RECORD_JOURNAL)
        return JOURNAL_DAMAGED;
    memcpy(ret->journal_id, record.job_id, sizeof ret->journal_id);
    ret->last_seq = record.seq;
    while (at < used) {
        size_t line = record_parse(bytes + at, used - at, &record, &flushed);
        bool mark = line > 0 && record.kind == RECORD_JOURNAL; /* a compaction ended here */
        if (line == 0 || record.seq <= ret->last_seq ||
            (mark && strcmp(record.job_id, ret->journal_id) != 0))
            break;
        if (!mark)
            each(arg, &record);
        ret->last_seq = record.seq;
        at += line;
        ret->end = at;
    }
    if (at >= used)
        return JOURNAL_SOUND;
    ret->torn_bytes = used - at;
    return says_flushed(bytes, used, at, ret->last_seq) ? JOURNAL_DAMAGED : JOURNAL_TORN;
}

/* A header of a fresh journal starts at seq 1, so that "nothing flushed" (0) stays below it. */
static enum svc_rc create(struct journal *journal, struct svc_error *err)
{
    struct record header = {.kind = RECORD_JOURNAL, .seq = 1};
    svc_uuid_random(header.job_id);
    memcpy(journal->id, header.job_id, sizeof journal->id);
    record_print(&header, 0, &journal->pending);
    enum svc_rc rc = journal_file_replace(journal->path, journal->pending.bytes,
                                          journal->pending.len, &journal->file, err);
    journal->end = journal->pending.len;
    journal->last_seq = journal->flushed_seq = 1;
    svc_buffer_reset(&journal->pending);
    return rc;
}

static enum svc_rc load(struct journal *journal, struct journal_start *start, struct svc_error *err)
{
    char *bytes;
    if (journal_file_map(&journal->file, &bytes, err) != SVC_OK)
        return err->rc;
    struct journal_scan scan = {.end = 0};
    enum journal_verdict verdict =
        bytes == NULL ? JOURNAL_DAMAGED
                      : journal_scan(bytes, journal->file.size, start->each, start->arg, &scan);
    if (bytes != NULL)
        (void)munmap(bytes, journal->file.size);
    if (verdict == JOURNAL_DAMAGED)
        return svc_fail(err, SVC_REJECT, "journal_damaged",
                        "journal: no sound record at byte %zu, and it is not a torn end; "
                        "restore the file, or move it away and run `tradewirectl agent rotate`",
                        scan.end);
    memcpy(journal->id, scan.journal_id, sizeof journal->id);
    journal->end = scan.end;
    journal->last_seq = scan.last_seq;
    start->cut_bytes = scan.torn_bytes;
    if (verdict == JOURNAL_TORN && journal_file_clear(&journal->file, scan.end, err) != SVC_OK)
        return err->rc;
    /* What a killed agent wrote may not be on the disk yet. It is relied on from here on. */
    journal->unflushed = true;
    return journal_flush(journal, err);
}

static enum svc_rc open_or_create(struct journal *journal, struct journal_start *start,
                                  struct svc_error *err)
{
    if (journal_file_open(journal->path, &journal->file, err) != SVC_OK)
        return err->rc;
    start->created = journal->file.fd < 0;
    return start->created ? create(journal, err) : load(journal, start, err);
}

enum svc_rc journal_open(const char *path, struct journal_start *start,
                         struct journal **ret_journal, struct svc_error *err)
{
    struct journal *journal = calloc(1, sizeof *journal);
    if (journal == NULL || (journal->path = strdup(path)) == NULL) {
        free(journal);
        return svc_fail(err, SVC_FATAL, "out_of_memory", "journal: out of memory");
    }
    journal->file.fd = -1;
    enum svc_rc rc = open_or_create(journal, start, err);
    if (rc != SVC_OK)
        journal_close(&journal);
    *ret_journal = journal;
    return rc;
}

void journal_close(struct journal **journal)
{
    if (*journal == NULL)
        return;
    journal_file_close(&(*journal)->file);
    svc_buffer_done(&(*journal)->pending);
    free((*journal)->path);
    free(*journal);
    *journal = NULL;
}

const char *journal_id(const struct journal *journal)
{
    return journal->id;
}

uint64_t journal_flushed_seq(const struct journal *journal)
{
    return journal->flushed_seq;
}

size_t journal_bytes(const struct journal *journal)
{
    return journal->end;
}

uint64_t journal_append(struct journal *journal, const struct record *record)
{
    struct record numbered = *record;
    numbered.seq = ++journal->last_seq;
    record_print(&numbered, journal->flushed_seq, &journal->pending);
    return numbered.seq;
}

enum svc_rc journal_write(struct journal *journal, struct svc_error *err)
{
    size_t len = journal->pending.len;
    if (len == 0)
        return SVC_OK;
    if (journal_file_grow(&journal->file, journal->end + len + 1, err) != SVC_OK ||
        journal_file_write(&journal->file, journal->end, journal->pending.bytes, len, err) !=
            SVC_OK)
        return err->rc;
    journal->end += len;
    journal->unflushed = true;
    svc_buffer_reset(&journal->pending);
    return SVC_OK;
}

enum svc_rc journal_flush(struct journal *journal, struct svc_error *err)
{
    if (journal_write(journal, err) != SVC_OK)
        return err->rc;
    if (journal->unflushed && journal_file_flush(&journal->file, err) != SVC_OK)
        return err->rc;
    journal->unflushed = false;
    journal->flushed_seq = journal->last_seq;
    return SVC_OK;
}

struct compaction {
    bool (*keep)(void *arg, const char *job_id);
    void *arg;
    uint64_t mark_seq; /* the last line's; all of the new file is flushed before it is used */
    struct svc_buffer lines;
};

static void copy_kept(void *arg, const struct record *record)
{
    struct compaction *c = arg;
    if (c->keep(c->arg, record->job_id))
        record_print(record, c->mark_seq, &c->lines);
}

/* The last line of a compacted file keeps the numbers from going back, whatever was left out. */
static void put_journal_line(const struct journal *journal, uint64_t seq, struct compaction *c)
{
    struct record line = {.kind = RECORD_JOURNAL, .seq = seq};
    memcpy(line.job_id, journal->id, sizeof line.job_id);
    record_print(&line, c->mark_seq, &c->lines);
}

static enum svc_rc write_compacted(struct journal *journal, struct compaction *c,
                                   struct svc_error *err)
{
    char *bytes;
    put_journal_line(journal, 1, c);
    if (journal_file_map(&journal->file, &bytes, err) != SVC_OK)
        return err->rc;
    struct journal_scan scan;
    enum journal_verdict verdict = journal_scan(bytes, journal->file.size, copy_kept, c, &scan);
    (void)munmap(bytes, journal->file.size);
    if (verdict != JOURNAL_SOUND)
        return svc_fail(err, SVC_FATAL, "journal_damaged", "journal: changed under our hands");
    put_journal_line(journal, c->mark_seq, c);
    struct journal_file file;
    if (journal_file_replace(journal->path, c->lines.bytes, c->lines.len, &file, err) != SVC_OK)
        return err->rc;
    journal_file_close(&journal->file);
    journal->file = file;
    journal->end = c->lines.len;
    journal->last_seq = journal->flushed_seq = c->mark_seq;
    return SVC_OK;
}

enum svc_rc journal_compact(struct journal *journal, bool (*keep)(void *arg, const char *job_id),
                            void *arg, struct svc_error *err)
{
    if (journal_flush(journal, err) != SVC_OK)
        return err->rc;
    struct compaction c = {.keep = keep, .arg = arg, .mark_seq = journal->last_seq + 1};
    enum svc_rc rc = write_compacted(journal, &c, err);
    svc_buffer_done(&c.lines);
    return rc;
}
