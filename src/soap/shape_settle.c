/*
 * After a client has written an item of another kind than a message: what its
 * elements say of each other is made consistent, and what can't be is refused
 * (tasks: protocol.md 6.2).
 */
#include "soap/shape.h"
#include "soap/xml_piece.h"

#include "base/codec.h"

#include <errno.h>
#include <stdlib.h>

#define REMINDER_MINUTES 15 /* where nobody said */

static int text_of(struct arena *arena, const struct item *item, enum detail detail, struct span *ret_text)
{
    struct span xml = item ? item_detail(item, detail_info(detail)) : (struct span){ 0 };
    struct xml_piece piece;
    *ret_text = (struct span){ 0 };
    int r = xml_piece_next(&xml, &piece) ? xml_piece_text(arena, piece.content, ret_text) : 0;
    *ret_text = span_trim(*ret_text);
    return r;
}

static int put_text(struct arena *arena, struct item *item, enum detail detail, const char *text)
{
    const struct detail_info *info = detail_info(detail);
    struct span xml = { 0 };
    int r = text ? arena_printf(arena, &xml, "<%s>%s</%s>", info->qname, text, info->qname) : 0;
    return r ? r : item_detail_put(arena, item, info, xml);
}

/* ---- tasks ---- */

struct task {
    struct span status, percent, completed;
    double done; /* percent as a number */
};

static int read_task(struct arena *arena, const struct item *item, struct task *ret_task)
{
    struct task task = { 0 };
    int r = text_of(arena, item, DETAIL_TASK_Status, &task.status);
    if (!r)
        r = text_of(arena, item, DETAIL_TASK_PercentComplete, &task.percent);
    if (!r)
        r = text_of(arena, item, DETAIL_TASK_CompleteDate, &task.completed);
    if (!task.status.len)
        task.status = SPAN("NotStarted");
    *ret_task = task;
    return r;
}

/* Digits and at most one dot, of a value up to 100. */
static bool percent_read(struct span text, double *ret_value)
{
    char digits[32];
    size_t dots = 0;
    if (text.len >= sizeof(digits))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        dots += text.ptr[i] == '.';
        if ((text.ptr[i] < '0' || text.ptr[i] > '9') && text.ptr[i] != '.')
            return false;
        digits[i] = text.ptr[i];
    }
    digits[text.len] = '\0';
    *ret_value = strtod(digits, NULL);
    return dots <= 1 && text.len > dots && *ret_value <= 100;
}

static int check_task(struct task *task)
{
    int64_t at;
    if (task->percent.len && !percent_read(task->percent, &task->done))
        return CODE_ErrorInvalidPercentCompleteValue;
    if (task->completed.len && (!when_parse_xs(task->completed, &at) || at > when_now() + 86400000))
        return CODE_ErrorInvalidCompleteDate;
    return 0;
}

static int put_task(struct arena *arena, struct item *item, const char *status, const char *percent, struct span completed)
{
    char now[WHEN_XS_SIZE];
    int r = put_text(arena, item, DETAIL_TASK_Status, status);
    if (!r && percent)
        r = put_text(arena, item, DETAIL_TASK_PercentComplete, percent);
    when_format_xs(when_now(), now);
    bool complete = strcmp(status, "Completed") == 0;
    if (!r && (!complete || !completed.len))
        r = put_text(arena, item, DETAIL_TASK_CompleteDate, complete ? now : NULL);
    return r;
}

/* What was written last says whether it is done: a date, then the status, then
 * the percentage. */
static int settle_task(struct arena *arena, const struct item *before, struct item *item)
{
    struct task old, task;
    int r = read_task(arena, before, &old);
    if (!r && !(r = read_task(arena, item, &task)))
        r = check_task(&task);
    if (r)
        return r;
    (void)percent_read(old.percent, &old.done);
    const bool dated = task.completed.len && !span_eq(task.completed, old.completed);
    const bool undated = !task.completed.len && old.completed.len;
    const bool moved = !span_eq(task.status, old.status), counted = !span_eq(task.percent, old.percent);
    if (dated || (moved && span_is(task.status, "Completed")) || (!moved && counted && task.done >= 100))
        return put_task(arena, item, "Completed", "100", task.completed);
    if (moved && task.done >= 100 && counted)
        return put_task(arena, item, "Completed", "100", task.completed);
    if (moved && task.done >= 100) {
        r = put_text(arena, item, DETAIL_TASK_PercentComplete, "0");
        return r ? r : put_text(arena, item, DETAIL_TASK_CompleteDate, NULL);
    }
    if (undated && span_is(task.status, "Completed"))
        return put_task(arena, item, "NotStarted", "0", (struct span){ 0 });
    if (!moved && counted && (span_is(task.status, "Completed") || span_is(task.status, "NotStarted")))
        return put_task(arena, item, task.done > 0 ? "InProgress" : "NotStarted", NULL, (struct span){ 0 });
    if (moved && span_is(old.status, "Completed"))
        return put_text(arena, item, DETAIL_TASK_CompleteDate, NULL);
    return 0;
}

/* ---- appointments ---- */

static int give_uid(struct arena *arena, struct item *item)
{
    uint8_t random[16];
    struct buf text = BUF_INIT(128);
    struct span uid;
    if (item_detail(item, detail_info(DETAIL_CALENDAR_UID)).len)
        return 0;
    int r = random_bytes(random, sizeof(random));
    if (r)
        return r;
    buf_add_str(&text, "040000008200e00074c5b7101a82e008");
    hex_encode(&text, random, sizeof(random));
    r = buf_error(&text) ? buf_error(&text) : arena_copy(arena, buf_span(&text), &uid);
    buf_done(&text);
    return r ? r : put_text(arena, item, DETAIL_CALENDAR_UID, uid.ptr);
}

/* An appointment's reminder is due when it starts, and comes some minutes before. */
static void settle_reminder(const struct item *before, int64_t start, struct item *item)
{
    const bool followed = before && before->reminder_due == item->reminder_due && before->reminder_minutes == item->reminder_minutes;
    if (!(item->flags & ITEM_REMINDER_SET))
        return;
    if (item->reminder_minutes == INT64_MIN)
        item->reminder_minutes = REMINDER_MINUTES;
    if (item->reminder_due == WHEN_NONE || followed)
        item->reminder_due = start;
    item->reminder_next = item->reminder_due - item->reminder_minutes * 60000;
}

static int settle_calendar(struct arena *arena, const struct item *before, struct item *item)
{
    struct span text[2];
    int64_t start = WHEN_NONE, end;
    int r = text_of(arena, item, DETAIL_CALENDAR_Start, &text[0]);
    if (!r)
        r = text_of(arena, item, DETAIL_CALENDAR_End, &text[1]);
    if (r)
        return r;
    if ((text[0].len && !when_parse_xs(text[0], &start)) || (text[1].len && !when_parse_xs(text[1], &end)))
        return CODE_ErrorInvalidArgument;
    if (text[0].len && text[1].len && end < start)
        return CODE_ErrorCalendarEndDateIsEarlierThanStartDate;
    if (start != WHEN_NONE)
        settle_reminder(before, start, item);
    return before ? 0 : give_uid(arena, item);
}

/* ---- contacts and lists ---- */

/* The subject is the name, as long as nobody gave another. */
static int settle_person(struct arena *arena, const struct item *before, struct item *item, enum detail detail)
{
    struct span old, name;
    int r = text_of(arena, before, detail, &old);
    if (!r)
        r = text_of(arena, item, detail, &name);
    const bool followed = before ? span_eq(before->subject, item->subject) && span_eq(old, item->subject) : !item->subject.len;
    if (!r && name.len && followed)
        item->subject = name;
    return r;
}

/* Each member of a list gets a key to be taken away by, and is said to be there. */
static int settle_members(struct arena *arena, struct item *item)
{
    const struct detail_info *detail = detail_info(DETAIL_DISTLIST_Members);
    struct span xml = item_detail(item, detail);
    struct buf out = BUF_INIT(8u << 20);
    struct xml_piece whole, member, status;
    if (!xml_piece_next(&xml, &whole))
        return 0;
    struct span rest = whole.content;
    buf_add_str(&out, "<t:Members>");
    while (xml_piece_next(&rest, &member)) {
        struct span mark = { member.content.ptr, member.content.len }, key = xml_piece_attr(&member, "Key");
        uint8_t digest[SHA256_SIZE];
        buf_add_str(&out, "<t:Member Key=\"");
        sha256_parts(&mark, 1, digest);
        if (key.len)
            buf_add_span(&out, key);
        else
            base64_encode(&out, digest, 18);
        buf_add_str(&out, "\">");
        buf_add_span(&out, member.content);
        if (!xml_piece_find(member.whole, "Status", &status))
            buf_add_str(&out, "<t:Status>Normal</t:Status>");
        buf_add_str(&out, "</t:Member>");
    }
    buf_add_str(&out, "</t:Members>");
    int r = buf_error(&out);
    if (!r)
        r = arena_copy(arena, buf_span(&out), &xml);
    buf_done(&out);
    return r == -EFBIG ? CODE_ErrorDataSizeLimitExceeded : r ? r : item_detail_put(arena, item, detail, xml);
}

int shape_settle(struct arena *arena, const struct item *before, struct item *item)
{
    int r = 0;
    if (item->kind == ITEM_KIND_TASK)
        return settle_task(arena, before, item);
    if (item->kind == ITEM_KIND_CALENDAR)
        return settle_calendar(arena, before, item);
    if (item->kind == ITEM_KIND_CONTACT)
        r = settle_person(arena, before, item, DETAIL_CONTACT_DisplayName);
    if (item->kind == ITEM_KIND_DISTLIST)
        r = settle_person(arena, before, item, DETAIL_DISTLIST_DisplayName);
    return r || item->kind != ITEM_KIND_DISTLIST ? r : settle_members(arena, item);
}
