/*
 * See people.h. Contacts are read a page at a time into memory that is used
 * again, so a large folder costs time and no memory.
 */
#include "ops/people.h"

#include "store/store_group.h"

#define PAGE 500

int people_init(struct people *people, struct op_call *call, struct store_tx *tx, struct span text)
{
    *people = (struct people){ .call = call, .tx = tx, .text = text };
    people->v = arena_array(call->arena, PEOPLE_MAX + 1, sizeof(*people->v));
    return people->v ? 0 : -ENOMEM;
}

static bool is_known(const struct people *people, struct span address)
{
    for (size_t i = 0; address.len && i < people->n; i++)
        if (span_eq_nocase(people->v[i].address, address))
            return true;
    return false;
}

/* A copy of the person, in the request's memory. */
static int add(struct people *people, struct person person)
{
    struct arena *arena = people->call->arena;
    if (people->n > PEOPLE_MAX || is_known(people, person.address))
        return 0;
    int r = arena_copy(arena, person.name, &person.name);
    if (r == 0)
        r = arena_copy(arena, person.address, &person.address);
    if (r == 0)
        r = arena_copy(arena, person.routing, &person.routing);
    if (r == 0)
        people->v[people->n++] = person;
    return r;
}

int people_find_directory(struct people *people)
{
    struct store_listing *entries;
    size_t n;
    if (!people->call->env->conf->names_directory)
        return 0;
    int r = store_entry_find(people->tx, people->call->arena, people->text, PEOPLE_MAX + 1, &entries, &n);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = add(people, (struct person){ .kind = entries[i].kind == STORE_ENTRY_GROUP ? PERSON_GROUP : PERSON_MAILBOX,
                                         .name = entries[i].name, .address = entries[i].address });
    return r;
}

/* ---- contacts ---- */

int people_details(struct xml_reader *reader, struct arena *arena, const struct item *item, const struct xml_node **ret_details)
{
    struct xml_node *root;
    struct xml_flaw flaw;
    size_t len = 1;
    for (size_t i = 0; i < item->details.n; i++)
        len += item->details.v[i].len;
    static const char head[] = "<t:Details xmlns:t=\"" NS_TYPES "\">", tail[] = "</t:Details>";
    char *text = arena_alloc(arena, len + sizeof(head) + sizeof(tail)), *at = text;
    if (!text)
        return -ENOMEM;
    at = mempcpy(at, head, sizeof(head) - 1);
    for (size_t i = 0; i < item->details.n; i++)
        at = mempcpy(at, item->details.v[i].ptr, item->details.v[i].len);
    at = mempcpy(at, tail, sizeof(tail) - 1);
    struct xml_source source = { .text = text, .len = (size_t)(at - text) };
    int r = xml_read(reader, &source, arena, NULL, &root, &flaw);
    if (r == 0)
        *ret_details = root;
    return r > 0 ? -EUCLEAN : r;
}

/* The text, or a word of it, begins so. */
static bool begins(struct span text, struct span with)
{
    for (size_t i = 0; i + with.len <= text.len; i++)
        if ((i == 0 || text.ptr[i - 1] == ' ') && span_eq_nocase((struct span){ text.ptr + i, with.len }, with))
            return true;
    return false;
}

static bool name_fits(const struct people *people, const struct xml_node *details)
{
    static const char *const names[] = { "DisplayName", "FileAs", "GivenName", "Surname", "Nickname" };
    struct span text;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (xml_child_text(details, names[i], &text) && begins(text, people->text))
            return true;
    return false;
}

static struct span name_of(const struct xml_node *details, const struct item *item)
{
    struct span text;
    if ((xml_child_text(details, "DisplayName", &text) || xml_child_text(details, "FileAs", &text)) && text.len)
        return text;
    return item->subject;
}

static int add_contact(struct people *people, const struct item *item, const struct xml_node *details)
{
    const struct xml_node *list = xml_child(details, "EmailAddresses");
    const bool fits = name_fits(people, details);
    int r = 0;
    for (const struct xml_node *c = list ? list->child : NULL; r == 0 && c; c = c->next) {
        struct span address = span_trim(c->text);
        if (!address.len || !(fits || begins(address, people->text)))
            continue;
        r = add(people, (struct person){ .kind = PERSON_CONTACT, .name = name_of(details, item), .address = address,
                                         .item_no = item->item_no });
    }
    return r;
}

static int consider(struct people *people, struct xml_reader *reader, struct arena *arena, const struct item *item)
{
    const struct xml_node *details;
    if (item->kind != ITEM_KIND_CONTACT && item->kind != ITEM_KIND_DISTLIST)
        return 0;
    int r = people_details(reader, arena, item, &details);
    if (r)
        return r == -EUCLEAN ? 0 : r;
    if (item->kind == ITEM_KIND_CONTACT)
        return add_contact(people, item, details);
    if (!name_fits(people, details))
        return 0;
    return add(people, (struct person){ .kind = PERSON_LIST, .name = name_of(details, item), .routing = SPAN(RCPT_ROUTING_CONTACT),
                                        .item_no = item->item_no });
}

static int find_page(struct people *people, struct xml_reader *reader, struct arena *arena, uint64_t offset, uint64_t *ret_total)
{
    const struct store_find find = { .mailbox_id = people->folder->folder.mailbox_id, .folder_no = people->folder->folder.folder_no,
                                     .offset = offset, .limit = PAGE, .depth = STORE_HOT };
    struct item *items;
    size_t n;
    int r = store_item_find(people->tx, arena, &find, &items, &n, ret_total);
    for (size_t i = 0; r == 0 && i < n && people->n <= PEOPLE_MAX; i++)
        r = consider(people, reader, arena, &items[i]);
    return r;
}

int people_find_contacts(struct people *people, const struct target_folder *folder)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct xml_reader *reader = NULL;
    uint64_t total = 1;
    people->folder = folder;
    int r = arena_new((size_t)people->call->env->conf->soap_max_memory, &arena);
    if (r == 0)
        r = xml_reader_new(NULL, XML_LIMITS_USUAL, &reader);
    for (uint64_t at = 0; r == 0 && at < total && people->n <= PEOPLE_MAX; at += PAGE) {
        r = find_page(people, reader, arena, at, &total);
        arena_reset(arena);
    }
    xml_reader_free(reader);
    return r;
}

/* ---- as XML ---- */

void people_write(struct op_call *call, const struct person *person, const struct shape_ids *ids, const struct item *item)
{
    static const char *const types[] = { [PERSON_MAILBOX] = "Mailbox", [PERSON_GROUP] = "PublicDL", [PERSON_CONTACT] = "Contact",
                                         [PERSON_LIST] = "PrivateDL", [PERSON_OTHER] = "OneOff" };
    xw_open(call->xw, "t:Mailbox");
    if (person->name.len)
        xw_leaf(call->xw, "t:Name", person->name);
    if (person->address.len)
        xw_leaf(call->xw, "t:EmailAddress", person->address);
    xw_leaf(call->xw, "t:RoutingType", person->routing.len ? person->routing : SPAN("SMTP"));
    xw_leaf_str(call->xw, "t:MailboxType", types[person->kind]);
    if (item)
        shape_write_item_id(call->xw, ids, item);
    xw_close(call->xw);
}
