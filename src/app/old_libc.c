/* What Debian's static libexpat requires of a glibc newer than 2.34. Only in the programs that are built to run on it: that of
 * Lambda's provided.al2023, and that of a release. */
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
