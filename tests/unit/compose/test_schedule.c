/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/schedule.h"
#include "tests/unit/compose/project.h"

#define STACK                                                                \
	"name: shop\n"                                                       \
	"services:\n"                                                        \
	"  db: {image: i}\n"                                                 \
	"  job: {image: i, depends_on: [db]}\n"                              \
	"  web: {image: i, depends_on: {job: {condition: "                   \
	"service_completed_successfully}}}\n"                                \
	"  side: {image: i, depends_on: {job: {condition: service_started, " \
	"required: false}}}\n"

/* An action of @kind for each service. */
static void make_plan(const struct project *project, enum action_kind kind, struct diff *plan)
{
	plan->actions = xcalloc(project->n_services + 1, sizeof(*plan->actions));
	plan->n = project->n_services;
	for (size_t i = 0; i < plan->n; i++)
		plan->actions[i] = (struct action){ .kind = kind, .index = i, .number = 1 };
}

static size_t index_of(const struct schedule *s, const char *name)
{
	return (size_t)project_find(s->project, name);
}

/* The names of all that may begin, "db "; they run then. */
static char *begin(struct schedule *s)
{
	struct str names = { 0 };
	struct task *task;

	while ((task = schedule_next(s)))
		str_addf(&names, "%s ", s->project->services[task->action->index].name);
	return str_take(&names);
}

static void expect(struct schedule *s, const char *wanted)
{
	auto_free char *names = begin(s);

	ck_assert_str_eq(names, wanted);
}

static void end(struct schedule *s, const char *name, enum task_state state)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->tasks[i].action->index == index_of(s, name)) {
			ck_assert_int_eq(s->tasks[i].state, TASK_RUNNING);
			s->tasks[i].state = state;
		}
	}
}

static enum task_state state_of(const struct schedule *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->tasks[i].action->index == index_of(s, name))
			return s->tasks[i].state;
	}
	ck_abort_msg("no task of %s", name);
}

#define BEGIN(is_down, kind)                                                 \
	auto_project struct project project = { 0 };                         \
	auto_diff struct diff plan = { 0 };                                  \
	auto_schedule struct schedule s = { 0 };                             \
	struct error err = { 0 };                                            \
                                                                             \
	ck_assert_msg(load_text(STACK, &project, &err) == 0, "%s", err.msg); \
	make_plan(&project, kind, &plan);                                    \
	schedule_make(&project, &plan, is_down, &s)

START_TEST(services_begin_behind_what_they_wait_for)
{
	BEGIN(false, ACTION_CREATE);
	expect(&s, "db ");
	expect(&s, "");
	ck_assert(!schedule_has_started(&s, index_of(&s, "db")));
	end(&s, "db", TASK_DONE);
	ck_assert(schedule_has_started(&s, index_of(&s, "db")));
	expect(&s, "job ");
	end(&s, "job", TASK_DONE);
	ck_assert(schedule_wants(&s, index_of(&s, "job"), CONDITION_COMPLETED));
	ck_assert(!schedule_wants(&s, index_of(&s, "job"), CONDITION_HEALTHY));
	ck_assert(!schedule_wants(&s, index_of(&s, "db"), CONDITION_COMPLETED));
	expect(&s, "side ");
	s.facts[index_of(&s, "job")].has_completed = FACT_TRUE;
	expect(&s, "web ");
	ck_assert(!schedule_wants(&s, index_of(&s, "job"), CONDITION_COMPLETED));
	ck_assert(!schedule_is_over(&s));
	end(&s, "web", TASK_DONE);
	end(&s, "side", TASK_DONE);
	ck_assert(schedule_is_over(&s));
}
END_TEST

START_TEST(what_cannot_be_is_skipped)
{
	BEGIN(false, ACTION_CREATE);
	expect(&s, "db ");
	end(&s, "db", TASK_FAILED);
	/* What is not required is in nobody's way. */
	expect(&s, "side ");
	ck_assert_int_eq(state_of(&s, "job"), TASK_SKIPPED);
	ck_assert_int_eq(state_of(&s, "web"), TASK_SKIPPED);
	end(&s, "side", TASK_DONE);
	ck_assert(schedule_is_over(&s));
}
END_TEST

START_TEST(a_condition_that_is_not_met_is_a_failure)
{
	BEGIN(false, ACTION_CREATE);
	expect(&s, "db ");
	end(&s, "db", TASK_DONE);
	expect(&s, "job ");
	end(&s, "job", TASK_DONE);
	s.facts[index_of(&s, "job")].has_completed = FACT_FALSE;
	expect(&s, "side ");
	ck_assert_int_eq(state_of(&s, "web"), TASK_SKIPPED);
}
END_TEST

START_TEST(the_way_down_is_the_other_way_round)
{
	BEGIN(true, ACTION_STOP);
	expect(&s, "side web ");
	end(&s, "web", TASK_DONE);
	expect(&s, "");
	end(&s, "side", TASK_FAILED);
	expect(&s, "job ");
	end(&s, "job", TASK_DONE);
	expect(&s, "db ");
}
END_TEST

START_TEST(on_the_way_down_what_has_ended_long_ago_is_no_gap)
{
	BEGIN(true, ACTION_STOP);
	/* The task of job is nobody's: it is as if there was none. */
	for (size_t i = 0; i < plan.n; i++) {
		if (plan.actions[i].index == index_of(&s, "job"))
			plan.actions[i].index = SIZE_MAX;
	}
	ck_assert_ptr_nonnull(schedule_next(&s));
	ck_assert_ptr_nonnull(schedule_next(&s));
	ck_assert_ptr_nonnull(schedule_next(&s));
	ck_assert_ptr_null(schedule_next(&s));
	ck_assert_int_eq(state_of(&s, "db"), TASK_WAITING);
}
END_TEST

START_TEST(who_has_waited_long_enough_ends)
{
	BEGIN(true, ACTION_REMOVE);
	expect(&s, "side web ");
	schedule_force(&s, index_of(&s, "db"));
	expect(&s, "db ");
	schedule_cancel(&s);
	ck_assert_int_eq(state_of(&s, "job"), TASK_SKIPPED);
	expect(&s, "");
}
END_TEST

START_TEST(health_may_come_and_go)
{
	auto_project struct project project = { 0 };
	auto_diff struct diff plan = { 0 };
	auto_schedule struct schedule s = { 0 };
	struct error err = { 0 };
	struct service_facts *db, *slow;

	ck_assert_msg(load_text("name: shop\n"
				"services:\n"
				"  db: {image: i}\n"
				"  slow: {image: i}\n"
				"  web: {image: i, depends_on: {db: {condition: service_healthy}, "
				"slow: {condition: service_healthy, required: false}}}\n",
				&project, &err) == 0,
		      "%s", err.msg);
	make_plan(&project, ACTION_CREATE, &plan);
	schedule_make(&project, &plan, false, &s);
	db = &s.facts[index_of(&s, "db")];
	slow = &s.facts[index_of(&s, "slow")];
	expect(&s, "db slow ");
	end(&s, "db", TASK_DONE);
	end(&s, "slow", TASK_DONE);
	ck_assert(schedule_wants(&s, index_of(&s, "db"), CONDITION_HEALTHY));
	ck_assert(schedule_needs(&s, index_of(&s, "db"), CONDITION_HEALTHY));
	ck_assert(schedule_wants(&s, index_of(&s, "slow"), CONDITION_HEALTHY));
	ck_assert(!schedule_needs(&s, index_of(&s, "slow"), CONDITION_HEALTHY));
	db->is_healthy = FACT_TRUE;
	expect(&s, "");
	db->is_healthy = FACT_UNKNOWN;
	slow->is_healthy = FACT_FALSE;
	expect(&s, "");
	db->is_healthy = FACT_TRUE;
	expect(&s, "web ");
	ck_assert(!schedule_wants(&s, index_of(&s, "db"), CONDITION_HEALTHY));
}
END_TEST

TEST_MAIN("compose/schedule", services_begin_behind_what_they_wait_for, what_cannot_be_is_skipped,
	  a_condition_that_is_not_met_is_a_failure, the_way_down_is_the_other_way_round,
	  on_the_way_down_what_has_ended_long_ago_is_no_gap, who_has_waited_long_enough_ends,
	  health_may_come_and_go)
