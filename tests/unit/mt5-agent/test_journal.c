/* The journal: what it reads back, what it cuts off, and what it refuses. Works on real files in a
 * folder of its own. */
#include "journal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define JOB "11111111-2222-4333-8444-55555555555%d"

static char folder[64], path[128];

struct seen {
    struct record records[64];
    size_t count;
};

static void see(void *arg, const struct record *record)
{
    struct seen *seen = arg;
    if (seen->count < 64)
        seen->records[seen->count++] = *record;
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/test_journal.XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/journal", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char temporary[160];
    (void)snprintf(temporary, sizeof temporary, "%s.new", path);
    (void)unlink(temporary);
    (void)unlink(path);
    return rmdir(folder);
}

static struct journal *open_journal(struct seen *seen, struct journal_start *start)
{
    struct journal *journal = NULL;
    struct svc_error err = {.rc = SVC_OK};
    memset(seen, 0, sizeof *seen);
    *start = (struct journal_start){.each = see, .arg = seen};
    if (journal_open(path, start, &journal, &err) != SVC_OK)
        fail_msg("%s: %s", err.code, err.text);
    return journal;
}

static struct record intent(int job, uint32_t step)
{
    struct record r = {.kind = RECORD_INTENT,
                       .at_unix_us = 1700000000000000,
                       .step = step,
                       .magic = UINT64_C(9007199254740991),
                       .close_position = UINT64_MAX,
                       .sell = true,
                       .server_time_us = 1700000007200000};
    (void)snprintf(r.job_id, sizeof r.job_id, JOB, job);
    (void)snprintf(r.token, sizeof r.token, "0123456789ABC");
    (void)snprintf(r.symbol, sizeof r.symbol, "EUR\"USD\\");
    (void)snprintf(r.volume, sizeof r.volume, "0.10");
    return r;
}

static void flush(struct journal *journal)
{
    struct svc_error err;
    assert_int_equal(journal_flush(journal, &err), SVC_OK);
}

static size_t read_file(char *bytes, size_t size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(bytes, 1, size, file);
    (void)fclose(file);
    return len;
}

static void write_file(const char *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    (void)fclose(file);
}

static void crc_is_castagnoli(void **state)
{
    (void)state;
    assert_int_equal(record_crc32c("123456789", 9), 0xe3069283); /* RFC 3720 B.4's check value */
}

static void records_come_back_whole(void **state)
{
    (void)state;
    struct seen seen;
    struct journal_start start;
    struct journal *journal = open_journal(&seen, &start);
    char id[SVC_UUID_TEXT];
    assert_true(start.created);
    memcpy(id, journal_id(journal), sizeof id);
    struct record written = intent(1, 3);
    assert_int_equal(journal_append(journal, &written), 2);
    assert_int_equal(journal_flushed_seq(journal), 1);
    flush(journal);
    assert_int_equal(journal_flushed_seq(journal), 2);
    journal_close(&journal);

    journal = open_journal(&seen, &start);
    assert_false(start.created);
    assert_string_equal(journal_id(journal), id);
    assert_int_equal(journal_flushed_seq(journal), 2);
    assert_int_equal(seen.count, 1);
    written.seq = 2;
    assert_memory_equal(&seen.records[0], &written, sizeof written);
    journal_close(&journal);
}

/* A journal of an older agent lacks what it did not know. */
static void a_jobs_place_is_written_where_it_is_known(void **state)
{
    (void)state;
    struct record r = {.kind = RECORD_RECV, .seq = 2, .epoch = 1, .job_seq = INT64_MAX}, back;
    struct svc_buffer line = {.bytes = NULL};
    uint64_t flushed = 0;
    (void)snprintf(r.job_id, sizeof r.job_id, "aaaaaaaa-0000-4000-8000-00000000000a");
    record_print(&r, 1, &line);
    assert_int_equal(record_parse(line.bytes, line.len, &back, &flushed), line.len);
    assert_memory_equal(&back, &r, sizeof r);
    svc_buffer_reset(&line);
    r.job_seq = 0;
    record_print(&r, 1, &line);
    assert_null(strstr(line.bytes, "job_seq"));
    assert_int_equal(record_parse(line.bytes, line.len, &back, &flushed), line.len);
    assert_int_equal(back.job_seq, 0);
    svc_buffer_done(&line);
}

static void file_is_private_and_filled_ahead(void **state)
{
    (void)state;
    struct seen seen;
    struct journal_start start;
    struct journal *journal = open_journal(&seen, &start);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, JOURNAL_STEP_BYTES);
    assert_int_equal(info.st_mode & 0777, 0600);
    journal_close(&journal);
}

static void second_agent_is_locked_out(void **state)
{
    (void)state;
    struct seen seen;
    struct journal_start start, other = {.each = see, .arg = &seen};
    struct journal *journal = open_journal(&seen, &start), *second = NULL;
    struct svc_error err;
    assert_int_equal(journal_open(path, &other, &second, &err), SVC_AGAIN);
    assert_string_equal(err.code, "journal_locked");
    assert_null(second);
    journal_close(&journal);
    journal = open_journal(&seen, &start);
    journal_close(&journal);
}

/* Whatever byte a kill stops a write at: every record before it is kept, nothing behind it is, and
 * the next record goes on from there. */
static void torn_tail_is_cut_at_every_byte(void **state)
{
    (void)state;
    enum { RECORDS = 4 };
    struct seen seen;
    struct journal_start start;
    struct journal *journal = open_journal(&seen, &start);
    size_t ends[RECORDS + 1];
    ends[0] = journal_bytes(journal);
    for (int i = 0; i < RECORDS; i++) {
        struct record r = intent(i, 1);
        (void)journal_append(journal, &r);
        struct svc_error err;
        assert_int_equal(journal_write(journal, &err), SVC_OK);
        ends[i + 1] = journal_bytes(journal);
    }
    journal_close(&journal);
    static char whole[JOURNAL_STEP_BYTES], torn[JOURNAL_STEP_BYTES];
    size_t len = read_file(whole, sizeof whole);
    for (size_t cut = ends[0]; cut <= ends[RECORDS]; cut++) {
        memcpy(torn, whole, len);
        memset(torn + cut, 0, len - cut);
        write_file(torn, len);
        size_t expected = 0;
        while (expected < RECORDS && ends[expected + 1] <= cut)
            expected++;
        journal = open_journal(&seen, &start);
        assert_int_equal(seen.count, expected);
        assert_int_equal(journal_bytes(journal), ends[expected]);
        assert_int_equal(start.cut_bytes, cut - ends[expected]);
        struct record r = intent(9, 7);
        (void)journal_append(journal, &r);
        flush(journal);
        journal_close(&journal);
        journal = open_journal(&seen, &start);
        assert_int_equal(seen.count, expected + 1);
        assert_int_equal(seen.records[expected].step, 7);
        assert_int_equal(start.cut_bytes, 0);
        journal_close(&journal);
    }
}

/* The same where the file ends instead of going on with zeros. */
static void short_file_is_a_torn_tail_too(void **state)
{
    (void)state;
    struct seen seen;
    struct journal_start start;
    struct journal *journal = open_journal(&seen, &start);
    struct record r = intent(1, 1);
    (void)journal_append(journal, &r);
    (void)journal_append(journal, &r);
    flush(journal);
    size_t end = journal_bytes(journal);
    journal_close(&journal);
    assert_int_equal(truncate(path, (off_t)end - 5), 0);
    journal = open_journal(&seen, &start);
    assert_int_equal(seen.count, 1);
    assert_true(start.cut_bytes > 0);
    journal_close(&journal);
}

/* Three groups: 2 | 3 4 | 5. What `flushed` says decides whether a bad line is damage. */
static size_t write_groups(char *bytes, size_t size, size_t ends[5])
{
    struct seen seen;
    struct journal_start start;
    struct journal *journal = open_journal(&seen, &start);
    static const int groups[] = {1, 2, 1};
    int record = 0;
    ends[0] = journal_bytes(journal);
    for (int g = 0; g < 3; g++) {
        for (int i = 0; i < groups[g]; i++) {
            struct record r = intent(record++, 1);
            struct svc_error err;
            (void)journal_append(journal, &r);
            assert_int_equal(journal_write(journal, &err), SVC_OK);
            ends[record] = journal_bytes(journal);
        }
        flush(journal);
    }
    journal_close(&journal);
    return read_file(bytes, size);
}

static void damage_in_the_middle_stops(void **state)
{
    (void)state;
    static char whole[JOURNAL_STEP_BYTES], damaged[JOURNAL_STEP_BYTES];
    size_t ends[5], len = write_groups(whole, sizeof whole, ends);
    /* every byte of the first three records: the last group says that they were flushed */
    for (size_t at = 0; at < ends[3]; at++) {
        memcpy(damaged, whole, len);
        damaged[at] = (char)(damaged[at] ^ 0x40);
        write_file(damaged, len);
        struct seen seen = {.count = 0};
        struct journal_start start = {.each = see, .arg = &seen};
        struct journal *journal = NULL;
        struct svc_error err = {.rc = SVC_OK};
        assert_int_equal(journal_open(path, &start, &journal, &err), SVC_REJECT);
        assert_string_equal(err.code, "journal_damaged");
        assert_null(journal);
    }
}

/* A power cut may keep a later block of one unflushed group and lose an earlier one. */
static void hole_in_the_unflushed_group_is_torn(void **state)
{
    (void)state;
    static char bytes[JOURNAL_STEP_BYTES];
    size_t ends[5], len = write_groups(bytes, sizeof bytes, ends);
    memset(bytes + ends[3], 0, ends[4] - ends[3]); /* the last group never was written */
    memset(bytes + ends[1], 0, ends[2] - ends[1]); /* of the second only its second record */
    write_file(bytes, len);
    struct seen seen;
    struct journal_start start;
    struct journal *journal = open_journal(&seen, &start);
    assert_int_equal(seen.count, 1);
    assert_int_equal(journal_bytes(journal), ends[1]);
    struct record r = intent(7, 1);
    assert_int_equal(journal_append(journal, &r), 3);
    flush(journal);
    journal_close(&journal);
    journal = open_journal(&seen, &start); /* the survivor must not come back */
    assert_int_equal(seen.count, 2);
    journal_close(&journal);
}

/* A line whose number was used before is no line of this journal's: it is cut off. */
static void numbers_must_ascend(void **state)
{
    (void)state;
    static char bytes[JOURNAL_STEP_BYTES];
    size_t ends[5], len = write_groups(bytes, sizeof bytes, ends);
    memcpy(bytes + ends[4], bytes + ends[0], ends[1] - ends[0]);
    write_file(bytes, len);
    struct seen seen;
    struct journal_start start;
    struct journal *journal = open_journal(&seen, &start);
    assert_int_equal(seen.count, 4);
    assert_int_equal(start.cut_bytes, ends[1] - ends[0]);
    journal_close(&journal);
}

static void foreign_files_are_refused(void **state)
{
    (void)state;
    static const char *const contents[] = {"", "hello\n", "{\"id\":1}\n"};
    for (size_t i = 0; i < 3; i++) {
        write_file(contents[i], strlen(contents[i]));
        struct seen seen = {.count = 0};
        struct journal_start start = {.each = see, .arg = &seen};
        struct journal *journal = NULL;
        struct svc_error err = {.rc = SVC_OK};
        assert_int_equal(journal_open(path, &start, &journal, &err), SVC_REJECT);
        assert_string_equal(err.code, "journal_damaged");
    }
}

static void grows_by_steps(void **state)
{
    (void)state;
    struct seen seen;
    struct journal_start start;
    struct journal *journal = open_journal(&seen, &start);
    struct record r = intent(1, 1);
    struct stat info;
    while (journal_bytes(journal) < JOURNAL_STEP_BYTES) {
        struct svc_error err;
        for (int i = 0; i < 100; i++)
            (void)journal_append(journal, &r);
        assert_int_equal(journal_write(journal, &err), SVC_OK);
    }
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, 2 * JOURNAL_STEP_BYTES);
    uint64_t last = journal_append(journal, &r);
    flush(journal);
    journal_close(&journal);
    journal = open_journal(&seen, &start);
    assert_int_equal(journal_flushed_seq(journal), last);
    journal_close(&journal);
}

static bool keep_odd(void *arg, const char *job_id)
{
    (void)arg;
    return (job_id[35] - '0') % 2 == 1;
}

static bool keep_none(void *arg, const char *job_id)
{
    (void)arg;
    (void)job_id;
    return false;
}

static void compaction_keeps_what_is_asked_for(void **state)
{
    (void)state;
    struct seen seen;
    struct journal_start start;
    struct svc_error err;
    struct journal *journal = open_journal(&seen, &start);
    for (int i = 0; i < 6; i++) {
        struct record r = intent(i, 1);
        (void)journal_append(journal, &r);
    }
    assert_int_equal(journal_compact(journal, keep_odd, NULL, &err), SVC_OK);
    struct record r = intent(9, 1);
    uint64_t seq = journal_append(journal, &r);
    assert_true(seq > 7);
    flush(journal);
    struct journal *second = NULL; /* the new file is locked as the old one was */
    assert_int_equal(journal_open(path, &start, &second, &err), SVC_AGAIN);
    journal_close(&journal);
    journal = open_journal(&seen, &start);
    assert_int_equal(seen.count, 4);
    assert_int_equal(seen.records[0].seq, 3);
    assert_int_equal(seen.records[2].seq, 7);
    assert_int_equal(journal_flushed_seq(journal), seq);
    journal_close(&journal);
}

/* Else hello would name a lower number than before, and the gateway would refuse it. */
static void numbers_never_go_back(void **state)
{
    (void)state;
    struct seen seen;
    struct journal_start start;
    struct svc_error err;
    struct journal *journal = open_journal(&seen, &start);
    struct record r = intent(2, 1);
    for (int i = 0; i < 10; i++)
        (void)journal_append(journal, &r);
    flush(journal);
    uint64_t before = journal_flushed_seq(journal);
    assert_int_equal(journal_compact(journal, keep_none, NULL, &err), SVC_OK);
    assert_true(journal_flushed_seq(journal) > before);
    uint64_t after = journal_flushed_seq(journal);
    journal_close(&journal);
    journal = open_journal(&seen, &start);
    assert_int_equal(seen.count, 0);
    assert_int_equal(journal_flushed_seq(journal), after);
    journal_close(&journal);
}

/* A crash between writing the new file and the rename leaves the old one in charge. */
static void leftover_of_a_compaction_is_harmless(void **state)
{
    (void)state;
    struct seen seen;
    struct journal_start start;
    struct svc_error err;
    char temporary[160];
    struct journal *journal = open_journal(&seen, &start);
    struct record r = intent(1, 1);
    (void)journal_append(journal, &r);
    flush(journal);
    (void)snprintf(temporary, sizeof temporary, "%s.new", path);
    FILE *file = fopen(temporary, "wb");
    assert_non_null(file);
    (void)fputs("half a file", file);
    (void)fclose(file);
    journal_close(&journal);
    journal = open_journal(&seen, &start);
    assert_int_equal(seen.count, 1);
    assert_int_equal(journal_compact(journal, keep_odd, NULL, &err), SVC_OK);
    journal_close(&journal);
    journal = open_journal(&seen, &start);
    assert_int_equal(seen.count, 1);
    journal_close(&journal);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_is_castagnoli),
        TEST(records_come_back_whole),
        TEST(a_jobs_place_is_written_where_it_is_known),
        TEST(file_is_private_and_filled_ahead),
        TEST(second_agent_is_locked_out),
        TEST(torn_tail_is_cut_at_every_byte),
        TEST(short_file_is_a_torn_tail_too),
        TEST(damage_in_the_middle_stops),
        TEST(hole_in_the_unflushed_group_is_torn),
        TEST(numbers_must_ascend),
        TEST(foreign_files_are_refused),
        TEST(grows_by_steps),
        TEST(compaction_keeps_what_is_asked_for),
        TEST(numbers_never_go_back),
        TEST(leftover_of_a_compaction_is_harmless),
    };
    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
