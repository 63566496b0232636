/*
 * Users and folders of a seed (seed_plan.h), and what reading all of it has in
 * common. A member that nobody knows is a mistake, most likely a misspelt one.
 */
#include "http/seed_plan.h"

#include "model/folder.h"
#include "model/rights.h"

#include <stdarg.h>
#include <stdio.h>

int seed_wrong(struct seed *seed, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(seed->error, SEED_ERROR_SIZE, format, args);
    va_end(args);
    utf8_cut(seed->error);
    return SEED_WRONG;
}

/* ---- members ---- */

static int wrong_kind(struct seed *seed, const struct json_read *value, struct seed_at at, const char *name, const char *wanted)
{
    return seed_wrong(seed, "%s[%zu].%s must be %s, not %s", at.list, at.index, name, wanted, json_read_kind_name(json_read_kind(value)));
}

int seed_text(struct seed *seed, const struct json_read *value, struct seed_at at, const char *name, struct span *ret_value)
{
    const struct json_read *member = json_read_member(value, name);
    return !member || json_read_text(member, ret_value) ? 0 : wrong_kind(seed, member, at, name, "a text");
}

int seed_flag(struct seed *seed, const struct json_read *value, struct seed_at at, const char *name, bool *ret_value)
{
    const struct json_read *member = json_read_member(value, name);
    return !member || json_read_bool(member, ret_value) ? 0 : wrong_kind(seed, member, at, name, "true or false");
}

int seed_texts(struct seed *seed, const struct json_read *value, struct seed_at at, const char *name, struct span_list *ret_values)
{
    const struct json_read *member = json_read_member(value, name);
    size_t n = json_read_count(member);
    *ret_values = (struct span_list){ 0 };
    if (!member)
        return 0;
    if (json_read_kind(member) != JSON_IS_ARRAY || n > SEED_LIST_MAX)
        return wrong_kind(seed, member, at, name, "a list of texts");
    ret_values->v = arena_array(seed->arena, n + 1, sizeof(*ret_values->v));
    if (!ret_values->v)
        return -ENOMEM;
    for (; ret_values->n < n; ret_values->n++)
        if (!json_read_text(json_read_at(member, ret_values->n), &ret_values->v[ret_values->n]))
            return wrong_kind(seed, json_read_at(member, ret_values->n), at, name, "a list of texts");
    return 0;
}

static bool is_among(struct span name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (span_is(name, names[i]))
            return true;
    return false;
}

int seed_object(struct seed *seed, const struct json_read *value, struct seed_at at, const char *const *names, size_t n)
{
    const struct json_read *member;
    struct span name;
    void *place = NULL;
    if (json_read_kind(value) != JSON_IS_OBJECT)
        return seed_wrong(seed, "%s[%zu] must be an object, not %s", at.list, at.index, json_read_kind_name(json_read_kind(value)));
    while (json_read_each(value, &place, &name, &member))
        if (!is_among(name, names, n))
            return seed_wrong(seed, "%s[%zu] has a member %.*s, which nothing is known of", at.list, at.index,
                              (int)(name.len < 80 ? name.len : 80), name.ptr);
    return 0;
}

int seed_list(struct seed *seed, const struct json_read *value, const char *name, const struct json_read **ret_list, size_t *ret_n)
{
    *ret_list = json_read_member(value, name);
    *ret_n = json_read_count(*ret_list);
    if (*ret_list && json_read_kind(*ret_list) != JSON_IS_ARRAY)
        return seed_wrong(seed, "%s must be a list, not %s", name, json_read_kind_name(json_read_kind(*ret_list)));
    return *ret_n > SEED_LIST_MAX ? seed_wrong(seed, "%s has more than %d entries", name, SEED_LIST_MAX) : 0;
}

/* ---- users ---- */

static int read_grant(struct seed *seed, const struct json_read *value, struct seed_at at, struct seed_grant *grant)
{
    static const char *const names[] = { "to", "right" };
    struct span right = { 0 };
    int r = seed_object(seed, value, at, names, ARRAY_LEN(names));
    if (r == 0)
        r = seed_text(seed, value, at, "to", &grant->to);
    if (r == 0)
        r = seed_text(seed, value, at, "right", &right);
    if (r == 0 && !right_by_name(right, &grant->right))
        r = seed_wrong(seed, "%s[%zu].right must be one of: %s", at.list, at.index, rights_names);
    return r;
}

static int read_grants(struct seed *seed, const struct json_read *value, struct seed_user *user)
{
    const struct json_read *list;
    int r = seed_list(seed, value, "grants", &list, &user->grants_n);
    if (r)
        return r;
    user->grants = arena_array(seed->arena, user->grants_n + 1, sizeof(*user->grants));
    if (!user->grants)
        return -ENOMEM;
    for (size_t i = 0; r == 0 && i < user->grants_n; i++)
        r = read_grant(seed, json_read_at(list, i), (struct seed_at){ "grants", i }, &user->grants[i]);
    return r;
}

static int check_addresses(struct seed *seed, const struct seed_user *user, struct seed_at at)
{
    if (!rcpt_address_ok(user->address))
        return seed_wrong(seed, "users[%zu].address must be a mail address", at.index);
    for (size_t i = 0; i < user->aliases.n; i++)
        if (!rcpt_address_ok(user->aliases.v[i]))
            return seed_wrong(seed, "users[%zu].aliases[%zu] must be a mail address", at.index, i);
    return 0;
}

static int read_user(struct seed *seed, const struct json_read *value, struct seed_at at, struct seed_user *user)
{
    static const char *const names[] = { "address", "password", "name", "aliases", "grants" };
    struct span password = SPAN("secret");
    int r = seed_object(seed, value, at, names, ARRAY_LEN(names));
    if (r == 0)
        r = seed_text(seed, value, at, "address", &user->address);
    if (r == 0)
        r = seed_text(seed, value, at, "password", &password);
    if (r == 0)
        r = seed_text(seed, value, at, "name", &user->name);
    if (r == 0)
        r = seed_texts(seed, value, at, "aliases", &user->aliases);
    if (r == 0)
        r = check_addresses(seed, user, at);
    if (r == 0)
        r = read_grants(seed, value, user);
    if (r)
        return r;
    user->has_password = json_read_member(value, "password") != NULL;
    r = auth_hash(password, seed->env->conf->auth_hash_cost, user->hash);
    return r == -EINVAL ? seed_wrong(seed, "users[%zu].password must have 1 to %d bytes", at.index, AUTH_PASSWORD_MAX) : r;
}

/* ---- folders ---- */

static int read_folder(struct seed *seed, const struct json_read *value, struct seed_at at, struct seed_folder *folder)
{
    static const char *const names[] = { "mailbox", "path", "class" };
    folder->class = SPAN("IPF.Note");
    int r = seed_object(seed, value, at, names, ARRAY_LEN(names));
    if (r == 0)
        r = seed_text(seed, value, at, "mailbox", &folder->mailbox);
    if (r == 0)
        r = seed_text(seed, value, at, "path", &folder->path);
    if (r == 0)
        r = seed_text(seed, value, at, "class", &folder->class);
    if (r == 0 && !folder_class_ok(folder->class))
        r = seed_wrong(seed, "folders[%zu].class is no class of folders, such as IPF.Note", at.index);
    return r;
}

/* ---- all of it ---- */

static int read_lists(struct seed *seed, const struct json_read *root)
{
    const struct json_read *users, *folders, *messages;
    int r = seed_list(seed, root, "users", &users, &seed->users_n);
    if (r == 0)
        r = seed_list(seed, root, "folders", &folders, &seed->folders_n);
    if (r == 0)
        r = seed_list(seed, root, "messages", &messages, &seed->messages_n);
    if (r)
        return r;
    seed->users = arena_array(seed->arena, seed->users_n + 1, sizeof(*seed->users));
    seed->folders = arena_array(seed->arena, seed->folders_n + 1, sizeof(*seed->folders));
    seed->messages = arena_array(seed->arena, seed->messages_n + 1, sizeof(*seed->messages));
    if (!seed->users || !seed->folders || !seed->messages)
        return -ENOMEM;
    for (size_t i = 0; r == 0 && i < seed->users_n; i++)
        r = read_user(seed, json_read_at(users, i), (struct seed_at){ "users", i }, &seed->users[i]);
    for (size_t i = 0; r == 0 && i < seed->folders_n; i++)
        r = read_folder(seed, json_read_at(folders, i), (struct seed_at){ "folders", i }, &seed->folders[i]);
    for (size_t i = 0; r == 0 && i < seed->messages_n; i++)
        r = seed_read_message(seed, json_read_at(messages, i), (struct seed_at){ "messages", i }, &seed->messages[i]);
    return r;
}

int seed_read(struct seed *seed, const struct json_read *root)
{
    static const char *const names[] = { "users", "folders", "messages" };
    const struct json_read *member;
    struct span name;
    void *place = NULL;
    if (json_read_kind(root) != JSON_IS_OBJECT)
        return seed_wrong(seed, "a seed is an object with users, folders and messages");
    while (json_read_each(root, &place, &name, &member))
        if (!is_among(name, names, ARRAY_LEN(names)))
            return seed_wrong(seed, "a seed has users, folders and messages, and no %.*s", (int)(name.len < 80 ? name.len : 80), name.ptr);
    return read_lists(seed, root);
}
