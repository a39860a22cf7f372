/* What `tintype doctor` checks on this machine. See doctor.h. */
#include "app/commands/doctor.h"

#include "app/access.h"
#include "app/backends.h"
#include "app/render_pool.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/output.h"
#include "http/server/serve.h"
#include "http/server/tls.h"
#include "http/server/tls_facts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define DAY_MS ((int64_t)24 * 3600 * 1000)
#define EXPIRES_SOON_MS (21 * DAY_MS)
#define FILES_LEAST 1000

/* data */

static bool path_in(const struct doctor *d, const char *name, char out[PATH_BYTES])
{
	return snprintf(out, PATH_BYTES, "%s/%s", d->settings.data_dir, name) < PATH_BYTES;
}

/* Whose files, and who may read them. false: something was reported, or there is no such file. */
static bool check_private(struct doctor *d, const char *path, const char *what, uid_t owner, bool is_secret)
{
	struct fault why = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const struct file_rule rule = { .owner = owner, .is_secret = is_secret, .what = what, .path = path };
	if (fd < 0 && errno == ENOENT)
		return false;
	if (fd < 0) {
		doctor_report(
			d, DOCTOR_FAILED, "Run this as the server's user, who must own it.", "%s cannot be opened: %s.", path, strerror(errno));
		return false;
	}
	bool good = file_check_private(fd, &rule, &why) == OK;
	close(fd);
	if (!good)
		doctor_report_fault(d, DOCTOR_FAILED, "Only the server's user may own it and write to it: use chown and chmod.", &why);
	return good;
}

/* The directory in which the data directory is, or is made. */
static void find_parent(const struct doctor *d, char at[PATH_BYTES])
{
	struct str dir = str_of(d->settings.data_dir);
	while (dir.n > 1 && dir.p[dir.n - 1] == '/')
		dir.n--;
	while (dir.n > 0 && dir.p[dir.n - 1] != '/')
		dir.n--;
	(void)snprintf(at, PATH_BYTES, "%.*s", STRF(dir.n > 0 ? dir : STR(".")));
}

static void check_new_directory(struct doctor *d)
{
	char at[PATH_BYTES];
	find_parent(d, at);
	if (access(at, W_OK | X_OK) == 0)
		doctor_report(d, DOCTOR_OK, NULL, "%s is not there yet; the first start makes it.", d->settings.data_dir);
	else
		doctor_report(d, DOCTOR_FAILED, "Make it for the server's user, with mode 0700, or choose another with --data.",
			"%s is not there and cannot be made in %s: %s.", d->settings.data_dir, at, strerror(errno));
}

void doctor_check_data(struct doctor *d)
{
	static const struct {
		const char *name, *what;
		bool is_secret;
	} files[] = { { "credentials", "file of keys", true }, { "tintype.db", "database", false }, { "objects", "directory", false },
		{ "incoming", "directory", false }, { "lock", "file", false } };
	const char *dir = d->settings.data_dir;
	struct stat st;
	char path[PATH_BYTES];
	if (d->remote)
		return;
	if (stat(dir, &st) != 0 && errno == ENOENT) {
		check_new_directory(d);
		return;
	}
	if (S_ISDIR(st.st_mode) == 0) {
		doctor_report(d, DOCTOR_FAILED, "Choose another with --data; the first start makes it.", "%s is not a directory.", dir);
		return;
	}
	unsigned before = d->failures;
	uid_t owner = geteuid() != 0 ? geteuid() : st.st_uid; /* root checks it as its owner would */
	if (check_private(d, dir, "data directory", owner, false))
		for (size_t i = 0; i < COUNT_OF(files); i++)
			if (path_in(d, files[i].name, path))
				(void)check_private(d, path, files[i].what, owner, files[i].is_secret);
	if (d->failures > before)
		return;
	if (access(dir, R_OK | W_OK | X_OK) != 0)
		doctor_report(d, DOCTOR_FAILED,
			errno == EROFS ? "Mount its disk so that it can be written to." : "Let the server's user own it with mode 0700.",
			"%s cannot be written to: %s.", dir, strerror(errno));
	else
		doctor_report(d, DOCTOR_OK, NULL, "%s belongs to the server's user, who alone can write to it.", dir);
}

/* disk */

void doctor_check_disk(struct doctor *d)
{
	struct statvfs v;
	char free_text[SHOW_SIZE_CHARS], reserve_text[SHOW_SIZE_CHARS];
	char parent[PATH_BYTES];
	const char *dir = d->settings.data_dir;
	find_parent(d, parent);
	if (d->remote || statvfs(access(dir, F_OK) == 0 ? dir : parent, &v) != 0)
		return;
	uint64_t left = (uint64_t)v.f_bavail * v.f_frsize, all = (uint64_t)v.f_blocks * v.f_frsize;
	show_size(left, free_text);
	show_size(d->settings.reserve_bytes, reserve_text);
	if ((v.f_flag & ST_RDONLY) != 0)
		doctor_report(d, DOCTOR_FAILED, "Mount it so that it can be written to, or choose another directory with --data.",
			"The disk of %s is mounted read-only.", dir);
	else if (left < d->settings.reserve_bytes + ((uint64_t)1 << 20))
		doctor_report(d, DOCTOR_FAILED, "Free space, or lower --reserve: until then uploads are refused.",
			"%s are free, and %s are reserved (--reserve).", free_text, reserve_text);
	else if (v.f_files > 0 && v.f_favail < FILES_LEAST)
		doctor_report(d, DOCTOR_FAILED, "Remove files, or make the file system with more inodes.",
			"The file system has room for only %llu more file%s.", (unsigned long long)v.f_favail, plural_s(v.f_favail));
	else if (left < all / 20)
		doctor_report(
			d, DOCTOR_WARNING, "Free space before uploads are refused.", "%s are free, less than a twentieth of the disk.", free_text);
	else
		doctor_report(d, DOCTOR_OK, NULL, "%s are free; below %s uploads are refused.", free_text, reserve_text);
}

/* clock */

void doctor_check_clock(struct doctor *d)
{
	struct timex t = { 0 };
	char now[ISO8601_CHARS + 1];
	int state = adjtimex(&t);
	clock_iso8601(clock_now_ms(), now);
	if (clock_now_ms() < INT64_C(1767225600000)) /* 2026, before which no version of this program was built */
		doctor_report(d, DOCTOR_FAILED, "Set the clock: for everybody else, signed URLs would have expired.",
			"The clock says %s, which is in the past.", now);
	else if (state < 0 || state == TIME_ERROR)
		doctor_report(d, DOCTOR_WARNING,
			"Run a time service such as systemd-timesyncd or chrony; signatures fail if the clock is minutes off.",
			"The clock says %s, and nothing keeps it right.", now);
	else
		doctor_report(d, DOCTOR_OK, NULL, "It says %s, and a time service keeps it right.", now);
}

/* ports */

static const char *address_of(const char *url)
{
	const char *after = strstr(url, "//");
	return after != NULL ? after + 2 : url;
}

/* Without the certificate, which has a check of its own. */
void doctor_check_ports(struct doctor *d)
{
	struct server *server = NULL;
	struct serve_addresses at;
	struct settings s = d->settings;
	struct fault why = { 0 };
	if (d->running)
		return;
	s.tls_cert = s.tls_key = "";
	struct api_options access;
	if (server_bind(&s, &server, &at, &why) != OK)
		doctor_report_fault(
			d, DOCTOR_FAILED, why.code == F_ADDRESS_TAKEN ? "Or end what uses it." : "The server does not start with this setting.", &why);
	else if (access_options(&s, &(struct access_place){ .address = at.api, .is_loopback = at.api_is_loopback }, &access, &why) != OK)
		doctor_report_fault(d, DOCTOR_FAILED, "The server does not start otherwise.", &why);
	else
		doctor_report(d, DOCTOR_OK, NULL, "The server can listen on %s%s%s and %s.", address_of(at.api), at.storage[0] ? ", " : "",
			address_of(at.storage), address_of(at.admin));
	server_free(&server);
}

/* certificate */

static void check_names(struct doctor *d)
{
	struct str rest = str_of(d->settings.hosts);
	char host[256];
	while (rest.n > 0) {
		struct str one = str_trim(str_cut(&rest, ','));
		struct str name = str_slice(one, 0, str_find_char(one, ':'));
		(void)snprintf(host, sizeof host, "%.*s", STRF(name));
		if (name.n > 0 && !tls_facts_has_host(d->settings.tls_cert, host))
			doctor_report(d, DOCTOR_FAILED, "Get one that covers all names in --hosts.",
				"The certificate is not for %s, which clients may call the server (--hosts).", host);
	}
}

static void check_validity(struct doctor *d, const struct tls_facts *f)
{
	int64_t now = clock_now_ms();
	char until[ISO8601_CHARS + 1];
	clock_iso8601(f->until_ms, until);
	if (now >= f->until_ms)
		doctor_report(d, DOCTOR_FAILED, "Renew it and replace the files; the server takes them without a restart.",
			"The certificate has expired at %s.", until);
	else if (now < f->from_ms)
		doctor_report(d, DOCTOR_FAILED, "Check the clock.", "The certificate is not valid yet.");
	else if (f->until_ms - now < EXPIRES_SOON_MS)
		doctor_report(d, DOCTOR_WARNING, "Renew it and replace the files; the server takes them without a restart.",
			"The certificate expires at %s.", until);
	else
		doctor_report(d, DOCTOR_OK, NULL, "The certificate matches its key and is valid until %s.", until);
}

void doctor_check_certificate(struct doctor *d)
{
	const struct settings *s = &d->settings;
	struct fault why = { 0 };
	struct tls_facts facts;
	if (s->tls_cert[0] == '\0' && s->tls_key[0] == '\0')
		return;
	enum status st = tls_open(s->tls_cert, s->tls_key, &why);
	tls_close();
	if (st == OK)
		st = tls_facts_read(s->tls_cert, &facts, &why);
	if (st != OK) {
		doctor_report_fault(d, DOCTOR_FAILED, "Replace the files that --tls-cert and --tls-key name.", &why);
		return;
	}
	check_validity(d, &facts);
	check_names(d);
	if (!facts.is_trusted)
		doctor_report(d, DOCTOR_WARNING,
			"Append the intermediate certificates to the file; a self-signed certificate is trusted only by clients that are told to trust it.",
			"This system does not trust the certificate: %s.", facts.flaw);
}

/* renderer */

void doctor_check_renderer(struct doctor *d)
{
	struct pool *pool CLEANUP(pool_free) = NULL;
	struct fault why = { 0 };
	const struct pool_options o = render_pool_options(&d->settings, 1, 1);
	if (str_equal(str_of(d->settings.verify), STR("header")))
		return;
	enum status st = pool_start(&o, &pool, &why);
	if (st == OK)
		st = pool_ready(pool, &why);
	if (st != OK)
		doctor_report_fault(
			d, DOCTOR_FAILED, "Install tintype-render next to tintype; without seccomp, --render-sandbox off is the last resort.", &why);
	else if (!o.sandbox)
		doctor_report(d, DOCTOR_WARNING, "Start the server with --render-sandbox on.",
			"tintype-render runs without its system-call filter (--render-sandbox off).");
	else
		doctor_report(d, DOCTOR_OK, NULL, "tintype-render starts, confined by: %.*s.", STRF(pool_layers_text(pool_layers(pool))));
}
