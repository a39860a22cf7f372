/* The calls of a fake are numbered; a trap waits for one number. See trap.h. */
#include "fake/trap.h"

#include <assert.h>

static void lock(struct trap *t)
{
	int rc = pthread_mutex_lock(&t->lock);
	assert(rc == 0);
	(void)rc;
}

static void unlock(struct trap *t)
{
	int rc = pthread_mutex_unlock(&t->lock);
	assert(rc == 0);
	(void)rc;
}

void trap_init(struct trap *t)
{
	*t = (struct trap){ 0 };
	int rc = pthread_mutex_init(&t->lock, NULL);
	assert(rc == 0);
	(void)rc;
}

void trap_deinit(struct trap *t)
{
	pthread_mutex_destroy(&t->lock);
}

void trap_fail(struct trap *t, uint64_t n, enum fault_code code)
{
	lock(t);
	t->fail_at = n == 0 ? 0 : t->calls + n;
	t->fail_code = code;
	unlock(t);
}

void trap_lose(struct trap *t, uint64_t n, enum fault_code code)
{
	lock(t);
	t->lose_at = n == 0 ? 0 : t->calls + n;
	t->lose_code = code;
	unlock(t);
}

void trap_meet(struct trap *t, uint64_t n, void (*meet)(void *arg), void *arg)
{
	lock(t);
	t->meet_at = n == 0 ? 0 : t->calls + n;
	t->meet = meet;
	t->meet_arg = arg;
	unlock(t);
}

uint64_t trap_calls(struct trap *t)
{
	lock(t);
	uint64_t calls = t->calls;
	unlock(t);
	return calls;
}

enum status trap_enter(struct trap *t, struct fault *why)
{
	lock(t);
	uint64_t mine = ++t->calls;
	if (mine == t->meet_at) {
		void (*meet)(void *) = t->meet;
		void *arg = t->meet_arg;
		t->meet_at = 0;
		unlock(t);
		meet(arg);
		lock(t);
	}
	if (mine == t->fail_at) {
		enum fault_code code = t->fail_code;
		t->fail_at = 0;
		unlock(t);
		return fault_write(why, code, "made to fail");
	}
	t->losing = mine == t->lose_at;
	return OK;
}

enum status trap_leave(struct trap *t, enum status end, struct fault *why)
{
	bool lost = t->losing && end == OK;
	enum fault_code code = t->lose_code;
	if (t->losing)
		t->lose_at = 0;
	t->losing = false;
	unlock(t);
	if (lost)
		return fault_write(why, code, "made to lose its answer");
	return end;
}
