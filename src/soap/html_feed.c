/*
 * The parser gets little at a time. While it waits for the end of a tag, what
 * there is of that is counted as the parser will read it.
 */
#include "soap/html_feed.h"

#include <errno.h>

enum { AT_ONCE = 1024, ATTRIBUTES_MAX = 512 };

static void ignore_error(void *arg ATTR_UNUSED, xmlErrorPtr error ATTR_UNUSED)
{
}

int html_feed_open(struct html_feed *feed, htmlSAXHandler *sax, void *user, int more)
{
    *feed = (struct html_feed){ 0 };
    sax->serror = ignore_error;
    sax->initialized = XML_SAX2_MAGIC;
    feed->parser = htmlCreatePushParserCtxt(sax, user, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);
    if (!feed->parser)
        return -ENOMEM;
    htmlCtxtUseOptions(feed->parser, HTML_PARSE_RECOVER | HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC | more);
    return 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool begins_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' || c == '.';
}

static bool in_name(char c)
{
    return begins_name(c) || (c >= '0' && c <= '9') || c == '-';
}

static enum html_place gap(struct html_feed *feed, char c)
{
    if (is_blank(c))
        return HTML_GAP;
    if (c == '>')
        return HTML_OVER;
    if (!begins_name(c))
        return HTML_WORD;
    feed->attributes++;
    return HTML_NAME;
}

/* As htmlParseStartElement goes through a tag. What is no attribute (a WORD)
 * reaches up to the next blank. */
static enum html_place next_place(struct html_feed *feed, char c)
{
    switch (feed->place) {
    case HTML_TAG:
        return in_name(c) ? HTML_TAG : gap(feed, c);
    case HTML_GAP:
        return gap(feed, c);
    case HTML_NAME:
        return in_name(c) ? HTML_NAME : is_blank(c) ? HTML_NAMED : c == '=' ? HTML_EQUALS : gap(feed, c);
    case HTML_NAMED:
        return is_blank(c) ? HTML_NAMED : c == '=' ? HTML_EQUALS : gap(feed, c);
    case HTML_EQUALS:
        feed->quote = c;
        return is_blank(c) ? HTML_EQUALS : c == '"' || c == '\'' ? HTML_QUOTED : c == '>' ? HTML_OVER : HTML_WORD;
    case HTML_WORD:
        return is_blank(c) ? HTML_GAP : c == '>' ? HTML_OVER : HTML_WORD;
    case HTML_QUOTED:
        return c == feed->quote ? HTML_GAP : HTML_QUOTED;
    case HTML_OVER:
        break;
    }
    return HTML_OVER;
}

/* Of the len bytes that came the parser has left pending, the first of them
 * maybe long ago. */
static void count(struct html_feed *feed, size_t len)
{
    const xmlParserInput *input = feed->parser->input;
    const size_t pending = input ? (size_t)(input->end - input->cur) : 0;
    const char *tag = pending ? (const char *)input->cur : "";
    size_t at = feed->pending;
    if (pending != feed->pending + len || !feed->pending) { /* another tag, or none */
        feed->place = pending > 1 && tag[0] == '<' && feed->parser->instate == XML_PARSER_START_TAG ? HTML_TAG : HTML_OVER;
        feed->attributes = 0;
        at = 1;
    }
    for (; at < pending && feed->place != HTML_OVER; at++)
        feed->place = next_place(feed, tag[at]);
    feed->pending = pending > 1 ? pending : 0;
}

void html_feed(struct html_feed *feed, struct span html)
{
    while (html.len && feed->attributes <= ATTRIBUTES_MAX) {
        const size_t len = html.len < AT_ONCE ? html.len : AT_ONCE;
        htmlParseChunk(feed->parser, html.ptr, (int)len, 0);
        count(feed, len);
        html = (struct span){ html.ptr + len, html.len - len };
    }
}

void html_feed_close(struct html_feed *feed)
{
    htmlParseChunk(feed->parser, NULL, 0, 1);
    htmlFreeParserCtxt(feed->parser);
}
