#include "app/operator_console.h"

#include "base/codec.h"
#include "base/hash.h"
#include "store/keys/key_edit.h"

#define RIGHTS_MAX_BYTES ((size_t)16 << 10)

/* Users that are being read. */
struct reading {
	struct arena *arena;
	struct console_s3_users *out;
};

static void add_user(void *arg, const struct key_profile *p)
{
	struct reading *r = arg;
	struct buf may;
	buf_init_arena(&may, r->arena, RIGHTS_MAX_BYTES);
	key_rights_write(&may, &p->key);
	r->out->users[r->out->n++] = (struct console_s3_user){ .name = str_dup(r->arena, str_of(p->name)),
		.key_id = str_dup(r->arena, str_of(p->key.id)),
		.owner = str_dup(r->arena, str_of(p->key.user)),
		.may = buf_str(&may) };
}

static enum status read_s3_users(void *arg, struct arena *a, struct console_s3_users *out, struct fault *why)
{
	const struct settings *s = arg;
	*out = (struct console_s3_users){ .users = arena_array(a, PROFILES_MAX, sizeof *out->users) };
	if (out->users == NULL)
		return fault_too_much(why);
	TRY(key_edit_each(s->data_dir, add_user, &(struct reading){ a, out }, why));
	return fault_check_arena(a, why);
}

enum status operator_console_make(struct operator_console *o, const struct operator_console_parts *parts, struct fault *why)
{
	assert(o != NULL && parts != NULL);
	const struct backends *b = parts->backends;
	unsigned char random[16];
	random_bytes(random, sizeof random);
	hex_encode(random, sizeof random, o->own);
	o->token = parts->settings->admin_token[0] != '\0' ? parts->settings->admin_token : o->own;
	admin_query_of_list_init(&o->listed, b->table);
	o->console = console_new(&(struct console_options){
		.auth = { str_of(o->token), parts->wrong_secrets },
		.product = parts->product,
		.admin_query = b->admin_query != NULL ? b->admin_query : &o->listed.port,
		.outbox = b->outbox,
		.transfer = b->transfer,
		.settings = parts->settings,
		.api = parts->api,
		.delivery = parts->delivery,
		.history = parts->history,
		.running = history_thread_running,
		.running_arg = parts->history_thread,
		.buckets = b->bucket,
		.catalog = b->catalog,
		.s3_users = read_s3_users,
		.s3_users_arg = (void *)(uintptr_t)parts->settings,
	});
	return o->console != NULL ? OK : fault_no_memory(why);
}

void operator_console_describe(const struct operator_console *o, const char *url, bool is_terminal, struct buf *out)
{
	assert(o != NULL && o->token != NULL && url != NULL && out != NULL);
	if (o->token != o->own)
		buf_printf(out, "%s/   (token: TINTYPE_ADMIN_TOKEN)", url);
	else if (is_terminal)
		buf_printf(out, "%s/#token=%s   (this link signs in)", url, o->own);
	else
		buf_printf(out, "%s/   (token: %s)", url, o->own);
}

void operator_console_end(struct operator_console *o)
{
	assert(o != NULL);
	console_free(&o->console);
	secret_wipe(o->own, sizeof o->own);
}
