/* See sandbox.h. The filter is written by hand: libseccomp would be the largest part of it. */
#include "render/sandbox.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DESCRIPTORS_MAX 8

#if defined __x86_64__
#define ARCHITECTURE AUDIT_ARCH_X86_64
#define CALLS_END 0x40000000 /* above: those of x32 */
#elif defined __aarch64__
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#define CALLS_END 0x40000000
#else
#error "sandbox.c: name the architecture's AUDIT_ARCH constant"
#endif

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

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define KILL BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
/* Go on if the loaded word is `value`, else over `skip` instructions. */
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip))
#define ALLOW_CALL(name) UNLESS(SYS_##name, 1), ALLOW
/* Its first argument, the descriptor, is the socket. */
#define ALLOW_ON_SOCKET(name) UNLESS(SYS_##name, 4), LOAD(args[0]), UNLESS(RENDER_SOCKET_FD, 1), ALLOW, KILL

bool sandbox_filter(void)
{
	static struct sock_filter filter[] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
		KILL,
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, CALLS_END, 0, 1),
		KILL,
		ALLOW_CALL(pread64),
		ALLOW_CALL(madvise),
		ALLOW_CALL(close),
		ALLOW_CALL(exit_group),
		ALLOW_CALL(exit),
		ALLOW_ON_SOCKET(recvmsg),
		ALLOW_ON_SOCKET(sendto),
		KILL,
	};
	static const struct sock_fprog program = { COUNT_OF(filter), filter };
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}
