/*
 * ISA-L's function is the bare polynomial: the customary inversion before and
 * after is ours. It takes an int for a length, hence the loop.
 */
#include "format/crc32c.h"

#include <isa-l/crc.h>

#define PIECE ((size_t)1 << 30)

uint32_t
kb_crc32c(struct kb_slice bytes)
{
	uint32_t crc = UINT32_MAX;

	while (bytes.len) {
		size_t n = bytes.len < PIECE ? bytes.len : PIECE;

		/* not const in the library's header, but never written */
		crc = crc32_iscsi((unsigned char *)bytes.data, (int)n, crc);
		bytes.data += n;
		bytes.len -= n;
	}
	return ~crc;
}
