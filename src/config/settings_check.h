/* Validation of settings that could never work: an upload to a bucket named "a?b" would fail at
 * the first client, so the server does not start with it. Pure; any thread. */
#ifndef CONFIG_SETTINGS_CHECK_H
#define CONFIG_SETTINGS_CHECK_H

#include "base/fault.h"
#include "base/str.h"

/* As bucket_name_ok has it.  Errors: BAD_SETTING; the text names the setting and the expected value, as of the others here */
enum status settings_check_bucket(struct str bucket, struct fault *why) MUST_CHECK;
/* One or more of a-z 0-9 -. */
enum status settings_check_region(struct str region, struct fault *why) MUST_CHECK;
/* Media types without parameters, with commas; at least one. */
enum status settings_check_types(struct str types, struct fault *why) MUST_CHECK;
/* The same, or none. */
enum status settings_check_unverified(struct str types, struct fault *why) MUST_CHECK;
/* "" or words of keep-metadata, in any order. */
enum status settings_check_keep(struct str words, struct fault *why) MUST_CHECK;
/* Each * or scheme://host[:port] as browsers send it, in lower case; an empty list allows none. */
enum status settings_check_origins(struct str origins, struct fault *why) MUST_CHECK;
/* The settings of the CDN: none; or its URL and its ID, and of the key both or none.
 * url      https://HOST[:PORT], in lower case; http on this machine */
enum status settings_check_cdn(
	struct str url, struct str distribution, struct str key_id, struct str key_parameter, struct fault *why) MUST_CHECK;

#endif
