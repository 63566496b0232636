/*
 * Asking the full-text index; see store_words.h: a filter as a query, by the
 * dialect of the engine. What the index cannot tell is left out where nothing is
 * lost by that, and then the filter itself is asked.
 */
#include "store/store_words.h"

#include "store/driver.h"
#include "store/statements.h"

void words_add_prefix(struct buf *out, int64_t mailbox_id, bool mark)
{
    buf_printf(out, "%s%llu%s", mark ? "p" : "m", (unsigned long long)mailbox_id, mark ? "" : "x");
}

void words_select(const struct store_words_dialect *dialect, struct buf *out)
{
    buf_printf(out,
               "SELECT i.item_no, folder_no, " ITEM_COLUMNS ", CASE WHEN SUBSTR(s.words, 1, 1) = 'p' THEN 1 ELSE 0 END "
               "FROM (%s) s CROSS JOIN item i WHERE i.mailbox_id = $1 AND i.item_no = s.item_no AND folder_no = $2 "
               "AND associated = $3 AND change_no <= $4",
               dialect->match);
}

enum says { SAYS_NOTHING, SAYS_LESS, SAYS_ALL };

static enum says say_words(const struct store_words_dialect *dialect, int64_t mailbox_id, const struct filter *filter, struct buf *out)
{
    for (size_t i = 0; i < filter->words_n; i++) {
        bool prefix = filter->prefix && (filter->each || i + 1 == filter->words_n);
        buf_add_str(out, i > 0 ? dialect->and : "");
        buf_add_str(out, dialect->open);
        words_add_prefix(out, mailbox_id, false);
        buf_add_span(out, filter->words[i]);
        buf_add_str(out, prefix ? dialect->close_prefix : dialect->close);
    }
    return filter->words_n == 1 && filter->in == FILTER_IN_ALL ? SAYS_ALL : SAYS_LESS;
}

static enum says say(const struct store_words_dialect *dialect, int64_t mailbox_id, const struct filter *filter, struct buf *out);

static enum says say_list(const struct store_words_dialect *dialect, int64_t mailbox_id, const struct filter *filter, struct buf *out)
{
    bool and = filter->op == FILTER_AND, any = false;
    enum says all = SAYS_ALL;

    for (const struct filter *c = filter->child; c; c = c->next) {
        size_t len = out->len;
        buf_add_str(out, any ? and ? dialect->and : dialect->or : "");
        enum says says = say(dialect, mailbox_id, c, out);
        all = says == SAYS_ALL ? all : SAYS_LESS;
        if (says == SAYS_NOTHING && !and)
            return SAYS_NOTHING;
        if (says == SAYS_NOTHING)
            out->len = len;
        any = any || says != SAYS_NOTHING;
    }
    return any ? all : SAYS_NOTHING;
}

static enum says say(const struct store_words_dialect *dialect, int64_t mailbox_id, const struct filter *filter, struct buf *out)
{
    bool list = filter->op == FILTER_AND || filter->op == FILTER_OR;

    if (!list && filter->op != FILTER_WORDS)
        return SAYS_NOTHING;
    buf_add_char(out, '(');
    enum says says = list ? say_list(dialect, mailbox_id, filter, out) : say_words(dialect, mailbox_id, filter, out);
    buf_add_char(out, ')');
    return says;
}

bool words_query(const struct store_words_dialect *dialect, int64_t mailbox_id, const struct filter *filter, struct buf *out,
                 bool *ret_exact)
{
    enum says says = say(dialect, mailbox_id, filter, out);

    buf_add_str(out, dialect->or);
    buf_add_str(out, dialect->open);
    words_add_prefix(out, mailbox_id, true);
    buf_add_str(out, dialect->close);
    *ret_exact = says == SAYS_ALL;
    return says != SAYS_NOTHING;
}
