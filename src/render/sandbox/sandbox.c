/* See sandbox.h. The filter is in filter.c. */
#include "render/sandbox/sandbox.h"

#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DESCRIPTORS_MAX 8

bool sandbox_limit(bool keep_stderr)
{
	static const struct {
		__rlimit_resource_t resource;
		rlim_t most;
	} LIMITS[] = { { RLIMIT_CORE, 0 }, { RLIMIT_FSIZE, 0 }, { RLIMIT_NOFILE, DESCRIPTORS_MAX }, { RLIMIT_CPU, RENDER_WORKER_CPU_S } };
	(void)close(STDIN_FILENO);
	(void)close(STDOUT_FILENO);
	if (!keep_stderr)
		(void)close(STDERR_FILENO);
	(void)close_range(RENDER_WINDOW_FD + 1, ~0U, 0);
	for (size_t i = 0; i < COUNT_OF(LIMITS); i++)
		if (setrlimit(LIMITS[i].resource, &(struct rlimit){ LIMITS[i].most, LIMITS[i].most }) != 0)
			return false;
	return prctl(PR_SET_DUMPABLE, 0) == 0;
}

/* An empty file system over a folder that every system has, and that as the root. */
static bool enter_empty_root(void)
{
	static const char *const FOLDERS[] = { "/proc", "/tmp", "/dev" };
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return false;
	for (size_t i = 0; i < COUNT_OF(FOLDERS); i++)
		if (mount("none", FOLDERS[i], "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k") == 0 && chroot(FOLDERS[i]) == 0 &&
			chdir("/") == 0)
			return true;
	return false;
}

uint32_t sandbox_isolate(void)
{
	const int own = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
	uint32_t layers = 0;
	if (unshare(CLONE_NEWUSER | own) == 0 || unshare(own) == 0) /* the latter for root where user namespaces are off */
		layers |= RENDER_NO_NETWORK | (enter_empty_root() ? (uint32_t)RENDER_NO_FILES : 0);
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };
	(void)syscall(SYS_capset, &head, none);
	return layers;
}
