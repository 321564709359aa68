/*
 * What a broker may answer, to every decoder but those of Fetch and Produce
 * (fuzz_answer.c). The first byte chooses the request, the second its version,
 * the rest is the answer.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/cursor.h"
#include "kafka/metadata.h"
#include "kafka/offsets.h"
#include "kafka/versions.h"
#include "kafka/wire.h"
#include "tests/fuzz/fuzz.h"

#define TOPIC "fuzz"
#define PARTITION 0

static bool
is_inside(struct kb_slice part, struct kb_slice whole)
{
	if (!part.data)
		return part.len == 0;
	return part.data >= whole.data &&
	       part.data + part.len <= whole.data + whole.len;
}

static void
versions(struct kb_slice answer)
{
	struct kb_versions v;
	int16_t error;
	int r = kb_versions_answer_read(answer, &error, &v);

	fuzz_require(r == 0 || r == -EBADMSG);
}

static void
metadata_partitions(const struct kb_metadata_topic *t)
{
	for (size_t i = 0; i < t->partition_count; i++) {
		fuzz_require(t->partitions[i].partition >= 0);
		fuzz_require(t->partitions[i].replicas >= 0);
		fuzz_require(i == 0 || t->partitions[i - 1].partition <
					       t->partitions[i].partition);
	}
}

static void
metadata(struct kb_slice answer, int version)
{
	static const char *const names[] = {TOPIC, "another"};
	struct kb_metadata_answer a;
	struct kb_metadata *m;
	int r = kb_metadata_answer_read(answer, version, &a);

	fuzz_require(r == 0 || r == -EBADMSG);
	if (r < 0)
		return;
	m = a.metadata;
	fuzz_require(a.node_count <= answer.len);
	for (size_t i = 0; i < a.node_count; i++)
		fuzz_require(a.nodes[i].host != NULL);
	for (size_t i = 0; i < m->topic_count; i++) {
		fuzz_require(kb_metadata_find(m, m->topics[i].name) ==
			     &m->topics[i]);
		metadata_partitions(&m->topics[i]);
	}
	fuzz_require(kb_metadata_select(m, names, 2) == 0);
	fuzz_require(m->topic_count == 2);
	kb_metadata_answer_release(&a);
}

static void
list_offsets(struct kb_slice answer)
{
	struct kb_question q = {.topic = TOPIC, .partition = PARTITION};
	struct kb_question *const one[] = {&q};
	int r = kb_list_offsets_answer_read(answer, one, 1);

	fuzz_require(r == -EBADMSG || (r == 0 && q.answered));
}

static void
epoch_end(struct kb_slice answer)
{
	struct kb_question q = {.topic = TOPIC, .partition = PARTITION};
	struct kb_question *const one[] = {&q};
	int r = kb_epoch_end_answer_read(answer, one, 1);

	fuzz_require(r == -EBADMSG || (r == 0 && q.answered));
}

static void
init_producer_id(struct kb_slice answer)
{
	int16_t error, epoch;
	int64_t id;
	int r = kb_init_producer_id_answer_read(answer, &error, &id, &epoch);

	fuzz_require(r == 0 || r == -EBADMSG);
}

/* The primitives, one after the other. */
static void
primitives(struct kb_slice answer, bool flexible)
{
	struct kb_cursor c = kb_cursor_of(answer);

	while (!c.bad && kb_cursor_left(&c) > 0) {
		size_t count = kb_wire_array(&c, flexible, 3);

		fuzz_require(count * 3 <= kb_cursor_left(&c));
		fuzz_require(is_inside(kb_wire_string(&c, flexible), answer));
		kb_wire_tags(&c, flexible);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kb_slice answer = {data + 2, size - 2};

	if (size < 2)
		return 0;
	switch (data[0] % 6) {
	case 0:
		versions(answer);
		break;
	case 1:
		metadata(answer, kb_metadata_version(data[1] % 13));
		break;
	case 2:
		list_offsets(answer);
		break;
	case 3:
		epoch_end(answer);
		break;
	case 4:
		init_producer_id(answer);
		break;
	default:
		primitives(answer, data[1] % 2);
	}
	return 0;
}
