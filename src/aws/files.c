/* Local credentials: the environment and the shared files. */
#include "aws/sources.h"

#include "aws/profile.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct str source_variable(const char *name)
{
	return str_of(getenv(name));
}

enum status source_environment(struct arena *a, struct aws_credentials *out, bool *found, struct fault *why)
{
	assert(a != NULL && out != NULL && found != NULL);
	struct str id = source_variable("AWS_ACCESS_KEY_ID"), secret = source_variable("AWS_SECRET_ACCESS_KEY");
	struct str expires = source_variable("AWS_CREDENTIAL_EXPIRATION");
	int64_t expires_ms = 0;
	*found = id.n > 0 || secret.n > 0;
	if (!*found)
		return OK;
	if (id.n == 0 || secret.n == 0)
		return fault_set(why, UPSTREAM_FAILED, "of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set");
	if (expires.n > 0 && !clock_parse_iso8601(expires, &expires_ms))
		return fault_set(why, UPSTREAM_FAILED, "AWS_CREDENTIAL_EXPIRATION is not a time as 2026-11-22T07:37:22Z");
	*out = (struct aws_credentials){ str_dup(a, id), str_dup(a, secret), str_dup(a, source_variable("AWS_SESSION_TOKEN")), expires_ms };
	return OK;
}

enum status source_read_file(const char *path, struct arena *a, struct str *out, struct fault *why)
{
	assert(path != NULL && a != NULL && out != NULL);
	struct buf b;
	*out = (struct str){ NULL, 0 };
	buf_init_arena(&b, a, PROFILE_FILE_MAX);
	int error = file_read(path, &b);
	if (error == ENOENT || error == ENOTDIR)
		return OK;
	if (error == EFBIG)
		return fault_set(why, UPSTREAM_FAILED, "it is over %u bytes", PROFILE_FILE_MAX);
	if (error != 0)
		return fault_set(why, UPSTREAM_FAILED, "it cannot be read: %s", strerrordesc_np(error));
	*out = b.n > 0 ? buf_str(&b) : STR("");
	return OK;
}

static const struct shared_file {
	enum profile_file kind;
	const char *variable, *usual; /* usual: under the home directory */
} shared_files[] = {
	{ PROFILE_CREDENTIALS, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials" },
	{ PROFILE_CONFIG, "AWS_CONFIG_FILE", ".aws/config" },
};

static struct str profile_name(void)
{
	struct str name = source_variable("AWS_PROFILE");
	if (name.n == 0)
		name = source_variable("AWS_DEFAULT_PROFILE");
	return name.n > 0 ? name : STR("default");
}

/* The path goes to the log only: the message may reach a client. */
static enum status read_profile(const struct shared_file *f, struct arena *a, struct aws_profile *out, struct fault *why)
{
	struct str path = source_variable(f->variable), text;
	struct fault inner = { 0 };
	*out = (struct aws_profile){ 0 };
	if (path.n == 0)
		path = str_printf(a, "%.*s/%s", STRF(source_variable("HOME")), f->usual);
	const char *cstr = str_cstr(a, path);
	if (cstr == NULL)
		return fault_too_much(why);
	enum status st = source_read_file(cstr, a, &text, &inner);
	if (st == OK && text.p != NULL)
		st = profile_read(text, f->kind, profile_name(), out, &inner);
	if (st != OK) {
		fault_set(
			why, UPSTREAM_FAILED, "the AWS %s file is unusable: %s", f->kind == PROFILE_CONFIG ? "config" : "credentials", inner.text);
		fault_cause(why, "%s: %s", cstr, inner.text);
	}
	return st;
}

enum status source_files(struct arena *a, struct aws_credentials *out, bool *found, struct fault *why)
{
	assert(a != NULL && out != NULL && found != NULL);
	struct str name = profile_name();
	bool known = false;
	*found = false;
	for (size_t i = 0; i < COUNT_OF(shared_files) && !*found; i++) {
		struct aws_profile p;
		TRY(read_profile(&shared_files[i], a, &p, why));
		known = known || p.found;
		*found = p.access_key.n > 0 || p.secret.n > 0;
		if (*found && (p.access_key.n == 0 || p.secret.n == 0))
			return fault_set(
				why, UPSTREAM_FAILED, "the AWS profile %.*s has only one of aws_access_key_id and aws_secret_access_key", STRF(name));
		*out = (struct aws_credentials){ p.access_key, p.secret, p.session_token, 0 };
	}
	if (!*found && source_variable("AWS_PROFILE").n > 0)
		return fault_set(why, UPSTREAM_FAILED, "the AWS profile %.*s %s", STRF(name), known ? "has no access key" : "is in no file");
	return OK;
}

struct str source_region(struct arena *a)
{
	struct aws_profile p;
	for (size_t i = COUNT_OF(shared_files); i-- > 0;)
		if (read_profile(&shared_files[i], a, &p, NULL) == OK && p.region.n > 0)
			return p.region;
	return STR("");
}
