/* Fuzz target of http/server/framing and http/server/host: the first line is a target, each other line a header
 * cut at its colon. What is accepted must have exactly one way to determine where the body ends. */
#include "http/server/framing.h"
#include "http/server/host.h"

#include <assert.h>
#include <stdlib.h>

#define HEADERS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static size_t count(const struct header *headers, size_t n, struct str name)
{
	size_t found = 0;
	for (size_t i = 0; i < n; i++)
		found += str_equal_nocase(headers[i].name, name);
	return found;
}

static void check_headers(const struct header *headers, size_t n)
{
	struct framing f;
	struct fault why = { 0 };
	struct host_names names;
	struct arena arena CLEANUP(arena_deinit) = { 0 };
	struct header_index index;
	arena_init(&arena, 4096);
	if (header_index_make(&arena, headers, n, &index, &why) != OK)
		abort();
	for (size_t i = 0; i < n; i++)
		assert(str_equal(header_index_find(&index, headers[i].name), header_find(headers, n, headers[i].name)));
	if (framing_read(&index, &f, &why) != OK) {
		assert((why.code == F_BAD_FRAMING || why.code == F_BAD_CODING) && why.text[0] != '\0');
		return;
	}
	size_t lengths = count(headers, n, STR("Content-Length")), codings = count(headers, n, STR("Transfer-Encoding"));
	assert(lengths == f.has_length && codings == f.chunked && lengths + codings <= 1);
	assert(count(headers, n, STR("Host")) == (f.host.p != NULL));
	host_names_init(&names);
	names.any_address = true;
	struct str name;
	assert(f.host.n == 0 || host_cut_name(f.host, &name));
	assert(f.host.n > 0 || !host_is_ours(&names, f.host));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str rest = { (const char *)p, n };
	struct header headers[HEADERS_MAX];
	struct target target;
	struct fault why = { 0 };
	size_t found = 0;
	struct str method = n % 2 == 0 ? STR("OPTIONS") : STR("GET"), name;
	if (framing_cut_target(method, str_cut(&rest, '\n'), &target, &why) == OK) {
		assert(target.path.n > 0 && str_find_char(target.path, '?') == target.path.n);
		assert(target.path.p[0] == '/' || (n % 2 == 0 && str_equal(target.path, STR("*"))));
		assert(target.authority.n == 0 || host_cut_name(target.authority, &name));
	}
	while (rest.p != NULL && found < HEADERS_MAX) {
		struct str line = str_cut(&rest, '\n');
		headers[found].name = str_cut(&line, ':');
		headers[found++].value = line.p == NULL ? STR("") : str_trim(line);
	}
	check_headers(headers, found);
	return 0;
}
