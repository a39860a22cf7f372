/* Access keys in a file. See credentials.h. Source of the format: AWS SDKs and Tools Reference Guide,
 * "Shared config and credentials files". */
#include "local/credentials.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "local/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAME "credentials"
#define NEW_NAME "credentials.new"
#define FILE_MAX_BYTES 65536
#define ID_CHARS 20
#define SECRET_CHARS 40

/* the parser */

static enum status bad_line(struct fault *why, size_t line, const char *what)
{
	return fault_set(why, INVALID_INPUT, "line %zu %s", line, what);
}

static bool copy_word(char *out, size_t size, struct str s)
{
	if (s.n == 0 || s.n >= size)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return true;
}

static enum status begin_profile(struct profiles *out, struct str line, size_t number, struct fault *why)
{
	if (out->n == PROFILES_MAX)
		return bad_line(why, number, "begins more profiles than a file may have");
	if (!str_ends_with(line, STR("]")))
		return bad_line(why, number, "begins a profile and has no ] at its end");
	struct profile *p = &out->all[out->n];
	*p = (struct profile){ .line = number };
	if (!copy_word(p->name, sizeof p->name, str_trim(str_slice(line, 1, line.n - 1))))
		return bad_line(why, number, "has a profile name that is empty, too long or has blanks");
	for (size_t i = 0; i < out->n; i++)
		if (strcmp(out->all[i].name, p->name) == 0)
			return bad_line(why, number, "begins a profile that is there already");
	out->n++;
	return OK;
}

static enum status read_setting(struct profiles *out, struct str line, size_t number, struct fault *why)
{
	struct str value = line;
	struct str name = str_trim(str_cut(&value, '='));

	if (value.p == NULL)
		return bad_line(why, number, "is neither [profile] nor name = value");
	if (out->n == 0)
		return bad_line(why, number, "stands before the first [profile]");
	struct access_key *key = &out->all[out->n - 1].key;
	value = str_trim(value);
	if (str_equal(name, STR("aws_access_key_id")) && !copy_word(key->id, sizeof key->id, value))
		return bad_line(why, number, "has an access key id that is empty, too long or has blanks");
	if (str_equal(name, STR("aws_secret_access_key")) && !copy_word(key->secret, sizeof key->secret, value))
		return bad_line(why, number, "has a secret that is empty, too long or has blanks");
	return OK;
}

static enum status check_profile(const struct profiles *all, size_t i, struct fault *why)
{
	const struct profile *p = &all->all[i];

	if (p->key.id[0] == '\0')
		return bad_line(why, p->line, "begins a profile without aws_access_key_id");
	if (p->key.secret[0] == '\0')
		return bad_line(why, p->line, "begins a profile without aws_secret_access_key");
	for (size_t k = 0; k < i; k++)
		if (strcmp(all->all[k].key.id, p->key.id) == 0)
			return bad_line(why, p->line, "begins a profile whose access key id another has");
	return OK;
}

enum status credentials_parse(struct str text, struct profiles *out, struct fault *why)
{
	out->n = 0;
	for (size_t number = 1; text.p != NULL; number++) {
		struct str line = str_cut(&text, '\n');
		if (str_ends_with(line, STR("\r")))
			line.n--;
		line = str_trim(line);
		if (line.n == 0 || line.p[0] == '#' || line.p[0] == ';')
			continue;
		if (line.p[0] == '[')
			TRY(begin_profile(out, line, number, why));
		else
			TRY(read_setting(out, line, number, why));
	}
	for (size_t i = 0; i < out->n; i++)
		TRY(check_profile(out, i, why));
	return OK;
}

/* a new file */

/* n characters of the alphabet (of at most 256), each as likely. */
static void random_word(char *out, size_t n, struct str alphabet)
{
	size_t fair = 256 - 256 % alphabet.n;

	for (size_t i = 0; i < n;) {
		unsigned char byte;
		random_bytes(&byte, 1);
		if (byte < fair)
			out[i++] = alphabet.p[byte % alphabet.n];
	}
	out[n] = '\0';
}

static void put_profile(struct buf *b, const char *name)
{
	char id[ID_CHARS + 1] = "AKIA", secret[SECRET_CHARS + 1];

	random_word(id + 4, ID_CHARS - 4, STR("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"));
	random_word(secret, SECRET_CHARS, STR("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"));
	buf_printf(b, "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n", name, id, secret);
	secret_wipe(secret, sizeof secret);
}

static enum status write_new(int dir_fd, struct str text, const char *path, struct fault *why)
{
	(void)local_io.unlink(dir_fd, NEW_NAME);
	int fd = local_io.open(dir_fd, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	bool good = fd >= 0 && io_write_all(fd, text.p, text.n) == 0 && local_io.fsync(fd) == 0;
	io_close(fd);
	if (good && renameat(dir_fd, NEW_NAME, dir_fd, FILE_NAME) == 0 && local_io.fsync(dir_fd) == 0)
		return OK;
	enum status status = io_fault_start(why, errno, "write the file credentials in", path);
	(void)local_io.unlink(dir_fd, NEW_NAME);
	return status;
}

static enum status make_file(int dir_fd, const char *path, struct fault *why)
{
	struct buf b;

	buf_init(&b, FILE_MAX_BYTES);
	buf_put(&b, STR("# Access keys of this tintype server. [tintype] may do everything.\n"
	                "# [slots] signs upload slots: it may put and get images, no more.\n"));
	put_profile(&b, "tintype");
	buf_put_char(&b, '\n');
	put_profile(&b, "slots");
	enum status status = buf_ok(&b) ? write_new(dir_fd, buf_str(&b), path, why)
	                                : fault_set(why, STORAGE_FAILED, "Memory ran out.");
	if (b.p != NULL)
		secret_wipe(b.p, b.n);
	buf_deinit(&b);
	return status;
}

/* an old one */

static enum status read_file(int fd, char *text, size_t *n, const char *path, struct fault *why)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return io_fault_start(why, errno, "read the file credentials in", path);
	if ((st.st_mode & 077) != 0)
		return fault_set(why, STORAGE_FAILED, "%s/credentials can be read by others; run chmod 600 on it first.", path);
	for (*n = 0; *n < FILE_MAX_BYTES;) {
		ssize_t got = read(fd, text + *n, FILE_MAX_BYTES - *n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return io_fault_start(why, errno, "read the file credentials in", path);
		if (got == 0)
			return OK;
		*n += (size_t)got;
	}
	return fault_set(why, STORAGE_FAILED, "%s/credentials is longer than %d bytes.", path, FILE_MAX_BYTES);
}

static const struct access_key *give_power(struct profiles *all, const char *name, enum key_power power)
{
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->all[i].name, name) == 0) {
			all->all[i].key.power = power;
			memcpy(all->all[i].key.user, KEY_OWNER_NAME, sizeof KEY_OWNER_NAME);
			return &all->all[i].key;
		}
	return NULL;
}

static enum status take_profiles(struct credentials *c, struct str text, const char *path, struct fault *why)
{
	struct fault cause;

	if (credentials_parse(text, c->profiles, &cause) != OK)
		return fault_set(why, STORAGE_FAILED, "%s/credentials is malformed: %s.", path, cause.text);
	c->owner = give_power(c->profiles, "tintype", KEY_OWNER);
	c->slots = give_power(c->profiles, "slots", KEY_SLOTS);
	if (c->owner == NULL || c->slots == NULL)
		return fault_set(why, STORAGE_FAILED, "%s/credentials lacks the profile [%s].", path,
		                 c->owner == NULL ? "tintype" : "slots");
	return OK;
}

static enum status load(struct credentials *c, int fd, const char *path, struct fault *why)
{
	char *text = mem_new(1, FILE_MAX_BYTES);
	size_t n = 0;

	c->profiles = mem_new(1, sizeof *c->profiles);
	if (text == NULL || c->profiles == NULL) {
		mem_free(text);
		return fault_set(why, STORAGE_FAILED, "Memory ran out.");
	}
	enum status status = read_file(fd, text, &n, path, why);
	if (status == OK)
		status = take_profiles(c, (struct str){ text, n }, path, why);
	secret_wipe(text, FILE_MAX_BYTES);
	mem_free(text);
	return status;
}

static const struct access_key *find_key(struct key_ring *ring, struct str id)
{
	const struct credentials *c = (const struct credentials *)ring;

	if (str_equal(id, str_of(c->slots->id)))
		return c->slots;
	return str_equal(id, str_of(c->owner->id)) ? c->owner : NULL;
}

enum status credentials_open(struct credentials *c, int dir_fd, const char *path, struct fault *why)
{
	static const struct key_ring_ops ops = { .find = find_key };
	int fd = local_io.open(dir_fd, FILE_NAME, O_RDONLY | O_NOFOLLOW, 0);

	*c = (struct credentials){ .ring = { &ops } };
	if (fd < 0 && errno == ENOENT) {
		TRY(make_file(dir_fd, path, why));
		fd = local_io.open(dir_fd, FILE_NAME, O_RDONLY | O_NOFOLLOW, 0);
	}
	if (fd < 0)
		return io_fault_start(why, errno, "open the file credentials in", path);
	enum status status = load(c, fd, path, why);
	io_close(fd);
	return status;
}

void credentials_close(struct credentials *c)
{
	if (c->profiles != NULL)
		secret_wipe(c->profiles, sizeof *c->profiles);
	mem_free(c->profiles);
	*c = (struct credentials){ 0 };
}
