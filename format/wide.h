/* Loops over bytes that a compiler turns into wide instructions. */
#ifndef KB_FORMAT_WIDE_H
#define KB_FORMAT_WIDE_H

/*
 * Before a function: it is built for AVX2 as well, and the machine chooses. A
 * resolver that runs before a sanitizer is up would crash, so not there.
 */
#if defined(__x86_64__) && !defined(__clang__) &&                              \
	!defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define KB_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define KB_WIDE
#endif

#endif
