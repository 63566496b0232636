/*
 * PermissionSet: what a folder says about who may do what in it, as XML and back
 * (bits of model/folder_rights.def). A level is a name for a set of rights, the
 * roles of model/rights.def under the schema's names; what has none is Custom. A
 * level may come with single rights, as what was read is written back, if they
 * say the same. Whoever is not named, and whoever is not known, is always shown.
 */
#include "soap/shape.h"

#include "model/rights.h"

#include <errno.h>

#define FREEBUSY FOLDER_RIGHT_FREEBUSY
#define DETAILS (FOLDER_RIGHT_FREEBUSY | FOLDER_RIGHT_FREEBUSY_DETAILS)
#define READS (FOLDER_RIGHT_READ | DETAILS)

static const struct {
    const char *name;
    uint32_t rights;
    bool calendar; /* only there */
} levels[] = {
    { "None", 0, false },
    { "Owner", 0x5fb, false },
    { "PublishingEditor", 0x4fb, false },
    { "Editor", 0x47b, false },
    { "PublishingAuthor", 0x49b, false },
    { "Author", 0x41b, false },
    { "NoneditingAuthor", 0x413, false },
    { "Reviewer", 0x401, false },
    { "Contributor", 0x402, false },
    { "FreeBusyTimeOnly", FREEBUSY, true },
    { "FreeBusyTimeAndSubjectAndLocation", DETAILS, true },
};

static const struct {
    const char *element;
    uint32_t right;
} flags[] = {
    { "t:CanCreateItems", FOLDER_RIGHT_CREATE },   { "t:CanCreateSubFolders", FOLDER_RIGHT_SUBFOLDERS },
    { "t:IsFolderOwner", FOLDER_RIGHT_OWN },       { "t:IsFolderVisible", FOLDER_RIGHT_VISIBLE },
    { "t:IsFolderContact", FOLDER_RIGHT_CONTACT },
};

static const struct {
    const char *element;
    uint32_t own, all;
} actions[] = {
    { "t:EditItems", FOLDER_RIGHT_EDIT_OWN, FOLDER_RIGHT_EDIT_ALL },
    { "t:DeleteItems", FOLDER_RIGHT_DELETE_OWN, FOLDER_RIGHT_DELETE_ALL },
};

/* What counts for a level: who is named to visitors as a contact doesn't, and who
 * may read all needs no leave to see when its owner is busy. */
static uint32_t plain(uint32_t rights)
{
    rights &= ~(uint32_t)FOLDER_RIGHT_CONTACT;
    return rights & FOLDER_RIGHT_READ ? rights & ~(uint32_t)DETAILS : rights;
}

static const char *level_name(uint32_t rights, bool calendar)
{
    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        if (levels[i].rights == plain(rights) && (calendar || !levels[i].calendar))
            return levels[i].name;
    return "Custom";
}

static const char *read_access(uint32_t rights, bool calendar)
{
    if (rights & FOLDER_RIGHT_READ)
        return "FullDetails";
    if (!calendar || !(rights & DETAILS))
        return "None";
    return rights & FOLDER_RIGHT_FREEBUSY_DETAILS ? "TimeAndSubjectAndLocation" : "TimeOnly";
}

/* ---- writing ---- */

static void write_user(struct xml_writer *xw, const struct folder_grant *grant)
{
    xw_open(xw, "t:UserId");
    if (grant->sid.len)
        xw_leaf(xw, "t:SID", grant->sid);
    if (grant->address.len)
        xw_leaf(xw, "t:PrimarySmtpAddress", grant->address);
    if (grant->name.len)
        xw_leaf(xw, "t:DisplayName", grant->name);
    if (grant->who != GRANT_USER)
        xw_leaf_str(xw, "t:DistinguishedUser", grant->who == GRANT_DEFAULT ? "Default" : "Anonymous");
    xw_close(xw);
}

static void write_grant(struct xml_writer *xw, const struct folder_grant *grant, bool calendar)
{
    const uint32_t rights = grant->rights;
    xw_open(xw, calendar ? "t:CalendarPermission" : "t:Permission");
    write_user(xw, grant);
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        xw_leaf_bool(xw, flags[i].element, rights & flags[i].right);
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        xw_leaf_str(xw, actions[i].element, rights & actions[i].all ? "All" : rights & actions[i].own ? "Owned" : "None");
    xw_leaf_str(xw, "t:ReadItems", read_access(rights, calendar));
    xw_leaf_str(xw, calendar ? "t:CalendarPermissionLevel" : "t:PermissionLevel", level_name(rights, calendar));
    xw_close(xw);
}

static struct folder_grant find_who(const struct folder_grants *grants, enum folder_grant_who who)
{
    for (size_t i = 0; i < grants->n; i++)
        if (grants->v[i].who == who)
            return grants->v[i];
    return (struct folder_grant){ .who = who };
}

void shape_write_permissions(struct xml_writer *xw, const struct folder_grants *grants, bool calendar)
{
    xw_open(xw, "t:PermissionSet");
    xw_open(xw, calendar ? "t:CalendarPermissions" : "t:Permissions");
    for (enum folder_grant_who who = GRANT_DEFAULT; who <= GRANT_ANONYMOUS; who++) {
        const struct folder_grant grant = find_who(grants, who);
        write_grant(xw, &grant, calendar);
    }
    for (size_t i = 0; i < grants->n; i++)
        if (grants->v[i].who == GRANT_USER)
            write_grant(xw, &grants->v[i], calendar);
    xw_close(xw);
    xw_close(xw);
}

/* ---- reading ---- */

static int read_user(const struct xml_node *node, struct folder_grant *grant)
{
    struct span who = { 0 };
    const bool known = xml_child_text(node, "DistinguishedUser", &who);
    (void)xml_child_text(node, "SID", &grant->sid);
    (void)xml_child_text(node, "PrimarySmtpAddress", &grant->address);
    (void)xml_child_text(node, "DisplayName", &grant->name);
    grant->sid = span_trim(grant->sid);
    grant->address = span_trim(grant->address);
    const bool named = grant->sid.len || grant->address.len || grant->name.len;
    grant->who = !known ? GRANT_USER : span_is(who, "Default") ? GRANT_DEFAULT : GRANT_ANONYMOUS;
    return known != named && !xml_child(node, "ExternalUserIdentity") ? 0 : CODE_ErrorInvalidUserInfo;
}

/* What single elements say, and about which rights they do. */
static uint32_t read_rights(const struct xml_node *node, uint32_t *ret_told)
{
    uint32_t rights = 0, told = 0;
    struct span text;
    bool set;
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        if (xml_child_text(node, flags[i].element + 2, &text) && span_bool(span_trim(text), &set)) {
            told |= flags[i].right;
            rights |= set ? flags[i].right : 0;
        }
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        if (xml_child_text(node, actions[i].element + 2, &text)) {
            told |= actions[i].own | actions[i].all;
            rights |= span_is(text, "All") ? actions[i].own | actions[i].all : span_is(text, "Owned") ? actions[i].own : 0;
        }
    if (xml_child_text(node, "ReadItems", &text)) {
        told |= READS;
        rights |= span_is(text, "FullDetails")                 ? FOLDER_RIGHT_READ
                  : span_is(text, "TimeAndSubjectAndLocation") ? DETAILS
                  : span_is(text, "TimeOnly")                  ? FREEBUSY
                                                               : 0u;
    }
    *ret_told = told;
    return rights;
}

static int read_grant(const struct xml_node *node, bool calendar, struct folder_grant *ret_grant)
{
    struct folder_grant grant = { 0 };
    struct span level = SPAN("Custom");
    uint32_t told;
    const struct xml_node *user = xml_child(node, "UserId");
    int r = user ? read_user(user, &grant) : CODE_ErrorInvalidUserInfo;
    if (r)
        return r;
    (void)xml_child_text(node, calendar ? "CalendarPermissionLevel" : "PermissionLevel", &level);
    grant.rights = read_rights(node, &told);
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        if (!span_is(level, levels[i].name))
            continue;
        if ((plain(grant.rights) ^ levels[i].rights) & told & ~(uint32_t)FOLDER_RIGHT_CONTACT)
            return CODE_ErrorInvalidPermissionSettings;
        grant.rights = levels[i].rights | (grant.rights & FOLDER_RIGHT_CONTACT);
    }
    *ret_grant = grant;
    return 0;
}

int shape_read_permissions(struct arena *arena, const struct xml_node *node, bool calendar, struct folder_grants *ret_grants)
{
    const struct xml_node *list = xml_child(node, calendar ? "CalendarPermissions" : "Permissions");
    const struct xml_node *unknown = xml_child(node, "UnknownEntries");
    struct folder_grants grants = { 0 };
    if (unknown && unknown->child)
        return CODE_ErrorCannotSetPermissionUnknownEntries;
    if (!list)
        return calendar ? CODE_ErrorCannotSetNonCalendarPermissionOnCalendarFolder : CODE_ErrorCannotSetCalendarPermissionOnNonCalendarFolder;
    if (xml_count(list) > SHAPE_PERMISSIONS_MAX)
        return CODE_ErrorInvalidPermissionSettings;
    grants.v = arena_array(arena, xml_count(list) + 1, sizeof(*grants.v));
    if (!grants.v)
        return -ENOMEM;
    for (const struct xml_node *c = list->child; c; c = c->next) {
        int r = read_grant(c, calendar, &grants.v[grants.n++]);
        if (r)
            return r;
    }
    *ret_grants = grants;
    return 0;
}
