/* What Debian's static libexpat requires of a glibc newer than the one on provided.al2023. Only in the
 * program that is built for there. */
#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>

void arc4random_buf(void *p, size_t n);

void arc4random_buf(void *p, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t got = getrandom((char *)p + done, n - done, 0);
		if (got < 0)
			abort();
		done += (size_t)got;
	}
}
