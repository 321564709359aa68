/* What every fuzzer has: libFuzzer's entry, and claims that must hold. */
#ifndef KB_TESTS_FUZZ_FUZZ_H
#define KB_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define fuzz_require(claim)                                                    \
	do {                                                                   \
		if (!(claim)) {                                                \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__,     \
				__LINE__, #claim);                             \
			abort();                                               \
		}                                                              \
	} while (0)

#endif
