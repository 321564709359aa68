#include "format/crc32c.h"

#include "suite.h"

START_TEST(crc32c__gives_the_published_check_values)
{
	uint8_t b[32] = {0};

	ck_assert_uint_eq(kb_crc32c(kb_slice_str("123456789")), 0xe3069283);
	ck_assert_uint_eq(kb_crc32c(kb_slice_str("")), 0);
	/* RFC 3720 B.4 */
	ck_assert_uint_eq(kb_crc32c(kb_slice_of(b, 32)), 0x8a9136aa);
	memset(b, 0xff, sizeof(b));
	ck_assert_uint_eq(kb_crc32c(kb_slice_of(b, 32)), 0x62a8ab43);
	for (uint8_t i = 0; i < 32; i++)
		b[i] = i;
	ck_assert_uint_eq(kb_crc32c(kb_slice_of(b, 32)), 0x46dd794e);
}
END_TEST

START_TEST(crc32c__agrees_with_bit_by_bit_at_any_alignment)
{
	uint8_t b[300];

	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)(i * 131 + (i >> 3));
	for (size_t from = 0; from < 9; from++) {
		for (size_t len = 0; from + len <= sizeof(b); len += 7) {
			uint32_t crc = UINT32_MAX;

			for (size_t i = from; i < from + len; i++) {
				crc ^= b[i];
				for (int k = 0; k < 8; k++)
					crc = crc >> 1 ^
					      (crc & 1 ? 0x82f63b78 : 0);
			}
			ck_assert_uint_eq(
				kb_crc32c(kb_slice_of(b + from, len)), ~crc);
		}
	}
}
END_TEST

KB_SUITE("crc32c", crc32c__gives_the_published_check_values,
	crc32c__agrees_with_bit_by_bit_at_any_alignment)
