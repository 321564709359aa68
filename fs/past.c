/*
 * A view of the past lives while the kernel remembers any directory of it; a
 * folder (a partition of such a view) while it remembers the directory or any
 * file in it. So a file needs no row: its number says folder and first offset,
 * and a folder's number is used again only when no file can have it any more.
 *
 * Invariants, under `lock`: a view's `lookups` are those of its directories,
 * and one for each of its folders; a folder's are those of its directory and
 * its files.
 */
#include "fs/past.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/err.h"
#include "fs/hash.h"
#include "fs/ino.h"

struct view {
	struct kb_link by_before;
	struct kb_link by_number;
	uint64_t number;
	int64_t before;
	uint64_t lookups;
};

struct folder {
	struct kb_link by_key;
	struct view *view;
	uint64_t plain;
	uint32_t slot;
	uint64_t lookups;
};

struct kb_past {
	pthread_mutex_t lock;
	struct kb_hash by_before;
	struct kb_hash by_number;
	struct kb_hash by_key;
	uint64_t next;
	struct folder **slots;
	uint32_t *idle; /* slots to be used again */
	uint32_t idle_count;
	uint32_t count;
	uint32_t room;
};

int
kb_past_new(struct kb_past **out)
{
	struct kb_past *p = calloc(1, sizeof(*p));

	if (!p)
		return kb_err(-ENOMEM, "mount: out of memory");
	pthread_mutex_init(&p->lock, NULL);
	*out = p;
	return 0;
}

void
kb_past_free(struct kb_past *p)
{
	struct kb_link *l;

	if (!p)
		return;
	while ((l = kb_hash_any(&p->by_key))) {
		kb_hash_remove(&p->by_key, l);
		free(kb_link_entry(l, struct folder, by_key));
	}
	while ((l = kb_hash_any(&p->by_number))) {
		kb_hash_remove(&p->by_number, l);
		free(kb_link_entry(l, struct view, by_number));
	}
	kb_hash_release(&p->by_before);
	kb_hash_release(&p->by_number);
	kb_hash_release(&p->by_key);
	free(p->slots);
	free(p->idle);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static int
no_memory(void)
{
	return kb_err(-ENOMEM, "mount: out of memory");
}

static int
unknown(uint64_t ino)
{
	return kb_err(-ESTALE, "inode %" PRIx64 ": not known", ino);
}

/* ---- views ---- */

static uint64_t
hash_one(uint64_t v)
{
	return kb_hash_mix(0, v);
}

static struct view *
view_of_time(struct kb_past *p, int64_t before)
{
	struct kb_link *l =
		kb_hash_find(&p->by_before, hash_one((uint64_t)before));

	for (; l; l = kb_hash_next(l)) {
		struct view *v = kb_link_entry(l, struct view, by_before);

		if (v->before == before)
			return v;
	}
	return NULL;
}

static struct view *
view_of_number(struct kb_past *p, uint64_t number)
{
	struct kb_link *l = kb_hash_find(&p->by_number, hash_one(number));

	for (; l; l = kb_hash_next(l)) {
		struct view *v = kb_link_entry(l, struct view, by_number);

		if (v->number == number)
			return v;
	}
	return NULL;
}

static int
add_view(struct kb_past *p, int64_t before, struct view **out)
{
	struct view *v;

	if (p->next == KB_INO_PASTS)
		return kb_err(-ENFILE, "mount: too many views of the past");
	v = calloc(1, sizeof(*v));
	if (!v)
		return no_memory();
	v->before = before;
	v->number = p->next;
	if (kb_hash_add(&p->by_before, &v->by_before,
		    hash_one((uint64_t)before)) < 0) {
		free(v);
		return no_memory();
	}
	if (kb_hash_add(&p->by_number, &v->by_number, hash_one(v->number)) <
		0) {
		kb_hash_remove(&p->by_before, &v->by_before);
		free(v);
		return no_memory();
	}
	p->next++;
	*out = v;
	return 0;
}

static void
forget_view(struct kb_past *p, struct view *v, uint64_t lookups)
{
	v->lookups -= lookups < v->lookups ? lookups : v->lookups;
	if (v->lookups)
		return;
	kb_hash_remove(&p->by_before, &v->by_before);
	kb_hash_remove(&p->by_number, &v->by_number);
	free(v);
}

/* ---- folders ---- */

static uint64_t
hash_key(const struct view *v, uint64_t plain)
{
	return kb_hash_mix(hash_one(v->number), plain);
}

static struct folder *
folder_of(struct kb_past *p, const struct view *v, uint64_t plain)
{
	struct kb_link *l = kb_hash_find(&p->by_key, hash_key(v, plain));

	for (; l; l = kb_hash_next(l)) {
		struct folder *f = kb_link_entry(l, struct folder, by_key);

		if (f->view == v && f->plain == plain)
			return f;
	}
	return NULL;
}

static int
take_slot(struct kb_past *p, uint32_t *out)
{
	if (p->idle_count) {
		*out = p->idle[--p->idle_count];
		return 0;
	}
	if (p->count == KB_INO_FOLDERS)
		return kb_err(-ENFILE,
			"mount: too many directories of the past are in use");
	if (p->count == p->room) {
		uint32_t room = p->room ? 2 * p->room : 16;
		void *slots = reallocarray(p->slots, room, sizeof(*p->slots));
		void *idle;

		if (!slots)
			return no_memory();
		p->slots = slots;
		idle = reallocarray(p->idle, room, sizeof(*p->idle));
		if (!idle)
			return no_memory();
		p->idle = idle;
		p->room = room;
	}
	*out = p->count++;
	return 0;
}

static int
add_folder(
	struct kb_past *p, struct view *v, uint64_t plain, struct folder **out)
{
	struct folder *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return no_memory();
	f->view = v;
	f->plain = plain;
	if (kb_hash_add(&p->by_key, &f->by_key, hash_key(v, plain)) < 0) {
		free(f);
		return no_memory();
	}
	r = take_slot(p, &f->slot);
	if (r < 0) {
		kb_hash_remove(&p->by_key, &f->by_key);
		free(f);
		return r;
	}
	p->slots[f->slot] = f;
	v->lookups++;
	*out = f;
	return 0;
}

static void
forget_folder(struct kb_past *p, struct folder *f, uint64_t lookups)
{
	f->lookups -= lookups < f->lookups ? lookups : f->lookups;
	if (f->lookups)
		return;
	kb_hash_remove(&p->by_key, &f->by_key);
	p->slots[f->slot] = NULL;
	p->idle[p->idle_count++] = f->slot;
	forget_view(p, f->view, 1);
	free(f);
}

static bool
is_folder(uint64_t plain)
{
	return kb_ino_read(plain).kind == KB_INO_IS_PARTITION;
}

/* The folder of a partition's or a file's number; NULL. */
static struct folder *
find_folder(struct kb_past *p, const struct kb_ino *n)
{
	const struct view *v;

	if (n->kind == KB_INO_IS_PAST_FILE)
		return n->ordinal < p->count ? p->slots[n->ordinal] : NULL;
	if (n->kind != KB_INO_IS_PAST_DIR || !is_folder(n->plain))
		return NULL;
	v = view_of_number(p, n->past);
	return v ? folder_of(p, v, n->plain) : NULL;
}

/* ---- numbers ---- */

static int
count_dir(struct kb_past *p, struct view *v, uint64_t plain)
{
	struct folder *f;
	int r = 0;

	if (is_folder(plain)) {
		f = folder_of(p, v, plain);
		if (!f)
			r = add_folder(p, v, plain, &f);
		if (r == 0)
			f->lookups++;
	}
	if (r == 0)
		v->lookups++;
	return r;
}

int
kb_past_dir(
	struct kb_past *p, int64_t before, uint64_t plain, uint64_t *out_ino)
{
	struct view *v;
	int r = 0;

	pthread_mutex_lock(&p->lock);
	v = view_of_time(p, before);
	if (!v)
		r = add_view(p, before, &v);
	if (r == 0) {
		r = count_dir(p, v, plain);
		*out_ino = kb_ino_past_dir(v->number, plain);
		if (r < 0)
			forget_view(p, v, 0);
	}
	pthread_mutex_unlock(&p->lock);
	return r;
}

static int
number(struct kb_past *p, uint64_t dir, int64_t first, uint64_t lookups,
	uint64_t *out_ino)
{
	struct kb_ino n = kb_ino_read(dir);
	struct folder *f;

	pthread_mutex_lock(&p->lock);
	f = find_folder(p, &n);
	if (f) {
		f->lookups += lookups;
		*out_ino = kb_ino_past_file(f->slot, first);
	}
	pthread_mutex_unlock(&p->lock);
	return f ? 0 : unknown(dir);
}

int
kb_past_file(struct kb_past *p, uint64_t dir, int64_t first, uint64_t *out_ino)
{
	return number(p, dir, first, 1, out_ino);
}

int
kb_past_number(
	struct kb_past *p, uint64_t dir, int64_t first, uint64_t *out_ino)
{
	return number(p, dir, first, 0, out_ino);
}

void
kb_past_count(struct kb_past *p, uint64_t ino)
{
	struct kb_ino n = kb_ino_read(ino);
	struct folder *f;

	pthread_mutex_lock(&p->lock);
	f = find_folder(p, &n);
	if (f)
		f->lookups++;
	pthread_mutex_unlock(&p->lock);
}

void
kb_past_forget(struct kb_past *p, uint64_t ino, uint64_t lookups)
{
	struct kb_ino n = kb_ino_read(ino);
	struct folder *f;
	struct view *v = NULL;

	pthread_mutex_lock(&p->lock);
	f = find_folder(p, &n);
	if (n.kind == KB_INO_IS_PAST_DIR)
		v = view_of_number(p, n.past);
	if (f)
		forget_folder(p, f, lookups);
	if (v)
		forget_view(p, v, lookups);
	pthread_mutex_unlock(&p->lock);
}

int
kb_past_find(struct kb_past *p, uint64_t ino, struct kb_past_place *out)
{
	struct kb_ino n = kb_ino_read(ino);
	const struct folder *f;
	const struct view *v = NULL;

	pthread_mutex_lock(&p->lock);
	if (n.kind == KB_INO_IS_PAST_DIR) {
		v = view_of_number(p, n.past);
	} else {
		f = find_folder(p, &n);
		if (f) {
			n.plain = f->plain;
			v = f->view;
		}
	}
	if (v)
		*out = (struct kb_past_place){v->before, n.plain, n.first};
	pthread_mutex_unlock(&p->lock);
	return v ? 0 : unknown(ino);
}
