#include "fs/shelf.h"

#include "suite.h"

static struct kb_shelf shelf;

static struct kb_entry *
add(uint64_t number, size_t cost)
{
	struct kb_cache_key key = {1, 2, number};
	struct kb_entry *e = kb_shelf_add(&shelf, &key);

	ck_assert_ptr_nonnull(e);
	e->state = KB_READY;
	ck_ok(kb_buf_put(&e->text, "text", 4));
	kb_shelf_charge(&shelf, e, cost);
	return e;
}

static bool
has(uint64_t number)
{
	struct kb_cache_key key = {1, 2, number};

	return kb_shelf_find(&shelf, &key);
}

static void
setup(void)
{
	shelf = (struct kb_shelf){.budget = 100};
}

START_TEST(shelf__makes_room_from_what_nobody_holds_or_not_at_all)
{
	struct kb_entry *held;

	setup();
	held = add(1, 30);
	kb_shelf_put(&shelf, add(2, 30));
	kb_shelf_put(&shelf, add(3, 30));
	ck_assert(kb_shelf_make_room(&shelf, 10, false));
	ck_assert(has(2));
	ck_assert(!kb_shelf_make_room(&shelf, 71, false));
	ck_assert(has(2) && has(3));
	ck_assert(kb_shelf_make_room(&shelf, 40, false));
	ck_assert(!has(2) && has(3));
	ck_assert_uint_eq(shelf.used, 60);
	ck_assert_uint_eq(shelf.lying, 30);
	ck_assert_uint_eq(shelf.evictions, 1);
	kb_shelf_put(&shelf, held);
	ck_assert_uint_eq(shelf.lying, 60);
	kb_shelf_clear(&shelf);
	ck_assert_uint_eq(shelf.used, 0);
	ck_assert_uint_eq(shelf.lying, 0);
	kb_shelf_release(&shelf);
}
END_TEST

START_TEST(shelf__memory_of_what_was_handed_out_serves_again)
{
	struct kb_entry *e;
	struct kb_buf spare;
	uint8_t *memory;

	setup();
	kb_shelf_put(&shelf, add(1, 10));
	e = add(2, 10);
	memory = e->text.data;
	shelf.budget = 4 * e->text.cap;
	e->served = 4;
	kb_shelf_put(&shelf, e);
	spare = kb_shelf_take_spare(&shelf);
	ck_assert_ptr_eq(spare.data, memory);
	ck_assert_uint_eq(spare.len, 0);
	ck_assert(has(1) && !has(2));
	ck_assert_uint_eq(shelf.evictions, 0);
	kb_buf_release(&spare);
	spare = kb_shelf_take_spare(&shelf);
	ck_assert_ptr_null(spare.data);
	kb_shelf_release(&shelf);
}
END_TEST

START_TEST(shelf__unlisted_entry_goes_with_its_last_holder)
{
	struct kb_entry *e;

	setup();
	e = add(1, 10);
	kb_shelf_hold(&shelf, e);
	kb_shelf_unlist(&shelf, e);
	ck_assert(!has(1));
	kb_shelf_put(&shelf, e);
	ck_assert_uint_eq(shelf.used, 10);
	kb_shelf_put(&shelf, e);
	ck_assert_uint_eq(shelf.used, 0);
	kb_shelf_release(&shelf);
}
END_TEST

START_TEST(shelf__more_than_the_budget_stays_only_while_it_is_held)
{
	struct kb_entry *e;

	setup();
	kb_shelf_put(&shelf, add(1, 50));
	e = add(2, 200);
	ck_assert_uint_eq(shelf.used, 250);
	kb_shelf_put(&shelf, e);
	ck_assert_uint_eq(shelf.used, 0);
	kb_shelf_release(&shelf);
}
END_TEST

KB_SUITE("shelf", shelf__makes_room_from_what_nobody_holds_or_not_at_all,
	shelf__memory_of_what_was_handed_out_serves_again,
	shelf__unlisted_entry_goes_with_its_last_holder,
	shelf__more_than_the_budget_stays_only_while_it_is_held)
