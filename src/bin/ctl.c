/*
 * The table of commands, and reading a command line by it: the usage text of a
 * row is its grammar, so what --help shows is what is accepted.
 */
#include "bin/ctl.h"

#include <stdio.h>

static const struct ctl_command commands[] = {
#define CTL(file, function, name, usage, flags, help) { name, usage, help, flags, ctl_##function },
#include "bin/ctl.def"
#undef CTL
};

/* ---- the grammar ---- */

struct term {
    struct span name; /* of an option, without dashes; of an operand */
    bool option, valued, optional, repeated;
};

static bool next_word(struct span *rest, struct span *ret_word)
{
    while (rest->len > 0 && *rest->ptr == ' ')
        *rest = (struct span){ rest->ptr + 1, rest->len - 1 };
    size_t len = 0;
    while (len < rest->len && rest->ptr[len] != ' ')
        len++;
    *ret_word = (struct span){ rest->ptr, len };
    *rest = (struct span){ rest->ptr + len, rest->len - len };
    return len > 0;
}

static bool next_term(struct span *rest, struct term *ret_term)
{
    struct span word, value;
    struct term term = { 0 };

    if (!next_word(rest, &word))
        return false;
    bool closed = word.ptr[word.len - 1] == ']';
    term.optional = word.ptr[0] == '[';
    term.option = span_starts(word, SPAN("[--"));
    term.repeated = memmem(word.ptr, word.len, "...", 3) != NULL;
    if (term.option)
        term.name = (struct span){ word.ptr + 3, word.len - 3 - closed };
    if (term.option && !closed)
        term.valued = next_word(rest, &value);
    *ret_term = term;
    return true;
}

static bool find_option(const struct ctl_command *command, struct span name, struct term *ret_term)
{
    struct span rest = span_of(command->usage);

    while (next_term(&rest, ret_term))
        if (ret_term->option && span_eq(ret_term->name, name))
            return true;
    return false;
}

static void count_operands(const struct ctl_command *command, size_t *ret_min, size_t *ret_max)
{
    struct span rest = span_of(command->usage);
    struct term term;

    *ret_min = *ret_max = 0;
    while (next_term(&rest, &term)) {
        if (term.option)
            continue;
        *ret_min += !term.optional;
        *ret_max += term.repeated ? CTL_WORDS_MAX : 1;
    }
}

/* ---- the command line ---- */

/* How many words a name has when they are the first of these; else 0. */
static size_t match(const char *name, const char *const *words, size_t n)
{
    struct span rest = span_of(name), word;
    size_t used = 0;

    while (next_word(&rest, &word)) {
        if (used == n || !span_is(word, words[used]))
            return 0;
        used++;
    }
    return used;
}

static const struct ctl_command *find_command(const char *const *words, size_t n, size_t *ret_used)
{
    const struct ctl_command *found = NULL;

    *ret_used = 0;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        size_t used = match(commands[i].name, words, n);
        if (used > *ret_used) {
            *ret_used = used;
            found = &commands[i];
        }
    }
    return found;
}

static int wrong(struct ctl_call *call, const char *what, const char *word)
{
    return ctl_fail(call, EX_USAGE, "%s%s\nusage: ewsctl %s %s", what, word, call->command->name, call->command->usage);
}

/* One option at words[*i]; *i moves over its value. */
static int take_option(struct ctl_call *call, const char *const *words, size_t n, size_t *i)
{
    const char *word = words[*i] + 2;
    const char *value = strchr(word, '=');
    struct span name = { word, value ? (size_t)(value - word) : strlen(word) };
    struct term term;

    if (span_is(name, "json") && !value) {
        call->out.json = true;
        return 0;
    }
    if (!find_option(call->command, name, &term) || call->options_n == CTL_OPTIONS_MAX)
        return wrong(call, "there is no option ", words[*i]);
    if (!term.valued && value)
        return wrong(call, "this option takes no value: ", words[*i]);
    if (term.valued && !value && *i + 1 == n)
        return wrong(call, "a value is missing behind ", words[*i]);
    if (value)
        value++;
    else
        value = term.valued ? words[++*i] : "";
    call->options[call->options_n].name = name;
    call->options[call->options_n++].value = value;
    return 0;
}

const struct ctl_command *ctl_command(const char *const *words, size_t n)
{
    size_t used;

    return find_command(words, n, &used);
}

static int no_command(struct ctl_call *call, const char *const *words, size_t n)
{
    const char *nearest = ctl_nearest(words, n);

    if (n == 0)
        return ctl_fail(call, EX_USAGE, "a command is missing; see ewsctl --help");
    return ctl_fail(call, EX_USAGE, "there is no command %s%s%s%s%s; see ewsctl --help", words[0], n > 1 ? " " : "", n > 1 ? words[1] : "",
                    nearest ? "; did you mean ewsctl " : "", nearest ? nearest : "");
}

int ctl_parse(struct ctl_call *call, const char *const *words, size_t n)
{
    size_t used, min, max;
    bool literal = false; /* behind -- */

    if (n > CTL_WORDS_MAX)
        return ctl_fail(call, EX_USAGE, "more than %d words", CTL_WORDS_MAX);
    call->command = find_command(words, n, &used);
    if (!call->command)
        return no_command(call, words, n);
    for (size_t i = used; i < n; i++) {
        bool option = !literal && strncmp(words[i], "--", 2) == 0;
        if (option && !words[i][2])
            literal = true;
        else if (!option)
            call->operands[call->operands_n++] = words[i];
        else if (take_option(call, words, n, &i))
            return EX_USAGE;
    }
    count_operands(call->command, &min, &max);
    if (call->operands_n < min)
        return wrong(call, "something is missing", "");
    if (call->operands_n > max)
        return wrong(call, "one word too many: ", call->operands[max]);
    return 0;
}

const char *ctl_option(const struct ctl_call *call, const char *name)
{
    for (size_t i = 0; i < call->options_n; i++)
        if (span_is(call->options[i].name, name))
            return call->options[i].value;
    return NULL;
}

/* Whether a name begins with these words. */
static bool begins(const char *name, const char *const *words, size_t n)
{
    struct span rest = span_of(name), word;

    for (size_t i = 0; i < n; i++)
        if (!next_word(&rest, &word) || !span_is(word, words[i]))
            return false;
    return true;
}

bool ctl_help(struct buf *out, const char *const *words, size_t n)
{
    size_t before = out->len;

    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (begins(commands[i].name, words, n))
            buf_printf(out, "  %s%s%s\n        %s\n", commands[i].name, *commands[i].usage ? " " : "", commands[i].usage,
                       commands[i].help);
    return out->len > before;
}

/* ---- what was meant ---- */

#define NAME_MAX_LEN 64

/* How many letters have to be put in, taken out or replaced. */
static size_t distance(struct span a, struct span b)
{
    size_t row[NAME_MAX_LEN + 1];

    for (size_t k = 0; k <= b.len; k++)
        row[k] = k;
    for (size_t i = 0; i < a.len; i++) {
        size_t before = row[0];
        row[0] = i + 1;
        for (size_t k = 0; k < b.len; k++) {
            size_t replaced = before + (a.ptr[i] != b.ptr[k]), least = row[k] < row[k + 1] ? row[k] : row[k + 1];
            before = row[k + 1];
            row[k + 1] = replaced < least + 1 ? replaced : least + 1;
        }
    }
    return row[b.len];
}

/* As many of the words as the name has. */
static size_t distance_of(const char *name, const char *const *words, size_t n)
{
    struct span rest = span_of(name), word;
    char typed[NAME_MAX_LEN] = "";
    size_t len = 0;

    for (size_t i = 0; next_word(&rest, &word) && i < n; i++)
        len += (size_t)snprintf(typed + len, sizeof(typed) - len, "%s%.20s", i ? " " : "", words[i]);
    return distance((struct span){ typed, len }, span_of(name));
}

const char *ctl_nearest(const char *const *words, size_t n)
{
    const char *nearest = NULL;
    size_t least = SIZE_MAX;

    for (size_t i = 0; n > 0 && i < ARRAY_LEN(commands); i++) {
        size_t far = distance_of(commands[i].name, words, n);
        if (far < least && far <= strlen(commands[i].name) / 3) {
            least = far;
            nearest = commands[i].name;
        }
    }
    return nearest;
}
