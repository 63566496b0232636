/*
 * Folding and words, see fold.h. letters.def is all that is known of letters
 * beyond ASCII; a code point that no letter can be, by the ranges below, ends a
 * word.
 */
#include "model/fold.h"

#include <errno.h>

static const struct letter {
    uint16_t letter, lower, plain;
} letters[] = {
#define LETTER(letter, lower, plain) { letter, lower, plain },
#include "model/letters.def"
#undef LETTER
};

/* Takes one character off the front of text: at least a byte. */
static uint32_t take_char(struct span *text)
{
    const unsigned char *p = (const unsigned char *)text->ptr;
    size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 1;
    uint32_t code = len == 1 ? p[0] : p[0] & (0xffu >> (len + 1));

    if (len > text->len)
        len = text->len;
    for (size_t i = 1; i < len; i++)
        code = code << 6 | (p[i] & 0x3fu);
    *text = (struct span){ text->ptr + len, text->len - len };
    return code;
}

static size_t put_char(char *to, uint32_t code)
{
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, code >>= 6)
        to[i] = (char)(unsigned char)(0x80 | (code & 0x3f));
    to[0] = (char)(unsigned char)((0xf00u >> len & 0xffu) | code);
    return len;
}

static uint32_t fold_code(uint32_t code, unsigned how)
{
    size_t low = 0, high = ARRAY_LEN(letters);

    if (code < 0x80)
        return how & FOLD_CASE && code >= 'A' && code <= 'Z' ? code + ('a' - 'A') : code;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (letters[middle].letter < code)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == ARRAY_LEN(letters) || letters[low].letter != code)
        return code;
    return how & FOLD_ACCENTS ? letters[low].plain : letters[low].lower;
}

/* Marks that stand over the letter before them. */
static bool is_mark(uint32_t code)
{
    return code >= 0x300 && code <= 0x36f;
}

/* Accents without case are rare: then what was upper case becomes so again by
 * leaving the letter alone where only its case would change. */
static uint32_t fold_one(uint32_t code, unsigned how)
{
    uint32_t folded = fold_code(code, how);

    if (how & FOLD_CASE || code < 0x80)
        return folded;
    if (folded == fold_code(code, FOLD_CASE))
        return code;
    return fold_code(code, FOLD_CASE) != code && folded >= 'a' && folded <= 'z' ? folded - ('a' - 'A') : folded;
}

int fold_text(struct arena *arena, struct span text, unsigned how, struct span *ret_folded)
{
    if (how == 0) {
        *ret_folded = text;
        return 0;
    }
    char *folded = arena_array(arena, text.len + 4, 2);
    size_t n = 0;
    if (!folded)
        return -ENOMEM;
    while (text.len > 0) {
        unsigned char first = (unsigned char)text.ptr[0];
        if (first < 0x80) {
            folded[n++] = (char)fold_code(first, how);
            text = (struct span){ text.ptr + 1, text.len - 1 };
            continue;
        }
        uint32_t code = take_char(&text);
        if (!(how & FOLD_ACCENTS && is_mark(code)))
            n += put_char(folded + n, fold_one(code, how));
    }
    *ret_folded = (struct span){ folded, n };
    return 0;
}

size_t fold_characters(struct span text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++)
        n += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    return n;
}

/* ---- words ---- */

static bool is_word_char(uint32_t code)
{
    if (code < 0x80)
        return (code >= '0' && code <= '9') || (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
    return !((code < 0xc0 && code != 0xaa && code != 0xb5 && code != 0xba) || code == 0xd7 || code == 0xf7 ||
             (code >= 0x2000 && code <= 0x206f) || (code >= 0x20a0 && code <= 0x20cf) || (code >= 0x2190 && code <= 0x2bff) ||
             (code >= 0x3000 && code <= 0x303f) || (code >= 0xfe10 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff0f) ||
             code == 0xfffd || (code >= 0x1f000 && code <= 0x1faff));
}

/* Written without spaces between words. */
static bool is_alone(uint32_t code)
{
    return (code >= 0x3041 && code <= 0x30ff) || (code >= 0x3400 && code <= 0x9fff) || (code >= 0xf900 && code <= 0xfaff) ||
           (code >= 0x20000 && code <= 0x3ffff);
}

bool words_next(struct words *words, struct span *ret_word)
{
    size_t n = 0;
    bool any = false;

    while (words->rest.len > 0) {
        struct span before = words->rest;
        uint32_t code = take_char(&words->rest);
        if (!is_word_char(code)) {
            if (any)
                break;
            continue;
        }
        if (any && is_alone(code)) {
            words->rest = before;
            break;
        }
        any = true;
        if (n < WORD_MAX && !is_mark(code))
            n += put_char(words->word + n, fold_code(code, FOLD_CASE | FOLD_ACCENTS));
        if (is_alone(code))
            break;
    }
    *ret_word = (struct span){ words->word, n };
    return any;
}

static uint32_t char_before(struct span text, size_t at)
{
    size_t begin = at - 1;

    while (begin > 0 && at - begin < 4 && ((unsigned char)text.ptr[begin] & 0xc0) == 0x80)
        begin--;
    struct span one = { text.ptr + begin, at - begin };
    return take_char(&one);
}

bool words_edge(struct span text, size_t at)
{
    if (at == 0 || at >= text.len)
        return true;
    struct span behind = { text.ptr + at, text.len - at };
    return !is_word_char(char_before(text, at)) || !is_word_char(take_char(&behind));
}
