/* Whether a server can run with the settings, as far as they say it themselves; used by `tintype serve` and `tintype doctor`. */
#ifndef APP_SERVE_SETTINGS_H
#define APP_SERVE_SETTINGS_H

#include "base/fault.h"
#include "config/settings.h"

/* Check the settings that were read. Without a store of its own a server has no storage listener: that setting is emptied.
 * remote  out: images are stored remotely
 * Errors  BAD_SETTING, with a sentence that names the setting and says what to do */
enum status serve_settings_check(struct settings *s, bool *remote, struct fault *why) MUST_CHECK;
/* Check the URLs that are given to clients.
 * storage_is_wildcard  the store listens on every address
 * Errors               as above */
enum status serve_settings_check_urls(const struct settings *s, bool remote, bool storage_is_wildcard, struct fault *why) MUST_CHECK;

#endif
