/* The filter of tintype-render-more: libheif's decoders allocate by mmap and have threads. No file can be opened, and nothing
 * executed, neither a file nor memory that was written. See sandbox.h. */
#include "render/sandbox/filter.h"
#include "render/sandbox/sandbox.h"

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>

/* Its argument i has none of these bits; or it has. */
#define ALLOW_WITHOUT(name, i, bits) UNLESS(SYS_##name, 4), LOAD(args[i]), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), 1, 0), ALLOW, KILL
#define ALLOW_WITH(name, i, bits) UNLESS(SYS_##name, 4), LOAD(args[i]), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), 0, 1), ALLOW, KILL
#define FAIL_CALL(name, error) UNLESS(SYS_##name, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))

bool sandbox_filter(void)
{
	static struct sock_filter filter[] = {
		FILTER_BEGIN,
		ALLOW_CALL(futex),
		ALLOW_CALL(pread64),
		ALLOW_CALL(madvise),
		ALLOW_CALL(munmap),
		ALLOW_CALL(mremap),
		ALLOW_CALL(brk),
		ALLOW_CALL(close),
		ALLOW_CALL(exit_group),
		ALLOW_CALL(exit),
		ALLOW_CALL(set_robust_list),
		ALLOW_CALL(rseq),
		ALLOW_CALL(rt_sigprocmask),
		ALLOW_CALL(sched_getaffinity),
		ALLOW_CALL(sched_yield),
		ALLOW_CALL(clock_gettime),
		ALLOW_CALL(gettid),
		ALLOW_CALL(getpid),
		ALLOW_WITHOUT(mmap, 2, PROT_EXEC),
		ALLOW_WITHOUT(mprotect, 2, PROT_EXEC),
		ALLOW_WITH(clone, 0, CLONE_THREAD),
		FAIL_CALL(clone3, ENOSYS), /* its flags are in memory, which a filter cannot read: the C library takes clone then */
		FAIL_CALL(prctl, EPERM),   /* names of threads */
		ALLOW_ON_SOCKET(recvmsg),
		ALLOW_ON_SOCKET(sendto),
		KILL,
	};
	static const struct sock_fprog program = { COUNT_OF(filter), filter };
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}
