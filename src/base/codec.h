/*
 * Small encodings over nettle: base64, SHA-256, HMAC-SHA-256, and random
 * bytes from the kernel. <nettle/...> is included only in codec.c.
 */
#ifndef EWSD_BASE_CODEC_H
#define EWSD_BASE_CODEC_H

#include "base/arena.h"
#include "base/buf.h"

#include <stdalign.h>

#define MAC_KEY_SIZE 32
#define SHA256_SIZE 32

/* A prepared HMAC-SHA-256 key: keying costs two compressions, paid once. */
struct mac_key {
    alignas(8) unsigned char state[384];
};

void mac_key_init(struct mac_key *key, const uint8_t secret[MAC_KEY_SIZE]);
/* HMAC over the parts, one after another. Thread-safe: key is not changed. */
void mac_sign(const struct mac_key *key, const struct span *parts, size_t n, uint8_t ret_tag[SHA256_SIZE]);
/* SHA-256 over the parts, one after another. */
void sha256_parts(const struct span *parts, size_t n, uint8_t ret_digest[SHA256_SIZE]);
/* Constant time. */
bool mem_equal_secret(const void *a, const void *b, size_t len);
/* -errno when the kernel gives none. */
int random_bytes(void *bytes, size_t len);

void base64_encode(struct buf *out, const void *bytes, size_t len);
/* Turns what out has from `at` on into base64, where it stands. */
void base64_encode_in_place(struct buf *out, size_t at);
/* Decodes into arena memory; white space is skipped. 1: not base64. -ENOMEM. */
int base64_decode(struct arena *arena, struct span text, struct span *ret_bytes);
/* The same where the text stands; *len becomes that of the bytes. False: not
 * base64, and the text is spoilt. */
bool base64_decode_in_place(char *text, size_t *len);
/* Room that base64_decode_to needs for len characters. */
#define BASE64_ROOM(len) (((len) + 1) * 6 / 8)
/* The same into the caller's memory, for short texts; here white space, empty
 * text and more characters than room are refused (false). */
bool base64_decode_to(struct span text, uint8_t *bytes, size_t room, size_t *ret_len);
/* Lower-case hex. */
void hex_encode(struct buf *out, const void *bytes, size_t len);

#endif
