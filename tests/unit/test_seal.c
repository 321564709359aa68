#include "index/seal.h"

#include <errno.h>
#include <string.h>

#include "index/stack.h"
#include "rows.h"

/* The content of an index file of one commit. */
static void
make_file(struct kb_buf *out)
{
	struct kb_repo repo = {0};
	struct kb_index *x;
	char name[KB_STACK_NAME];

	ck_ok(kb_store_new_memory(&repo.store));
	ck_ok(kb_index_open(&repo, &x));
	rows_commit(x, &rows_orders, 0, 0, 1);
	kb_stack_name(name, 1, &(struct kb_stack_file){1, 1});
	ck_ok(kb_store_read_all(repo.store, name, 1 << 20, out));
	kb_index_close(x);
	kb_store_free(repo.store);
}

/* What the check says of these bytes. */
static int
check(const uint8_t *data, size_t len)
{
	struct kb_blob_writer *w;
	struct kb_store *s;
	int r;

	ck_ok(kb_store_new_memory(&s));
	ck_ok(kb_store_create(s, "index/x", &w));
	ck_ok(kb_blob_write(w, kb_slice_of(data, len)));
	ck_ok(kb_blob_publish(w));
	r = kb_seal_check(s, "index/x");
	kb_store_free(s);
	return r;
}

START_TEST(seal__sees_a_flip_of_every_byte)
{
	struct kb_buf file = {0};

	make_file(&file);
	ck_ok(check(file.data, file.len));
	for (size_t i = 0; i < file.len; i++) {
		file.data[i] ^= (uint8_t)(1 << i % 8);
		ck_assert_int_eq(check(file.data, file.len), -EBADMSG);
		file.data[i] ^= (uint8_t)(1 << i % 8);
	}
	kb_buf_release(&file);
}
END_TEST

START_TEST(seal__sees_a_file_cut_short)
{
	struct kb_buf file = {0};

	make_file(&file);
	for (size_t len = 0; len < file.len; len += 7)
		ck_assert_int_eq(check(file.data, len), -EBADMSG);
	kb_buf_release(&file);
}
END_TEST

struct problems {
	int count;
	char object[KB_NAME_MAX];
};

static void
note(void *ctx, const char *object, const char *sentence)
{
	struct problems *p = ctx;

	ck_assert_ptr_nonnull(strstr(sentence, object));
	strcpy(p->object, object);
	p->count++;
}

STORE_TEST(seal__of_every_file_of_the_stack_is_checked)
{
	struct kb_repo repo = {.store = s};
	struct problems p = {0};
	struct kb_index *x;
	char name[KB_STACK_NAME];

	ck_ok(kb_index_open(&repo, &x));
	for (int i = 0; i < 6; i++)
		rows_commit(x, &rows_orders, 0, ROWS_STEP * i, 1);
	ck_ok(kb_index_check(&repo, note, &p));
	ck_assert_int_eq(p.count, 0);
	kb_stack_name(name, 1, &(struct kb_stack_file){6, 6});
	ck_ok(kb_store_remove(s, name));
	ck_ok(stores_put(s, name, "not what it was"));
	ck_ok(kb_index_check(&repo, note, &p));
	ck_assert_int_eq(p.count, 1);
	ck_assert_str_eq(p.object, name);
	kb_index_close(x);
}

KB_SUITE("seal", seal__sees_a_flip_of_every_byte, seal__sees_a_file_cut_short,
	seal__of_every_file_of_the_stack_is_checked)
