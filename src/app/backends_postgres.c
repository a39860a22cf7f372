/* See backends_postgres.h. */
#include "app/backends_postgres.h"

#include "app/image_rules.h"
#include "base/file.h"
#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PASSWORD_FILE_BYTES 4096

static void wipe(struct buf *b)
{
	if (b->p != NULL)
		secret_wipe(b->p, b->cap);
	buf_deinit(b);
}

static enum status refuse_file(const char *path, const char *text, struct fault *why)
{
	return fault_set(why, BAD_SETTING, "--table-password-file: %s%s%s", path, path[0] != '\0' ? " cannot be read: " : "", text);
}

static enum status read_file(const char *path, struct buf *out, struct fault *why)
{
	const struct file_rule rule = { .owner = geteuid(), .or_root = true, .is_secret = true, .what = "file", .path = path };
	struct fault cause;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return refuse_file(path, strerror(errno), why);
	bool is_private = file_check_private(fd, &rule, &cause) == OK;
	int error = is_private ? file_read_text(fd, out) : 0;
	close(fd);
	if (!is_private)
		return refuse_file("", cause.text, why);
	return error == 0 ? OK : refuse_file(path, strerror(error), why);
}

/* Make the options from the settings. `text` gets the password file's contents, from which the options borrow the password. */
static enum status read_options(const struct settings *s, struct buf *text, struct postgres_options *out, struct fault *why)
{
	*out = (struct postgres_options){ .url = str_of(s->table), .max_pending = s->max_pending, .quota = quota_of(s) };
	if (s->table_password_file[0] == '\0')
		return OK;
	TRY(read_file(s->table_password_file, text, why));
	struct str rest = buf_str(text);
	out->password = str_cut(&rest, '\n');
	if (str_ends_with(out->password, STR("\r")))
		out->password.n--;
	return out->password.n > 0 ? OK : refuse_file(s->table_password_file, "its first line is empty", why);
}

enum status backends_postgres_open(const struct settings *s, bool fills, struct postgres **p, struct backends *out, struct fault *why)
{
	assert(s != NULL && p != NULL && out != NULL);
	struct buf text CLEANUP(wipe);
	struct postgres_options o;
	buf_init(&text, PASSWORD_FILE_BYTES);
	TRY(read_options(s, &text, &o, why));
	o.fills = fills;
	TRY(postgres_new(&o, p, why));
	out->table = postgres_table(*p);
	out->users = postgres_users(*p);
	out->api_keys = postgres_api_keys(*p);
	out->outbox = postgres_outbox(*p);
	out->transfer = postgres_transfer(*p);
	return OK;
}

void backends_postgres_free(struct postgres **p)
{
	postgres_free(p);
}

bool backends_postgres_lead(struct postgres *p, int64_t lease_ms)
{
	bool leads = false;
	return postgres_lease(p, STR("sweep"), lease_ms, &leads, NULL) == OK && leads;
}

enum status backends_postgres_create(const struct settings *s, struct fault *why)
{
	assert(s != NULL);
	struct buf text CLEANUP(wipe);
	struct postgres_options o;
	buf_init(&text, PASSWORD_FILE_BYTES);
	TRY(read_options(s, &text, &o, why));
	return postgres_create(&o, why);
}

enum status backends_postgres_inspect(const struct settings *s, struct postgres_report *out, struct fault *why)
{
	assert(s != NULL && out != NULL);
	struct buf text CLEANUP(wipe);
	struct postgres_options o;
	buf_init(&text, PASSWORD_FILE_BYTES);
	TRY(read_options(s, &text, &o, why));
	return postgres_inspect(&o, out, why);
}
