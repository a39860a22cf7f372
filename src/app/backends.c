/* Choosing engines. Store and table go together: the embedded ones resolve an image and its row in one
 * commit, the distributed ones rely on garbage collection and on events; a mix could guarantee neither. */
#include "app/backends.h"

#include "aws/aws.h"
#include "config/table_url.h"

#include <string.h>

/* For a command that reads or writes whole images, several at a time: enough for 1 GB at 10 Mbit/s. A server uses a shorter one, since its
 * clients do not wait that long. */
#define COMMAND_TIMEOUT_MS (15 * 60 * (int64_t)1000)

enum status backends_choose(const struct settings *s, bool *remote, struct fault *why)
{
	assert(s != NULL);
	bool s3 = strcmp(s->store, "s3") == 0, sqlite = strcmp(s->table, "sqlite") == 0;
	if (s3 == sqlite)
		return fault_set(why, BAD_SETTING,
			"--store s3 and --table dynamodb or postgres://... go together: set both, or neither to "
			"keep everything in the data directory");
	*remote = s3;
	return OK;
}

const char *backends_table_name(const struct settings *s, char name[BACKENDS_TABLE_NAME_CHARS])
{
	struct str table = str_of(s->table);
	struct buf b;
	buf_init_fixed(&b, name, BACKENDS_TABLE_NAME_CHARS);
	table_url_put(&b, table_url_is(table) ? table : str_of(s->table_name));
	buf_put_char(&b, '\0');
	return buf_ok(&b) ? name : "postgres://";
}

enum status backends_open(const struct settings *s, const char *storage_url, struct backends *out, struct fault *why)
{
	assert(s != NULL);
	assert(storage_url != NULL);
	assert(out != NULL);
	bool remote = false;
	TRY(backends_choose(s, &remote, why));
	return remote ? backends_open_cloud(s, false, out, why) : backends_open_local(s, storage_url, false, out, why);
}

static enum status open_cloud_for_command(const struct settings *s, bool fills, struct backends *out, struct fault *why)
{
	TRY(backends_open_cloud(s, fills, out, why));
	s3_store_set_timeout(out->store, COMMAND_TIMEOUT_MS);
	return OK;
}

enum status backends_open_to_fill(const struct settings *s, struct backends *out, struct fault *why)
{
	assert(s != NULL && out != NULL);
	bool remote = false;
	TRY(backends_choose(s, &remote, why));
	return remote ? open_cloud_for_command(s, true, out, why) : backends_open_local(s, "", true, out, why);
}

enum status backends_open_beside(const struct settings *s, struct backends *out, struct fault *why)
{
	assert(s != NULL);
	assert(out != NULL);
	bool remote = false;
	TRY(backends_choose(s, &remote, why));
	return remote ? open_cloud_for_command(s, false, out, why) : backends_open_local_beside(s, out, why);
}

void backends_close(struct backends *e)
{
	assert(e != NULL);
	if (e->close != NULL)
		e->close(e);
	*e = (struct backends){ 0 };
}
