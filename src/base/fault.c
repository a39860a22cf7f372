/* Faults: the table of fault.def as arrays, and the two calls that write a sentence into one.
 *
 * A sentence is formatted aside and copied, so that a caller may quote the fault's own old text,
 * and it is cut where a code point ends: what reaches a client stays UTF-8. */
#include "base/fault.h"
#include "base/arena.h"
#include "base/codec.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_CHARS 32

static const struct {
	const char *name;
	enum status status;
	int http;
} faults[FAULT_CODES] = {
#define FAULT(code, status, http, meaning) { #code, status, http },
#include "base/fault.def"
#undef FAULT
};

#define FAULT(code, status, http, meaning) _Static_assert(sizeof #code <= NAME_MAX_CHARS, "a name too long for fault_name");
#include "base/fault.def"
#undef FAULT

static char names[FAULT_CODES][NAME_MAX_CHARS];
static pthread_once_t names_once = PTHREAD_ONCE_INIT;

static void lower_names(void)
{
	for (size_t code = 0; code < FAULT_CODES; code++)
		for (size_t i = 0; faults[code].name[i] != '\0'; i++) {
			char c = faults[code].name[i];
			names[code][i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
		}
}

const char *fault_name(enum fault_code code)
{
	assert((size_t)code < FAULT_CODES);
	pthread_once(&names_once, lower_names);
	return names[code];
}

enum status fault_status(enum fault_code code)
{
	assert((size_t)code < FAULT_CODES);
	return faults[code].status;
}

int fault_http_status(enum fault_code code)
{
	assert((size_t)code < FAULT_CODES);
	return faults[code].http;
}

/* Format into out[max], cut at the end of a code point. */
PRINTF(3, 0) static void write_sentence(char *out, size_t max, const char *fmt, va_list args)
{
	char whole[sizeof((struct fault *)0)->text + 4];
	int n = vsnprintf(whole, sizeof whole, fmt, args);
	size_t have = n < 0 ? 0 : (size_t)n < sizeof whole ? (size_t)n : sizeof whole - 1;
	size_t keep = utf8_prefix((struct str){ whole, have }, max - 1);
	memcpy(out, whole, keep);
	out[keep] = '\0';
}

enum status fault_write(struct fault *why, enum fault_code code, const char *fmt, ...)
{
	enum status status = fault_status(code);
	if (why == NULL)
		return status;
	va_list args;
	va_start(args, fmt);
	write_sentence(why->text, sizeof why->text, fmt, args);
	va_end(args);
	why->code = code;
	why->cause[0] = '\0';
	why->retry_after_s = 0;
	return status;
}

unsigned fault_wait_s(int64_t wait_ms)
{
	assert(wait_ms >= 0);
	return wait_ms > 1000 ? (unsigned)((wait_ms + 999) / 1000) : 1;
}

void fault_retry_after(struct fault *why, int64_t wait_ms)
{
	if (why != NULL)
		why->retry_after_s = fault_wait_s(wait_ms);
}

void fault_cause(struct fault *why, const char *fmt, ...)
{
	if (why == NULL)
		return;
	va_list args;
	va_start(args, fmt);
	write_sentence(why->cause, sizeof why->cause, fmt, args);
	va_end(args);
}

enum status fault_no_memory(struct fault *why)
{
	return fault_set(why, OUT_OF_MEMORY, "Out of memory; try again later.");
}

enum status fault_too_much(struct fault *why)
{
	return fault_set(why, TOO_MUCH, "The request needs more memory than one request may use.");
}

enum status fault_stopped(struct fault *why)
{
	return fault_set(why, DEADLINE, "It was stopped; run it again to go on.");
}

enum status fault_check_arena(const struct arena *a, struct fault *why)
{
	assert(a != NULL);
	if (arena_ok(a))
		return OK;
	return a->starved ? fault_no_memory(why) : fault_too_much(why);
}

enum status fault_check_buf(const struct buf *b, struct fault *why)
{
	assert(b != NULL);
	if (buf_ok(b))
		return OK;
	return b->starved ? fault_no_memory(why) : fault_too_much(why);
}

enum status fault_blame_arena(const struct arena *a, enum status status, struct fault *why)
{
	assert(a != NULL);
	return status == LIMIT && a->starved ? fault_no_memory(why) : status;
}
