/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>

#include <check.h>

/*
 * What the kernel would answer: runs a classic BPF program on a system call.  Only what seccomp
 * filters are made of; anything else fails the test, as does a jump out of the program.  (Check's
 * assertions write a file each time: too slow for what is done a million times.)
 */
static inline bool bpf_jumps(const struct sock_filter *f, uint32_t a)
{
	switch (BPF_OP(f->code)) {
	case BPF_JEQ:
		return a == f->k;
	case BPF_JGT:
		return a > f->k;
	case BPF_JGE:
		return a >= f->k;
	case BPF_JSET:
		return (a & f->k) != 0;
	default:
		ck_abort_msg("jump %#x", f->code);
	}
}

static inline uint32_t bpf_run(const struct sock_filter *filter, size_t n,
			       const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < n; pc++) {
		const struct sock_filter *f = &filter[pc];

		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (f->k > sizeof(*data) - sizeof(a))
				ck_abort_msg("load from %u", f->k);
			memcpy(&a, (const char *)data + f->k, sizeof(a));
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= f->k;
			break;
		case BPF_JMP | BPF_JA:
			pc += f->k;
			break;
		case BPF_RET | BPF_K:
			return f->k;
		default:
			if (BPF_CLASS(f->code) != BPF_JMP || BPF_SRC(f->code) != BPF_K)
				ck_abort_msg("instruction %#x", f->code);
			pc += bpf_jumps(f, a) ? f->jt : f->jf;
		}
	}
	ck_abort_msg("the program has no end");
}
