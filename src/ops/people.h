/*
 * Who is meant by a name: in the address book (every mailbox and group here)
 * and among the contacts of a folder. names.directory closes the address book.
 */
#ifndef EWSD_OPS_PEOPLE_H
#define EWSD_OPS_PEOPLE_H

#include "ops/target.h"
#include "soap/xml_read.h"

#define PEOPLE_MAX 100 /* of an answer (protocol.md 4.6) */

enum person_kind { PERSON_MAILBOX, PERSON_GROUP, PERSON_CONTACT, PERSON_LIST, PERSON_OTHER };

struct person {
    enum person_kind kind;
    struct span name, address, routing; /* routing: empty is SMTP */
    uint64_t item_no;                   /* of CONTACT and LIST, in people.folder */
};

struct people {
    struct op_call *call;
    struct store_tx *tx;
    struct span text;                   /* what is looked for */
    const struct target_folder *folder; /* of the contacts */
    struct person *v;
    size_t n; /* PEOPLE_MAX + 1 at most: then there are more */
};

/* -ENOMEM. */
int people_init(struct people *people, struct op_call *call, struct store_tx *tx, struct span text);
/* Adds those of the address book. */
int people_find_directory(struct people *people);
/* Adds those whose name, or a word of it, or address begins with the text, each
 * address once, of the contacts in a folder that may be read. */
int people_find_contacts(struct people *people, const struct target_folder *folder);

/* t:Mailbox. item: that the person is; or NULL. */
void people_write(struct op_call *call, const struct person *person, const struct shape_ids *ids, const struct item *item);

/* What an item keeps as XML (item.details), as the children of an element. The
 * tree is the arena's. -EUCLEAN: it can't be read. */
int people_details(struct xml_reader *reader, struct arena *arena, const struct item *item, const struct xml_node **ret_details);

#endif
