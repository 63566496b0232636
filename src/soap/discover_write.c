/*
 * The answers of discover.h. Only what is served is told: EWS. The two protocols
 * of POX, EXCH and EXPR, are the views from within and from without, and the
 * same here.
 */
#include "base/when.h"
#include "soap/discover.h"

#include <stdio.h>

#define NS_POX "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
#define NS_POX_ANSWER "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
#define NS_DISCOVER "http://schemas.microsoft.com/exchange/2010/Autodiscover"
#define NS_ADDRESSING "http://www.w3.org/2005/08/addressing"
#define TEXT_SIZE 320

static void declare(struct xml_writer *xw)
{
    buf_add_str(xw->out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>");
}

/* Outlook's name of a mailbox. */
static const char *legacy_dn(const struct discover_user *user, char text[TEXT_SIZE])
{
    (void)snprintf(text, TEXT_SIZE, "/o=ewsd/ou=Mailboxes/cn=Recipients/cn=%.*s", (int)user->id.len,
                   user->id.ptr);
    return text;
}

/* ---- POX ---- */

/* "73C08350" is 15.0.848. */
static void write_version(struct xml_writer *xw, const struct soap_server *server)
{
    char text[16];
    const uint32_t packed = 7u << 28 | (uint32_t)(server->major & 63) << 22 | (uint32_t)(server->minor & 63) << 16 | 1u << 15 |
                            (uint32_t)(server->major_build & 0x7fff);
    (void)snprintf(text, sizeof(text), "%08X", packed);
    xw_leaf_str(xw, "ServerVersion", text);
}

static void write_protocol(struct xml_writer *xw, const struct discover_place *place, const char *type)
{
    xw_open(xw, "Protocol");
    xw_leaf_str(xw, "Type", type);
    xw_leaf(xw, "Server", place->host);
    write_version(xw, place->server);
    xw_leaf_str(xw, "SSL", place->https ? "On" : "Off");
    xw_leaf_str(xw, "AuthPackage", "Basic");
    xw_leaf(xw, "ASUrl", place->url);
    xw_leaf(xw, "EwsUrl", place->url);
    xw_close(xw);
}

static void open_answer(struct xml_writer *xw, const char *ns)
{
    declare(xw);
    xw_open(xw, "Autodiscover");
    xw_attr_str(xw, "xmlns", NS_POX);
    xw_open(xw, "Response");
    if (ns)
        xw_attr_str(xw, "xmlns", ns);
}

void discover_pox_write(struct buf *out, const struct discover_place *place, const struct discover_user *user)
{
    struct xml_writer xw;
    char text[TEXT_SIZE];
    xw_init(&xw, out);
    open_answer(&xw, NS_POX_ANSWER);
    xw_open(&xw, "User");
    xw_leaf(&xw, "DisplayName", user->name);
    xw_leaf_str(&xw, "LegacyDN", legacy_dn(user, text));
    xw_leaf(&xw, "AutoDiscoverSMTPAddress", user->address);
    xw_leaf(&xw, "DeploymentId", user->id);
    xw_close(&xw);
    xw_open(&xw, "Account");
    xw_leaf_str(&xw, "AccountType", "email");
    xw_leaf_str(&xw, "Action", "settings");
    xw_leaf_str(&xw, "MicrosoftOnline", "False");
    write_protocol(&xw, place, "EXCH");
    write_protocol(&xw, place, "EXPR");
    xw_close(&xw);
    xw_close(&xw);
    xw_close(&xw);
}

static const char *error_text(enum discover_error error)
{
    switch (error) {
    case DISCOVER_NO_USER:
        return "The email address can't be found.";
    case DISCOVER_INVALID:
        return "Invalid Request";
    case DISCOVER_NO_PROVIDER:
        return "Provider is not available";
    case DISCOVER_FAILED:
        return "Server Error";
    }
    return "";
}

void discover_pox_write_error(struct buf *out, enum discover_error error, int64_t now)
{
    struct xml_writer xw;
    char time[TEXT_SIZE];
    const int64_t day = (now % 86400000 + 86400000) % 86400000;
    (void)snprintf(time, sizeof(time), "%02d:%02d:%02d.%03d0000", (int)(day / 3600000), (int)(day / 60000 % 60), (int)(day / 1000 % 60),
                   (int)(day % 1000));
    xw_init(&xw, out);
    open_answer(&xw, NULL);
    xw_open(&xw, "Error");
    xw_attr_str(&xw, "Time", time);
    xw_attr_str(&xw, "Id", "0");
    xw_leaf_int(&xw, "ErrorCode", error);
    xw_leaf_str(&xw, "Message", error_text(error));
    xw_leaf_str(&xw, "DebugData", "");
    xw_close(&xw);
    xw_close(&xw);
    xw_close(&xw);
}

/* ---- SOAP ---- */

static void add_schemas(const struct discover_place *place, struct buf *out)
{
    static const char *const names[] = {
#define VERSION(name) #name,
#include "soap/versions.def"
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        buf_add_str(out, i ? ", " : "");
        buf_add_str(out, names[i]);
        if (span_is(place->server->version, names[i]))
            return;
    }
}

static void add_build(const struct discover_place *place, struct buf *out)
{
    const struct soap_server *server = place->server;
    buf_printf(out, "%02d.%02d.%04d.%03d", (int)server->major, (int)server->minor, (int)server->major_build, (int)server->minor_build);
}

/* What is told, and of whom; user is NULL for a domain. */
static bool add_setting(const struct discover_place *place, const struct discover_user *user, struct span setting, struct buf *out)
{
    static const char *const urls[] = { "InternalEwsUrl", "ExternalEwsUrl", "InteropExternalEwsUrl" };
    char text[TEXT_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(urls); i++)
        if (span_is(setting, urls[i]))
            return buf_add_span(out, place->url), true;
    if (span_is(setting, "EwsSupportedSchemas"))
        return add_schemas(place, out), true;
    if (span_is(setting, "ExternalEwsVersion") || span_is(setting, "InteropExternalEwsVersion") || span_is(setting, "CasVersion"))
        return add_build(place, out), true;
    if (!user)
        return false;
    if (span_is(setting, "UserDisplayName"))
        return buf_add_span(out, user->name), true;
    if (span_is(setting, "AutoDiscoverSMTPAddress"))
        return buf_add_span(out, user->address), true;
    if (span_is(setting, "UserDN") || span_is(setting, "MailboxDN"))
        return buf_add_str(out, legacy_dn(user, text)), true;
    if (span_is(setting, "UserDeploymentId"))
        return buf_add_span(out, user->id), true;
    if (span_is(setting, "UserMSOnline") || span_is(setting, "MapiHttpEnabled"))
        return buf_add_str(out, "False"), true;
    return false;
}

/* The names of elements that a question and its answer differ in. */
static const struct names {
    const char *action, *message, *answers, *answer, *errors, *error, *settings, *setting, *type, *unknown;
} all_names[] = {
    [DISCOVER_USER_SETTINGS] = { NS_DISCOVER "/Autodiscover/GetUserSettingsResponse", "GetUserSettingsResponseMessage", "UserResponses",
                                 "UserResponse", "UserSettingErrors", "UserSettingError", "UserSettings", "UserSetting", "StringSetting",
                                 "InvalidUser" },
    [DISCOVER_DOMAIN_SETTINGS] = { NS_DISCOVER "/Autodiscover/GetDomainSettingsResponse", "GetDomainSettingsResponseMessage",
                                   "DomainResponses", "DomainResponse", "DomainSettingErrors", "DomainSettingError", "DomainSettings",
                                   "DomainSetting", "DomainStringSetting", "InvalidDomain" },
};

static void write_header(struct xml_writer *xw, const struct discover_place *place, const struct names *names)
{
    const struct soap_server *server = place->server;
    xw_open(xw, "s:Header");
    xw_open(xw, "a:Action");
    xw_attr_str(xw, "s:mustUnderstand", "1");
    xw_text(xw, span_of(names->action));
    xw_close(xw);
    xw_open(xw, "h:ServerVersionInfo");
    xw_attr_str(xw, "xmlns:h", NS_DISCOVER);
    xw_leaf_int(xw, "h:MajorVersion", server->major);
    xw_leaf_int(xw, "h:MinorVersion", server->minor);
    xw_leaf_int(xw, "h:MajorBuildNumber", server->major_build);
    xw_leaf_int(xw, "h:MinorBuildNumber", server->minor_build);
    xw_leaf(xw, "h:Version", server->version);
    xw_close(xw);
    xw_close(xw);
}

static void write_nil(struct xml_writer *xw, const char *element)
{
    xw_open(xw, element);
    xw_attr_bool(xw, "i:nil", true);
    xw_close(xw);
}

static void write_outcome(struct xml_writer *xw, const char *code, struct span words)
{
    xw_leaf_str(xw, "ErrorCode", code);
    xw_leaf(xw, "ErrorMessage", words);
}

static void write_lacking(struct xml_writer *xw, const struct names *names, struct span setting)
{
    xw_open(xw, names->error);
    write_outcome(xw, "SettingIsNotAvailable", SPAN("The setting is not available here."));
    xw_leaf(xw, "SettingName", setting);
    xw_close(xw);
}

/* First the settings that are lacking, then those that are there. */
static void write_settings(struct xml_writer *xw, const struct discover_place *place, const struct discover_request *request,
                           const struct names *names, const struct discover_user *user)
{
    struct buf value = BUF_INIT(4096);
    xw_open(xw, names->errors);
    for (size_t i = 0; user && i < request->settings_n; i++) {
        buf_clear(&value);
        if (!add_setting(place, request->question == DISCOVER_USER_SETTINGS ? user : NULL, request->settings[i], &value))
            write_lacking(xw, names, request->settings[i]);
    }
    xw_close(xw);
    xw_open(xw, names->settings);
    for (size_t i = 0; user && i < request->settings_n; i++) {
        buf_clear(&value);
        if (!add_setting(place, request->question == DISCOVER_USER_SETTINGS ? user : NULL, request->settings[i], &value))
            continue;
        xw_open(xw, names->setting);
        xw_attr_str(xw, "i:type", names->type);
        xw_leaf(xw, "Name", request->settings[i]);
        xw_leaf(xw, "Value", buf_span(&value));
        xw_close(xw);
    }
    xw_close(xw);
    buf_done(&value);
}

static void write_answer(struct xml_writer *xw, const struct discover_place *place, const struct discover_request *request,
                         const struct names *names, const struct discover_user *user)
{
    struct buf words = BUF_INIT(4096);
    xw_open(xw, names->answer);
    if (user->known)
        buf_add_str(&words, "No error.");
    else
        buf_printf(&words, request->question == DISCOVER_USER_SETTINGS ? "Invalid user: '%.*s'" : "Invalid domain: '%.*s'",
                   (int)(user->asked.len < 400 ? user->asked.len : 400), user->asked.ptr);
    write_outcome(xw, user->known ? "NoError" : names->unknown, buf_span(&words));
    if (request->question == DISCOVER_USER_SETTINGS) /* by the alphabet, as its schema has them */
        write_nil(xw, "RedirectTarget");
    write_settings(xw, place, request, names, user->known ? user : NULL);
    if (request->question == DISCOVER_DOMAIN_SETTINGS)
        write_nil(xw, "RedirectTarget");
    xw_close(xw);
    buf_done(&words);
}

void discover_soap_write(struct buf *out, const struct discover_place *place, const struct discover_request *request,
                         const struct discover_user *users)
{
    const struct names *names = &all_names[request->question];
    const bool valid = request->asked_n > 0 && request->settings_n > 0 && !request->too_many;
    struct xml_writer xw;
    xw_init(&xw, out);
    declare(&xw);
    xw_open(&xw, "s:Envelope");
    xw_attr_str(&xw, "xmlns:s", NS_SOAP);
    xw_attr_str(&xw, "xmlns:a", NS_ADDRESSING);
    write_header(&xw, place, names);
    xw_open(&xw, "s:Body");
    xw_open(&xw, names->message);
    xw_attr_str(&xw, "xmlns", NS_DISCOVER);
    xw_open(&xw, "Response");
    xw_attr_str(&xw, "xmlns:i", NS_XSI);
    write_outcome(&xw, valid ? "NoError" : "InvalidRequest",
                  valid ? SPAN("") : SPAN("Between 1 and 100 users or domains and 1 and 200 settings can be asked for."));
    xw_open(&xw, names->answers);
    for (size_t i = 0; valid && i < request->asked_n; i++)
        write_answer(&xw, place, request, names, &users[i]);
    xw_close(&xw);
    xw_close(&xw);
    xw_close(&xw);
    xw_close(&xw);
    xw_close(&xw);
}
