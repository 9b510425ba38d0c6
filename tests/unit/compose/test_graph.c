/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/graph.h"
#include "tests/unit/compose/project.h"

START_TEST(orders)
{
	static const struct {
		const char *services, *order; /* name:level, in order */
	} rows[] = {
		{ "{b: {image: x}, a: {image: x}}", "a:0 b:0 " },
		{ "{a: {image: x, depends_on: [b]}, b: {image: x}}", "b:0 a:1 " },
		{ "{a: {image: x, depends_on: [c, b]}, b: {image: x, depends_on: [d]}, c: {image: x}, "
		  "d: {image: x}}",
		  "d:0 b:1 c:0 a:2 " },
		{ "{a: {image: x, links: ['b:c']}, b: {image: x}}", "b:0 a:1 " },
		{ "{a: {image: x, network_mode: 'service:b'}, b: {image: x}}", "b:0 a:1 " },
		{ "{a: {image: x, depends_on: {b: {condition: service_healthy, required: false}}}, b: "
		  "{image: x, profiles: [p]}}",
		  "a:0 " },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *text = xasprintf("services: %s", rows[i].services);
		auto_project struct project project = { 0 };
		auto_order struct order order = { 0 };
		auto_str struct str got = { 0 };
		struct error err = { 0 };

		ck_assert_msg(load_text(text, &project, &err) == 0, "%s", err.msg);
		ck_assert_int_eq(graph_order(&project, &order, &err), 0);
		for (size_t j = 0; j < order.n; j++)
			str_addf(&got, "%s:%zu ", project.services[order.services[j]].name,
				 order.levels[j]);
		ck_assert_str_eq(got.text, rows[i].order);
	}
}
END_TEST

START_TEST(refuses)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "services:\n  a: {image: x, depends_on: [a]}",
		  "f:2:30: services.a.depends_on.a: a cycle: a -> a" },
		{ "services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [a]}",
		  "f:3:30: services.b.depends_on.a: a cycle: a -> b -> a" },
		{ "services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [c]}\n"
		  "  c: {image: x, links: [d]}\n  d: {image: x, network_mode: 'service:b'}",
		  "f:5:31: services.d.network_mode: a cycle: b -> c -> d -> b" },
		{ "services:\n  a: {image: x, depends_on: {b: {condition: service_healthy}}}\n"
		  "  b: {image: x, healthcheck: {test: [NONE]}}",
		  "f:2:33: services.a.depends_on.b: service 'b' has no health check" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_project struct project project = { 0 };
		struct error err = { 0 };

		ck_assert_int_eq(load_text(rows[i].text, &project, &err), -EINVAL);
		ck_assert_str_eq(err.msg, rows[i].error);
	}
}
END_TEST

/* a needs b, b needs c; d needs nobody. */
START_TEST(closes_over_dependencies)
{
	static const char text[] = "services: {a: {image: x, depends_on: [b]}, b: {image: x, "
				   "depends_on: [c]}, c: {image: x}, d: {image: x}}";
	auto_project struct project project = { 0 };
	struct error err = { 0 };
	bool up[4] = { false, true };
	bool down[4] = { false, true };

	ck_assert_int_eq(load_text(text, &project, &err), 0);
	graph_add_dependencies(&project, up);
	ck_assert(!up[0] && up[1] && up[2] && !up[3]);
	graph_add_dependents(&project, down);
	ck_assert(down[0] && down[1] && !down[2] && !down[3]);
}
END_TEST

/* As deep as a file can be. */
START_TEST(orders_long_chains)
{
	auto_project struct project project = { 0 };
	auto_order struct order order = { 0 };
	auto_str struct str text = { 0 };
	struct error err = { 0 };

	str_add(&text, "services:\n  s0: {image: x}\n");
	for (int i = 1; i < 4000; i++)
		str_addf(&text, "  s%d: {image: x, depends_on: [s%d]}\n", i, i - 1);
	ck_assert_msg(load_text(text.text, &project, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(graph_order(&project, &order, &err), 0);
	ck_assert_uint_eq(order.n, 4000);
	ck_assert_uint_eq(order.levels[3999], 3999);
}
END_TEST

TEST_MAIN("compose/graph", orders, refuses, closes_over_dependencies, orders_long_chains)
