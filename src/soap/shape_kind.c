/*
 * Elements of contacts, lists, tasks and appointments that follow from others:
 * names, whether a task is complete, how long an appointment is. What a client
 * gave is kept as it came (details.def); this is what is shown where it gave
 * nothing, or where nobody but the server may say it.
 */
#include "soap/shape_parts.h"
#include "soap/xml_piece.h"

#include <errno.h>
#include <stdio.h>

/* The text of a stored element; empty when there is none. */
static struct span text_of(struct writing *w, enum detail detail)
{
    struct span xml = item_detail(w->item, detail_info(detail)), text = { 0 };
    struct xml_piece piece;
    if (xml_piece_next(&xml, &piece) && xml_piece_text(w->arena, piece.content, &text))
        w->error = -ENOMEM;
    return span_trim(text);
}

static bool has(const struct writing *w, enum detail detail)
{
    return item_detail(w->item, detail_info(detail)).len > 0;
}

static void put_text(struct writing *w, enum detail detail, struct span text)
{
    if (text.len)
        xw_leaf(w->xw, detail_info(detail)->qname, text);
}

static void put_bool(struct writing *w, enum detail detail, bool value)
{
    xw_leaf_bool(w->xw, detail_info(detail)->qname, value);
}

/* ---- contacts ---- */

/* The texts that are set, with between among them. */
static struct span joined(struct writing *w, struct span a, const char *between, struct span b)
{
    struct span text = { 0 };
    if (!a.len || !b.len)
        return a.len ? a : b;
    if (arena_printf(w->arena, &text, "%.*s%s%.*s", (int)a.len, a.ptr, between, (int)b.len, b.ptr))
        w->error = -ENOMEM;
    return text;
}

static struct span full_name(struct writing *w)
{
    struct span name = joined(w, text_of(w, DETAIL_CONTACT_GivenName), " ", text_of(w, DETAIL_CONTACT_MiddleName));
    name = joined(w, name, " ", text_of(w, DETAIL_CONTACT_Surname));
    return joined(w, name, " ", text_of(w, DETAIL_CONTACT_Generation));
}

/* How a FileAsMapping makes FileAs: of the name's parts in an order (S surname, G
 * given name, M middle name, X suffix, C company), or the company behind it or
 * before it on a line of its own. */
static const struct {
    const char *mapping;
    const char *parts;
} mappings[] = {
    { "LastCommaFirst", "S,G" },         { "FirstSpaceLast", "G S" },          { "Company", "C" },
    { "LastCommaFirstCompany", "S,G|C" }, { "CompanyLastFirst", "C|SG" },      { "LastFirst", "SG" },
    { "LastFirstCompany", "SG|C" },      { "CompanyLastCommaFirst", "C|S,G" }, { "LastFirstSuffix", "SG X" },
    { "LastSpaceFirstCompany", "S G|C" }, { "CompanyLastSpaceFirst", "C|S G" }, { "LastSpaceFirst", "S G" },
    { "DisplayName", "D" },              { "FirstName", "G" },                 { "LastFirstMiddleSuffix", "SG M X" },
    { "LastName", "S" },
};

static struct span name_part(struct writing *w, char part)
{
    switch (part) {
    case 'S':
        return text_of(w, DETAIL_CONTACT_Surname);
    case 'G':
        return text_of(w, DETAIL_CONTACT_GivenName);
    case 'M':
        return text_of(w, DETAIL_CONTACT_MiddleName);
    case 'X':
        return text_of(w, DETAIL_CONTACT_Generation);
    case 'C':
        return text_of(w, DETAIL_CONTACT_CompanyName);
    default:
        return text_of(w, DETAIL_CONTACT_DisplayName);
    }
}

static struct span mapped_name(struct writing *w, struct span mapping)
{
    struct span name = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(mappings); i++) {
        if (!span_is(mapping, mappings[i].mapping))
            continue;
        const char *between = "";
        for (const char *c = mappings[i].parts; *c; c++) {
            if (*c == ',' || *c == ' ' || *c == '|') {
                between = *c == ',' ? ", " : *c == ' ' ? " " : "\r\n";
                continue;
            }
            name = joined(w, name, between, name_part(w, *c));
            between = "";
        }
    }
    return name;
}

static void put_complete_name(struct writing *w)
{
    static const struct {
        const char *element;
        enum detail detail;
    } parts[] = {
        { "t:FirstName", DETAIL_CONTACT_GivenName }, { "t:MiddleName", DETAIL_CONTACT_MiddleName },
        { "t:LastName", DETAIL_CONTACT_Surname },    { "t:Suffix", DETAIL_CONTACT_Generation },
        { "t:Initials", DETAIL_CONTACT_Initials },   { "t:FullName", DETAIL_CONTACT_DisplayName },
        { "t:Nickname", DETAIL_CONTACT_Nickname },
    };
    bool open = false;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        struct span text = text_of(w, parts[i].detail);
        if (!text.len && parts[i].detail == DETAIL_CONTACT_DisplayName)
            text = full_name(w);
        if (!text.len)
            continue;
        if (!open)
            xw_open(w->xw, "t:CompleteName");
        open = true;
        xw_leaf(w->xw, parts[i].element, text);
    }
    if (open)
        xw_close(w->xw);
}

static bool put_contact(struct writing *w, enum detail detail)
{
    if (detail == DETAIL_CONTACT_CompleteName)
        put_complete_name(w);
    else if (detail == DETAIL_CONTACT_HasPicture)
        put_bool(w, detail, false);
    else if (detail == DETAIL_CONTACT_FileAs && has(w, DETAIL_CONTACT_FileAsMapping) &&
             mapped_name(w, text_of(w, DETAIL_CONTACT_FileAsMapping)).len)
        put_text(w, detail, mapped_name(w, text_of(w, DETAIL_CONTACT_FileAsMapping)));
    else if (detail == DETAIL_CONTACT_DisplayName && !has(w, detail))
        put_text(w, detail, full_name(w));
    else
        return false;
    return true;
}

/* ---- lists ---- */

static bool put_list(struct writing *w, enum detail detail)
{
    if (detail != DETAIL_DISTLIST_DisplayName || has(w, detail))
        return false;
    put_text(w, detail, w->item->subject);
    return true;
}

/* ---- tasks ---- */

static const struct {
    const char *status, *description;
} statuses[] = {
    { "NotStarted", "Not Started" },
    { "InProgress", "In Progress" },
    { "Completed", "Completed" },
    { "WaitingOnOthers", "Waiting on someone else" },
    { "Deferred", "Deferred" },
};

static bool put_task(struct writing *w, enum detail detail)
{
    struct span status = text_of(w, DETAIL_TASK_Status);
    if (!status.len)
        status = span_of(statuses[0].status);
    if (detail == DETAIL_TASK_Status)
        put_text(w, detail, status);
    else if (detail == DETAIL_TASK_PercentComplete && !has(w, detail))
        xw_leaf_int(w->xw, detail_info(detail)->qname, 0);
    else if (detail == DETAIL_TASK_IsComplete)
        put_bool(w, detail, span_is(status, "Completed"));
    else if (detail == DETAIL_TASK_IsRecurring)
        put_bool(w, detail, has(w, DETAIL_TASK_Recurrence));
    else if (detail == DETAIL_TASK_IsTeamTask)
        put_bool(w, detail, false);
    else if (detail == DETAIL_TASK_StatusDescription) {
        for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
            if (span_is(status, statuses[i].status))
                put_text(w, detail, span_of(statuses[i].description));
    } else
        return false;
    return true;
}

/* ---- appointments ---- */

static bool is_meeting(const struct writing *w)
{
    return has(w, DETAIL_CALENDAR_RequiredAttendees) || has(w, DETAIL_CALENDAR_OptionalAttendees) ||
           has(w, DETAIL_CALENDAR_Resources);
}

/* xs:duration of days, hours and minutes. */
static void put_duration(struct writing *w)
{
    int64_t start, end;
    char text[48];
    if (!when_parse_xs(text_of(w, DETAIL_CALENDAR_Start), &start) || !when_parse_xs(text_of(w, DETAIL_CALENDAR_End), &end) ||
        end < start)
        return;
    const long long minutes = (end - start) / 60000, days = minutes / 1440, rest = minutes % 1440;
    size_t n = (size_t)snprintf(text, sizeof(text), "P");
    if (days)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%lldD", days);
    if (rest || !days)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "T");
    if (rest / 60)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%lldH", rest / 60);
    if (rest % 60 || (!rest && !days))
        (void)snprintf(text + n, sizeof(text) - n, "%lldM", rest % 60);
    xw_leaf_str(w->xw, "t:Duration", text);
}

static void put_organizer(struct writing *w)
{
    if (!rcpt_is_set(&w->item->from))
        return;
    xw_open(w->xw, "t:Organizer");
    shape_put_mailbox(w, &w->item->from);
    xw_close(w->xw);
}

/* What a client may set, where it did not. */
static bool put_calendar_default(struct writing *w, enum detail detail)
{
    if (has(w, detail))
        return false;
    if (detail == DETAIL_CALENDAR_IsAllDayEvent)
        put_bool(w, detail, false);
    else if (detail == DETAIL_CALENDAR_IsResponseRequested)
        put_bool(w, detail, true);
    else if (detail == DETAIL_CALENDAR_LegacyFreeBusyStatus)
        put_text(w, detail, SPAN("Busy"));
    else
        return false;
    return true;
}

/* This server keeps meetings of the mailbox's owner and sends no invitations. */
static bool put_calendar(struct writing *w, enum detail detail)
{
    if (put_calendar_default(w, detail))
        return true;
    if (detail == DETAIL_CALENDAR_IsMeeting)
        put_bool(w, detail, is_meeting(w));
    else if (detail == DETAIL_CALENDAR_IsCancelled || detail == DETAIL_CALENDAR_IsRecurring ||
             detail == DETAIL_CALENDAR_MeetingRequestWasSent)
        put_bool(w, detail, false);
    else if (detail == DETAIL_CALENDAR_CalendarItemType)
        put_text(w, detail, has(w, DETAIL_CALENDAR_Recurrence) ? SPAN("RecurringMaster") : SPAN("Single"));
    else if (detail == DETAIL_CALENDAR_MyResponseType)
        put_text(w, detail, SPAN("Organizer"));
    else if (detail == DETAIL_CALENDAR_Organizer)
        put_organizer(w);
    else if (detail == DETAIL_CALENDAR_Duration)
        put_duration(w);
    else if (detail == DETAIL_CALENDAR_AppointmentSequenceNumber)
        xw_leaf_int(w->xw, "t:AppointmentSequenceNumber", 0);
    else if (detail == DETAIL_CALENDAR_AppointmentState)
        xw_leaf_int(w->xw, "t:AppointmentState", is_meeting(w));
    else
        return false;
    return true;
}

void shape_put_detail(struct writing *w, enum detail detail)
{
    static bool (*const put[ITEM_KIND_COUNT])(struct writing *, enum detail) = {
        [ITEM_KIND_CONTACT] = put_contact,
        [ITEM_KIND_DISTLIST] = put_list,
        [ITEM_KIND_TASK] = put_task,
        [ITEM_KIND_CALENDAR] = put_calendar,
    };
    const enum item_kind kind = w->item->kind;
    if (detail == DETAIL_POST_PostedTime)
        shape_put_time(w->xw, "t:PostedTime", w->item->created);
    else if (!put[kind] || !put[kind](w, detail))
        xw_raw(w->xw, item_detail(w->item, detail_info(detail)));
}
