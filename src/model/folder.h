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
