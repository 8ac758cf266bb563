/* Runs a fuzz entry over the files given, or with none over a seeded stream of damaged copies of
 * the first bytes that the entry's own seed function gives: a short smoke run for compilers without
 * libFuzzer.
 *
 *   fuzz_x FILE…            replay
 *   fuzz_x --random N SEED  N damaged inputs; the seed is printed by whoever chose it
 *   fuzz_x --seconds N SEED damaged inputs for N seconds */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { INPUT_MAX = 128 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
extern const char *const fuzz_seeds[]; /* NULL-terminated */
extern const char fuzz_alphabet[];     /* bytes that the parser knows */

static uint8_t input[INPUT_MAX];
static uint64_t state;

static uint32_t roll(uint32_t sides)
{
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(state >> 33) % sides;
}

/* A copy without a byte behind it, so that a sanitizer sees every read past the end. */
static void run(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    if (copy == NULL)
        abort();
    memcpy(copy, bytes, len);
    (void)LLVMFuzzerTestOneInput(copy, len);
    free(copy);
}

static size_t damage(size_t len)
{
    const size_t at = roll((uint32_t)len + 1), piece = roll(20);
    switch (roll(5)) {
    case 0: /* cut */
        return at;
    case 1: /* another byte */
        if (at < len)
            input[at] = (uint8_t)roll(256);
        return len;
    case 2: /* a byte that parsers know */
        if (at < len)
            input[at] = (uint8_t)fuzz_alphabet[roll((uint32_t)strlen(fuzz_alphabet))];
        return len;
    case 3: /* doubled piece */
        if (at + piece > len || len + piece > INPUT_MAX)
            return len;
        memmove(input + at + piece, input + at, len - at);
        return len + piece;
    default: /* lost piece */
        if (at + piece > len)
            return len;
        memmove(input + at, input + at + piece, len - at - piece);
        return len - piece;
    }
}

static void run_damaged(size_t seeds)
{
    const char *from = fuzz_seeds[roll((uint32_t)seeds)];
    size_t len = strlen(from);
    memcpy(input, from, len);
    for (uint32_t times = roll(8); times > 0; times--)
        len = damage(len);
    run(input, len);
}

static size_t begin_random(uint64_t seed)
{
    size_t seeds = 0;
    state = seed;
    while (fuzz_seeds[seeds] != NULL)
        seeds++;
    return seeds;
}

static int run_random(unsigned long count, uint64_t seed)
{
    const size_t seeds = begin_random(seed);
    for (unsigned long i = 0; i < count; i++)
        run_damaged(seeds);
    return 0;
}

static int run_seconds(long seconds, uint64_t seed)
{
    const size_t seeds = begin_random(seed);
    const time_t end = time(NULL) + seconds;
    unsigned long count = 0;
    for (; time(NULL) < end; count += 1000)
        for (int i = 0; i < 1000; i++)
            run_damaged(seeds);
    (void)printf("%lu inputs in %ld s, seed %llu\n", count, seconds, (unsigned long long)seed);
    return 0;
}

static int replay(const char *path)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    const size_t len = fread(input, 1, sizeof input, file);
    (void)fclose(file);
    run(input, len);
    return 0;
}

int main(int argc, char **argv)
{
    int failed = 0;
    if (argc == 4 && strcmp(argv[1], "--random") == 0)
        return run_random(strtoul(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    if (argc == 4 && strcmp(argv[1], "--seconds") == 0)
        return run_seconds(strtol(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    for (int i = 1; i < argc; i++)
        failed |= replay(argv[i]);
    return failed;
}
