/*
 * Folders and the distinguished folders that every mailbox is born with, one
 * row each in folders.def (protocol.md 4.1).
 */
#ifndef EWSD_MODEL_FOLDER_H
#define EWSD_MODEL_FOLDER_H

#include "model/item.h"

enum folder_role {
    FOLDER_ROLE_none,
#define FOLDER(id, number, name, class, parent, ipm) FOLDER_ROLE_##id = number,
#include "model/folders.def"
#undef FOLDER
    FOLDER_ROLE_COUNT
};

struct folder_role_info {
    const char *id;   /* distinguished id: "sentitems" */
    const char *name; /* display name */
    const char *class; /* FolderClass, "" for none */
    enum folder_role parent; /* of root: root */
    bool ipm;         /* in the tree that FindFolder shows under msgfolderroot */
};

struct folder {
    int64_t mailbox_id;
    uint64_t folder_no;
    uint64_t parent_no;
    enum folder_role role;
    uint64_t change_no;
    uint64_t key_no; /* ChangeKey counter */
    struct span name;
    struct span class;
    uint32_t total;
    uint32_t unread;
    uint32_t children;
    uint64_t origin_no; /* of one that was deleted and can be recovered: the folder it was in; else 0 */
    struct xprop_list xprops;
};

/* What searches and MAPI name of a folder: a row each in folder_fields.def. */
enum folder_field {
#define FOLDER_FIELD(id, uri, tag, form, set) FOLDER_FIELD_##id,
#include "model/folder_fields.def"
#undef FOLDER_FIELD
    FOLDER_FIELD_COUNT
};
enum folder_form { FOLDER_FORM_text, FOLDER_FORM_count, FOLDER_FORM_truth };
enum folder_set { FOLDER_SET_own, FOLDER_SET_never, FOLDER_SET_kept };

struct folder_field_info {
    const char *uri; /* or NULL */
    int32_t tag;     /* or -1 */
    enum folder_form form;
    enum folder_set set;
};
extern const struct folder_field_info folder_fields[FOLDER_FIELD_COUNT];

/* FOLDER_FIELD_COUNT: there is no such row; an extended property is kept as it comes then. */
enum folder_field folder_field_by_uri(struct span uri);
enum folder_field folder_field_by_xprop(const struct xprop *xprop);
/* The value that is computed: a text or, by form, a number. False: there is none. */
bool folder_field_text(const struct folder *folder, enum folder_field field, struct span *ret_text);
bool folder_field_number(const struct folder *folder, enum folder_field field, int64_t *ret_number);

/* What kinds of folders there are: by what their class begins with. */
enum folder_kind { FOLDER_MAIL, FOLDER_CALENDAR, FOLDER_CONTACTS, FOLDER_TASKS };
enum { FOLDER_NAME_MAX = 255 }; /* characters of a name, or of a class */

enum folder_kind folder_kind_of_class(struct span class);
/* The class of a new folder of that kind. */
const char *folder_kind_class(enum folder_kind kind);
/* May a folder be called so: some text, not too long, no control characters. */
bool folder_name_ok(struct span name);
bool folder_class_ok(struct span class);

/* NULL for FOLDER_ROLE_none and numbers that are no role. */
const struct folder_role_info *folder_role_info(enum folder_role role);
/* FOLDER_ROLE_none when no folder has this distinguished id here. */
enum folder_role folder_role_by_id(struct span distinguished_id);

#endif
