/*
 * base64, SHA-256 and HMAC by nettle; the only file that includes it. Random
 * bytes come from the kernel.
 */
#include "base/codec.h"

#include <errno.h>
#include <nettle/base64.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <nettle/sha2.h>
#include <nettle/version.h>
#include <pthread.h>
#include <sys/random.h>

_Static_assert(sizeof(struct hmac_sha256_ctx) <= sizeof(((struct mac_key *)0)->state), "room for nettle's state");
_Static_assert(SHA256_SIZE == SHA256_DIGEST_SIZE, "digest size");

void mac_key_init(struct mac_key *key, const uint8_t secret[MAC_KEY_SIZE])
{
    struct hmac_sha256_ctx ctx;

    memset(&ctx, 0, sizeof(ctx));
    hmac_sha256_set_key(&ctx, MAC_KEY_SIZE, secret);
    memset(key, 0, sizeof(*key));
    memcpy(key->state, &ctx, sizeof(ctx));
}

void mac_sign(const struct mac_key *key, const struct span *parts, size_t n, uint8_t ret_tag[SHA256_SIZE])
{
    struct hmac_sha256_ctx ctx;

    memcpy(&ctx, key->state, sizeof(ctx));
    for (size_t i = 0; i < n; i++)
        hmac_sha256_update(&ctx, parts[i].len, (const uint8_t *)parts[i].ptr);
    hmac_sha256_digest(&ctx, SHA256_SIZE, ret_tag);
}

void sha256_parts(const struct span *parts, size_t n, uint8_t ret_digest[SHA256_SIZE])
{
    struct sha256_ctx ctx;

    sha256_init(&ctx);
    for (size_t i = 0; i < n; i++)
        sha256_update(&ctx, parts[i].len, (const uint8_t *)parts[i].ptr);
    sha256_digest(&ctx, SHA256_SIZE, ret_digest);
}

bool mem_equal_secret(const void *a, const void *b, size_t len)
{
    return memeql_sec(a, b, len) != 0;
}

static int kernel_bytes(uint8_t *at, size_t len)
{
    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

/* A call of the kernel for every few bytes is dear, so each thread has some in stock.
 * What was given away is not there any more. */
enum { STOCK_SIZE = 256, STOCK_GIVES = 32 };
static _Thread_local struct {
    uint8_t bytes[STOCK_SIZE];
    size_t left; /* the first of them */
} stock;

/* In a child of fork, whose only thread this is: its parent has the same. */
static void forget_stock(void)
{
    stock.left = 0;
}

static void watch_forks(void)
{
    (void)pthread_atfork(NULL, NULL, forget_stock); /* fails for want of memory as the program starts */
}

int random_bytes(void *bytes, size_t len)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    if (len > STOCK_GIVES)
        return kernel_bytes(bytes, len);
    pthread_once(&once, watch_forks);
    if (stock.left < len) {
        int r = kernel_bytes(stock.bytes, STOCK_SIZE);
        if (r != 0)
            return r;
        stock.left = STOCK_SIZE;
    }
    stock.left -= len;
    memcpy(bytes, stock.bytes + stock.left, len);
    explicit_bzero(stock.bytes + stock.left, len);
    return 0;
}

void base64_encode(struct buf *out, const void *bytes, size_t len)
{
    size_t need;
    char *at;

    if (len > SIZE_MAX / 2) {
        out->error = out->error ? out->error : -EFBIG;
        return;
    }
    need = BASE64_ENCODE_RAW_LENGTH(len);
    at = buf_reserve(out, need);
    if (!at)
        return;
    base64_encode_raw(at, len, bytes);
    out->len += need;
}

/* From the last block to the first: each is written behind what is still to be
 * read. */
void base64_encode_in_place(struct buf *out, size_t at)
{
    size_t len = out->len - at, need = BASE64_ENCODE_RAW_LENGTH(len);
    uint8_t block[3072];

    if (!buf_reserve(out, need - len))
        return;
    char *bytes = out->ptr + at;
    for (size_t i = (len + sizeof(block) - 1) / sizeof(block); i-- > 0;) {
        size_t from = i * sizeof(block), n = len - from < sizeof(block) ? len - from : sizeof(block);
        memcpy(block, bytes + from, n);
        base64_encode_raw(bytes + from / 3 * 4, n, block);
    }
    out->len = at + need;
}

int base64_decode(struct arena *arena, struct span text, struct span *ret_bytes)
{
    struct base64_decode_ctx ctx;
    size_t len = BASE64_DECODE_LENGTH(text.len);
    uint8_t *bytes = arena_alloc(arena, len + 1);

    if (!bytes)
        return -ENOMEM;
    base64_decode_init(&ctx);
    if (!base64_decode_update(&ctx, &len, bytes, text.len, text.ptr) || !base64_decode_final(&ctx))
        return 1;
    bytes[len] = 0;
    *ret_bytes = (struct span){ (const char *)bytes, len };
    return 0;
}

/* Six bits of each digit; 64: none. */
static void fill_digits(uint8_t digits[256])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    memset(digits, 64, 256);
    for (uint8_t i = 0; i < 64; i++)
        digits[(unsigned char)alphabet[i]] = i;
}

/* Whole groups of four digits, up to the first character that is none: what
 * nettle would do, at several times its speed. How many characters went. */
static size_t decode_groups(const uint8_t digits[256], const uint8_t *from, size_t len, uint8_t *to)
{
    size_t at = 0;

    for (; at + 4 <= len; at += 4, from += 4, to += 3) {
        uint32_t a = digits[from[0]], b = digits[from[1]], c = digits[from[2]], d = digits[from[3]];
        if ((a | b | c | d) & 64)
            break;
        uint32_t group = a << 18 | b << 12 | c << 6 | d;
        to[0] = (uint8_t)(group >> 16);
        to[1] = (uint8_t)(group >> 8);
        to[2] = (uint8_t)group;
    }
    return at;
}

bool base64_decode_in_place(char *text, size_t *len)
{
    struct base64_decode_ctx ctx;
    uint8_t digits[256], *bytes = (uint8_t *)text;
    size_t from = 0, to = 0;

    fill_digits(digits);
    base64_decode_init(&ctx);
    while (from < *len) {
        if (ctx.bits == 0 && ctx.padding == 0) {
            size_t went = decode_groups(digits, bytes + from, *len - from, bytes + to);
            from += went;
            to += went / 4 * 3;
        }
        for (size_t i = 0; i < 4 && from < *len; i++, from++) { /* line ends, padding, the rest */
            int n = base64_decode_single(&ctx, bytes + to, text[from]);
            if (n < 0)
                return false;
            to += (size_t)n;
        }
    }
    *len = to;
    return base64_decode_final(&ctx) == 1;
}

/* All but the last group has digits alone. */
bool base64_decode_to(struct span text, uint8_t *bytes, size_t room, size_t *ret_len)
{
    struct base64_decode_ctx ctx;
    uint8_t digits[256];
    size_t len = 3;

    if (text.len == 0 || text.len % 4 != 0 || BASE64_DECODE_LENGTH(text.len) > room)
        return false;
    size_t whole = text.len - 4, done = whole / 4 * 3;
    fill_digits(digits);
    if (decode_groups(digits, (const uint8_t *)text.ptr, whole, bytes) != whole)
        return false;
    for (size_t i = whole; i < text.len; i++)
        if (digits[(unsigned char)text.ptr[i]] == 64 && text.ptr[i] != '=')
            return false;
    base64_decode_init(&ctx);
    if (!base64_decode_update(&ctx, &len, bytes + done, 4, text.ptr + whole) || !base64_decode_final(&ctx))
        return false;
    *ret_len = done + len;
    return true;
}

void hex_encode(struct buf *out, const void *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *in = bytes;
    char *at;

    if (len > SIZE_MAX / 2) {
        out->error = out->error ? out->error : -EFBIG;
        return;
    }
    at = buf_reserve(out, len * 2);
    if (!at)
        return;
    for (size_t i = 0; i < len; i++) {
        at[2 * i] = digits[in[i] >> 4];
        at[2 * i + 1] = digits[in[i] & 15];
    }
    out->len += len * 2;
}
