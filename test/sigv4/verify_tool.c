/* A tool for tests: our signer and verifier for programs in other languages.
 *
 * `verify_tool verify`   reads {"method","target","headers","secret","region","date"}, prints OK or the fault
 * `verify_tool form`     reads {"fields","bucket","secret","region","date"}, prints OK or the fault
 * `verify_tool presign`  reads {"method","baseUrl","path","headers","query","accessKey","secret","token",
 *                        "region","date","expires"}, prints the URL
 *
 * All read JSON on stdin; headers, fields and query are lists of [name, value]. A fault is printed as
 * its name, a blank and its text; after signature_wrong comes what development mode would say. */
#include "base/codec.h"
#include "sigv4/policy.h"
#include "sigv4/presign.h"
#include "sigv4/verify.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct job {
	struct arena arena;
	json_t *in;
};

static struct str text_of(const struct job *j, const char *name)
{
	return str_of(json_string_value(json_object_get(j->in, name)));
}

static struct header *list_of(struct job *j, const char *name, size_t *n)
{
	const json_t *list = json_object_get(j->in, name);
	*n = json_array_size(list);
	struct header *pairs = arena_array(&j->arena, *n, sizeof *pairs);
	for (size_t i = 0; i < *n; i++) {
		const json_t *pair = json_array_get(list, i);
		pairs[i].name = str_of(json_string_value(json_array_get(pair, 0)));
		pairs[i].value = str_of(json_string_value(json_array_get(pair, 1)));
	}
	return pairs;
}

static int64_t date_of(const struct job *j)
{
	int64_t ms = 0;
	if (!clock_parse_amz_date(text_of(j, "date"), &ms))
		fputs("date is not of the form 20261122T073926Z\n", stderr);
	return ms;
}

static struct verify_context context_of(const struct job *j)
{
	return (struct verify_context){
		.region = text_of(j, "region"), .service = STR("s3"), .now_ms = date_of(j), .secret = text_of(j, "secret")
	};
}

static void say(const struct job *j, enum status s, const struct fault *why)
{
	printf("%s%s%s\n", s == OK ? "OK" : fault_name(why->code), s == OK ? "" : " ", s == OK ? "" : why->text);
}

static void verify(struct job *j)
{
	struct request r = { .arena = &j->arena, .method = text_of(j, "method"), .target = text_of(j, "target") };
	struct verify_context ctx = context_of(j);
	struct parsed_signature auth;
	struct sigv4_diagnosis d;
	struct fault why = { .code = F_NONE };
	struct str rest = r.target;
	r.path = str_cut(&rest, '?');
	r.headers = list_of(j, "headers", &r.n_headers);
	enum status s = query_parse(&j->arena, rest, &r.query, &why);
	s = s != OK ? s : signature_parse(&r, &auth, &why);
	s = s != OK ? s : signature_verify(&r, &auth, &ctx, &why);
	say(j, s, &why);
	if (why.code != F_SIGNATURE_WRONG)
		return;
	signature_explain(&r, &auth, &ctx, &d);
	printf("%.*s\n%.*s\n", STRF(d.mistake), STRF(d.canonical_request));
}

static void form(struct job *j)
{
	size_t n;
	struct header *fields = list_of(j, "fields", &n);
	struct verify_context ctx = context_of(j);
	struct parsed_signature auth;
	struct post_policy policy;
	struct str document = { NULL, 0 };
	struct fault why = { .code = F_NONE };
	enum status s = policy_signature(&j->arena, fields, n, &auth, &why);
	s = s != OK ? s : policy_verify(fields, n, &auth, &ctx, &why);
	for (size_t i = 0; i < n && s == OK; i++) {
		if (str_equal_nocase(fields[i].name, STR("policy")) && !base64_decode(&j->arena, fields[i].value, &document))
			s = fault_set(&why, POLICY_MALFORMED, "not base64");
	}
	s = s != OK ? s : policy_parse(&j->arena, document, &policy, &why);
	s = s != OK ? s : policy_check(&policy, fields, n, text_of(j, "bucket"), ctx.now_ms, &why);
	say(j, s, &why);
	if (s == OK && policy.has_range)
		printf("%llu %llu\n", (unsigned long long)policy.min_size, (unsigned long long)policy.max_size);
}

static void presign(struct job *j)
{
	struct sigv4_key key = { .access_key = text_of(j, "accessKey"),
		.secret = text_of(j, "secret"),
		.session_token = text_of(j, "token"),
		.region = text_of(j, "region"),
		.service = STR("s3") };
	struct presign_input in = { .method = text_of(j, "method"),
		.base_url = text_of(j, "baseUrl"),
		.path = text_of(j, "path"),
		.now_ms = date_of(j),
		.expires_s = (uint32_t)json_integer_value(json_object_get(j->in, "expires")) };
	struct fault why = { .code = F_NONE };
	struct str url = { NULL, 0 };
	in.headers = list_of(j, "headers", &in.n_headers);
	in.query = list_of(j, "query", &in.n_query);
	if (presign_url(&key, &in, &j->arena, &url, &why) != OK)
		say(j, INVALID, &why);
	else
		printf("%.*s\n", STRF(url));
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(struct job *);
	} COMMANDS[] = { { "verify", verify }, { "form", form }, { "presign", presign } };
	struct job j = { .in = json_loadf(stdin, 0, NULL) };
	size_t i = 0;
	arena_init(&j.arena, 4 * 1024 * 1024);
	while (argc == 2 && i < COUNT_OF(COMMANDS) && strcmp(COMMANDS[i].name, argv[1]) != 0)
		i++;
	bool known = argc == 2 && i < COUNT_OF(COMMANDS) && json_is_object(j.in);
	if (known)
		COMMANDS[i].run(&j);
	else
		fputs("usage: verify_tool verify|form|presign < JSON\n", stderr);
	json_decref(j.in);
	arena_deinit(&j.arena);
	return known ? 0 : 2;
}
