/* The file of the access keys. See key_file.h. */
#include "store/keys/key_file.h"

#include "base/file.h"
#include "base/hash.h"
#include "store/files/io.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define FILE_NAME "credentials"
#define NEW_NAME "credentials.new"
#define ID_CHARS 20
#define SECRET_CHARS 40

/* n characters of the alphabet (of at most 256), each as likely. */
static void random_word(char *out, size_t n, struct str alphabet)
{
	assert(alphabet.n > 0 && alphabet.n <= 256);
	size_t fair = 256 - 256 % alphabet.n;

	for (size_t i = 0; i < n;) {
		unsigned char byte;
		random_bytes(&byte, 1);
		if (byte < fair)
			out[i++] = alphabet.p[byte % alphabet.n];
	}
	out[n] = '\0';
}

void new_key_make(struct new_key *k)
{
	memcpy(k->id, "AKIA", 4);
	random_word(k->id + 4, ID_CHARS - 4, STR("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"));
	random_word(k->secret, SECRET_CHARS, STR("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"));
}

void new_key_write(struct buf *b, const char *name, const struct new_key *k)
{
	buf_printf(b, "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n", name, k->id, k->secret);
}

void key_text_deinit(struct buf *b)
{
	if (b->p != NULL)
		secret_wipe(b->p, b->cap);
	buf_deinit(b);
}

enum status key_file_lock(int dir_fd, const char *path, struct fault *why)
{
	while (flock(dir_fd, LOCK_EX) != 0)
		if (errno != EINTR)
			return io_fault_start(why, errno, "lock the file credentials in", path);
	return OK;
}

void key_file_unlock(int dir_fd)
{
	(void)flock(dir_fd, LOCK_UN);
}

/* Root edits for a server that runs as another user: the file is that user's, as the directory is. */
static bool give_to_owner(int dir_fd, int fd)
{
	struct stat dir, new;

	if (fstat(dir_fd, &dir) != 0 || fstat(fd, &new) != 0)
		return false;
	return dir.st_uid == new.st_uid || fchown(fd, dir.st_uid, dir.st_gid) == 0;
}

enum status key_file_write(int dir_fd, struct str text, const char *path, struct fault *why)
{
	assert(dir_fd >= 0 && text.n > 0);
	(void)local_io.unlink(dir_fd, NEW_NAME);
	int fd = local_io.open(dir_fd, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	bool good = fd >= 0 && give_to_owner(dir_fd, fd) && io_write_all(fd, text.p, text.n) == 0 && local_io.fsync(fd) == 0;
	io_close(fd);
	if (good && renameat(dir_fd, NEW_NAME, dir_fd, FILE_NAME) == 0 && local_io.fsync(dir_fd) == 0)
		return OK;
	enum status status = io_fault_start(why, errno, "write the file credentials in", path);
	(void)local_io.unlink(dir_fd, NEW_NAME);
	return status;
}

static void put_random_profile(struct buf *b, const char *name)
{
	struct new_key key;

	new_key_make(&key);
	new_key_write(b, name, &key);
	secret_wipe(&key, sizeof key);
}

enum status key_file_make(int dir_fd, const char *path, struct fault *why)
{
	struct buf b CLEANUP(key_text_deinit);

	buf_init(&b, PROFILES_MAX_BYTES);
	if (faccessat(dir_fd, FILE_NAME, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return OK;
	buf_put(&b,
		STR("# Access keys of this tintype server. [tintype] is the owner, with full access to its own buckets.\n"
			"# [slots] signs upload slots: it may put and get images only. Others are users: `tintype keys` creates them.\n"));
	put_random_profile(&b, KEY_OWNER_NAME);
	buf_put_char(&b, '\n');
	put_random_profile(&b, "slots");
	TRY(fault_check_buf(&b, why));
	return key_file_write(dir_fd, buf_str(&b), path, why);
}

static enum status read_private(int fd, struct buf *out, struct stat *st, const char *path, struct fault *why)
{
	if (fstat(fd, st) != 0)
		return io_fault_start(why, errno, "read the file credentials in", path);
	int error = file_read_text(fd, out);
	if (error == EFBIG)
		return fault_set(why, STORAGE_FAILED, "%s/credentials is longer than %d bytes.", path, PROFILES_MAX_BYTES);
	return error == 0 ? OK : io_fault_start(why, error, "read the file credentials in", path);
}

enum status key_file_read(int dir_fd, const char *path, struct buf *out, struct stat *st, struct fault *why)
{
	assert(dir_fd >= 0 && path != NULL);
	int fd = local_io.open(dir_fd, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);

	if (fd < 0)
		return io_fault_start(why, errno, "open the file credentials in", path);
	struct stat dir = { 0 };
	const bool known = fstat(dir_fd, &dir) == 0;
	const struct file_rule rule = { .owner = dir.st_uid, .is_secret = true, .what = "file credentials in", .path = path };
	enum status status = known ? file_check_private(fd, &rule, why) : io_fault_start(why, errno, "read the file credentials in", path);
	if (status == OK)
		status = read_private(fd, out, st, path, why);
	io_close(fd);
	return status;
}
