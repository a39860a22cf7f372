/* The settings: one table (settings.def) makes this struct, the environment's names, the flags,
 * --help, the reference page and the sample .env. Flags win over the environment, the environment
 * over the defaults. Read once at start, then only read: any thread. */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include "base/buf.h"
#include "base/fault.h"

#define SETTING_TYPE_TEXT const char *
#define SETTING_TYPE_NUMBER uint64_t
#define SETTING_TYPE_SWITCH bool

struct settings {
#define SETTING(field, kind, env, flag, def, min, max, unit, sentence) SETTING_TYPE_##kind field;
#include "config/settings.def"
#undef SETTING
};

/* Defaults, then the environment, then the flags `--flag VALUE`, `--flag=VALUE`, `--switch`,
 * `--no-switch` of argv[0..argc), which begins after the verb. A switch's value is on or off.
 * Texts are borrowed from argv and the environment. An empty environment variable counts as unset.
 * s       written only on OK
 * Errors  BAD_SETTING an unknown flag, a missing value, not a number, out of range, not one of the
 *         words that `unit` lists, a text too short; the text names the setting and the expected value */
enum status settings_load(struct settings *s, int argc, char **argv, struct fault *why) MUST_CHECK;
/* The environment's name of what `--flag` sets, "TINTYPE_API" of "api"; "" when no flag is called so. */
const char *settings_env_of(const char *flag);
/* Whether an environment variable of this name is a setting. */
bool settings_has_env(struct str name);
/* The renderings of the table: what --help shows, paragraphs of the manual page, doc/settings.md, .env.example.
 * takes  bits of the rows that are shown: SETTING_BIT of settings_table.h, or FLAGS_ALL */
void settings_help(struct buf *b, unsigned __int128 takes);
void settings_manual(struct buf *b);
void settings_markdown(struct buf *b);
void settings_env_example(struct buf *b);

#endif
