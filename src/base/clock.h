/* Time: the wall clock in milliseconds since 1970 UTC, a monotonic clock for deadlines, and the
 * written forms that the protocols use. Pure but for the clocks and the two-digit years of RFC 850; any thread. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/str.h"

/* The wall clock, which may be set; and the monotonic one, for intervals and deadlines. */
int64_t clock_now_ms(void);
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);

#define ISO8601_CHARS 24   /* 2026-11-22T07:37:22.123Z */
#define AMZ_DATE_CHARS 16  /* 20261122T073722Z */
#define HTTP_DATE_CHARS 29 /* Sun, 22 Nov 2026 07:37:22 GMT */

/* Each writes its characters and a NUL. */
void clock_iso8601(int64_t ms, char out[ISO8601_CHARS + 1]);
void clock_amz_date(int64_t ms, char out[AMZ_DATE_CHARS + 1]);
void clock_http_date(int64_t ms, char out[HTTP_DATE_CHARS + 1]);

/* Each reads exactly its form, with real calendar days; ISO 8601 with or without milliseconds, Z only; of HTTP also the obsolete forms
 * of RFC 850 (whose year is within 50 years from now, or past) and of asctime. */
bool clock_parse_iso8601(struct str s, int64_t *ms) MUST_CHECK;
bool clock_parse_amz_date(struct str s, int64_t *ms) MUST_CHECK;
bool clock_parse_http_date(struct str s, int64_t *ms) MUST_CHECK;

#endif
