/*
 * See calendar.h.
 */
#include "ops/calendar.h"

static bool has_attendees(const struct item *item)
{
    static const enum detail lists[] = { DETAIL_CALENDAR_RequiredAttendees, DETAIL_CALENDAR_OptionalAttendees,
                                         DETAIL_CALENDAR_Resources };
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if (item_detail(item, detail_info(lists[i])).len)
            return true;
    return false;
}

int calendar_check(const struct op_call *call, const struct item *item, const char *attribute, int missing,
                   struct op_result *ret_result)
{
    struct span how;
    if (item->kind != ITEM_KIND_CALENDAR)
        return 0;
    if (!xml_attr(call->node, attribute, &how))
        return missing;
    if (span_is(how, "SendToNone") || !has_attendees(item))
        return 0;
    ret_result->text = "This server does not send meeting invitations; save the item with SendToNone.";
    return CODE_ErrorInvalidOperation;
}
