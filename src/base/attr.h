/* Short names for compiler attributes, and the few macros that every file may use. */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#include <assert.h> /* states what must hold, in release builds too; every file may */
#include <stddef.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define NONNULL __attribute__((returns_nonnull))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
