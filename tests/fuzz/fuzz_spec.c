/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "runtime/plan.h"
#include "runtime/seccomp.h"
#include "runtime/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_set_level(LOG_LEVEL_ERROR);
	return 0;
}

static void must(bool is_true)
{
	if (!is_true)
		abort();
}

/* What init relies on without looking again. */
static void check_plan(const struct plan *plan)
{
	must(plan->rootfs && plan->rootfs[0] == '/');
	must(plan->spec->process.args.n > 0);
	must(plan->spec->process.uid != UINT32_MAX && plan->spec->process.gid != UINT32_MAX);
	for (size_t i = 0; i < plan->n_mounts; i++) {
		const struct plan_mount *m = &plan->mounts[i];
		auto_free char *clean = path_clean(m->destination);

		must(m->destination[0] == '/' && m->destination[1] != '\0');
		must(strcmp(clean, m->destination) == 0);
		must(!path_is_below(m->destination, "/proc/self"));
		must(!m->options.is_bind || (m->source && m->source[0] == '/'));
	}
	for (size_t i = 0; i < plan->n_sysctls; i++)
		must(plan->sysctls[i].path[0] != '/' && !strstr(plan->sysctls[i].path, ".."));
	must((plan->caps.effective & ~plan->caps.permitted) == 0);
}

/* As the kernel checks a program before it takes it. */
static void check_program(const struct seccomp_program *p)
{
	must(p->n > 0 && p->filter[p->n - 1].code == (BPF_RET | BPF_K));
	for (size_t i = 0; i < p->n; i++) {
		const struct sock_filter *f = &p->filter[i];

		if (BPF_CLASS(f->code) != BPF_JMP)
			continue;
		if (BPF_OP(f->code) == BPF_JA)
			must(f->k < p->n - i - 1);
		else
			must(i + 1 + f->jt < p->n && i + 1 + f->jf < p->n);
	}
}

/* config.json of a bundle, and a seccomp profile. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct dir no_cache = { .fd = -1, .path = "" };
	auto_json_doc struct json_doc doc = { 0 };
	struct seccomp_program program = { 0 };
	struct spec_seccomp profile = { 0 };
	struct strv caps = { 0 };
	struct spec spec = { 0 };
	struct error err = { 0 };
	struct plan plan;

	if (json_doc_parse(&doc, "config.json", (const char *)data, size, &err) < 0)
		return 0;
	if (spec_read(&doc, &spec, &err) == 0) {
		if (plan_make(&spec, "/bundle", &plan, &err) == 0) {
			check_plan(&plan);
			plan_fini(&plan);
		}
		if (spec.seccomp.is_given &&
		    seccomp_program_get(&spec.seccomp, &no_cache, &program, &err) == 0)
			check_program(&program);
		seccomp_program_fini(&program);
		spec_fini(&spec);
	}
	if (spec_seccomp_read(&doc, &caps, &profile, &err) == 0)
		spec_seccomp_fini(&profile);
	return 0;
}
