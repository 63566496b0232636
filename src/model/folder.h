/*
 * Folders and the distinguished folders that every mailbox is born with, one
 * row each in folders.def (protocol.md 4.1).
 */
#ifndef EWSD_MODEL_FOLDER_H
#define EWSD_MODEL_FOLDER_H

#include "base/base.h"

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
};

/* NULL for FOLDER_ROLE_none and numbers that are no role. */
const struct folder_role_info *folder_role_info(enum folder_role role);
/* FOLDER_ROLE_none when no folder has this distinguished id here. */
enum folder_role folder_role_by_id(struct span distinguished_id);

#endif
