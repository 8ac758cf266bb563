/* The journal: what this agent was asked, what it was about to do, what came of it. Append-only,
 * one record per line (record.h), locked against a second agent.
 *
 * journal_append only collects; journal_write hands the lines to the kernel (they survive kill -9);
 * journal_flush waits for the disk, too (they survive a power cut), for all jobs of a burst at
 * once. The file is zero-filled ahead in steps of 1 MiB, so that a flush moves data only.
 *
 * At start a tail that a kill or a power cut tore is cut off. It is told from damage by the lines
 * themselves: each says what was flushed before it. A bad line is torn only if nothing behind it
 * says that it had reached the disk; otherwise the program stops (code journal_damaged). */
#pragma once

#include "record.h"

#include "svc/error.h"

#include <stdbool.h>

enum { JOURNAL_STEP_BYTES = 1024 * 1024, JOURNAL_BYTES_MAX = 512 * 1024 * 1024 };

struct journal;

struct journal_start {
    void (*each)(void *arg, const struct record *record); /* every record, in order */
    void *arg;
    bool created;
    size_t cut_bytes; /* of the torn tail, without zeros */
};

/* Open or make the journal. start->each is called for every record of an existing one.
 * SVC_AGAIN   code journal_locked: another agent has it
 * SVC_REJECT  code journal_damaged: a bad line in the middle, or not a journal
 * SVC_FATAL   code journal_io */
enum svc_rc journal_open(const char *path, struct journal_start *start,
                         struct journal **ret_journal, struct svc_error *err) SVC_CHECK;
void journal_close(struct journal **journal);

const char *journal_id(const struct journal *journal);
uint64_t journal_flushed_seq(const struct journal *journal);
size_t journal_bytes(const struct journal *journal); /* without the zeros ahead */

/* Number the record and collect it. Returns its seq. */
uint64_t journal_append(struct journal *journal, const struct record *record);
/* After SVC_FATAL nothing may be promised any more: the program must end. */
enum svc_rc journal_write(struct journal *journal, struct svc_error *err) SVC_CHECK;
enum svc_rc journal_flush(struct journal *journal, struct svc_error *err) SVC_CHECK;

/* Write a new file with the header and the records of the jobs that are kept, flush it, rename it
 * over the old one, flush the folder. Records keep their numbers. */
enum svc_rc journal_compact(struct journal *journal, bool (*keep)(void *arg, const char *job_id),
                            void *arg, struct svc_error *err) SVC_CHECK;

/* Core of the start: read lines until the first that is not sound. */
enum journal_verdict { JOURNAL_SOUND, JOURNAL_TORN, JOURNAL_DAMAGED };
struct journal_scan {
    size_t end;        /* where the sound part ends */
    size_t torn_bytes; /* from there to the last byte that is not zero */
    uint64_t last_seq;
    char journal_id[SVC_UUID_TEXT];
};
enum journal_verdict journal_scan(const char *bytes, size_t len,
                                  void (*each)(void *arg, const struct record *record), void *arg,
                                  struct journal_scan *ret);
