/* CRC-32C (Castagnoli, RFC 3720 B.4), by ISA-L: hardware where there is. */
#ifndef KB_FORMAT_CRC32C_H
#define KB_FORMAT_CRC32C_H

#include <stdint.h>

#include "common/buf.h"

/* Of "123456789": 0xe3069283. */
uint32_t
kb_crc32c(struct kb_slice bytes);

#endif
