#include "backup/crew.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "suite.h"

#define STRANDS 20
#define TASKS 200

struct strand {
	struct kb_strand strand;
	atomic_int inside; /* tasks of this strand that run now */
	int last;	   /* number of the task that ran last */
	bool wrong;
};

struct task {
	struct kb_task task;
	struct strand *strand;
	int number;
};

static atomic_int done;

static void
run(struct kb_task *task, void *hand)
{
	struct task *t = (struct task *)task;
	struct strand *s = t->strand;

	ck_assert_ptr_nonnull(hand);
	if (atomic_fetch_add(&s->inside, 1) != 0 || t->number != s->last + 1)
		s->wrong = true;
	s->last = t->number;
	atomic_fetch_sub(&s->inside, 1);
	atomic_fetch_add(&done, 1);
	free(t);
}

static atomic_int hands;

static int
make_hand(void **out)
{
	atomic_fetch_add(&hands, 1);
	*out = malloc(1);
	return 0;
}

static void
free_hand(void *hand)
{
	atomic_fetch_sub(&hands, 1);
	free(hand);
}

static const struct kb_crew_hands with_hands = {make_hand, free_hand};

START_TEST(crew__runs_a_strand_in_order_and_one_at_a_time)
{
	static struct strand strands[STRANDS];
	struct kb_crew *c;

	ck_ok(kb_crew_new(4, &with_hands, &c));
	ck_assert_int_eq(hands, 4);
	for (int i = 1; i <= TASKS; i++) {
		for (int s = 0; s < STRANDS; s++) {
			struct task *t = calloc(1, sizeof(*t));

			t->task.run = run;
			t->strand = &strands[s];
			t->number = i;
			kb_crew_post(c, &strands[s].strand, &t->task);
		}
	}
	kb_crew_free(c);
	ck_assert_int_eq(done, STRANDS * TASKS);
	ck_assert_int_eq(hands, 0);
	for (int s = 0; s < STRANDS; s++) {
		ck_assert(!strands[s].wrong);
		ck_assert_int_eq(strands[s].last, TASKS);
	}
}
END_TEST

struct chain {
	struct kb_task task;
	struct kb_crew *crew;
	struct kb_strand strands[2];
	int left;
};

/* A task that posts itself to the other strand. */
static void
post_again(struct kb_task *task, void *hand)
{
	struct chain *c = (struct chain *)task;

	(void)hand;
	atomic_fetch_add(&done, 1);
	if (c->left-- > 0)
		kb_crew_post(c->crew, &c->strands[c->left & 1], &c->task);
}

START_TEST(crew__ends_after_tasks_that_tasks_have_posted)
{
	struct chain c = {.task.run = post_again, .left = 1000};

	ck_ok(kb_crew_new(3, &(struct kb_crew_hands){0}, &c.crew));
	kb_crew_post(c.crew, &c.strands[0], &c.task);
	kb_crew_free(c.crew);
	ck_assert_int_eq(done, 1001);
}
END_TEST

START_TEST(crew__may_be_freed_unused)
{
	struct kb_crew *c;

	ck_ok(kb_crew_new(2, &(struct kb_crew_hands){0}, &c));
	kb_crew_free(c);
	kb_crew_free(NULL);
}
END_TEST

KB_SUITE("crew", crew__runs_a_strand_in_order_and_one_at_a_time,
	crew__ends_after_tasks_that_tasks_have_posted,
	crew__may_be_freed_unused)
