/*
 * ExpandDL (protocol.md 3.5): the members of a group of the address book, named
 * by its address or its name, or of a distribution list among the contacts,
 * named by its id. What is in a group that is a member is another question.
 */
#include "ops/people.h"

#include "store/store_group.h"

struct expansion {
    struct person *v;
    size_t n;
};

/* The group that a name means: that with this address, else the one called so. */
static int find_group(struct op_call *call, struct store_tx *tx, struct span name, struct span *ret_address)
{
    struct store_group group;
    int r = store_group_get(tx, call->arena, name, &group);
    if (r == 1)
        r = store_group_by_name(tx, call->arena, name, &group);
    if (r == 0)
        *ret_address = group.address;
    return r == 1 ? CODE_ErrorNameResolutionNoResults : r;
}

static int expand_group(struct op_call *call, struct store_tx *tx, struct span name, struct expansion *expansion)
{
    static const enum person_kind kinds[] = { [STORE_ENTRY_OTHER] = PERSON_OTHER, [STORE_ENTRY_MAILBOX] = PERSON_MAILBOX,
                                              [STORE_ENTRY_GROUP] = PERSON_GROUP };
    struct store_listing *members;
    struct span address;
    name = span_trim(name);
    if (!call->env->conf->names_directory || !name.len || name.len > RCPT_ADDRESS_MAX)
        return CODE_ErrorNameResolutionNoResults;
    int r = find_group(call, tx, name, &address);
    if (r == 0)
        r = store_group_members(tx, call->arena, address, &members, &expansion->n);
    if (r)
        return r;
    expansion->v = arena_array(call->arena, expansion->n + 1, sizeof(*expansion->v));
    for (size_t i = 0; expansion->v && i < expansion->n; i++)
        expansion->v[i] = (struct person){ .kind = kinds[members[i].kind], .address = members[i].address,
                                           .name = members[i].name.len ? members[i].name : members[i].address };
    return expansion->v ? 0 : -ENOMEM;
}

/* ---- a list of the contacts ---- */

static bool read_member(const struct xml_node *node, struct person *ret_person)
{
    const struct xml_node *mailbox = xml_child(node, "Mailbox");
    struct person person = { .kind = PERSON_OTHER };
    struct span type = { 0 };
    (void)xml_child_text(mailbox, "Name", &person.name);
    (void)xml_child_text(mailbox, "EmailAddress", &person.address);
    (void)xml_child_text(mailbox, "RoutingType", &person.routing);
    if (xml_child_text(mailbox, "MailboxType", &type))
        person.kind = span_is(type, "Mailbox") ? PERSON_MAILBOX : span_is(type, "PublicDL") ? PERSON_GROUP
                      : span_is(type, "Contact") ? PERSON_CONTACT : span_is(type, "PrivateDL") ? PERSON_LIST : PERSON_OTHER;
    *ret_person = person;
    return person.name.len > 0 || person.address.len > 0;
}

static int read_members(struct op_call *call, const struct item *item, struct expansion *expansion)
{
    struct xml_reader *reader;
    const struct xml_node *details;
    int r = xml_reader_new(NULL, XML_LIMITS_USUAL, &reader);
    if (r)
        return r;
    r = people_details(reader, call->arena, item, &details);
    xml_reader_free(reader);
    const struct xml_node *list = r == 0 ? xml_child(details, "Members") : NULL;
    expansion->v = arena_array(call->arena, list ? xml_count(list) + 1 : 1, sizeof(*expansion->v));
    if (r || !expansion->v)
        return r == -EUCLEAN ? CODE_ErrorItemCorrupt : r ? r : -ENOMEM;
    for (const struct xml_node *c = list ? list->child : NULL; c; c = c->next)
        expansion->n += read_member(c, &expansion->v[expansion->n]);
    return 0;
}

static int expand_list(struct op_call *call, struct store_tx *tx, const struct xml_node *id, struct expansion *expansion)
{
    struct target_item target;
    struct item item;
    int r = target_load(call, tx, id, ACCESS_READ, STORE_HOT, &target, &item);
    if (r == 0 && item.kind != ITEM_KIND_DISTLIST)
        return CODE_ErrorInvalidItemForOperationExpandDL;
    return r ? r : read_members(call, &item, expansion);
}

static int expand(struct op_call *call, struct store_tx *tx, struct expansion *expansion)
{
    const struct xml_node *mailbox = xml_child(call->node, "Mailbox"), *id = xml_child(mailbox, "ItemId");
    struct span name = { 0 };
    if (id)
        return expand_list(call, tx, id, expansion);
    if (!xml_child_text(mailbox, "EmailAddress", &name))
        (void)xml_child_text(mailbox, "Name", &name);
    return expand_group(call, tx, name, expansion);
}

int op_run_ExpandDL(struct op_call *call)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct expansion expansion = { 0 };
    struct op_result result = { 0 };
    int r = store_read_begin(call->env->store, &tx);
    if (r == 0)
        r = result.code = expand(call, tx, &expansion);
    if (r < 0)
        return r;
    op_messages_begin(call);
    op_message_begin(call, "m:ExpandDLResponseMessage", &result);
    if (!result.code) {
        xw_open(call->xw, "m:DLExpansion");
        xw_attr_int(call->xw, "TotalItemsInView", (int64_t)expansion.n);
        xw_attr_bool(call->xw, "IncludesLastItemInRange", true);
        for (size_t i = 0; i < expansion.n; i++)
            people_write(call, &expansion.v[i], NULL, NULL);
        xw_close(call->xw);
    }
    op_message_end(call);
    op_messages_end(call);
    return 0;
}
