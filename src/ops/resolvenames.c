/*
 * ResolveNames (protocol.md 3.5): who is meant by a name or the beginning of
 * one. Several answers are a Warning that carries them. A contact whose address
 * is found in the address book, too, is told once, so that one person is one
 * answer.
 */
#include "ops/people.h"

#define ENTRY_MAX 512 /* bytes of a name that anybody can have */

struct resolving {
    struct people people;
    struct target_folder folder;
    bool directory, contacts, contacts_first;
    bool full; /* with t:Contact */
    struct shape shape;
};

/* "smtp:bob" is "bob". */
static struct span without_routing(struct span text)
{
    const struct span prefix = SPAN("smtp:");
    if (text.len > prefix.len && span_eq_nocase((struct span){ text.ptr, prefix.len }, prefix))
        return (struct span){ text.ptr + prefix.len, text.len - prefix.len };
    return text;
}

static int parse_scope(struct op_call *call, struct resolving *resolving)
{
    struct span scope = SPAN("ActiveDirectoryContacts");
    (void)xml_attr(call->node, "SearchScope", &scope);
    resolving->directory = !span_is(scope, "Contacts");
    resolving->contacts = !span_is(scope, "ActiveDirectory");
    resolving->contacts_first = span_is(scope, "ContactsActiveDirectory");
    resolving->full = xml_attr_bool(call->node, "ReturnFullContactData", false);
    return 0;
}

/* What is shown of a contact: as an ItemShape would say it. */
static int parse_shape(struct op_call *call, struct resolving *resolving)
{
    struct xml_node base = { .ns = XML_NS_T, .name = SPAN("BaseShape"), .text = SPAN("Default") };
    const struct xml_node shape = { .ns = XML_NS_M, .name = SPAN("ItemShape"), .child = &base, .last = &base };
    const struct xml_node *culprit;
    (void)xml_attr(call->node, "ContactDataShape", &base.text);
    return shape_parse(call->arena, &shape, call->level, false, &resolving->shape, &culprit);
}

static int find_folder(struct op_call *call, struct store_tx *tx, struct resolving *resolving)
{
    const struct xml_node *list = xml_child(call->node, "ParentFolderIds");
    if (!list) {
        target_own_folder(call, FOLDER_ROLE_contacts, &resolving->folder);
        return 0;
    }
    if (xml_count(list) > 1)
        return CODE_ErrorResolveNamesOnlyOneContactsFolderAllowed;
    int r = target_folder(call, tx, list->child, FOLDER_RIGHT_READ, &resolving->folder);
    if (r == 0 && !item_class_is(resolving->folder.folder.class, "IPF.Contact"))
        return CODE_ErrorResolveNamesInvalidFolderType;
    return r;
}

static int find(struct op_call *call, struct store_tx *tx, struct resolving *resolving)
{
    struct people *people = &resolving->people;
    struct span entry = { 0 };
    (void)xml_child_text(call->node, "UnresolvedEntry", &entry);
    entry = span_trim(without_routing(span_trim(entry)));
    if (!entry.len || entry.len > ENTRY_MAX || !span_utf8_ok(entry))
        return CODE_ErrorInvalidNameForNameResolution;
    int r = find_folder(call, tx, resolving);
    if (r == 0)
        r = people_init(people, call, tx, entry);
    if (r == 0 && resolving->contacts && resolving->contacts_first)
        r = people_find_contacts(people, &resolving->folder);
    if (r == 0 && resolving->directory)
        r = people_find_directory(people);
    if (r == 0 && resolving->contacts && !resolving->contacts_first)
        r = people_find_contacts(people, &resolving->folder);
    if (r)
        return r;
    return people->n == 0 ? CODE_ErrorNameResolutionNoResults : people->n > 1 ? CODE_ErrorNameResolutionMultipleResults : 0;
}

/* What the address book knows of somebody. */
static void write_entry(struct op_call *call, const struct person *person)
{
    xw_open(call->xw, "t:Contact");
    xw_leaf(call->xw, "t:DisplayName", person->name);
    xw_open(call->xw, "t:EmailAddresses");
    xw_open(call->xw, "t:Entry");
    xw_attr_str(call->xw, "Key", "EmailAddress1");
    xw_text(call->xw, SPAN("SMTP:"));
    xw_text(call->xw, person->address);
    xw_close(call->xw);
    xw_close(call->xw);
    xw_leaf_str(call->xw, "t:ContactSource", "ActiveDirectory");
    xw_close(call->xw);
}

static int write_item(struct op_call *call, const struct resolving *resolving, const struct person *person)
{
    const struct target_folder *folder = &resolving->folder;
    const unsigned depth = resolving->full ? STORE_RECIPIENTS | STORE_BODY | STORE_ATTACHMENTS : STORE_HOT;
    struct shape_ids ids = access_ids(call, folder->access);
    struct item item;
    int r = store_item_get(resolving->people.tx, call->arena, folder->folder.mailbox_id, person->item_no, depth | STORE_DAMAGED, &item);
    if (r)
        return r > 0 ? -EUCLEAN : r;
    ids.rights = access_item_rights(call, folder->access, folder->rights, &item);
    people_write(call, person, &ids, &item);
    if (resolving->full && person->kind == PERSON_CONTACT)
        r = shape_write_item(call->xw, call->arena, &resolving->shape, &ids, &item, NULL);
    return r;
}

static int write_set(struct op_call *call, const struct resolving *resolving)
{
    const struct people *people = &resolving->people;
    const size_t n = people->n > PEOPLE_MAX ? PEOPLE_MAX : people->n;
    int r = 0;
    xw_open(call->xw, "m:ResolutionSet");
    xw_attr_int(call->xw, "TotalItemsInView", (int64_t)n);
    xw_attr_bool(call->xw, "IncludesLastItemInRange", n == people->n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        const struct person *person = &people->v[i];
        xw_open(call->xw, "t:Resolution");
        if (person->item_no)
            r = write_item(call, resolving, person);
        else
            people_write(call, person, NULL, NULL);
        if (!person->item_no && resolving->full)
            write_entry(call, person);
        xw_close(call->xw);
    }
    xw_close(call->xw);
    return r;
}

int op_run_ResolveNames(struct op_call *call)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct resolving resolving = { 0 };
    struct op_result result = { 0 };
    int r = store_read_begin(call->env->store, &tx);
    if (r == 0)
        r = parse_scope(call, &resolving);
    if (r == 0)
        r = parse_shape(call, &resolving);
    if (r == 0)
        r = result.code = find(call, tx, &resolving);
    if (r < 0)
        return r;
    result.warning = resolving.people.n > 1;
    op_messages_begin(call);
    op_message_begin(call, "m:ResolveNamesResponseMessage", &result);
    r = resolving.people.n ? write_set(call, &resolving) : 0;
    op_message_end(call);
    op_messages_end(call);
    return r;
}
