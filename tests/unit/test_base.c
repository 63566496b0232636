/*
 * The ground floor: arena cap and zeroing, buf limits, spans, codecs against
 * published vectors, time, settings' bounds, log escaping.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/codec.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/when.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define assert_span(span, text) assert_true(span_is((span), (text)))

static void arena_is_capped_and_zeroed(void **state)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    size_t got = 0;

    (void)state;
    assert_int_equal(arena_new(100000, &arena), 0);
    for (unsigned char *p; (p = arena_alloc(arena, 100)) != NULL; got += 100) {
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < 100; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, 100);
    }
    assert_in_range(got, 40000, 100000);
    assert_true(arena_used(arena) <= 100000);
    arena_reset(arena);
    assert_true(arena_used(arena) < 70000);
    unsigned char *p = arena_alloc(arena, 1000);
    assert_non_null(p);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(p[i], 0);
    assert_non_null(arena_alloc(arena, 0));
    assert_null(arena_alloc(arena, SIZE_MAX));
    assert_null(arena_array(arena, SIZE_MAX / 2, 3));
}

static void arena_makes_texts(void **state)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct span text;

    (void)state;
    assert_int_equal(arena_new(100000, &arena), 0);
    assert_int_equal(arena_copy(arena, (struct span){ NULL, 0 }, &text), 0);
    assert_string_equal(text.ptr, "");
    assert_int_equal(arena_printf(arena, &text, "%s-%d", "a", 7), 0);
    assert_span(text, "a-7");
    assert_int_equal(text.ptr[3], '\0');
    assert_int_equal(arena_printf(arena, &text, "%200000d", 7), -ENOMEM);
}

static void buf_stops_at_its_maximum(void **state)
{
    struct buf buf = BUF_INIT(10);

    (void)state;
    buf_add_str(&buf, "12345");
    buf_add_u64(&buf, 0);
    assert_int_equal(buf_error(&buf), 0);
    buf_add_str(&buf, "67890");
    assert_int_equal(buf_error(&buf), -EFBIG);
    buf_add_str(&buf, "x");
    assert_span(buf_span(&buf), "123450");
    buf_clear(&buf);
    buf_printf(&buf, "%d", 12345);
    assert_int_equal(buf_error(&buf), 0);
    assert_span(buf_span(&buf), "12345");
    buf_done(&buf);
    buf_add_u64(&buf, 987);
    assert_span(buf_span(&buf), "987");
    buf_done(&buf);
}

static void buf_writes_the_largest_number(void **state)
{
    struct buf buf = BUF_INIT(100);

    (void)state;
    buf_add_u64(&buf, UINT64_MAX);
    assert_span(buf_span(&buf), "18446744073709551615");
    buf_done(&buf);
}

static void spans_answer_questions(void **state)
{
    int64_t n = 0;
    bool yes = false;

    (void)state;
    assert_true(span_eq_nocase(SPAN("AbZ"), SPAN("aBz")));
    assert_false(span_eq_nocase(SPAN("A"), SPAN("AB")));
    assert_true(span_starts(SPAN("abc"), SPAN("ab")));
    assert_span(span_trim(SPAN(" \t\r\na b\n")), "a b");
    assert_true(span_int(SPAN("-9223372036854775808"), false, INT64_MIN, INT64_MAX, &n));
    assert_true(n == INT64_MIN);
    assert_false(span_int(SPAN("9223372036854775808"), false, INT64_MIN, INT64_MAX, &n));
    assert_true(span_int(SPAN("0x0E07"), true, 0, 65535, &n));
    assert_int_equal(n, 0x0e07);
    assert_false(span_int(SPAN("0x0E07"), false, 0, 65535, &n));
    assert_false(span_int(SPAN(""), true, 0, 9, &n));
    assert_false(span_int(SPAN("-"), true, 0, 9, &n));
    assert_false(span_int(SPAN("10"), true, 0, 9, &n));
    assert_true(span_bool(SPAN(" 1 "), &yes) && yes);
    assert_true(span_bool(SPAN("false"), &yes) && !yes);
    assert_false(span_bool(SPAN("TRUE"), &yes));
}

static void utf8_is_checked(void **state)
{
    (void)state;
    assert_true(span_utf8_ok(SPAN("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")));
    assert_false(span_utf8_ok(SPAN("\xc0\x80")));
    assert_false(span_utf8_ok(SPAN("\xed\xa0\x80")));
    assert_false(span_utf8_ok(SPAN("\xf4\x90\x80\x80")));
    assert_false(span_utf8_ok(SPAN("\xe2\x82")));
    assert_false(span_utf8_ok((struct span){ "a\0b", 3 }));
    assert_false(span_utf8_ok((struct span){ "abcdefgh\0jklmnop", 17 }));
    assert_true(span_utf8_ok(SPAN("abcdefghabcdefgh\xc3\xa9 abcdefgh")));
}

static void utf8_is_cut(void **state)
{
    char whole[] = "abcdefgh\xc3\xa9", cut[] = "abcdefgh\xc3\xa9\xe2\x82", amid[] = "a\xff" "b", none[] = "";
    (void)state;
    utf8_cut(whole);
    assert_string_equal(whole, "abcdefgh\xc3\xa9");
    utf8_cut(cut);
    assert_string_equal(cut, "abcdefgh\xc3\xa9");
    utf8_cut(amid);
    assert_string_equal(amid, "a");
    utf8_cut(none);
    assert_string_equal(none, "");
}

static void base64_goes_both_ways(void **state)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct buf buf = BUF_INIT(100);
    struct span bytes;
    uint8_t room[BASE64_ROOM(8)];
    size_t len;

    (void)state;
    assert_int_equal(arena_new(100000, &arena), 0);
    base64_encode(&buf, "fooba", 5);
    assert_span(buf_span(&buf), "Zm9vYmE=");
    assert_int_equal(base64_decode(arena, SPAN(" Zm9v\r\nYmE= "), &bytes), 0);
    assert_span(bytes, "fooba");
    assert_int_equal(base64_decode(arena, SPAN(""), &bytes), 0);
    assert_int_equal(bytes.len, 0);
    assert_int_equal(base64_decode(arena, SPAN("Zm9"), &bytes), 1);
    assert_int_equal(base64_decode(arena, SPAN("Zm9%"), &bytes), 1);
    assert_true(base64_decode_to(SPAN("Zm9vYmE="), room, sizeof(room), &len));
    assert_int_equal(len, 5);
    assert_memory_equal(room, "fooba", 5);
    assert_true(base64_decode_to(SPAN("Zg=="), room, sizeof(room), &len));
    assert_int_equal(len, 1);
    assert_false(base64_decode_to(SPAN("Zm9vYmFyZm9v"), room, sizeof(room), &len));
    buf_done(&buf);
}

/* As it is told to clients, and not otherwise: an id has one spelling. */
static void base64_is_strict(void **state)
{
    static const char *const wrong[] = { "", "Zm9", "Zm9v YmE", "Zm9vYm E", "Zm9v\r\nYmE", "Zm9vYmE\n", "Zm9=YmE=", "Zg==Zg==", "Zm9vYmF=",
                                         "Zm9vZh==", "Zm9v====", "Zm9v=mE=", "Z%9vYmE=", "Zm9vYm%=", "Zm9v\xc3\xa4==" };
    uint8_t room[BASE64_ROOM(16)];
    size_t len;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        if (base64_decode_to(span_of(wrong[i]), room, sizeof(room), &len))
            fail_msg("taken: %s", wrong[i]);
    assert_false(base64_decode_to(SPAN("Zm9\0"), room, sizeof(room), &len));
    assert_false(base64_decode_to(SPAN("Zm\0vYmE="), room, sizeof(room), &len));
}

/* In place as elsewhere, wherever line ends and padding fall. */
static void base64_in_place(void **state)
{
    static const char *const good[] = { "QUJD", "QUJDRA==", "QUJDREU=", "Q\r\nUJD\r\nREU=\r\n", " QUJDREVGR0hJSktM\nTU5P", "" };
    static const char *const bad[] = { "QUJDR", "QUJD=", "QUJD*UJD", "QQ==QUJD", "QUJDREVG\xc3QUJD" };
    char text[64];
    struct arena *arena;
    struct span bytes;

    (void)state;
    assert_int_equal(arena_new(65536, &arena), 0);
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        size_t len = strlen(good[i]);
        memcpy(text, good[i], len);
        assert_int_equal(base64_decode(arena, span_of(good[i]), &bytes), 0);
        assert_true(base64_decode_in_place(text, &len));
        assert_true(span_eq(bytes, (struct span){ text, len }));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        size_t len = strlen(bad[i]);
        memcpy(text, bad[i], len);
        assert_false(base64_decode_in_place(text, &len));
    }
    arena_free(arena);
}

static void digests_match_published_vectors(void **state)
{
    uint8_t digest[SHA256_SIZE], secret[MAC_KEY_SIZE] = { 0 };
    struct span parts[] = { SPAN("a"), SPAN("bc") };
    struct buf buf = BUF_INIT(100);
    struct mac_key key;

    (void)state;
    sha256_parts(parts, 2, digest);
    hex_encode(&buf, digest, sizeof(digest));
    assert_span(buf_span(&buf), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    buf_clear(&buf);
    /* RFC 4231 case 1: the key is padded with zeros to the block anyway. */
    memset(secret, 0x0b, 20);
    mac_key_init(&key, secret);
    mac_sign(&key, &SPAN("Hi There"), 1, digest);
    hex_encode(&buf, digest, sizeof(digest));
    assert_span(buf_span(&buf), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    buf_done(&buf);
    assert_int_equal(random_bytes(secret, sizeof(secret)), 0);
    assert_true(mem_equal_secret("ab", "ab", 2));
    assert_false(mem_equal_secret("ab", "ac", 2));
}

static void time_is_read(void **state)
{
    static const struct {
        const char *text;
        int64_t at;
    } cases[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "2026-11-24T04:28:04Z", 1795494484000 },
        { "2026-11-24T05:28:04.250+01:00", 1795494484250 },
        { "2026-11-23T23:28:04-05:00", 1795494484000 },
        { "2000-02-29T23:59:59", 951868799000 },
        { "0001-01-01T00:00:00Z", -62135596800000 },
        { "1969-12-31T23:59:59.999Z", -1 },
        { "2026-11-23T24:00:00Z", 1795478400000 },
    };
    static const char *const bad[] = { "", "2026-11-24", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
                                       "2026-11-24T25:00:00Z", "2026-11-24T00:00:00.Z", "2026-11-24T00:00:00+15:00",
                                       "2026-11-24T00:00:00Zx", "26-11-24T00:00:00Z" };
    int64_t at;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_true(when_parse_xs(span_of(cases[i].text), &at));
        assert_true(at == cases[i].at);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(when_parse_xs(span_of(bad[i]), &at));
}

static void time_is_written(void **state)
{
    char xs[WHEN_XS_SIZE], rfc[WHEN_RFC5322_SIZE];

    (void)state;
    when_format_xs(1795494484250, xs);
    assert_string_equal(xs, "2026-11-24T04:28:04Z");
    when_format_xs(-1, xs);
    assert_string_equal(xs, "1969-12-31T23:59:59Z");
    when_format_xs(951782400000, xs);
    assert_string_equal(xs, "2000-02-29T00:00:00Z");
    when_format_rfc5322(1795494484000, rfc);
    assert_string_equal(rfc, "Tue, 24 Nov 2026 04:28:04 +0000");
    when_format_xs(INT64_MAX, xs);
    assert_string_equal(xs, "9999-12-31T23:59:59Z");
    when_format_xs(WHEN_NONE, xs);
    assert_string_equal(xs, "0001-01-01T00:00:00Z");
}

static int64_t frozen(void)
{
    return 42;
}

static void clock_can_be_replaced(void **state)
{
    (void)state;
    when_set_clock(frozen);
    assert_int_equal(when_now(), 42);
    when_set_clock(NULL);
    assert_true(when_now() > 1700000000000);
}

static void settings_have_bounds(void **state)
{
    char error[CONF_ERROR_SIZE];
    struct conf conf;

    (void)state;
    conf_init(&conf);
    assert_int_equal(conf.http_max_body, 67108864);
    assert_string_equal(conf.soap_version_string, "Exchange2013_SP1");
    assert_int_equal(conf_assign(&conf, "http.workers=512", error), 0);
    assert_int_equal(conf.http_workers, 512);
    assert_int_equal(conf_assign(&conf, "http.workers=513", error), 1);
    assert_string_equal(error, "http.workers must be a number from 1 to 512 threads");
    assert_int_equal(conf.http_workers, 512);
    assert_int_equal(conf_assign(&conf, "http.workers=many", error), 1);
    assert_int_equal(conf_assign(&conf, "relay.url=smtp://relay.test:25", error), 0);
    assert_string_equal(conf.relays[0].url, "smtp://relay.test:25");
    assert_int_equal(conf_assign(&conf, "relay.url=", error), 0);
    assert_string_equal(conf.relays[0].url, "");
    assert_int_equal(conf_assign(&conf, "no.such=1", error), 1);
    assert_int_equal(conf_assign(&conf, "http.workers", error), 1);
    assert_int_equal(conf_assign(&conf, "workers=1", error), 1);
    assert_int_equal(conf_assign(&conf, "log.level=warn", error), 0);
    assert_int_equal(conf_assign(&conf, "log.level=war", error), 1);
    assert_string_equal(error, "log.level must be one of error|warn|info|debug");
}

static void relays_are_sections(void **state)
{
    char error[CONF_ERROR_SIZE], name[80];
    struct conf conf;

    (void)state;
    conf_init(&conf);
    assert_int_equal(conf_assign(&conf, "relay partner.test.url=smtp://a.test:25", error), 0);
    assert_int_equal(conf_assign(&conf, "relay partner.test.timeout=7", error), 0);
    assert_int_equal(conf.relays_n, 2);
    assert_string_equal(conf.relays[1].name, "partner.test");
    assert_string_equal(conf.relays[1].url, "smtp://a.test:25");
    assert_int_equal(conf.relays[1].timeout, 7);
    assert_int_equal(conf.relays[0].timeout, 300);
    for (int i = 2; i < CONF_RELAYS_MAX; i++) {
        snprintf(name, sizeof(name), "relay r%d.timeout=9", i);
        assert_int_equal(conf_assign(&conf, name, error), 0);
    }
    assert_int_equal(conf_assign(&conf, "relay more.timeout=9", error), 1);
}

/* All sentences, a line each. */
static void keep_sentence(void *arg, const char *text)
{
    struct buf *all = arg;

    buf_add_str(all, text);
    buf_add_char(all, '\n');
}

static int read_path(struct conf *conf, const char *path, char *ret_error)
{
    struct buf all = BUF_INIT(CONF_ERROR_SIZE);
    struct conf_report report = { .tell = keep_sentence, .arg = &all, .file = path };
    int r = conf_read_file(conf, &report);

    snprintf(ret_error, CONF_ERROR_SIZE, "%.*s", (int)all.len, all.len ? all.ptr : "");
    buf_done(&all);
    return r;
}

static void read_conf(struct conf *conf, const char *text, int wanted, char *ret_error)
{
    char path[] = "/tmp/ewsd-conf-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    conf_init(conf);
    assert_int_equal(read_path(conf, path, ret_error), wanted);
    unlink(path);
}

static void files_are_read(void **state)
{
    char error[CONF_ERROR_SIZE], longest[3000];
    struct conf conf;

    (void)state;
    read_conf(&conf, "# ours\n[http]\nlisten = 127.0.0.1:1 ; loopback\n\n[relay]\nurl=smtp://r.test:25\n[relay p]\ntimeout = 5\n", 0,
              error);
    assert_string_equal(conf.http_listen, "127.0.0.1:1");
    assert_string_equal(conf.relays[0].url, "smtp://r.test:25");
    assert_int_equal(conf.relays[1].timeout, 5);
    assert_int_equal(conf_line(&conf, "http.listen"), 3);
    assert_int_equal(conf_line(&conf, "relay.url"), 6);
    assert_int_equal(conf_line(&conf, "relay p.timeout"), 8);
    assert_int_equal(conf_line(&conf, "relay q.timeout"), 0);
    assert_int_equal(conf_line(&conf, "http.workers"), 0);
    assert_int_equal(conf_line(&conf, "nonsense"), 0);
    assert_int_equal(conf_assign(&conf, "http.listen=127.0.0.1:2", error), 0);
    assert_int_equal(conf_line(&conf, "http.listen"), 0);
    read_conf(&conf, "[http]\nworkers = 1\nworker = 2\nnonsense = 3\n", 1, error);
    assert_non_null(strstr(error, ":3: there is no setting http.worker"));
    read_conf(&conf, "[http]\nworkers = none\n", 1, error);
    assert_non_null(strstr(error, ":2: http.workers must be a number from 1 to 512 threads"));
    read_conf(&conf, "[http]\nlisten = 127.0.0.1:1\n  workers = 5\n", 0, error);
    assert_string_equal(conf.http_listen, "127.0.0.1:1");
    assert_int_equal(conf.http_workers, 5);
    read_conf(&conf, "[http\nworkers = 1\n", 1, error);
    assert_non_null(strstr(error, ":1: "));
    read_conf(&conf, "[http]\nworkers\n", 1, error);
    assert_non_null(strstr(error, ":2: [section] or key = value expected"));
    read_conf(&conf, "[http]\nworkers = 0\nbroken\nworkers = 1\n[htpt]\nlisten = x\nmax_body = 1\n= 5\n", 1, error);
    const char *all[] = { ":2: http.workers must be a number", ":3: [section] or key = value expected",
                          ":4: http.workers stands in line 2 already",
                          ":6: there is no setting htpt.listen; is http.listen meant?",
                          ":7: there is no setting htpt.max_body; is http.max_body meant?" };
    const char *at = error;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        assert_non_null(at = strstr(at, all[i]));
    snprintf(longest, sizeof(longest), "[server]\ndomain = %0*d\n", 900, 1);
    read_conf(&conf, longest, 0, error);
    assert_int_equal(strlen(conf.server_domain), 900);
    conf_init(&conf);
    assert_int_equal(read_path(&conf, "/nonexistent/ewsd.conf", error), -ENOENT);
    assert_string_equal(error, "/nonexistent/ewsd.conf: No such file or directory\n");
}

static void lists_have_words(void **state)
{
    struct span rest = SPAN(" a.test, b.test\tc.test,, "), word;

    (void)state;
    assert_true(conf_list_next(&rest, &word) && span_is(word, "a.test"));
    assert_true(conf_list_next(&rest, &word) && span_is(word, "b.test"));
    assert_true(conf_list_next(&rest, &word) && span_is(word, "c.test"));
    assert_false(conf_list_next(&rest, &word));
}

static void errors_have_names(void **state)
{
    (void)state;
    assert_string_equal(err_text(-EIO), "EIO: Input/output error");
    assert_ptr_equal(err_text(-EIO), err_text(-EIO));
    assert_string_equal(err_text(-100000), "unknown error");
}

static void waits_end_by_the_monotonic_clock(void **state ATTR_UNUSED)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond;
    int64_t begun = when_monotonic();
    when_cond_init(&cond);
    const struct timespec until = when_in(20);
    pthread_mutex_lock(&lock);
    while (pthread_cond_timedwait(&cond, &lock, &until) == 0)
        continue;
    pthread_mutex_unlock(&lock);
    pthread_cond_destroy(&cond);
    assert_true(when_monotonic() - begun >= 20);
    for (int64_t ms = 0; ms < 3000; ms += 333)
        assert_in_range(when_in(ms).tv_nsec, 0, 999999999);
}

static void log_lines_cannot_be_forged(void **state)
{
    char path[] = "/tmp/test_base_log_XXXXXX", line[512] = { 0 };
    int file = mkstemp(path), kept = dup(STDERR_FILENO);

    (void)state;
    assert_true(file >= 0 && kept >= 0);
    dup2(file, STDERR_FILENO);
    when_set_clock(frozen);
    log_event(LOG_INFO_LEVEL, "test", LOG_S("name", "a\nb\"c\x1b"), LOG_N("n", -5), LOG_S("plain", "x@y"));
    log_event(LOG_DEBUG_LEVEL, "hidden");
    log_event(LOG_WARN_LEVEL, "empty");
    when_set_clock(NULL);
    dup2(kept, STDERR_FILENO);
    assert_true(pread(file, line, sizeof(line) - 1, 0) > 0);
    close(file);
    close(kept);
    unlink(path);
    assert_string_equal(line, "1970-01-01T00:00:00Z info test name=\"a\\x0ab\\\"c\\x1b\" n=-5 plain=x@y\n"
                              "1970-01-01T00:00:00Z warn empty\n");
}

static void log_numbers_have_digits(void **state)
{
    static const struct {
        int64_t number;
        const char *text, *milli;
    } cases[] = {
        { 0, "0", "0.000" }, { 7, "7", "0.007" }, { -7, "-7", "-0.007" }, { 1234, "1234", "1.234" }, { 999, "999", "0.999" },
        { -120050, "-120050", "-120.050" }, { INT64_MAX, "9223372036854775807", "9223372036854775.807" },
        { INT64_MIN, "-9223372036854775808", "-9223372036854775.808" },
    };
    char text[24];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_string_equal(log_number(text, cases[i].number), cases[i].text);
        assert_string_equal(log_milli(text, cases[i].number), cases[i].milli);
    }
}

static void gather(struct log_lines *lines, enum log_level level, const char *event, struct span value)
{
    struct buf line;

    log_line(&line, level, event, LOG_FIELDS(LOG_V("a", value), LOG_V("b", value), LOG_V("c", value), LOG_V("d", value)));
    log_gather(lines, &line);
}

/* What the next write(2) wrote: its first and last event, and how many lines. */
static unsigned next_write(int fd, char ret_first[16], char ret_last[16])
{
    char text[65536];
    ssize_t n = read(fd, text, sizeof(text) - 1);
    unsigned lines = 0;

    assert_true(n > 0 && text[n - 1] == '\n');
    text[n] = 0;
    for (char *at = text, *end; *at; at = end + 1) {
        end = strchr(at, '\n');
        assert_int_equal(sscanf(at, "%*s %*s %15s", ret_last), 1);
        if (lines++ == 0)
            strcpy(ret_first, ret_last);
    }
    return lines;
}

static void log_lines_are_written_together(void **state)
{
    char quarter[1024];
    const struct span small = SPAN("x"), large = { quarter, 1000 }, huge = { quarter, 1024 };
    struct log_lines lines = { 0 };
    int ends[2], kept = dup(STDERR_FILENO);
    char first[16], last[16], text[4096];

    (void)state;
    memset(quarter, 'x', sizeof(quarter));
    assert_int_equal(pipe2(ends, O_DIRECT | O_NONBLOCK), 0); /* each write by itself; no failure's report waits */
    dup2(ends[1], STDERR_FILENO);
    gather(&lines, LOG_INFO_LEVEL, "one", small);
    gather(&lines, LOG_DEBUG_LEVEL, "hidden", small);
    gather(&lines, LOG_INFO_LEVEL, "two", small);
    gather(&lines, LOG_INFO_LEVEL, "large", large); /* with them it would be over 4,096 bytes */
    gather(&lines, LOG_INFO_LEVEL, "huge", huge);   /* and this one is by itself */
    gather(&lines, LOG_INFO_LEVEL, "three", small);
    log_flush(&lines);
    log_flush(&lines); /* nothing */
    gather(&lines, LOG_INFO_LEVEL, "four", small);
    log_flush(&lines);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(ends[1]);
    assert_int_equal(next_write(ends[0], first, last), 2);
    assert_string_equal(first, "one");
    assert_string_equal(last, "two");
    assert_int_equal(next_write(ends[0], first, last), 1);
    assert_string_equal(first, "large");
    assert_int_equal(read(ends[0], text, sizeof(text)), sizeof(text)); /* such a pipe cuts it */
    assert_non_null(memmem(text, sizeof(text), " huge a=", 8));
    assert_in_range(read(ends[0], text, sizeof(text)), 1, 100);
    assert_int_equal(next_write(ends[0], first, last), 1);
    assert_string_equal(first, "three");
    assert_int_equal(next_write(ends[0], first, last), 1);
    assert_string_equal(first, "four");
    assert_int_equal(read(ends[0], first, 1), 0);
    close(ends[0]);
}

static void metrics_count(void **state)
{
    struct buf buf = BUF_INIT(100000);

    (void)state;
    metric_add(METRIC_outbox_submitted, 3);
    metrics_write(&buf);
    buf_add_char(&buf, '\0');
    assert_int_equal(metric_get(METRIC_outbox_submitted), 3);
    assert_non_null(strstr(buf.ptr, "\n# TYPE ewsd_outbox_submitted_total counter\newsd_outbox_submitted_total 3\n"));
    buf_done(&buf);
}

static void metrics_have_labels(void **state)
{
    static const char *const operations[] = { "none", "GetItem" }, *const codes[] = { "NoError", "Error\\\"x" };
    struct buf buf = BUF_INIT(1000000);

    (void)state;
    metric_names(METRIC_LABEL_operation, operations, ARRAY_LEN(operations));
    metric_names(METRIC_LABEL_code, codes, ARRAY_LEN(codes));
    metric_add_by(METRIC_requests, 1, 0, 2);
    metric_add_by(METRIC_requests, 64, 0, 1); /* there is no such operation */
    metric_add_by(METRIC_requests, 0, 1, 1);  /* nor a second label */
    metric_add_by(METRIC_response_codes, 1, 1, 5);
    metrics_write(&buf);
    buf_add_char(&buf, '\0');
    assert_int_equal(metric_get(METRIC_requests), 2);
    assert_non_null(strstr(buf.ptr, "\newsd_requests_total{operation=\"none\"} 0\newsd_requests_total{operation=\"GetItem\"} 2\n#"));
    assert_non_null(strstr(buf.ptr, "counter\newsd_response_codes_total{operation=\"GetItem\",code=\"Error\\\\\\\"x\"} 5\n#"));
    buf_done(&buf);
}

static void metrics_make_histograms(void **state)
{
    struct buf buf = BUF_INIT(1000000);

    (void)state;
    metric_observe(METRIC_store_commit_duration_seconds, 0, 500);
    metric_observe(METRIC_store_commit_duration_seconds, 0, 501);
    metric_observe(METRIC_store_commit_duration_seconds, 0, 10000001);
    metric_observe(METRIC_store_commit_jobs, 0, 7);
    metrics_write(&buf);
    buf_add_char(&buf, '\0');
    assert_int_equal(metric_get(METRIC_store_commit_duration_seconds), 3);
    assert_non_null(strstr(buf.ptr, "\newsd_store_commit_duration_seconds_bucket{le=\"0.0005\"} 1\n"
                                    "ewsd_store_commit_duration_seconds_bucket{le=\"0.001\"} 2\n"));
    assert_non_null(strstr(buf.ptr, "_bucket{le=\"10\"} 2\newsd_store_commit_duration_seconds_bucket{le=\"+Inf\"} 3\n"
                                    "ewsd_store_commit_duration_seconds_sum 10.001002\newsd_store_commit_duration_seconds_count 3\n"));
    assert_non_null(strstr(buf.ptr, "_jobs_bucket{le=\"6\"} 0\newsd_store_commit_jobs_bucket{le=\"8\"} 1\n"));
    assert_non_null(strstr(buf.ptr, "\newsd_store_commit_jobs_sum 7\n"));
    buf_done(&buf);
}

static void metrics_learn_names(void **state)
{
    char name[16];

    (void)state;
    for (unsigned i = 0; i < 64; i++) {
        snprintf(name, sizeof(name), "relay%u", i);
        assert_int_equal(metric_name(METRIC_LABEL_relay, name), i);
    }
    assert_int_equal(metric_name(METRIC_LABEL_relay, "relay7"), 7);
    assert_int_equal(metric_name(METRIC_LABEL_relay, "one more"), UINT_MAX);
    metric_set(METRIC_relay_down, UINT_MAX, 1); /* not counted */
    metric_raise(METRIC_relay_down, 3, 5);
    metric_raise(METRIC_relay_down, 3, -3);
    assert_int_equal(metric_get(METRIC_relay_down), 2);
}

static void metrics_of_the_process(void **state)
{
    (void)state;
    metrics_read_process(1500);
    uint64_t descriptors = metric_get(METRIC_process_open_fds);
    int fd = dup(STDERR_FILENO);
    assert_true(fd >= 0 && descriptors >= 3);
    metrics_read_process(1500);
    assert_int_equal(metric_get(METRIC_process_open_fds), descriptors + 1);
    close(fd);
    assert_int_equal(metric_get(METRIC_process_start_time_seconds), 1500);
    assert_in_range(metric_get(METRIC_process_resident_memory_bytes), 100000, 1u << 30);
    assert_true(metric_get(METRIC_process_virtual_memory_bytes) > metric_get(METRIC_process_resident_memory_bytes));
    assert_true(metric_get(METRIC_process_cpu_seconds_total) > 0);
}

enum { DRAWS = 1000, DRAW = 16 };

static int compare_draws(const void *a, const void *b)
{
    return memcmp(a, b, DRAW);
}

/* By threads and processes that began with the same stock, and by more than it has. */
static void *draw(void *arg)
{
    for (uint8_t *at = arg, *end = at + DRAWS * DRAW; at < end; at += DRAW)
        if (random_bytes(at, DRAW) != 0)
            abort();
    return NULL;
}

static void random_bytes_never_repeat(void **state)
{
    (void)state;
    static uint8_t draws[3 * DRAWS * DRAW], *const others = draws + DRAWS * DRAW, *const childs = others + DRAWS * DRAW;
    uint8_t longer[300] = { 0 }, none[300] = { 0 };
    int ends[2];
    pthread_t thread;

    assert_int_equal(random_bytes(longer, sizeof(longer)), 0);
    for (size_t i = 0; i + DRAW <= sizeof(longer); i += DRAW)
        assert_memory_not_equal(longer + i, none, DRAW);
    draw(draws); /* so that there is something in stock */
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        draw(draws);
        _exit(write(ends[1], draws, DRAWS * DRAW) == DRAWS * DRAW ? 0 : 1);
    }
    assert_int_equal(pthread_create(&thread, NULL, draw, others), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(read(ends[0], childs, DRAWS * DRAW), DRAWS * DRAW);
    assert_int_equal(waitpid(child, NULL, 0), child);
    draw(draws); /* what the parent draws at the same time */
    close(ends[0]);
    close(ends[1]);
    qsort(draws, sizeof(draws) / DRAW, DRAW, compare_draws);
    for (size_t i = DRAW; i < sizeof(draws); i += DRAW)
        assert_memory_not_equal(draws + i - DRAW, draws + i, DRAW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_is_capped_and_zeroed),
        cmocka_unit_test(arena_makes_texts),
        cmocka_unit_test(buf_stops_at_its_maximum),
        cmocka_unit_test(buf_writes_the_largest_number),
        cmocka_unit_test(random_bytes_never_repeat),
        cmocka_unit_test(spans_answer_questions),
        cmocka_unit_test(utf8_is_checked),
        cmocka_unit_test(utf8_is_cut),
        cmocka_unit_test(base64_goes_both_ways),
        cmocka_unit_test(base64_is_strict),
        cmocka_unit_test(base64_in_place),
        cmocka_unit_test(digests_match_published_vectors),
        cmocka_unit_test(time_is_read),
        cmocka_unit_test(time_is_written),
        cmocka_unit_test(clock_can_be_replaced),
        cmocka_unit_test(settings_have_bounds),
        cmocka_unit_test(relays_are_sections),
        cmocka_unit_test(files_are_read),
        cmocka_unit_test(lists_have_words),
        cmocka_unit_test(errors_have_names),
        cmocka_unit_test(waits_end_by_the_monotonic_clock),
        cmocka_unit_test(log_lines_cannot_be_forged),
        cmocka_unit_test(log_numbers_have_digits),
        cmocka_unit_test(log_lines_are_written_together),
        cmocka_unit_test(metrics_count),
        cmocka_unit_test(metrics_have_labels),
        cmocka_unit_test(metrics_make_histograms),
        cmocka_unit_test(metrics_learn_names),
        cmocka_unit_test(metrics_of_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
