#include "index/walk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "stores.h"

#define ID "AQAAAAAAAAAAAAAAAAAAAA"

struct walked {
	char text[4000];
	int stop_at, count;
};

static int
add(void *ctx, const struct kb_walk_object *o)
{
	static const char *const kinds[] = {
		"segment", "gap", "meta", "run", "unknown"};
	struct walked *w = ctx;
	size_t n = strlen(w->text);
	char *at = w->text + n;
	size_t room = sizeof(w->text) - n;

	if (o->kind == KB_WALK_SEGMENT || o->kind == KB_WALK_GAP)
		snprintf(at, room, "%s %s/%d/%" PRId64 "\n", kinds[o->kind],
			o->topic.name, o->partition, o->start);
	else if (o->kind == KB_WALK_META)
		snprintf(
			at, room, "meta %s %" PRIu64 "\n", o->topic.name, o->n);
	else if (o->kind == KB_WALK_RUN)
		snprintf(at, room, "run %" PRIu64 "\n", o->n);
	else
		snprintf(at, room, "unknown %s\n", o->name);
	return ++w->count == w->stop_at ? -ECANCELED : 0;
}

STORE_TEST(walk__names_every_object)
{
	static const char *const names[] = {"data/a/" ID
					    "/0/00000000000000000010.log",
		"data/a/" ID "/0/00000000000000000000.log",
		"data/a/" ID "/0/00000000000000000000-00000000000000000005.gap",
		"data/a/" ID "/11/00000000000000000000.log",
		"data/b/" ID "/2/00000000000000000003.log",
		"meta/a/" ID "/1.json", "meta/a/" ID "/12.json",
		"meta/c/" ID "/2.json", "runs/3.json", "runs/4.json",
		"kbakfs.json", "index/00000001/x"};
	struct walked w = {0};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		ck_ok(stores_put(s, names[i], "x"));
	ck_ok(kb_walk(s, add, &w));
	ck_assert_str_eq(w.text,
		"run 3\nrun 4\n"
		"meta a 1\nmeta a 12\nmeta c 2\n"
		"gap a/0/0\nsegment a/0/0\nsegment a/0/10\nsegment a/11/0\n"
		"segment b/2/3\n");
	w = (struct walked){.stop_at = 4};
	ck_assert_int_eq(kb_walk(s, add, &w), -ECANCELED);
	ck_assert_int_eq(w.count, 4);
}

STORE_TEST(walk__gives_out_what_means_nothing)
{
	static const char *const names[] = {"data/a/" ID
					    "/0/00000000000000000010.1.log",
		"data/a/" ID "/0/10.log", "data/a/" ID "/01/x",
		"data/a/" ID "/x", "data/a/BQAAAAAAAAAAAAAAAAAAAB/0/y",
		"data/a/short/0/y", "data/file", "meta/a/" ID "/0x.json",
		"meta/file", "runs/3", "runs/d/3.json"};
	struct walked w = {0};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		ck_ok(stores_put(s, names[i], "x"));
	ck_ok(kb_walk(s, add, &w));
	ck_assert_str_eq(w.text,
		"unknown runs/3\nunknown runs/d\n"
		"unknown meta/a/" ID "/0x.json\nunknown meta/file\n"
		"unknown data/a/" ID "/0/00000000000000000010.1.log\n"
		"unknown data/a/" ID "/0/10.log\n"
		"unknown data/a/" ID "/01\nunknown data/a/" ID "/x\n"
		"unknown data/a/BQAAAAAAAAAAAAAAAAAAAB\n"
		"unknown data/a/short\nunknown data/file\n");
}

STORE_TEST(walk__of_nothing_finds_nothing)
{
	struct walked w = {0};

	ck_ok(kb_walk(s, add, &w));
	ck_assert_int_eq(w.count, 0);
}

KB_SUITE("walk", walk__names_every_object, walk__gives_out_what_means_nothing,
	walk__of_nothing_finds_nothing)
