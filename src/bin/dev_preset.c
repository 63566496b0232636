/*
 * Presets of `ewsd dev`: settings that go together, from presets.def.
 */
#include "bin/dev.h"

#include <stdio.h>

static const struct preset {
    const char *name, *setting, *value, *text; /* setting NULL: begins a preset */
} rows[] = {
#define PRESET(name, text) { name, NULL, NULL, text },
#define PRESET_SETTING(name, setting, value, text) { name, setting, value, text },
#include "bin/presets.def"
#undef PRESET
#undef PRESET_SETTING
};

bool dev_preset_known(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            return true;
    return false;
}

int dev_preset_apply(const char *name, struct conf *conf, char ret_error[CONF_ERROR_SIZE])
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(rows); i++)
        if (rows[i].setting && strcmp(rows[i].name, name) == 0)
            r = conf_set(conf, span_of(rows[i].setting), span_of(rows[i].value), ret_error);
    return r;
}

void dev_preset_list(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct preset *row = &rows[i];
        if (!row->setting)
            printf("%s%s: %s\n", i ? "\n" : "", row->name, row->text);
        else
            printf("  %s=%s%s%s\n", row->setting, row->value, row->text[0] ? "   # " : "", row->text);
    }
}
