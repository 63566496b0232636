/*
 * Settings for people: the rows as text of a terminal, and the name that
 * somebody may have meant.
 */
#include "base/conf_row.h"

#include <inttypes.h>
#include <stdio.h>

#define WIDTH 78
#define INDENT 6
#define NAME_MAX_BYTES 40
#define FAR 1000

/* ---- help ---- */

/* Words from *column on, broken before WIDTH. */
static void add_words(struct buf *out, size_t *column, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, " ");
        if (*column > INDENT && *column + 1 + len > WIDTH) {
            buf_add_char(out, '\n');
            *column = 0;
        }
        if (*column == 0)
            buf_printf(out, "%*s", INDENT, "");
        else
            buf_add_char(out, ' ');
        *column = (*column ? *column + 1 : INDENT) + len;
        buf_add(out, text, len);
        text += len + (text[len] == ' ');
    }
}

static void add_allowed(struct buf *out, size_t *column, const struct conf_row *row)
{
    char text[160] = "";
    if (row->type == CONF_INT)
        snprintf(text, sizeof(text), "From %" PRId64 " to %" PRId64 "%s%s.", row->min, row->max, *row->unit ? " " : "", row->unit);
    else if (row->type == CONF_CHOICE)
        snprintf(text, sizeof(text), "One of %s.", row->unit);
    else if (row->type == CONF_BOOL)
        snprintf(text, sizeof(text), "Yes or no.");
    else if (*row->unit)
        snprintf(text, sizeof(text), "In the form %s.", row->unit);
    add_words(out, column, text);
}

static void add_row(struct buf *out, const struct conf_row *row)
{
    size_t column = 0;
    buf_printf(out, "  %s = ", row->key);
    if (row->text)
        buf_add_str(out, row->text);
    else if (row->type == CONF_BOOL)
        buf_add_str(out, row->number ? "yes" : "no");
    else
        buf_printf(out, "%" PRId64, row->number);
    buf_add_char(out, '\n');
    char first[2] = { row->meaning[0], 0 };
    if (first[0] >= 'a' && first[0] <= 'z')
        first[0] = (char)(first[0] - 'a' + 'A');
    struct buf meaning = BUF_INIT(4096);
    buf_printf(&meaning, "%s%s.", first, row->meaning + 1);
    buf_add_char(&meaning, 0);
    add_words(out, &column, buf_error(&meaning) ? row->meaning : meaning.ptr);
    buf_done(&meaning);
    add_allowed(out, &column, row);
    if (row->when == CONF_START)
        add_words(out, &column, "Read at the start only.");
    buf_add_char(out, '\n');
}

static bool is_wanted(const struct conf_row *row, struct span of)
{
    char name[2 * CONF_NAME_SIZE];
    snprintf(name, sizeof(name), "%s.%s", row->section, row->key);
    return of.len == 0 || span_is(of, row->section) || span_is(of, name);
}

bool conf_help(struct buf *out, const char *of)
{
    const char *section = NULL;
    const struct conf_row *row;
    for (size_t i = 0; (row = conf_row(i)); i++) {
        if (!is_wanted(row, span_of(of)))
            continue;
        if (!section || strcmp(section, row->section) != 0)
            buf_printf(out, "%s[%s]%s\n", section ? "\n" : "", row->section, strcmp(row->section, "relay") ? "" : " and each [relay NAME]");
        section = row->section;
        add_row(out, row);
    }
    return section != NULL;
}

/* ---- the nearest name ---- */

/* Letters that are to be changed, added, left out or swapped. */
static unsigned distance(struct span a, struct span b)
{
    unsigned rows[3][NAME_MAX_BYTES + 1];
    if (a.len > NAME_MAX_BYTES || b.len > NAME_MAX_BYTES)
        return FAR;
    for (unsigned j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        row[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            unsigned least = above[j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]);
            least = above[j] + 1 < least ? above[j] + 1 : least;
            least = row[j - 1] + 1 < least ? row[j - 1] + 1 : least;
            bool swapped = i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1];
            row[j] = swapped && before[j - 2] + 1 < least ? before[j - 2] + 1 : least;
        }
    }
    return rows[a.len % 3][b.len];
}

/* What is meant has most of its letters right. */
static bool is_near(unsigned far, struct span name)
{
    return far <= name.len / 3 + 1;
}

void conf_nearest(struct span section, struct span key, char ret_name[2 * CONF_NAME_SIZE])
{
    unsigned best = FAR;
    const struct conf_row *row;
    ret_name[0] = 0;
    for (size_t i = 0; (row = conf_row(i)); i++) {
        /* The right key in a wrong section is as good as a slip in both. */
        unsigned wrong_section = distance(section, span_of(row->section)), wrong_key = distance(key, span_of(row->key));
        bool near = is_near(wrong_key, key) && (wrong_key == 0 || is_near(wrong_section, section));
        unsigned far = 4 * wrong_key + (wrong_section > 4 ? 4 : wrong_section);
        if (near && far < best) {
            best = far;
            snprintf(ret_name, 2 * CONF_NAME_SIZE, "%s.%s", row->section, row->key);
        }
    }
}
