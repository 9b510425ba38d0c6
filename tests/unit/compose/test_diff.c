/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "compose/diff.h"
#include "compose/hash.h"
#include "tests/unit/compose/project.h"

static char *config_text(const struct service *service)
{
	auto_node struct node *config = service_config(service->node);
	auto_json json_t *json = node_to_json(config);

	return json_to_text(json, JSON_COMPACT | JSON_SORT_KEYS);
}

static const char *subject(const struct project *project, const struct action *action)
{
	switch (action->kind) {
	case ACTION_CREATE_NETWORK:
	case ACTION_RECREATE_NETWORK:
		return project->networks[action->index].key;
	case ACTION_CREATE_VOLUME:
		return project->volumes[action->index].key;
	case ACTION_CREATE:
	case ACTION_RECREATE:
	case ACTION_UPDATE:
	case ACTION_START:
	case ACTION_RESTART:
	case ACTION_STOP:
	case ACTION_REMOVE:
		break;
	}
	return action->index == SIZE_MAX ? "?" : project->services[action->index].name;
}

/* "create a.1; recreate b.2 (image, environment.A); " */
static char *dump(const struct project *project, const struct diff *plan)
{
	struct str out = { 0 };

	for (size_t i = 0; i < plan->n; i++) {
		const struct action *action = &plan->actions[i];

		str_addf(&out, "%s %s", action_name(action->kind), subject(project, action));
		if (action->number)
			str_addf(&out, ".%d", action->number);
		for (size_t j = 0; j < action->reasons.n; j++)
			str_addf(&out, "%s%s%s", j ? ", " : " (", action->reasons.items[j],
				 j + 1 == action->reasons.n ? ")" : "");
		str_add(&out, "; ");
	}
	return str_take(&out);
}

/* What exists after an `up` of @project: all as it says, running. */
struct world {
	struct existing containers[20];
	struct existing_thing networks[5], volumes[5];
	char *configs[20];
	size_t n_configs;
	struct diff_input input;
};

static void world_make(struct world *world, const struct project *project)
{
	struct diff_input *in = &world->input;

	*world = (struct world){ 0 };
	for (size_t i = 0; i < project->n_services; i++) {
		const struct service *service = &project->services[i];

		for (int number = 1; number <= service->replicas; number++) {
			char *config = config_text(service);

			world->configs[world->n_configs++] = config;
			world->containers[in->n_containers++] = (struct existing){
				.name = service->name,
				.service = service->name,
				.number = number,
				.is_running = true,
				.hash = service->hash,
				.config = config,
				.image_id = "sha256:1",
			};
		}
	}
	for (size_t i = 0; i < project->n_networks; i++)
		world->networks[in->n_networks++] =
			(struct existing_thing){ project->networks[i].name,
						 project->networks[i].hash };
	for (size_t i = 0; i < project->n_volumes; i++)
		world->volumes[in->n_volumes++] =
			(struct existing_thing){ project->volumes[i].name, NULL };
	in->containers = world->containers;
	in->networks = world->networks;
	in->volumes = world->volumes;
}

static void world_fini(struct world *world)
{
	for (size_t i = 0; i < world->n_configs; i++)
		free(world->configs[i]);
}

static void expect_up(const struct project *project, const struct diff_input *input,
		      const char *wanted)
{
	auto_diff struct diff plan = { 0 };
	auto_free char *got = NULL;
	struct error err = { 0 };

	ck_assert_msg(diff_up(project, input, &plan, &err) == 0, "%s", err.msg);
	got = dump(project, &plan);
	ck_assert_str_eq(got, wanted);
}

static const char shop[] =
	"services:\n"
	"  web: {image: web, depends_on: {api: {condition: service_started, restart: true}}, "
	"networks: [front]}\n"
	"  api: {image: api, scale: 2, environment: {A: 1, B: 2}, mem_limit: 64m, networks: [front], "
	"volumes: ['data:/data']}\n"
	"networks: {front: }\n"
	"volumes: {data: , unused: }\n";

START_TEST(begins_with_nothing)
{
	auto_project struct project project = { 0 };
	const struct diff_input nothing = { 0 };
	struct error err = { 0 };
	bool only_api[] = { true, false };
	const struct diff_input some = { .wanted = only_api };

	ck_assert_int_eq(load_text(shop, &project, &err), 0);
	expect_up(&project, &nothing,
		  "create network front; create volume data; create api.1; create api.2; create "
		  "web.1; ");
	expect_up(&project, &some,
		  "create network front; create volume data; create api.1; create api.2; ");
}
END_TEST

START_TEST(has_nothing_to_do)
{
	auto_project struct project project = { 0 };
	struct error err = { 0 };
	struct world world;

	ck_assert_int_eq(load_text(shop, &project, &err), 0);
	world_make(&world, &project);
	expect_up(&project, &world.input, "");
	/* Without the hash, what it was made of tells the same. */
	for (size_t i = 0; i < world.input.n_containers; i++)
		world.containers[i].hash = NULL;
	expect_up(&project, &world.input, "");
	world_fini(&world);
}
END_TEST

/* One line of the file is another one: what is done, and why. */
START_TEST(says_what_changed)
{
	static const struct {
		const char *old, *now, *plan;
	} rows[] = {
		{ "{image: a}", "{image: b}", "recreate s.1 (image); " },
		{ "{image: a, environment: {A: 1, B: 2, C: 3}}",
		  "{image: a, environment: {A: 2, C: 3, D: 4}}",
		  "recreate s.1 (environment.A, environment.B, environment.D); " },
		{ "{image: a}", "{image: a, environment: [X=1]}",
		  "recreate s.1 (environment.X); " },
		{ "{image: a, command: a}", "{image: a}", "recreate s.1 (command); " },
		{ "{image: a, cpus: 1}", "{image: a, cpus: 2}", "update s.1 (cpus); " },
		{ "{image: a, mem_limit: 1g, restart: always}", "{image: a, pids_limit: 9}",
		  "update s.1 (mem_limit, restart, pids_limit); " },
		{ "{image: a, cpus: 1}", "{image: a, cpus: 2, cpuset: '0'}",
		  "recreate s.1 (cpus, cpuset); " },
		{ "{image: a}", "{image: a, deploy: {resources: {limits: {memory: 1g}}}}",
		  "update s.1 (deploy.resources.limits.memory); " },
		{ "{image: a, ports: ['1:1']}", "{image: a, ports: ['1:1', '2:2']}",
		  "recreate s.1 (ports); " },
		{ "{image: a}", "{image: a, healthcheck: {test: x}, restart: always, labels: [l]}",
		  "recreate s.1 (healthcheck.test, labels.l, restart); " },
		{ "{image: a}", "{image: a, x-on-unhealthy: kill}",
		  "recreate s.1 (x-on-unhealthy); " },
		{ "{image: a, cpus: 1}", "{image: b, cpus: 2}", "recreate s.1 (cpus, image); " },
		{ "{image: a, volumes: ['/a:/b']}", "{image: a, volumes: ['/a:/b:ro']}",
		  "recreate s.1 (volumes); " },
		{ "{image: a, logging: {options: {a: 1}}}",
		  "{image: a, logging: {options: {a: 2}}}", "recreate s.1 (logging.options.a); " },
		/* What is of no concern to a container. */
		{ "{image: a}",
		  "{image: a, profiles: [], expose: [1], build: ., pull_policy: always, x-z: 1, "
		  "deploy: {replicas: 1, update_config: {order: start-first}}}",
		  "" },
		{ "{image: a}", "{image: a, scale: 3}",
		  "create s.2 (scale); create s.3 (scale); " },
		{ "{image: a, scale: 3}", "{image: a}",
		  "remove s.2 (scale); remove s.3 (scale); " },
		{ "{image: a, scale: 2}", "{image: b, scale: 0}",
		  "remove s.1 (scale); remove s.2 (scale); " },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *old = xasprintf("services: {s: %s}", rows[i].old);
		auto_free char *now = xasprintf("services: {s: %s}", rows[i].now);
		auto_project struct project first = { 0 };
		auto_project struct project second = { 0 };
		struct error err = { 0 };
		struct world world;

		ck_assert_msg(load_text(old, &first, &err) == 0, "%s", err.msg);
		ck_assert_msg(load_text(now, &second, &err) == 0, "%s", err.msg);
		world_make(&world, &first);
		expect_up(&second, &world.input, rows[i].plan);
		world_fini(&world);
	}
}
END_TEST

START_TEST(looks_beyond_the_file)
{
	static const char *const images[] = { "sha256:2", "sha256:1" };
	auto_project struct project project = { 0 };
	struct error err = { 0 };
	struct world world;

	ck_assert_int_eq(load_text(shop, &project, &err), 0);
	world_make(&world, &project); /* api.1, api.2, web.1 */

	world.containers[1].is_running = false;
	expect_up(&project, &world.input, "start api.2; ");
	world.containers[1].is_running = true;

	world.input.image_ids = images;
	expect_up(&project, &world.input,
		  "recreate api.1 (the image of that name is another one); recreate api.2 (the "
		  "image of that name is another one); restart web.1 ('api' is recreated); ");
	world.input.recreates_none = true;
	expect_up(&project, &world.input, "");
	world.input.recreates_none = false;
	world.input.image_ids = NULL;

	world.networks[0].hash = "another";
	expect_up(&project, &world.input,
		  "recreate network front; recreate api.1 (network 'front' is made anew); recreate "
		  "api.2 (network 'front' is made anew); recreate web.1 (network 'front' is made "
		  "anew); ");
	world.input.n_networks = 0;
	expect_up(&project, &world.input, "create network front; ");
	world.input.n_networks = 1;
	world.networks[0].hash = NULL;

	world.containers[2].hash = "old";
	world.containers[2].config = NULL;
	expect_up(&project, &world.input, "recreate web.1 (its configuration is not known); ");
	world.containers[2].config = "{broken";
	expect_up(&project, &world.input, "recreate web.1 (its configuration is not known); ");
	world.containers[2].hash = project.services[1].hash;

	world.input.recreates_all = true;
	expect_up(&project, &world.input,
		  "recreate api.1 (it was asked for); recreate api.2 (it was asked for); recreate "
		  "web.1 (it was asked for); ");
	world_fini(&world);
}
END_TEST

/* A container that shares another's network goes with it. */
START_TEST(follows_shared_networks)
{
	static const char *const images[] = { "sha256:2", "sha256:1" };
	auto_project struct project project = { 0 };
	struct error err = { 0 };
	struct world world;

	ck_assert_int_eq(load_text("services: {a: {image: a}, b: {image: b, network_mode: "
				   "'service:a'}}",
				   &project, &err),
			 0);
	world_make(&world, &project);
	world.input.image_ids = images;
	expect_up(
		&project, &world.input,
		"recreate a.1 (the image of that name is another one); recreate b.1 (it is in the "
		"network of 'a', which is recreated); ");
	world_fini(&world);
}
END_TEST

START_TEST(fills_gaps_in_numbers)
{
	auto_project struct project project = { 0 };
	struct error err = { 0 };
	struct world world;

	ck_assert_int_eq(load_text("services: {s: {image: a, scale: 3}}", &project, &err), 0);
	world_make(&world, &project);
	world.containers[0].number = 4;
	world.containers[1].number = 2;
	world.input.n_containers = 2;
	expect_up(&project, &world.input, "create s.1 (scale); ");
	project.services[0].replicas = 1;
	expect_up(&project, &world.input, "remove s.4 (scale); ");
	world_fini(&world);
}
END_TEST

START_TEST(sees_orphans)
{
	auto_project struct project project = { 0 };
	auto_diff struct diff plan = { 0 };
	struct error err = { 0 };
	struct world world;

	ck_assert_int_eq(load_text("services: {s: {image: a}, off: {image: b, profiles: [p]}}",
				   &project, &err),
			 0);
	world_make(&world, &project);
	world.containers[1] =
		(struct existing){ .name = "shop-old-1", .service = "old", .number = 1 };
	world.containers[2] =
		(struct existing){ .name = "shop-off-1", .service = "off", .number = 1 };
	world.input.n_containers = 3;
	ck_assert_int_eq(diff_up(&project, &world.input, &plan, &err), 0);
	ck_assert_uint_eq(plan.n, 0);
	ck_assert_uint_eq(plan.orphans.n, 1);
	ck_assert_str_eq(plan.orphans.items[0], "shop-old-1");
	world.input.removes_orphans = true;
	expect_up(&project, &world.input, "remove ?.1 (its service is gone); ");
	world_fini(&world);
}
END_TEST

START_TEST(ends)
{
	auto_project struct project project = { 0 };
	auto_diff struct diff stop = { 0 };
	auto_diff struct diff down = { 0 };
	auto_free char *stopped = NULL;
	auto_free char *gone = NULL;
	struct error err = { 0 };
	struct world world;

	ck_assert_int_eq(load_text(shop, &project, &err), 0);
	world_make(&world, &project);
	world.containers[0].is_running = false;
	ck_assert_int_eq(diff_stop(&project, &world.input, &stop, &err), 0);
	stopped = dump(&project, &stop);
	ck_assert_str_eq(stopped, "stop web.1; stop api.2; ");
	ck_assert_int_eq(diff_down(&project, &world.input, &down, &err), 0);
	gone = dump(&project, &down);
	ck_assert_str_eq(gone, "remove web.1; remove api.1; remove api.2; ");
	world_fini(&world);
}
END_TEST

TEST_MAIN("compose/diff", begins_with_nothing, has_nothing_to_do, says_what_changed,
	  looks_beyond_the_file, follows_shared_networks, fills_gaps_in_numbers, sees_orphans, ends)
