/* The pieces of a system-call filter, written by hand: libseccomp would be the largest part of it. Private to filter.c and
 * filter_more.c. */
#ifndef RENDER_SANDBOX_FILTER_H
#define RENDER_SANDBOX_FILTER_H

#include "render/protocol.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __x86_64__
#define ARCHITECTURE AUDIT_ARCH_X86_64
#define CALLS_END 0x40000000 /* above: those of x32 */
#elif defined __aarch64__
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#define CALLS_END 0x40000000
#else
#error "filter.h: name the architecture's AUDIT_ARCH constant"
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define KILL BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
/* Go on if the loaded word is `value`, else over `skip` instructions. */
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip))
#define ALLOW_CALL(name) UNLESS(SYS_##name, 1), ALLOW
/* Its first argument, the descriptor, is the socket. */
#define ALLOW_ON_SOCKET(name) UNLESS(SYS_##name, 4), LOAD(args[0]), UNLESS(RENDER_SOCKET_FD, 1), ALLOW, KILL
/* First of all: another architecture is killed, and the number of the call is loaded. */
#define FILTER_BEGIN \
	LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0), KILL, LOAD(nr), \
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, CALLS_END, 0, 1), KILL

#endif
