/* The filter of tintype-render: one thread that reads its picture and answers. See sandbox.h. */
#include "render/sandbox/filter.h"
#include "render/sandbox/sandbox.h"

bool sandbox_filter(void)
{
	static struct sock_filter filter[] = {
		FILTER_BEGIN,
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
