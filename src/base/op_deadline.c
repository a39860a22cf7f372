/* One number a thread. */
#include "base/op_deadline.h"

#include "base/clock.h"

static _Thread_local int64_t deadline_ms;

void op_deadline_set(int64_t at_ms)
{
	deadline_ms = at_ms;
}

int64_t op_deadline_clamp(int64_t at_ms)
{
	return deadline_ms != 0 && deadline_ms < at_ms ? deadline_ms : at_ms;
}

bool op_deadline_passed(void)
{
	return deadline_ms != 0 && deadline_ms <= clock_mono_ms();
}
