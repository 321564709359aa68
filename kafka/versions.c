/*
 * Version 0 is the one layout that every broker answers with, even to a
 * version that it does not know. Kept as a table by key: no allocation.
 */
#include "kafka/versions.h"

#include <errno.h>

#include "common/err.h"
#include "kafka/wire.h"

int
kb_versions_answer_read(
	struct kb_slice answer, int16_t *out_error, struct kb_versions *out)
{
	struct kb_cursor c = kb_cursor_of(answer);
	int16_t error = kb_cursor_i16(&c);
	size_t count = kb_wire_array(&c, false, 6);

	for (size_t i = 0; i < KB_VERSIONS_KEYS; i++) {
		out->api[i].min = 0;
		out->api[i].max = -1;
	}
	for (; count > 0; count--) {
		int16_t key = kb_cursor_i16(&c);
		int16_t min = kb_cursor_i16(&c);
		int16_t max = kb_cursor_i16(&c);

		if (c.bad || error || key < 0 || key >= KB_VERSIONS_KEYS)
			continue;
		out->api[key].min = min;
		out->api[key].max = max;
	}
	if (c.bad)
		return kb_err(-EBADMSG,
			"ApiVersions: an answer of %zu bytes is malformed",
			answer.len);
	*out_error = error;
	return 0;
}
